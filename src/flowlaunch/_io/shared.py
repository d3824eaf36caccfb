"""What both drivers hold and decide alike; the locks around it are each driver's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flowlaunch._core.messages import Lost
from flowlaunch._core.quota import Quota
from flowlaunch._core.tokens import NOTHING_HELD, Held, is_token
from flowlaunch.credentials import AccessToken
from flowlaunch.errors import DeadlineError, RateLimitedError, ServerError, SettingsError, TransportError
from flowlaunch.hooks import Event, Teller

if TYPE_CHECKING:
    from collections.abc import Hashable

    from flowlaunch._core.api import Api
    from flowlaunch._core.messages import Reply, Request
    from flowlaunch._core.pace import Pace
    from flowlaunch._core.steps import Moment
    from flowlaunch._io.token_cache import TokenCache
    from flowlaunch.credentials import Credentials

PASSING_ERRORS = (TransportError, DeadlineError, RateLimitedError, ServerError)
RENEW_AGAIN_S = 15.0


@dataclass(slots=True)
class Kept:
    """A result kept for a while."""

    value: Any
    until_s: float


@dataclass(slots=True)
class Shared:
    """The state of one client."""

    api: Api
    credentials: Credentials
    pace: Pace | None
    teller: Teller
    cache: TokenCache | None = None
    quota: Quota = field(default_factory=Quota)
    held: Held = NOTHING_HELD
    kept: dict[Hashable, Kept] = field(default_factory=dict)
    failed_sign_ins: int = 0
    sign_in_error: Exception | None = None

    def __post_init__(self) -> None:
        if isinstance(self.credentials, AccessToken):
            if not is_token(self.credentials.token):
                raise SettingsError(
                    "the access token holds a blank, a line break or a character outside ASCII",
                    hint="Give the token alone, without 'Bearer' before it or a line break after it.",
                )
            self.held = Held(self.credentials.token, 1, is_renewable=False)

    def usable(self, refused: int, now: Moment) -> Held | None:
        """Return the held token if it is fresh and not the one that was refused."""
        held = self.held
        is_usable = held.generation and held.generation != refused and now.mono_s < held.renew_at_s
        return held if is_usable else None

    def from_cache(self, refused: int, now: Moment) -> Held | None:
        """Take over a token kept by an earlier run, once."""
        if refused or self.held.generation or self.cache is None:
            return None
        found = self.cache.load(now)
        if found is not None:
            self.held = found
        return found

    def keep_token(self, held: Held, now: Moment) -> None:
        """Use `held` from now on."""
        self.held = held
        if self.cache is not None:
            self.cache.save(held, now)
        self.teller.tell(Event("sign-in", "sign in", "token renewed" if held.generation > 1 else "signed in"))

    def still_good(self, refused: int, now: Moment, error: Exception) -> Held | None:
        """Return the old token when its early renewal failed for a passing reason and it has life left."""
        held = self.held
        if refused == held.generation or not isinstance(error, PASSING_ERRORS):
            return None
        if not held.generation or now.unix_s >= held.expires_unix_s:
            return None
        self.held = Held(
            held.token, held.generation, now.mono_s + RENEW_AGAIN_S, held.expires_unix_s, held.refresh_token
        )
        return self.held

    def note_failed_sign_in(self, error: Exception) -> None:
        """Let those who wait for this sign-in fail with it, but for one that only ran out of its own caller's time."""
        if not isinstance(error, DeadlineError):
            self.failed_sign_ins += 1
            self.sign_in_error = error

    def fresh(self, key: Hashable, now: Moment) -> Kept | None:
        """Return what is kept under `key`, unless it is stale."""
        kept = self.kept.get(key)
        return kept if kept is not None and now.mono_s < kept.until_s else None

    def answered(self, request: Request, reply: Reply, elapsed_s: float) -> None:
        """Note an attempt's outcome."""
        if not self.quota.is_full and not isinstance(reply, Lost) and reply.status < 500:
            self.quota.refund()
        if self.teller.is_heard:
            title = request.call.operation.title
            if isinstance(reply, Lost):
                outcome = f"{'answer lost' if reply.request_left else 'not sent'}: {reply.reason}"
                self.teller.tell(Event("attempt", title, outcome, elapsed_s=elapsed_s))
            else:
                trace = reply.correlation_id
                self.teller.tell(Event("attempt", title, "answered", reply.status, elapsed_s, trace))
