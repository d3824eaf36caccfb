"""From a source to decided rows, streaming: read, map, decide, number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from flowlaunch.batch.decisions import BadRow, Decision, Prepared, RowPlan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flowlaunch.batch.decisions import History, InputRow
    from flowlaunch.batch.ledger import ChunkRow

__all__ = ["Decider", "Mapper", "planned_rows"]

READY = Decision(kind="launch", reason="ready")


class Mapper(Protocol):
    """Makes launches of rows (`mapping.RowMapper`)."""

    def prepare(self, row: InputRow, row_number: int) -> Prepared | Decision:
        """Return the row ready to launch, or its rejection."""
        ...


class Decider(Protocol):
    """Decides about rows (`rules.Rules`)."""

    def decide(self, prepared: Prepared, history: History, now_us: int) -> Decision:
        """Return what becomes of a row."""
        ...

    def reopen(
        self, calendars: tuple[str, ...], now_us: int, not_before_us: int | None = None, not_after_us: int | None = None
    ) -> Decision:
        """Return when a row whose calling window shut may leave."""
        ...


def planned_rows(
    source: Iterable[InputRow | BadRow],
    mapper: Mapper,
    decider: Decider | None,
    history: History,
    now_us: Callable[[], int],
) -> Iterator[RowPlan]:
    """Yield every record of the source with its decision, numbered from 1, keeping one in memory."""
    for number, row in enumerate(source, 1):
        if isinstance(row, BadRow):
            rejected = Decision(kind="reject", reason=row.reason, message=row.message)
            yield RowPlan(row_number=number, line=row.line, decision=rejected, raw=row.raw)
            continue
        prepared = mapper.prepare(row, number)
        if isinstance(prepared, Decision):
            yield RowPlan(row_number=number, line=row.line, decision=prepared, cells=row.cells)
            continue
        decision = READY if decider is None else decider.decide(prepared, history, now_us())
        yield RowPlan(row_number=number, line=row.line, decision=decision, prepared=prepared, cells=row.cells)


def reopener(decider: Decider | None) -> Callable[[ChunkRow, int], Decision] | None:
    """Return what decides again about rows whose window shut, or None without rules."""
    if decider is None:
        return None
    return lambda row, at_us: decider.reopen(row.calendars, at_us, None, row.not_after_us)
