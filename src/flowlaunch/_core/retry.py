"""Which failed attempts are repeated, as two tables."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from flowlaunch._core.messages import Lost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch._core.messages import Reply


class Outcome(Enum):
    """What became of one attempt, as far as the answer shows."""

    ANSWERED = "answered"
    UNAUTHORIZED = "unauthorized"
    THROTTLED = "throttled"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    BROKEN = "broken"
    NOT_SENT = "not sent"
    LOST = "lost"


class Verdict(Enum):
    """What to do about it."""

    RETURN = "return"
    RENEW = "renew"
    WAIT = "wait"
    BACK_OFF = "back off"
    FAIL = "fail"
    DOUBT = "doubt"


UNAVAILABLE_STATUSES: Final = frozenset({502, 503, 504})
"""Source: retryable by the official Java SDK and the official resiliency examples, which do not consider launches."""
UNCLEAR_STATUSES: Final = frozenset({408, *UNAVAILABLE_STATUSES})

_OUTCOMES: Final[Mapping[int, Outcome]] = MappingProxyType(
    {401: Outcome.UNAUTHORIZED, 429: Outcome.THROTTLED, **dict.fromkeys(UNCLEAR_STATUSES, Outcome.UNAVAILABLE)}
)

READ_VERDICTS: Final[Mapping[Outcome, Verdict]] = MappingProxyType(
    {
        Outcome.ANSWERED: Verdict.RETURN,
        Outcome.UNAUTHORIZED: Verdict.RENEW,
        Outcome.THROTTLED: Verdict.WAIT,
        Outcome.REFUSED: Verdict.FAIL,
        Outcome.UNAVAILABLE: Verdict.BACK_OFF,
        Outcome.BROKEN: Verdict.FAIL,
        Outcome.NOT_SENT: Verdict.BACK_OFF,
        Outcome.LOST: Verdict.BACK_OFF,
    }
)

LAUNCH_VERDICTS: Final[Mapping[Outcome, Verdict]] = MappingProxyType(
    {
        Outcome.ANSWERED: Verdict.RETURN,
        Outcome.UNAUTHORIZED: Verdict.RENEW,
        Outcome.THROTTLED: Verdict.WAIT,
        Outcome.REFUSED: Verdict.FAIL,
        Outcome.UNAVAILABLE: Verdict.DOUBT,
        Outcome.BROKEN: Verdict.DOUBT,
        Outcome.NOT_SENT: Verdict.BACK_OFF,
        Outcome.LOST: Verdict.DOUBT,
    }
)
"""A launch is repeated only where the service cannot have acted on it: never sent, 401, 429."""


def outcome_of(reply: Reply) -> Outcome:
    """Classify one reply."""
    if isinstance(reply, Lost):
        return Outcome.LOST if reply.request_left else Outcome.NOT_SENT
    status = reply.status
    if 200 <= status < 300:
        return Outcome.ANSWERED
    return _OUTCOMES.get(status, Outcome.BROKEN if status >= 500 else Outcome.REFUSED)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and after how long an attempt is repeated. Times in seconds.

    `max_attempts` bounds the attempts after lost connections and 5xx; refusals with 429 are bounded by the
    call's deadline alone.
    """

    max_attempts: int = 4
    base_s: float = 0.25
    cap_s: float = 8.0

    def verdict(self, reply: Reply, *, is_repeatable: bool) -> Verdict:
        """Say what to do about `reply`."""
        return (READ_VERDICTS if is_repeatable else LAUNCH_VERDICTS)[outcome_of(reply)]

    def backoff_up_to_s(self, attempt: int) -> float:
        """Return the longest pause after `attempt` (1-based); the real one is drawn evenly from zero to it."""
        return min(self.cap_s, self.base_s * 2.0 ** min(attempt, 30))
