"""Decisions of people: ending doubt, retrying, releasing, cancelling. Each says who and when, in the events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select, update

from flowlaunch.batch.ledger import batches, counts, events
from flowlaunch.batch.ledger.rows import matching
from flowlaunch.batch.ledger.schema import attempts, rows
from flowlaunch.batch.ledger.schema_edges import wishes
from flowlaunch.batch.ledger.shapes import Evidence, RowFilter, Verdict
from flowlaunch.batch.states import MOVES, Event, RowState, move
from flowlaunch.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Row

    from flowlaunch.batch.ledger.store import Store

__all__ = ["cancel", "release", "retry", "settle"]

ROWS_PER_TRANSACTION: Final = 2000
EVENT_OF_VERDICT: Final[Mapping[Verdict, Event]] = {
    "launched": Event.SETTLED_LAUNCHED,
    "absent": Event.SETTLED_ABSENT,
}


def settle(store: Store, batch_id: int, row_ids: Sequence[int], verdict: Verdict, evidence: Evidence) -> int:
    """End the doubt about rows; rows that are in doubt no more are passed over."""
    if evidence.execution_id is not None and len(row_ids) != 1:
        raise LedgerError("settle rows: one execution id cannot be that of several rows", hint="Settle each row alone.")
    now_us = store.now_us()
    launched = verdict == "launched"
    new = {
        "execution_id": evidence.execution_id if launched else None,
        "launched_us": now_us if launched else None,
        "look_at_us": now_us if launched and evidence.execution_id else None,
    }
    if evidence.correlation_id:
        new["correlation_id"] = evidence.correlation_id
    reason = "settled" if evidence.execution_id or not launched else "settled-without-id"
    facts = {"by": evidence.by, "grounds": evidence.grounds, "verdict": verdict, "execution_id": evidence.execution_id}
    decided = EVENT_OF_VERDICT[verdict]
    settled = 0
    for start in range(0, len(row_ids), ROWS_PER_TRANSACTION):
        where = RowFilter(row_ids=tuple(row_ids[start : start + ROWS_PER_TRANSACTION]))
        with store.write("settle rows") as connection:
            moved = _move(store, connection, batch_id, where, decided, reason, new)
            _settle_attempts(connection, moved, decided, new["execution_id"])
            for one in moved:
                events.write(connection, batch_id, "row-settled", now_us, row_id=one.id, facts=facts)
        settled += len(moved)
    return settled


def _settle_attempts(
    connection: Connection, moved: Sequence[Row[*tuple[Any, ...]]], decided: Event, execution_id: str | int | None
) -> None:
    """Write the decision into the attempt that was in doubt."""
    if not moved:
        return
    decide = (
        update(attempts)
        .where(attempts.c.row_id == bindparam("of_row"), attempts.c.number == bindparam("of_number"))
        .values(outcome=decided.value, execution_id=execution_id)
    )
    connection.execute(decide, [{"of_row": one.id, "of_number": one.attempts} for one in moved])


def retry(store: Store, batch_id: int, where: RowFilter | None, *, by: str) -> int:
    """Make failed and refused rows pending; their next launch is a new attempt."""
    new = {"execution_id": None, "launched_us": None, "ended_us": None, "http_status": None, "error_code": ""}
    return _move_all(store, batch_id, where, Event.RETRIED, by, new=new | {"message": "", "not_before_us": 0})


def release(store: Store, batch_id: int, where: RowFilter | None, *, by: str, not_before_us: int | None) -> int:
    """Make held rows pending."""
    return _move_all(store, batch_id, where, Event.RELEASED, by, new={"not_before_us": not_before_us or 0})


def cancel(store: Store, batch_id: int, where: RowFilter | None, *, by: str) -> int:
    """Make pending and held rows cancelled, but those that a worker holds."""
    return _move_all(store, batch_id, where, Event.CANCELLED, by, new={"ended_us": store.now_us()})


def _move_all(
    store: Store, batch_id: int, where: RowFilter | None, event: Event, by: str, *, new: dict[str, Any]
) -> int:
    """Move every matching row that the table lets move, a few thousand a transaction, and say so once a part."""
    total = 0
    while True:
        with store.write(f"{event.value} rows") as connection:
            moved = _move(store, connection, batch_id, where, event, event.value, new)
            if moved:
                facts = {"by": by, "rows": len(moved)}
                events.write(connection, batch_id, f"rows-{event.value}", store.now_us(), facts=facts)
            if moved and event is Event.RETRIED:  # whoever was told how they ended is told again
                told_again = update(wishes).where(wishes.c.row_id.in_([one.id for one in moved]))
                connection.execute(told_again.values(begun_us=None))
        total += len(moved)
        if len(moved) < ROWS_PER_TRANSACTION:
            return total


def _move(
    store: Store,
    connection: Connection,
    batch_id: int,
    where: RowFilter | None,
    event: Event,
    reason: str,
    new: Mapping[str, Any],
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Move up to a few thousand matching rows within the present transaction; return them as they were."""
    batches.find(connection, batch_id, store.place)
    froms = [state for state, known in MOVES if known is event]
    wanted = (
        select(rows.c.id, rows.c.state, rows.c.reason, rows.c.attempts)
        .where(matching(store, batch_id, where), rows.c.state.in_([one.value for one in froms]))
        .where(rows.c.chunk_id.is_(None))
        .order_by(rows.c.id)
        .limit(ROWS_PER_TRANSACTION)
        .with_for_update()
    )
    found = connection.execute(wanted).all()
    if not found:
        return ()
    deltas = counts.Deltas()
    values = []
    for one in found:
        after = move(RowState(one.state), event).value
        deltas[batch_id, one.state, one.reason] -= 1
        deltas[batch_id, after, reason] += 1
        values.append({"row_id": one.id, "old_state": one.state, "new_state": after})
    guarded = update(rows).where(rows.c.id == bindparam("row_id"), rows.c.state == bindparam("old_state"))
    connection.execute(guarded.values(state=bindparam("new_state"), reason=reason, epoch=0, **new), values)
    counts.add(connection, deltas)
    return found
