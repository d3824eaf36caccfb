"""From rows as read to rows as decided: the one pass that planning and running share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowlaunch.batch.decisions import BadRow, Decision, History, InputRow, Prepared, RowPlan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flowlaunch.batch.rules.deciding import Rules


def plan_rows(
    rows: Iterable[InputRow | BadRow],
    prepare: Callable[[InputRow, int], Prepared | Decision],
    rules: Rules,
    history: History | None,
    now_us: int,
) -> Iterator[RowPlan]:
    """Yield every record of a source with its decision, one in memory.

    `prepare` is `RowMapper.prepare`. A row's number counts bad records too, so that it stays on resume.
    """
    for number, row in enumerate(rows, 1):
        if isinstance(row, BadRow):
            decision = Decision(
                kind="reject", reason=row.reason, message=f"line {row.line}: {row.message or row.reason}"
            )
            yield RowPlan(row_number=number, line=row.line, decision=decision, raw=row.raw)
            continue
        prepared = prepare(row, number)
        if isinstance(prepared, Decision):
            yield RowPlan(row_number=number, line=row.line, decision=prepared, cells=row.cells)
            continue
        decision = rules.decide(prepared, history, now_us)
        yield RowPlan(row_number=number, line=row.line, decision=decision, prepared=prepared, cells=row.cells)
