"""Whether a row may still leave at the instant at which it would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowlaunch.batch.states import Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.batch.decisions import Decision
    from flowlaunch.batch.ledger import ChunkRow, Outcome

__all__ = ["Calendar"]

EVENTS = {"skip": Event.SKIPPED, "hold": Event.HELD, "reject": Event.HELD}


class Calendar:
    """Judges rows again at send time: a batch that was planned yesterday knows nothing of now.

    Args:
        reopen: decides when a row whose window shut may leave (`Rules.reopen`); without it such a row is held.

    """

    def __init__(self, reopen: Callable[[ChunkRow, int], Decision] | None = None) -> None:
        self._reopen = reopen

    def judge(self, row: ChunkRow, at_us: int) -> Outcome | None:
        """Return None when `row` may leave at `at_us`, else what to write instead of sending it."""
        if row.not_after_us is not None and at_us > row.not_after_us:
            return row.outcome(
                Event.SKIPPED, reason="too-late", message="the row's not-after passed before it was sent"
            )
        if row.not_before_us is not None and at_us < row.not_before_us:  # a clock that jumped back
            return row.outcome(Event.POSTPONED, not_before_us=row.not_before_us, closes_us=row.closes_us)
        if row.closes_us is None or at_us < row.closes_us:
            return None
        return self._postponed(row, at_us)

    def _postponed(self, row: ChunkRow, at_us: int) -> Outcome | None:
        if self._reopen is None:
            return row.outcome(
                Event.HELD, reason="no-opening", message="its calling window shut and no rules are given"
            )
        found = self._reopen(row, at_us)
        if found.kind != "launch":
            return row.outcome(EVENTS[found.kind], reason=found.reason, message=found.message)
        if found.not_before_us is None or found.not_before_us <= at_us:
            return None
        return row.outcome(
            Event.POSTPONED,
            reason=found.reason,
            message=found.message,
            not_before_us=found.not_before_us,
            not_after_us=found.not_after_us,
            closes_us=found.closes_us,
        )
