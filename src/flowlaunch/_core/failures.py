"""From a refused answer to the error that names its cause and cure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from flowlaunch._core.redact import redact_text
from flowlaunch.errors import (
    ApiError,
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    NotSentError,
    PermissionDeniedError,
    RateLimitedError,
    ReplyLostError,
    ServerError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch._core.messages import Call, Lost, Response

BODY_CHARS: Final = 2_000
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding an answer may raise: broken JSON or the wrong shape, text that is not UTF-8, endless nesting."""
_TAG: Final = re.compile(r"<[^>]{0,500}>")
_RETRY_SENTENCE: Final = re.compile(r"Retry the request in \[?(\d{1,6})\]? seconds", re.IGNORECASE)

_BY_STATUS: Final[dict[int, type[ApiError]]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
}

_HINTS: Final[dict[int, str]] = {
    400: "Read the service's message above; `flowlaunch check FLOW -i key=value` tests input data without launching.",
    404: "Check the id, the region, and that the client's role covers the division it lives in.",
    405: "The service does not do this to this kind of object; check that the flow is a workflow.",
    409: "Something else is being done to it: look at it in Architect, then try again.",
    410: "The flow was deleted; launch the one that replaced it.",
    413: "Make the input data smaller: pass an id and let the flow fetch the rest.",
    415: "The service did not take JSON: check that the base URL names the API and that no proxy rewrites requests.",
}
_OTHER_HINT: Final = "Read the service's message above; Genesys support can look up the correlation id."


class ErrorBody(msgspec.Struct):
    """The platform's error body, as far as it is read; every field may be missing."""

    message: Any = None
    code: Any = None
    contextId: Any = None  # noqa: N815 - the wire's spelling
    error: Any = None
    error_description: Any = None
    description: Any = None


def read_error_body(response: Response) -> ErrorBody:
    """Read an error body leniently: HTML, nothing or the wrong shape give an empty one."""
    try:
        return msgspec.json.decode(response.body, type=ErrorBody)
    except UNREADABLE:
        return ErrorBody()


def retry_after_s(response: Response) -> float | None:
    """Tell how long the service wants to be left alone, in seconds, or None when it does not say.

    Source: Retry-After in whole seconds on every 429 (official); the sentence in the body says the same; the
    `inin-ratelimit-reset` header is retired (official) but still shown in samples. A gateway may name an instant
    instead (HTTP allows it); it counts from the answer's own Date, so that our clock's error does not matter.
    """
    for name in ("retry-after", "inin-ratelimit-reset"):
        text = response.headers.get(name, "").strip()
        if text.isdecimal():
            return float(text)
    until_s = _seconds_between(response.headers.get("date", ""), response.headers.get("retry-after", ""))
    if until_s is not None:
        return max(0.0, until_s)
    found = _RETRY_SENTENCE.search(str(read_error_body(response).message or ""))
    return float(found[1]) if found else None


def _seconds_between(earlier: str, later: str) -> float | None:
    """Tell the seconds from one HTTP date to another, or None when either is none."""
    if not earlier or not later:
        return None
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - hardly ever needed, and slow to load

    try:
        return (parsedate_to_datetime(later) - parsedate_to_datetime(earlier)).total_seconds()
    except (TypeError, ValueError):  # TypeError: one of them has no time zone
        return None


def answer_facts(response: Response) -> dict[str, Any]:
    """Return what every error about an answer keeps of it, as the keyword arguments of its class."""
    body = read_error_body(response)
    return {
        "status": response.status,
        "server_code": _text(body.code or body.error),
        "correlation_id": response.correlation_id or _text(body.contextId),
        "body": shown_body(response),
    }


def api_error(call: Call, response: Response) -> ApiError:
    """Build the error for a refused `call`."""
    body = read_error_body(response)
    facts: dict[str, Any] = {"operation": call.operation.title, **answer_facts(response)}
    message = _message(call, response, body, facts)
    if response.status == 429:
        return RateLimitedError(message, retry_after_s=retry_after_s(response), hint=_rate_hint(response), **facts)
    kind = _BY_STATUS.get(response.status) or (ServerError if response.status >= 500 else InvalidRequestError)
    return kind(message, hint=_hint(call, response), **facts)


def lost_error(call: Call, lost: Lost) -> NotSentError | ReplyLostError:
    """Build the error for a read, or an unsent launch, that got no answer."""
    what = f"could not {call.operation.title}{_about(call)}"
    if lost.request_left:
        hint = _TLS_ENDED_HINT if lost.kind == "tls" else None
        return ReplyLostError(f"{what}: the answer was lost ({lost.reason})", hint=hint, details={"kind": lost.kind})
    hint = _LOST_HINTS.get(lost.kind)
    return NotSentError(f"{what}: nothing was sent ({lost.reason})", hint=hint, details={"kind": lost.kind})


_TLS_ENDED_HINT: Final = (
    "The server ended the TLS session: it may want a client certificate (client_cert_file, FLOWLAUNCH_CLIENT_CERT)."
)
_LOST_HINTS: Final[dict[str, str]] = {
    "certificate": "Give the CA that signed the server's certificate (ca_file, FLOWLAUNCH_CA_FILE); "
    "flowlaunch never turns verification off.",
    "proxy": "Check the proxy's address and credentials (HTTPS_PROXY, NO_PROXY or the proxy setting).",
    "dns": "Check the region's spelling and the name server: the host name could not be resolved.",
}


def shown_body(response: Response) -> str:
    """Return an answer's body as text that may be shown: shortened, secrets out, markup out of HTML."""
    text = response.body[: BODY_CHARS * 4].decode("utf-8", "replace")
    if "html" in response.headers.get("content-type", "").lower() or text.lstrip()[:1] == "<":
        text = " ".join(_TAG.sub(" ", text).split())
    return redact_text(text[:BODY_CHARS])


def _message(call: Call, response: Response, body: ErrorBody, facts: dict[str, Any]) -> str:
    said = _text(body.message or body.error_description or body.description)
    if not said:
        said = facts["body"][:200] or "the answer had no body"
    code = f" {facts['server_code']}" if facts["server_code"] else ""
    trace = f", correlation id {facts['correlation_id']}" if facts["correlation_id"] else ""
    return f"could not {call.operation.title}{_about(call)}: {redact_text(said)} (HTTP {response.status}{code}{trace})"


def _about(call: Call) -> str:
    return f" {call.subject}" if call.subject else ""


def _hint(call: Call, response: Response) -> str | None:
    special: Callable[[Call], str] | None = _SPECIAL_HINTS.get(response.status)
    if special is not None:
        return special(call)
    if 300 <= response.status < 400:
        where = redact_text(response.headers.get("location", "elsewhere"))
        return f"The host redirects to {where}: set the region or base URL to the API itself."
    return _HINTS.get(response.status, None if response.status >= 500 else _OTHER_HINT)


def _permission_hint(call: Call) -> str | None:
    right = call.operation.right
    if not right:
        return None
    return f"Give the OAuth client a role that holds {right}, in the flow's division; then sign in anew."


_SPECIAL_HINTS: Final[dict[int, Any]] = {
    401: lambda _call: "The token was refused: it expired, was revoked, or belongs to another region. Sign in anew.",
    403: _permission_hint,
}


def _rate_hint(response: Response) -> str:
    seconds = retry_after_s(response)
    wait = f"Wait {seconds:g} s" if seconds is not None else "Wait"
    return f"{wait} before the next request; lower the pace if other programs use the same OAuth client."


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
