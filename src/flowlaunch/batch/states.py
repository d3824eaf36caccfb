"""What may become of a row: the states, the events, and the one table of moves between them.

::

    pending --intended--> launching --accepted--> launched --completed--> completed
                                                           --failed-----> failed
    launching --refused--> refused        launching --not_sent--> pending
    launching --lost, abandoned--> in_doubt --settled_launched--> launched
                                            --settled_absent----> pending
    held --released--> pending            failed, refused --retried--> pending
    pending --held--> held                pending, held --skipped--> skipped, --cancelled--> cancelled
    pending --postponed--> pending

A row is `launching` from the moment its intent is on disk until its answer is. There is no move from
`in_doubt` back to `pending` but a decision.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DECISIONS",
    "FINAL_STATES",
    "FIRST_STATES",
    "MOVES",
    "RETRYABLE_STATES",
    "SENT_STATES",
    "Event",
    "IllegalMoveError",
    "RowState",
    "move",
]


class RowState(StrEnum):
    """Where a row stands."""

    PENDING = "pending"
    LAUNCHING = "launching"
    LAUNCHED = "launched"
    COMPLETED = "completed"
    FAILED = "failed"
    REFUSED = "refused"
    IN_DOUBT = "in_doubt"
    HELD = "held"
    SKIPPED = "skipped"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What happens to a row."""

    INTENDED = "intended"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    LOST = "lost"
    ABANDONED = "abandoned"
    COMPLETED = "completed"
    FAILED = "failed"
    SETTLED_LAUNCHED = "settled_launched"
    SETTLED_ABSENT = "settled_absent"
    RETRIED = "retried"
    HELD = "held"
    RELEASED = "released"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    POSTPONED = "postponed"


_S = RowState

MOVES: Final[Mapping[tuple[RowState, Event], RowState]] = MappingProxyType(
    {
        (_S.PENDING, Event.INTENDED): _S.LAUNCHING,  # the intent is committed before the request leaves
        (_S.LAUNCHING, Event.ACCEPTED): _S.LAUNCHED,  # the platform answered with an execution id
        (_S.LAUNCHING, Event.REFUSED): _S.REFUSED,  # a final refusal: nothing was done
        (_S.LAUNCHING, Event.NOT_SENT): _S.PENDING,  # proved: nothing reached the platform, or it refused for now
        (_S.LAUNCHING, Event.LOST): _S.IN_DOUBT,  # sent, outcome unknown
        (_S.LAUNCHING, Event.ABANDONED): _S.IN_DOUBT,  # the worker died with the row in flight
        (_S.LAUNCHED, Event.COMPLETED): _S.COMPLETED,
        (_S.LAUNCHED, Event.FAILED): _S.FAILED,
        (_S.IN_DOUBT, Event.SETTLED_LAUNCHED): _S.LAUNCHED,  # proved or decided: it was launched
        (_S.IN_DOUBT, Event.SETTLED_ABSENT): _S.PENDING,  # proved or decided: it was not
        (_S.FAILED, Event.RETRIED): _S.PENDING,
        (_S.REFUSED, Event.RETRIED): _S.PENDING,
        (_S.PENDING, Event.POSTPONED): _S.PENDING,  # its time is not now: a window shut meanwhile
        (_S.PENDING, Event.HELD): _S.HELD,
        (_S.HELD, Event.RELEASED): _S.PENDING,
        (_S.PENDING, Event.SKIPPED): _S.SKIPPED,
        (_S.HELD, Event.SKIPPED): _S.SKIPPED,
        (_S.PENDING, Event.CANCELLED): _S.CANCELLED,
        (_S.HELD, Event.CANCELLED): _S.CANCELLED,
    }
)
"""(state, event) -> the state after it. What is not in the table cannot happen."""

FIRST_STATES: Final = frozenset({_S.PENDING, _S.HELD, _S.SKIPPED, _S.REJECTED})
"""States in which a row enters the ledger."""

SENT_STATES: Final = frozenset({_S.LAUNCHING, _S.LAUNCHED, _S.COMPLETED, _S.FAILED, _S.IN_DOUBT})
"""States of rows that the platform may have acted on."""

RETRYABLE_STATES: Final = frozenset(state for state, event in MOVES if event is Event.RETRIED)
"""States that a retry starts from."""

UNKNOWN_ENDS: Final = frozenset({"gone", "unreadable", "still-running", "settled-without-id"})
"""Reasons of launched rows whose end is not looked for any more."""

DECISIONS: Final = frozenset({Event.SETTLED_LAUNCHED, Event.SETTLED_ABSENT})
"""The only events that end doubt; each is recorded with who decided and when."""

FINAL_STATES: Final = frozenset(
    {_S.COMPLETED, _S.FAILED, _S.REFUSED, _S.SKIPPED, _S.REJECTED, _S.CANCELLED},
)
"""States that a row leaves only when someone asks for a retry, or never."""


class IllegalMoveError(ValueError):
    """The table of moves has no such move; nothing was changed."""


def move(state: RowState, event: Event) -> RowState:
    """Return the state after `event`, or raise IllegalMoveError."""
    after = MOVES.get((state, event))
    if after is None:
        raise IllegalMoveError(f"a row that is {state.value} cannot be {event.value}")
    return after
