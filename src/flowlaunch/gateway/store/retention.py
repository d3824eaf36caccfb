"""Remove what is older than is kept, a few hundred rows a transaction, so that whoever writes hardly waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, and_, delete, exists, func, not_, select

from flowlaunch.batch.ledger import removal
from flowlaunch.batch.ledger.schema import rows
from flowlaunch.batch.ledger.schema_edges import audit, deliveries, delivery_attempts, messages, wishes
from flowlaunch.batch.ledger.schema_gateway import launches
from flowlaunch.gateway.store.launches import first_id_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowlaunch.batch.ledger.store import Store

__all__ = ["STEP", "old_launches", "remove_batch_rows", "remove_launches", "remove_lines"]

STEP: Final = 200
"""Rows a transaction: 12 ms of work here, which is the longest that anybody who writes waits for it."""
LINES: Final = {"audit": (audit, audit.c.at_us), "messages": (messages, messages.c.received_us)}
"""What is only appended to: its newest lines have the highest ids, so that old ones are found without an index."""


def old_launches(store: Store, before_us: int, after_id: str, limit: int = STEP) -> tuple[list[int], str | None]:
    """Return rows of launches accepted before an instant that may be removed, and the id to read on after; None: all.

    Those that have not come to their end, or whose callback is not through, are passed over; a callback that has been
    due for as long as that, and that nobody could send, keeps nothing: what waits for a receiver has an end, too.
    """
    waits = exists().where(deliveries.c.row_id == launches.c.row_id, deliveries.c.due_us >= before_us)
    wishes_open = exists().where(wishes.c.row_id == launches.c.row_id, wishes.c.begun_us.is_(None))
    is_over = and_(rows.c.state.in_(removal.FINAL), func.coalesce(rows.c.ended_us, 0) < before_us)
    wanted = (
        select(launches.c.id, launches.c.row_id, and_(is_over, not_(waits), not_(wishes_open)).label("is_old"))
        .join(rows, rows.c.id == launches.c.row_id)
        .where(launches.c.id > after_id, launches.c.id < first_id_at(before_us))
        .order_by(launches.c.id)
        .limit(limit)
    )
    with store.read("find old launches") as connection:
        found = connection.execute(wanted).all()
    return [one.row_id for one in found if one.is_old], found[-1].id if len(found) == limit else None


def remove_launches(store: Store, row_ids: Sequence[int], before_us: int) -> int:
    """Delete launches with their rows and callbacks; one that was taken up again meanwhile stays."""
    with store.write("remove old launches", durable=False) as connection:
        found = removal.over(connection, row_ids, before_us)
        if not found:
            return 0
        _forget(connection, [one.id for one in found])
        return removal.remove_rows(connection, found)


def remove_batch_rows(store: Store, batch_id: int, before_us: int, limit: int = STEP) -> int:
    """Delete the first rows that a batch still has, as far as they have come to their end."""
    with store.read("find old rows") as connection:
        row_ids = removal.next_rows(connection, batch_id, limit)
    return remove_launches(store, row_ids, before_us) if row_ids else 0


def remove_lines(store: Store, what: str, before_us: int, limit: int = STEP) -> int:
    """Delete the oldest lines of the audit log, or the oldest webhook messages, from before an instant."""
    table, at_us = LINES[what]
    with store.read("find old lines") as connection:
        oldest = connection.execute(select(table.c.id, at_us.label("at_us")).order_by(table.c.id).limit(limit)).all()
    ids = [one.id for one in oldest if one.at_us < before_us]
    if not ids:
        return 0
    with store.write("remove old lines", durable=False) as connection:
        return connection.execute(delete(table).where(table.c.id.in_(ids))).rowcount


def _forget(connection: Connection, row_ids: Sequence[int]) -> None:
    """Delete everything of the gateway's own that hangs on rows."""
    seqs = connection.execute(select(deliveries.c.seq).where(deliveries.c.row_id.in_(row_ids))).scalars().all()
    if seqs:
        connection.execute(delete(delivery_attempts).where(delivery_attempts.c.delivery_seq.in_(seqs)))
        connection.execute(delete(deliveries).where(deliveries.c.seq.in_(seqs)))
    connection.execute(delete(wishes).where(wishes.c.row_id.in_(row_ids)))
    connection.execute(delete(launches).where(launches.c.row_id.in_(row_ids)))
