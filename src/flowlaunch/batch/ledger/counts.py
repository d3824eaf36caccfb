"""Rows by state and reason, kept up to date in the transaction that moves them: no count ever scans the rows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, select, update

from flowlaunch.batch.ledger.schema import counts
from flowlaunch.batch.ledger.set_based import SetStatement
from flowlaunch.batch.ledger.shapes import Count
from flowlaunch.batch.states import RowState

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from flowlaunch.batch.ledger.store import Store

__all__ = ["Deltas", "add", "read"]

Deltas = Counter[tuple[int, str, str]]
"""(batch id, state, reason) -> by how many rows its count changes."""

_ADD = SetStatement(
    update(counts)
    .where(
        counts.c.batch_id == bindparam("in_batch"),
        counts.c.state == bindparam("in_state"),
        counts.c.reason == bindparam("for_reason"),
    )
    .values(n=counts.c.n + bindparam("by"))
)


def add(connection: Connection, deltas: Deltas) -> None:
    """Change the counts within the present transaction."""
    changed = [key for key, by in deltas.items() if by]
    if not changed:
        return
    values = [
        {"in_batch": batch_id, "in_state": state, "for_reason": reason, "by": deltas[batch_id, state, reason]}
        for batch_id, state, reason in changed
    ]
    if _ADD.run(connection, values) != len(changed):
        _add_new(connection, deltas, changed)


def _add_new(connection: Connection, deltas: Deltas, changed: list[tuple[int, str, str]]) -> None:
    """Insert the counts that the update did not find."""
    ids = {batch_id for batch_id, _, _ in changed}
    found = connection.execute(
        select(counts.c.batch_id, counts.c.state, counts.c.reason).where(counts.c.batch_id.in_(ids))
    )
    known = {(one.batch_id, one.state, one.reason) for one in found}
    new = [key for key in changed if key not in known]
    connection.execute(
        insert(counts),
        [
            {"batch_id": batch_id, "state": state, "reason": reason, "n": deltas[batch_id, state, reason]}
            for batch_id, state, reason in new
        ],
    )


def read(store: Store, batch_id: int) -> tuple[Count, ...]:
    """Return the counts above zero, in the order of the states."""
    with store.read("count rows") as connection:
        found = connection.execute(
            select(counts.c.state, counts.c.reason, counts.c.n).where(counts.c.batch_id == batch_id, counts.c.n != 0)
        ).all()
    order = list(RowState)
    made = [Count(RowState(one.state), one.reason, one.n) for one in found]
    return tuple(sorted(made, key=lambda one: (order.index(one.state), one.reason)))
