"""What may be logged, shown or kept: everything but secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from flowlaunch._core.messages import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HIDDEN: Final = "[redacted]"
SHORTEST_SECRET: Final = 4
"""Shorter ones are not looked for: they would blot out words."""
SECRET_HEADERS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})
_NAMES: Final = (
    r"access_token|refresh_token|id_token|client_secret|clientsecret|password|passwd|secret|assertion|code_verifier|"
    r"api_key|apikey|authorization"
)
_JSON_PAIR: Final = re.compile(rf'("(?:{_NAMES})"\s*:\s*")((?:[^"\\]|\\.)*)', re.IGNORECASE)
_JSON_OTHER: Final = re.compile(rf'("(?:{_NAMES})"\s*:\s*)(?!")[^\s,}}][^,}}]*', re.IGNORECASE)
_FORM_PAIR: Final = re.compile(rf"(\b(?:{_NAMES}|code)=)([^&\s\"']+)", re.IGNORECASE)
_SCHEME: Final = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{4,}", re.IGNORECASE)
_USERINFO: Final = re.compile(r"(://)[^/@\s]+@")


def redact_text(text: str) -> str:
    """Return `text` without what looks like a secret."""
    text = _JSON_PAIR.sub(rf"\g<1>{HIDDEN}", text)
    text = _JSON_OTHER.sub(rf"\g<1>{HIDDEN}", text)
    text = _FORM_PAIR.sub(rf"\g<1>{HIDDEN}", text)
    text = _SCHEME.sub(rf"\g<1> {HIDDEN}", text)
    return _USERINFO.sub(rf"\g<1>{HIDDEN}@", text)


def scrubbed(response: Response, secrets: Iterable[str]) -> Response:
    """Return `response` without the known `secrets`: a service may write back what it was sent."""
    text = "".join(response.headers.values())
    known = [secret for secret in secrets if len(secret) >= SHORTEST_SECRET]
    if not any(secret.encode() in response.body or secret in text for secret in known):
        return response
    headers, body = dict(response.headers), response.body
    for secret in known:
        headers = {name: value.replace(secret, HIDDEN) for name, value in headers.items()}
        body = body.replace(secret.encode(), HIDDEN.encode())
    return Response(response.status, headers, body)


def redact_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return `headers` with the values of secret ones hidden."""
    return {name: HIDDEN if name.lower() in SECRET_HEADERS else value for name, value in headers.items()}
