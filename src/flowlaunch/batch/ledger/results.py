"""Results: what became of launched executions, archived before the platform drops it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, literal_column, select, update

from flowlaunch.batch.ledger import batches, counts
from flowlaunch.batch.ledger.faults import retried
from flowlaunch.batch.ledger.outcomes import REASON_LENGTH
from flowlaunch.batch.ledger.prepared import PreparedStatement
from flowlaunch.batch.ledger.schema import of_batch, results, rows
from flowlaunch.batch.ledger.set_based import SetStatement
from flowlaunch.batch.ledger.shapes import LaunchedRow, Result
from flowlaunch.batch.states import Event, RowState, move
from flowlaunch.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row

    from flowlaunch.batch.ledger.store import Store

__all__ = ["look_later", "next_look_us", "record", "to_look_at"]

ENDS = frozenset({Event.COMPLETED, Event.FAILED, None})

_FIND = (
    select(rows.c.id, rows.c.batch_id, rows.c.state, rows.c.reason, rows.c.execution_id)
    .where(rows.c.id.in_(bindparam("row_ids", expanding=True)), rows.c.state == RowState.LAUNCHED.value)
    .order_by(rows.c.id)
    .with_for_update()
)
_END = SetStatement(
    update(rows)
    .where(
        rows.c.id == bindparam("row_id"),
        rows.c.state == literal_column("'launched'"),
        rows.c.execution_id == bindparam("of_execution"),
    )
    .values(
        state=bindparam("new_state"),
        reason=bindparam("new_reason"),
        message=bindparam("new_message"),
        error_code=bindparam("new_error_code"),
        ended_us=bindparam("new_ended_us"),
        look_at_us=literal_column("NULL"),
    )
)
_ARCHIVE = PreparedStatement(insert(results))
_LOOK = SetStatement(
    update(rows)
    .where(
        rows.c.id == bindparam("row_id"), rows.c.state == literal_column("'launched'"), rows.c.look_at_us.is_not(None)
    )
    .values(look_at_us=bindparam("at_us"))
)


def to_look_at(store: Store, batch_id: int, *, due_us: int, limit: int) -> tuple[LaunchedRow, ...]:
    """Return launched rows that are due for a look, soonest first."""
    wanted = (
        select(rows.c.id, rows.c.number, rows.c.key, rows.c.execution_id, rows.c.launched_us, rows.c.look_at_us)
        .where(of_batch(batch_id), rows.c.look_at_us <= due_us)
        .order_by(rows.c.look_at_us)
        .limit(limit)
    )
    with store.read("launched rows") as connection:
        found = connection.execute(wanted).all()
    return tuple(
        LaunchedRow(
            row_id=one.id,
            number=one.number,
            key=one.key,
            execution_id=one.execution_id,
            launched_us=one.launched_us,
            look_at_us=one.look_at_us,
        )
        for one in found
    )


def next_look_us(store: Store, batch_id: int) -> int | None:
    """Return when the first launched row is due for a look."""
    wanted = select(rows.c.look_at_us).where(of_batch(batch_id), rows.c.look_at_us.is_not(None))
    with store.read("next look") as connection:
        found = connection.execute(wanted.order_by(rows.c.look_at_us).limit(1)).scalar()
    return None if found is None else int(found)


@retried(even_if_kept=True)
def look_later(store: Store, looks: Sequence[tuple[int, int]]) -> None:
    """Set when to look next; rows that ended meanwhile are left alone."""
    if not looks:
        return
    with store.write("look later", durable=False) as connection:
        _LOOK.run(connection, [{"row_id": row_id, "at_us": at_us} for row_id, at_us in looks])


@retried(even_if_kept=True)
def record(store: Store, batch_id: int, found: Sequence[Result]) -> int:
    """Archive ends of executions and move their rows; those recorded before are passed over."""
    if not found:
        return 0
    for one in found:
        if one.event not in ENDS:
            raise LedgerError(f"record a result: {one.event} is no end of an execution", hint="Report this defect.")
    outputs_kept = batches.read(store, batch_id).spec.outputs == "keep"
    now_us = store.now_us()
    deltas = counts.Deltas()
    with store.write("record results", durable=False) as connection:
        present = {one.id: one for one in connection.execute(_FIND, {"row_ids": list({one.row_id for one in found})})}
        ends, archive = [], []
        for one in found:
            row = present.get(one.row_id)
            if row is None or row.execution_id != one.execution_id:
                continue
            del present[one.row_id]
            ends.append(_end(one, row, now_us, deltas))
            if one.event is not None:
                archive.append(_archived(one, now_us, outputs_kept=outputs_kept))
        if ends:
            _END.run(connection, ends)
        if archive:
            _ARCHIVE.run(connection, archive)
        counts.add(connection, deltas)
    return len(ends)


def _end(one: Result, row: Row[*tuple[Any, ...]], now_us: int, deltas: counts.Deltas) -> dict[str, Any]:
    after = RowState.LAUNCHED if one.event is None else move(RowState.LAUNCHED, one.event)
    reason = (one.reason or ("result-gone" if one.event is None else ""))[:REASON_LENGTH]
    deltas[row.batch_id, row.state, row.reason] -= 1
    deltas[row.batch_id, after.value, reason] += 1
    return {
        "row_id": one.row_id,
        "of_execution": one.execution_id,
        "new_state": after.value,
        "new_reason": reason,
        "new_message": one.error_message,
        "new_error_code": one.error_code,
        "new_ended_us": one.ended_us or now_us if one.event is not None else None,
    }


def _archived(one: Result, now_us: int, *, outputs_kept: bool) -> dict[str, Any]:
    return {
        "execution_id": one.execution_id,
        "row_id": one.row_id,
        "status": one.status,
        "completion_reason": one.completion_reason,
        "error_code": one.error_code,
        "error_message": one.error_message,
        "started_us": one.started_us,
        "ended_us": one.ended_us,
        "recorded_us": now_us,
        "outputs": one.outputs if outputs_kept else None,
    }
