"""Rows by state and reason, kept up to date in the transaction that moves them: no count ever scans the rows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from flowlaunch.batch.ledger.schema import counts
from flowlaunch.batch.ledger.set_based import SetStatement
from flowlaunch.batch.ledger.shapes import Count
from flowlaunch.batch.states import RowState

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from flowlaunch.batch.ledger.store import Store

__all__ = ["PART_OPTION", "Deltas", "add", "read"]

PART_OPTION: Final = "flowlaunch_counts_part"
"""Option of a connection: the part of each count that it changes. A count is the sum of its parts."""

Deltas = Counter[tuple[int, str, str]]
"""(batch id, state, reason) -> by how many rows its count changes."""

_ADD = SetStatement(
    update(counts)
    .where(
        counts.c.batch_id == bindparam("in_batch"),
        counts.c.state == bindparam("in_state"),
        counts.c.reason == bindparam("for_reason"),
        counts.c.part == bindparam("in_part"),
    )
    .values(n=counts.c.n + bindparam("by"))
)


_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def add(connection: Connection, deltas: Deltas) -> None:
    """Change the counts within the present transaction."""
    changed = sorted(key for key, by in deltas.items() if by)
    if not changed:
        return
    part = connection.get_execution_options().get(PART_OPTION, 0)
    values = [
        {"in_batch": one[0], "in_state": one[1], "for_reason": one[2], "in_part": part, "by": deltas[one]}
        for one in changed
    ]
    if _ADD.run(connection, values) != len(changed):
        _add_new(connection, deltas, changed, part)


def _add_new(connection: Connection, deltas: Deltas, changed: list[tuple[int, str, str]], part: int) -> None:
    """Insert the counts that the update did not find, or add to those that another process inserts now."""
    ids = {batch_id for batch_id, _, _ in changed}
    wanted = select(counts.c.batch_id, counts.c.state, counts.c.reason)
    found = connection.execute(wanted.where(counts.c.batch_id.in_(ids), counts.c.part == part))
    known = {(one.batch_id, one.state, one.reason) for one in found}
    insert = _INSERT[connection.dialect.name](counts)
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=list(counts.primary_key), set_={"n": counts.c.n + insert.excluded.n}
        ),
        [
            {"batch_id": key[0], "state": key[1], "reason": key[2], "part": part, "n": deltas[key]}
            for key in changed
            if key not in known
        ],
    )


def read(store: Store, batch_id: int) -> tuple[Count, ...]:
    """Return the counts above zero, in the order of the states."""
    rows = func.sum(counts.c.n).label("rows")
    wanted = select(counts.c.state, counts.c.reason, rows).where(counts.c.batch_id == batch_id)
    with store.read("count rows") as connection:
        found = connection.execute(wanted.group_by(counts.c.state, counts.c.reason).having(rows != 0)).all()
    order = list(RowState)
    made = [Count(RowState(one.state), one.reason, int(one.rows)) for one in found]
    return tuple(sorted(made, key=lambda one: (order.index(one.state), one.reason)))
