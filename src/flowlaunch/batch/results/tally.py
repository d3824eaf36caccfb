"""One pass over the rows of a batch that counts all that its summary and its report show, in flat memory."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from flowlaunch.batch.results.series import Durations, TimeCounts
from flowlaunch.batch.states import RowState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flowlaunch.batch.ledger.shapes import RowRecord

__all__ = ["Cause", "DoubtfulRow", "Tally", "cause_of", "duration_us_of", "tally_rows"]

_MOST_CAUSES: Final = 200
_MOST_DOUBTFUL: Final = 200
_TEXT_LIMIT: Final = 300
_CAUSED: Final = frozenset({RowState.FAILED, RowState.REFUSED, RowState.IN_DOUBT})


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Why rows did not do what they should: one line for all rows with the same state and code.

    Attributes:
        code: the platform's error code, else the reason as the ledger has it.
        message: what the first such row said.
        example_row: number of that row.

    """

    state: RowState
    code: str
    rows: int
    message: str = ""
    example_row: int = 0
    http_status: int | None = None


class DoubtfulRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of which nobody knows whether it was launched."""

    number: int
    line: int
    key: str
    sent_us: int | None
    attempts: int
    reason: str
    message: str = ""
    correlation_id: str = ""
    name: str | None = None


class Tally:
    """Counters that grow row by row: feed it with `add`."""

    def __init__(self) -> None:
        self.states: Counter[RowState] = Counter()
        self.reasons: Counter[tuple[RowState, str]] = Counter()
        self.sent = TimeCounts()
        self.accepted = TimeCounts()
        self.ended: dict[RowState, TimeCounts] = {RowState.COMPLETED: TimeCounts(), RowState.FAILED: TimeCounts()}
        self.durations = Durations()
        self.doubtful: list[DoubtfulRow] = []
        self.retried = 0
        self.attempts = 0
        self.untold_causes = 0
        self._causes: dict[tuple[RowState, str], Cause] = {}
        self._caused: Counter[tuple[RowState, str]] = Counter()

    @property
    def rows(self) -> int:
        """How many rows were counted."""
        return self.states.total()

    def add(self, row: RowRecord) -> None:
        """Count one row."""
        self.states[row.state] += 1
        self.reasons[row.state, row.reason] += 1
        self.attempts += row.attempts
        self.retried += row.attempts > 1
        if row.intent_us is not None:
            self.sent.add(row.intent_us)
        if row.launched_us is not None and row.execution_id:
            self.accepted.add(row.launched_us)
        self._add_end(row)
        if row.state in _CAUSED:
            self._add_cause(row)
        if row.state is RowState.IN_DOUBT and len(self.doubtful) < _MOST_DOUBTFUL:
            self.doubtful.append(_doubtful(row))

    def _add_end(self, row: RowRecord) -> None:
        if row.state not in self.ended:
            return
        ended_us = row.result_ended_us or row.ended_us
        if ended_us is not None:
            self.ended[row.state].add(ended_us)
        duration_us = duration_us_of(row)
        if duration_us is not None:
            self.durations.add(duration_us)

    def _add_cause(self, row: RowRecord) -> None:
        place = row.state, cause_of(row)
        if place not in self._causes:
            if len(self._causes) >= _MOST_CAUSES:
                self.untold_causes += 1
                return
            self._causes[place] = Cause(
                state=row.state,
                code=place[1],
                rows=1,
                message=(row.result_error_message or row.message)[:_TEXT_LIMIT],
                example_row=row.number,
                http_status=row.http_status if row.state is not RowState.FAILED else None,
            )
        self._caused[place] += 1

    def causes(self) -> tuple[Cause, ...]:
        """Tell the causes, most frequent first."""
        return tuple(
            msgspec.structs.replace(self._causes[place], rows=rows) for place, rows in self._caused.most_common()
        )


def tally_rows(rows: Iterable[RowRecord]) -> Tally:
    """Count all rows."""
    tally = Tally()
    for row in rows:
        tally.add(row)
    return tally


def cause_of(row: RowRecord) -> str:
    """Tell the shortest stable name of what went wrong with a row."""
    return next(_candidates(row), "") or "unknown"


def _candidates(row: RowRecord) -> Iterator[str]:
    if row.state is RowState.FAILED:
        yield from filter(None, (row.result_error_code, row.completion_reason, row.status))
    yield from filter(None, (row.error_code, row.reason))


def duration_us_of(row: RowRecord) -> int | None:
    """Tell how long the row's execution ran, by the platform's clock where both ends are known."""
    if row.result_started_us is not None and row.result_ended_us is not None:
        return row.result_ended_us - row.result_started_us
    if row.launched_us is not None and row.result_ended_us is not None:
        return max(row.result_ended_us - row.launched_us, 0)
    return None


def _doubtful(row: RowRecord) -> DoubtfulRow:
    return DoubtfulRow(
        number=row.number,
        line=row.line,
        key=row.key,
        sent_us=row.intent_us,
        attempts=row.attempts,
        reason=row.error_code or row.reason,
        message=row.message[:_TEXT_LIMIT],
        correlation_id=row.correlation_id,
        name=row.name,
    )
