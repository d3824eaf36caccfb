"""The batch's history: appended to, read after a cursor, never changed but to forget a contact."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import insert, select

from flowlaunch.batch.ledger.faults import retried
from flowlaunch.batch.ledger.schema import events
from flowlaunch.batch.ledger.shapes import EventRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from flowlaunch.batch.ledger.store import Store

__all__ = ["append", "read", "write"]


def write(
    connection: Connection,
    batch_id: int,
    kind: str,
    at_us: int,
    *,
    row_id: int | None = None,
    facts: Mapping[str, object],
) -> int:
    """Append an event within the present transaction and return its id."""
    done = connection.execute(
        insert(events).values(
            batch_id=batch_id, at_us=at_us, kind=kind, row_id=row_id, facts=msgspec.json.encode(facts).decode()
        )
    )
    key = done.inserted_primary_key
    return int(key[0]) if key is not None else 0


@retried(even_if_kept=True)
def append(store: Store, batch_id: int, kind: str, *, row_id: int | None, facts: Mapping[str, object]) -> int:
    """Append an event in a transaction of its own."""
    with store.write("add event", durable=False) as connection:
        return write(connection, batch_id, kind, store.now_us(), row_id=row_id, facts=facts)


def read(store: Store, batch_id: int, *, after: int, limit: int) -> tuple[EventRecord, ...]:
    """Return events after a cursor, oldest first."""
    wanted = select(events).where(events.c.batch_id == batch_id, events.c.id > after).order_by(events.c.id).limit(limit)
    with store.read("read events") as connection:
        found = connection.execute(wanted).all()
    return tuple(
        EventRecord(
            event_id=one.id,
            batch_id=one.batch_id,
            at_us=one.at_us,
            kind=one.kind,
            row_id=one.row_id,
            facts=msgspec.json.decode(one.facts),
        )
        for one in found
    )
