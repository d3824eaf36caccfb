"""The batch's history: appended to, read after a cursor, never changed but to forget a contact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import insert, select

from flowlaunch.batch.ledger.faults import retried
from flowlaunch.batch.ledger.schema import events
from flowlaunch.batch.ledger.shapes import EventRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Row

    from flowlaunch.batch.ledger.store import Store

__all__ = ["append", "last", "read", "write"]


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
        return tuple(_made(one) for one in connection.execute(wanted))


def last(store: Store, batch_id: int, kind: str) -> EventRecord | None:
    """Return the newest event of a kind; all events of the batch are looked through."""
    wanted = select(events).where(events.c.batch_id == batch_id, events.c.kind == kind)
    with store.read("read the last event") as connection:
        found = connection.execute(wanted.order_by(events.c.id.desc()).limit(1)).first()
    return None if found is None else _made(found)


def _made(found: Row[*tuple[Any, ...]]) -> EventRecord:
    return EventRecord(
        event_id=found.id,
        batch_id=found.batch_id,
        at_us=found.at_us,
        kind=found.kind,
        row_id=found.row_id,
        facts=msgspec.json.decode(found.facts),
    )
