"""Who may talk to a page: host names, origins of writes, CSRF tokens, and headers that bind the browser.

A page that launches flows spends money, so a page of another origin must not reach it: not by a name that was
rebound to this machine (Host), not by a form or script elsewhere (Origin, Sec-Fetch-Site, token), not in a frame.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from flowlaunch.pages.answers import Form, PageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    from starlette.requests import Request

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Scope = MutableMapping[str, Any]
    AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = ["CSRF_FIELD", "SECURITY_HEADERS", "Guard", "HostNames", "read_form", "with_security_headers"]

CSRF_FIELD: Final = "csrf"
MAX_FORM_BYTES: Final = 64_000
MAX_FIELDS: Final = 100
SAFE: Final = frozenset({"GET", "HEAD"})
OWN_SITES: Final = frozenset({"same-origin", "none"})
LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types flowlaunch"
)
SECURITY_HEADERS: Final = (
    (b"content-security-policy", POLICY.encode("ascii")),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),  # no-referrer would make browsers post forms with `Origin: null`
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)


class HostNames:
    """An allow-list of Host headers: the loopback names and what was given, with any port."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = {_bare(name) for name in (*LOOPBACK_NAMES, *names)}

    def __contains__(self, host: object) -> bool:
        """Tell whether a Host header's value is allowed."""
        return isinstance(host, str) and _bare(host) in self._names


def _bare(host: str) -> str:
    """Drop the port of a host name; an IPv6 address keeps its brackets."""
    text = host.casefold()
    if text.startswith("["):
        return text.partition("]")[0] + "]"
    return f"[{text}]" if text.count(":") > 1 else text.partition(":")[0]


class Guard:
    """Refuses requests of other hosts and other origins; makes and checks CSRF tokens.

    `accepts_host` judges the Host header. Tokens are bound to a session and to `secret`; without a secret to the
    life of this guard.
    """

    def __init__(self, accepts_host: Callable[[str], bool], secret: bytes | None = None) -> None:
        self._accepts_host = accepts_host
        self._secret = secret or secrets.token_bytes(32)

    def check(self, request: Request) -> None:
        """Let a request pass, or raise PageError 403."""
        host = request.headers.get("host", "")
        if not self._accepts_host(host):
            shown = host or "(none)"
            raise PageError(
                403, "This host name is not served", f"The request names the host {shown}.", "Add it to allowed hosts."
            )
        if request.method not in SAFE:
            _check_origin(request, host)

    def token(self, session: str) -> str:
        """Make the CSRF token of a session."""
        return hmac.new(self._secret, f"csrf:{session}".encode(), hashlib.sha256).hexdigest()

    def check_token(self, session: str, given: str) -> None:
        """Accept a form's CSRF token, or raise PageError 403."""
        if not hmac.compare_digest(self.token(session).encode(), given.encode("utf-8", "replace")):
            raise PageError(
                403,
                "This form is out of date",
                "It does not carry this session's token; nothing was changed.",
                "Go back, reload the page and try again.",
            )


def _check_origin(request: Request, host: str) -> None:
    """Refuse a write that a page of another origin sends; programs without a browser send neither header."""
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "none")
    if (origin is not None and origin.partition("://")[2].casefold() != host.casefold()) or site not in OWN_SITES:
        raise PageError(
            403, "Another site may not do this", f"The request comes from {origin or site}; nothing was changed."
        )


async def read_form(request: Request, *, limit_bytes: int = MAX_FORM_BYTES) -> Form:
    """Read a posted form within bounds; a field given twice keeps its last value."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/x-www-form-urlencoded":
        raise PageError(415, "Only forms are taken here", f"The request is {media or 'of no type'}.")
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > limit_bytes:
            raise PageError(413, "This form is too large", f"At most {limit_bytes:,} bytes are taken.")
    try:
        pairs = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise PageError(400, "This form cannot be read", str(error)) from error
    return Form(dict(pairs))


def with_security_headers(app: AsgiApp) -> AsgiApp:
    """Wrap an app so that every answer carries the security headers, errors too."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *SECURITY_HEADERS]
            await send(message)

        await app(scope, receive, adding if scope["type"] == "http" else send)

    return guarded
