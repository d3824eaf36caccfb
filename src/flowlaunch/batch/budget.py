"""The error budget: how many rows may go wrong before a batch pauses and asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.states import RowState
from flowlaunch.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ErrorBudget", "Tally", "parse_share"]

FEW: Final = 10
"""Ended rows from which on one failure is no proof: a share of fewer says little."""


def parse_share(text: str | float | None) -> float | int | None:
    """Read `5%` as 0.05, `20` as 20 rows and None as no bound.

    Raises:
        SettingsError: it is neither a share nor a number of rows.

    """
    if text is None or isinstance(text, (int, float)):
        return text
    given = text.strip()
    try:
        found = float(given.removesuffix("%")) / 100 if given.endswith("%") else int(given)
    except ValueError:
        found = -1
    if found < 0 or (given.endswith("%") and found > 1):
        raise SettingsError(f"{text!r} is neither a share nor a number of rows", hint="Give e.g. 5% or 20.")
    return found


@dataclass(slots=True)
class Tally:
    """What became of the rows so far, kept without asking the ledger again.

    `ends_unknown` counts those of the launched rows whose end is not looked for any more.
    """

    completed: int = 0
    failed: int = 0
    refused: int = 0
    in_doubt: int = 0
    launched: int = 0
    ends_unknown: int = 0

    @classmethod
    def of(cls, counts: Mapping[RowState, int], *, ends_unknown: int = 0) -> Tally:
        """Return the tally of a ledger's counts by state."""
        return cls(
            completed=counts.get(RowState.COMPLETED, 0),
            failed=counts.get(RowState.FAILED, 0),
            refused=counts.get(RowState.REFUSED, 0),
            in_doubt=counts.get(RowState.IN_DOUBT, 0),
            launched=counts.get(RowState.LAUNCHED, 0),
            ends_unknown=ends_unknown,
        )

    @property
    def wrong(self) -> int:
        """Rows that went wrong."""
        return self.failed + self.refused

    @property
    def judged(self) -> int:
        """Rows of which it is known whether they went wrong."""
        return self.completed + self.wrong

    @property
    def left(self) -> int:
        """Rows whose request left, or may have."""
        return self.judged + self.in_doubt + self.launched


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """When to pause: more than `max_failed` (a share below 1, or rows) went wrong, or `max_in_doubt` rows are in doubt.

    `baseline` is what had gone wrong when a person last resumed the batch: it was looked at and counts no more.
    """

    max_failed: float | int | None = 0.05
    max_in_doubt: int | None = 10
    baseline: Tally = field(default_factory=Tally)

    def allowed(self, judged: int) -> int | None:
        """Return how many of `judged` rows may have gone wrong; None is any number."""
        if self.max_failed is None:
            return None
        if isinstance(self.max_failed, int):
            return self.max_failed
        return max(int(self.max_failed * judged), 1 if judged >= FEW and self.max_failed > 0 else 0)

    def breach(self, tally: Tally) -> str | None:
        """Say why the batch has to pause, or None."""
        wrong = tally.wrong - self.baseline.wrong
        judged = tally.judged - self.baseline.judged
        allowed = self.allowed(judged)
        if allowed is not None and wrong > allowed:
            return f"{wrong} of {judged} ended rows failed or were refused; {self._bound()} allowed"
        doubt = tally.in_doubt - self.baseline.in_doubt
        if self.max_in_doubt is not None and doubt > self.max_in_doubt:
            return f"{doubt} rows are in doubt; {self.max_in_doubt} allowed"
        return None

    def _bound(self) -> str:
        if isinstance(self.max_failed, int):
            return f"{self.max_failed} are"
        return f"{100 * (self.max_failed or 0.0):g} % is"
