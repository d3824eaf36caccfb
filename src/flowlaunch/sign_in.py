"""Sign a person in through the browser: authorization code with PKCE over a loopback redirect.

The verifier comes from `secrets`, the challenge is S256 and the redirect is caught on 127.0.0.1, so no secret of
a client is needed.

Source: grant and fields as in the official SDKs (official); RFC 7636 and RFC 8252 for how.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
import webbrowser
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from flowlaunch.credentials import Pkce
from flowlaunch.errors import AuthenticationError, DeadlineError, SettingsError
from flowlaunch.regions import resolve_region

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PkcePair", "authorize"]

CALLBACK_PATH = "/callback"


@dataclass(frozen=True, slots=True)
class PkcePair:
    """A code verifier (86 characters from `secrets`) and its S256 challenge."""

    verifier: str = field(repr=False)
    challenge: str

    @classmethod
    def new(cls) -> PkcePair:
        """Make a pair that nobody can guess."""
        verifier = secrets.token_urlsafe(64)
        digest = hashlib.sha256(verifier.encode("ascii")).digest()
        return cls(verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii"))


def authorize(
    client_id: str,
    region: str,
    *,
    login_url: str | None = None,
    port: int = 0,
    wait_s: float = 300.0,
    open_browser: Callable[[str], Any] = webbrowser.open,
) -> Pkce:
    """Let a person sign in with a browser and return credentials for a client.

    The OAuth client must have the code grant and `http://127.0.0.1:PORT/callback` among its redirect addresses;
    give that `port`, as 0 takes any free one.

    Raises:
        AuthenticationError: the person or the login host refused.
        DeadlineError: nobody signed in within `wait_s` seconds.
        SettingsError: the redirect's port is taken.

    """
    hosts = resolve_region(region, login_url=login_url)
    pair, state = PkcePair.new(), secrets.token_urlsafe(24)
    with _Catcher(port) as catcher:
        redirect_uri = f"http://127.0.0.1:{catcher.server_port}{CALLBACK_PATH}"
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "state": state,
            "code_challenge": pair.challenge,
            "code_challenge_method": "S256",
        }
        open_browser(f"{hosts.login_url}/oauth/authorize?{urlencode(query)}")
        answer = catcher.catch(wait_s)
    if answer is None:
        raise DeadlineError(f"nobody signed in within {wait_s:g} s", timeout_s=wait_s, hint="Start the sign-in again.")
    if not hmac.compare_digest(answer.get("state", "").encode(), state.encode()):
        raise _refused("the answer belongs to another sign-in", "Start the sign-in again, in one browser window.")
    if "code" not in answer:
        raise _refused(answer.get("error_description") or answer.get("error") or "no code came back", None)
    return Pkce(client_id, answer["code"], pair.verifier, redirect_uri)


def _refused(why: str, hint: str | None) -> AuthenticationError:
    return AuthenticationError(f"could not sign in: {why}", operation="sign in", status=400, hint=hint)


class _Answer(BaseHTTPRequestHandler):
    """Takes the one redirect; anything else that asks gets a 404."""

    server: _Catcher
    timeout = 5

    def do_GET(self) -> None:
        """Keep the redirect's query."""
        parts = urlsplit(self.path)
        is_callback = parts.path == CALLBACK_PATH
        if is_callback:
            self.server.answer = {name: values[0] for name, values in parse_qs(parts.query).items()}
        page = b"Signed in: you can close this window." if is_callback else b"Not found."
        self.send_response(200 if is_callback else 404)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.send_header("content-length", str(len(page)))
        self.send_header("referrer-policy", "no-referrer")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Stay silent: the request line holds the code."""


class _Catcher(HTTPServer):
    """A server on loopback that waits for one redirect."""

    def __init__(self, port: int) -> None:
        try:
            super().__init__(("127.0.0.1", port), _Answer)
        except OSError as error:
            raise SettingsError(
                f"port {port} of this machine cannot take the redirect: {error.strerror}",
                hint="Give a free port that the OAuth client lists among its redirect addresses.",
            ) from error
        self.answer: dict[str, str] | None = None

    def catch(self, wait_s: float) -> dict[str, str] | None:
        """Return the redirect's query, or None when it did not come in time."""
        ends_s = time.monotonic() + wait_s
        while self.answer is None and (left_s := ends_s - time.monotonic()) > 0:
            self.timeout = left_s
            self.handle_request()
        return self.answer
