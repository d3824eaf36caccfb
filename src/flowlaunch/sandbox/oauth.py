"""Tokens: issuing, renewing, expiry, revocation, and who holds them."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowlaunch.sandbox.answers import Refusal
from flowlaunch.sandbox.identifiers import secret_text
from flowlaunch.sandbox.limits import Budget
from flowlaunch.sandbox.permissions import lax_rights
from flowlaunch.sandbox.world import OAuthClient

if TYPE_CHECKING:
    from flowlaunch.sandbox.options import Options
    from flowlaunch.sandbox.permissions import Rights
    from flowlaunch.sandbox.world import User, World

__all__ = ["Code", "OAuthRefusal", "Refresh", "Token", "TokenDesk", "named_in_assertion", "verifies"]

DEFAULT_LIFE_S = {"platform": 86_400, "guide": 3_600}
CODE_LIFE_S = 300.0
PURGE_EVERY = 1_000
USER_SCOPES = ("architect", "architect:readonly")
LAX_CLIENT = OAuthClient("lax", "", "Requests without a token", (), lax_rights())
_NAME_ID = re.compile(r"<(?:\w+:)?NameID[^>]*>\s*([^<\s]+)\s*</", re.IGNORECASE)


class OAuthRefusal(Exception):  # noqa: N818 - it is an answer on its way out
    """An answer of the token endpoint: `error`, `description` and `error_description`, not an ErrorBody."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status

    def document(self) -> dict[str, str]:
        """Render the body. Source: the three fields that the official Go client reads."""
        return {"error": self.error, "description": self.description, "error_description": self.description}


class Token:
    """A live access token.

    `scopes` None: not bound by scopes (client credentials). `budget` None: no rate limit.
    """

    __slots__ = ("budget", "client", "expires_at", "issued_at", "rights", "scopes", "user", "value")

    def __init__(
        self, value: str, client: OAuthClient, user: User | None, rights: Rights, scopes: frozenset[str] | None,
        issued_at: float, expires_at: float, budget: Budget | None,
    ) -> None:  # fmt: skip
        self.value = value
        self.client = client
        self.user = user
        self.rights = rights
        self.scopes = scopes
        self.issued_at = issued_at
        self.expires_at = expires_at
        self.budget = budget

    @property
    def limit_key(self) -> str:
        """Name the limit that the token's rate falls under."""
        return "token.rate.per.minute" if self.user else "client.credentials.token.rate.per.minute"


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code; good once, for five minutes."""

    client_id: str
    user_id: str
    redirect_uri: str
    challenge: str | None
    expires_at: float


@dataclass(frozen=True, slots=True)
class Refresh:
    """What a refresh token stands for; `public`: given through PKCE, so renewed without a secret."""

    client_id: str
    user_id: str
    public: bool


class TokenDesk:
    """Every token, code and refresh token of the sandbox."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self.by_header: dict[bytes, Token] = {}
        self.codes: dict[str, Code] = {}
        self.refreshes: dict[str, Refresh] = {}
        self.budgets: dict[str, Budget] = {}
        self._lax: Token | None = None

    def life_s(self, client: OAuthClient) -> int:
        """Give the life of a new access token in seconds."""
        if self._options.contract == "guide":
            return client.token_life_s or self._options.token_life_s or DEFAULT_LIFE_S["guide"]
        return client.token_life_s or self._options.token_life_s or DEFAULT_LIFE_S["platform"]

    def issue(self, client: OAuthClient, user: User | None, now: float) -> Token:
        """Make one more token; earlier ones stay alive."""
        return self.put(secret_text(), client, user, now, now + self.life_s(client))

    def put(self, value: str, client: OAuthClient, user: User | None, issued_at: float, expires_at: float) -> Token:
        """Register a token under its value."""
        if len(self.by_header) % PURGE_EVERY == PURGE_EVERY - 1:
            self.by_header = {key: token for key, token in self.by_header.items() if token.expires_at > issued_at}
        scopes = None if user is None else frozenset(client.scopes or USER_SCOPES)
        rights = client.rights if user is None else user.rights
        token = Token(value, client, user, rights, scopes, issued_at, expires_at, self.budget())
        self.by_header[b"Bearer " + value.encode("ascii")] = token
        return token

    def budget(self) -> Budget | None:
        """Make the rate budget of one token."""
        rate = self._options.rate_per_minute
        return None if rate is None else Budget(rate, slides=self._options.rate_window == "sliding")

    def authenticate(self, header: bytes, now: float) -> Token:
        """Find the live token of an Authorization header; raises the official 401."""
        token = self.by_header.get(header)
        if token is not None and token.expires_at > now:
            return token
        scheme, _, value = header.partition(b" ")
        if scheme.lower() == b"bearer" and value.strip():
            token = self.by_header.get(b"Bearer " + value.strip())
            if token is not None and token.expires_at > now:
                return token
        elif self._options.lax_auth and (not header or scheme.lower() == b"bearer"):
            return self._lax_token()
        if not header or (scheme.lower() == b"bearer" and not value.strip()):
            raise Refusal(
                401, "authentication.required", "No authentication bearer token specified in authorization header."
            )
        raise Refusal(401, "bad.credentials", "Invalid login credentials.")

    def _lax_token(self) -> Token:
        if self._lax is None:
            self._lax = Token("", LAX_CLIENT, None, LAX_CLIENT.rights, None, 0.0, float("inf"), self.budget())
        return self._lax

    def revoke(self, token: Token) -> None:
        """End one token."""
        self.by_header.pop(b"Bearer " + token.value.encode("ascii"), None)

    def revoke_all(self) -> int:
        """End every access token; refresh tokens stay."""
        count = len(self.by_header)
        self.by_header.clear()
        return count

    def client_of(self, world: World, client_id: str, secret: str | None) -> OAuthClient:
        """Check an id and secret; None as secret checks the id alone."""
        client = world.clients.get(client_id)
        if client is None or (secret is not None and secret != client.secret):
            raise OAuthRefusal("invalid_client", "authentication failed", 401 if self._is_guide else 400)
        return client

    @property
    def _is_guide(self) -> bool:
        return self._options.contract == "guide"

    def admit(self, client_id: str, now: float) -> None:
        """Count a request to the token endpoint; raises the official refusal when there were too many."""
        limit = self._options.token_requests_per_minute
        if limit is None:
            return
        retry_after_s = self.budgets.setdefault(client_id, Budget(limit)).spend(now)
        if retry_after_s:
            raise OAuthRefusal("invalid_request", f"rate limit exceeded; retry in {retry_after_s} seconds")

    def make_code(self, client: OAuthClient, user: User, redirect_uri: str, challenge: str | None, now: float) -> str:
        """Make an authorization code."""
        code = secret_text()
        self.codes[code] = Code(client.id, user.id, redirect_uri, challenge, now + CODE_LIFE_S)
        return code

    def make_refresh(self, client: OAuthClient, user: User, *, public: bool) -> str:
        """Make a refresh token."""
        value = secret_text()
        self.refreshes[value] = Refresh(client.id, user.id, public)
        return value


def verifies(verifier: str, challenge: str) -> bool:
    """Check a PKCE verifier (43..128 characters) against its S256 challenge."""
    if not 43 <= len(verifier) <= 128:
        return False
    digest = hashlib.sha256(verifier.encode("utf-8")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii") == challenge


def named_in_assertion(assertion: str) -> str | None:
    """Read whom a base64 SAML2 assertion names (its NameID); signatures are not checked."""
    try:
        text = base64.b64decode(assertion + "=" * (-len(assertion) % 4), altchars=b"-_", validate=False).decode("utf-8")
    except ValueError:
        return None
    found = _NAME_ID.search(text)
    return found.group(1) if found else (text.strip() if "@" in text and "<" not in text else None)
