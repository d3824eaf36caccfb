"""Take rows and batches out of the ledger for good, once nobody needs to know of them; in steps that are short.

What hangs on rows in the gateway's tables has to be removed before, in the same transaction.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, delete, func, or_, select, text

from flowlaunch.batch.ledger import counts
from flowlaunch.batch.ledger.schema import (
    attempts,
    batches,
    chunks,
    counts as count_rows,
    events,
    metadata,
    of_batch,
    pace_lanes,
    results,
    rows,
    workers,
)
from flowlaunch.batch.states import FINAL_STATES
from flowlaunch.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Row

    from flowlaunch.batch.ledger.store import Store

__all__ = ["drop_partitions", "is_over", "next_rows", "over", "remove_batch", "remove_rows", "remove_traces"]

FINAL: Final = tuple(sorted(state.value for state in FINAL_STATES))
LANES: Final = ("launch", "look")
MOST_LOCK_MS: Final = 100
"""How long dropping a partition waits for who uses the whole table, and others for it."""
MOST_DETACH_MS: Final = 2_000
"""How long the server may look whether anything refers to the rows that are gone."""


def over(connection: Connection, row_ids: Sequence[int], before_us: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return those of the rows that came to their end before an instant, and keep others from changing them."""
    wanted = select(rows.c.id, rows.c.batch_id, rows.c.state, rows.c.reason).where(
        rows.c.id.in_(row_ids), rows.c.state.in_(FINAL), func.coalesce(rows.c.ended_us, 0) < before_us
    )
    return connection.execute(wanted.with_for_update()).all()


def remove_rows(connection: Connection, found: Sequence[Row[*tuple[Any, ...]]]) -> int:
    """Delete rows that are `over` with their attempts and results, and take them out of the counts."""
    ids = [one.id for one in found]
    deltas = counts.Deltas()
    for one in found:
        deltas[one.batch_id, one.state, one.reason] -= 1
    for table, column in ((results, results.c.row_id), (attempts, attempts.c.row_id), (rows, rows.c.id)):
        connection.execute(delete(table).where(column.in_(ids)))
    counts.add(connection, deltas)
    return len(ids)


def is_over(connection: Connection, batch_id: int, before_us: int) -> bool:
    """Tell whether a batch was loaded, every row has come to its end, and all of it happened before an instant.

    A batch that qualifies otherwise has all its rows read; nothing is written, so nobody waits for that.
    """
    batch = connection.execute(select(batches).where(batches.c.id == batch_id)).first()
    newest = select(events.c.at_us).where(events.c.batch_id == batch_id).order_by(events.c.id.desc()).limit(1)
    if batch is None or batch.loaded_us is None or max(batch.loaded_us, _first(connection, newest) or 0) >= before_us:
        return False
    here = count_rows.c.batch_id == batch_id
    present = (workers.c.batch_id == batch_id, workers.c.gone_us.is_(None))
    later = or_(rows.c.ended_us >= before_us, rows.c.launched_us >= before_us)
    doubts = (
        select(func.sum(count_rows.c.n)).where(here, count_rows.c.state.not_in(FINAL)),
        select(workers.c.id).where(*present).limit(1),
        select(rows.c.id).where(of_batch(batch_id), later).limit(1),
    )
    return not any(_first(connection, doubt) for doubt in doubts)


def next_rows(connection: Connection, batch_id: int, limit: int) -> list[int]:
    """Return the first rows that a batch still has."""
    wanted = select(rows.c.id).where(of_batch(batch_id)).order_by(rows.c.id).limit(limit)
    return list(connection.execute(wanted).scalars())


def remove_batch(store: Store, batch_id: int) -> bool:
    """Delete a batch that has no rows left, with its history; return whether it was removed.

    The newest batch stays: its number would be given again, and what names it elsewhere would mean another one.
    """
    with _unchecked(store), store.write("remove a batch", durable=False) as connection:
        newest = _first(connection, select(func.max(batches.c.id)))
        if batch_id == newest or next_rows(connection, batch_id, 1):
            return False
        for table in reversed(metadata.sorted_tables):
            if "batch_id" in table.c:
                connection.execute(delete(table).where(table.c.batch_id == batch_id))
        lanes = [f"{lane}:{batch_id}" for lane in LANES]
        connection.execute(delete(pace_lanes).where(pace_lanes.c.lane.in_(lanes)))
        return connection.execute(delete(batches).where(batches.c.id == batch_id)).rowcount == 1


def drop_partitions(store: Store) -> int:
    """Drop what PostgreSQL keeps of batches that are gone: two empty tables with their indexes each. Return how many.

    Dropping one needs the whole table for itself for a moment: where that is not to be had at once, or is not allowed
    to this user, they stay until the next call.
    """
    dropped = 0
    with store.read("find empty partitions") as connection:
        if connection.dialect.name != "postgresql":
            return 0
        named = text("SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
                     "WHERE i.inhparent IN (to_regclass('rows'), to_regclass('attempts'))")  # fmt: skip
        names = list(connection.execute(named).scalars())
        present = set(connection.execute(select(batches.c.id)).scalars())
    for name in names:
        if not 0 < _batch_of(name) < max(present, default=0) or _batch_of(name) in present:
            continue
        try:
            with store.write("drop an empty partition", durable=False) as connection:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {MOST_LOCK_MS}")
                connection.exec_driver_sql(f"SET LOCAL statement_timeout = {MOST_DETACH_MS}")
                connection.exec_driver_sql(f"ALTER TABLE {name.partition('_')[0]} DETACH PARTITION {name}")
                connection.exec_driver_sql(f"DROP TABLE {name}")
        except LedgerError:
            break
        dropped += 1
    return dropped


def _batch_of(partition: str) -> int:
    """Return the batch of `rows_17` or `attempts_17`; -1 for what is none of these."""
    whole, _, number = partition.partition("_")
    return int(number) if whole in {"rows", "attempts"} and number.isdecimal() else -1


def remove_traces(store: Store, batch_id: int, before_us: int, limit: int) -> int:
    """Delete what a batch without an end leaves behind: old events, closed chunks, workers long gone. Return how many.

    Each is looked for among the oldest `limit`, so that a call that finds nothing is short, too.
    """
    removed = 0
    for table, at_us in ((events, events.c.at_us), (chunks, chunks.c.closed_us), (workers, workers.c.gone_us)):
        oldest = (
            select(table.c.id, at_us.label("at_us")).where(table.c.batch_id == batch_id).order_by(at_us, table.c.id)
        )
        if table is not workers:
            oldest = oldest.order_by(None).order_by(table.c.id)
        with store.read("find old traces") as connection:
            found = connection.execute(oldest.limit(limit)).all()
        ids = [one.id for one in found if one.at_us is not None and one.at_us < before_us]
        if ids:
            with store.write("remove old traces", durable=False) as connection:
                removed += connection.execute(delete(table).where(table.c.id.in_(ids))).rowcount
    return removed


def _first(connection: Connection, wanted: Any) -> Any:
    return connection.execute(wanted).scalar()


@contextlib.contextmanager
def _unchecked(store: Store) -> Iterator[None]:
    """Have SQLite not look for children of what is deleted: without an index for them it would read every row.

    The writing connection is ours until this ends, so no other write goes unchecked.
    """
    with store.between("remove a batch") as connection:
        if connection.dialect.name != "sqlite":
            yield
            return
        raw: Any = connection.connection.dbapi_connection
        raw.execute("PRAGMA foreign_keys=OFF").close()
        try:
            yield
        finally:
            raw.execute("PRAGMA foreign_keys=ON").close()
