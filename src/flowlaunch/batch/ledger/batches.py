"""Batches: what was asked for, and whether it is still the same when a batch goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import func, insert, select, update

from flowlaunch.batch.ledger import events
from flowlaunch.batch.ledger.faults import retried
from flowlaunch.batch.ledger.schema import batches, controls
from flowlaunch.batch.ledger.shapes import Batch, BatchSpec
from flowlaunch.errors import LedgerError, LedgerMismatchError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Row

    from flowlaunch.batch.ledger.store import Store

__all__ = ["check_resume", "create", "find", "finish_loading", "raise_epoch", "read", "read_all"]

_CHANGES = {
    "source": "the rows' source has changed since the batch began",
    "mapping": "mapping or rules differ from those the batch began with",
    "flow": "another flow is named than the one the batch began with",
    "flow-version": "the flow was published again since the batch began; the batch keeps to the version it pinned",
}


def create(store: Store, spec: BatchSpec) -> int:
    """Record a batch with its controls and its first event."""
    now_us = store.now_us()
    with store.write("create batch") as connection:
        done = connection.execute(
            insert(batches).values(
                spec=msgspec.json.encode(spec).decode(), created_us=now_us, last_number=0, epoch=0, worker_id=None
            )
        )
        key = done.inserted_primary_key
        batch_id = int(key[0]) if key is not None else 0
        connection.execute(
            insert(controls).values(
                batch_id=batch_id, paused=False, pause_reason="", paused_by="", cancelled=False, version=0
            )
        )
        facts = {"source": spec.source, "flow": spec.flow_name or spec.flow_id, "flow_version": spec.flow_version}
        events.write(connection, batch_id, "batch-created", now_us, facts=facts)
    return batch_id


def read(store: Store, batch_id: int) -> Batch:
    """Return the batch of that id."""
    with store.read("read batch") as connection:
        return find(connection, batch_id, store.place)


def read_all(store: Store) -> tuple[Batch, ...]:
    """Return every batch, oldest first."""
    with store.read("list batches") as connection:
        return tuple(_made(row) for row in connection.execute(select(batches).order_by(batches.c.id)))


def find(connection: Connection, batch_id: int, place: str = "the ledger", *, for_update: bool = False) -> Batch:
    """Return the batch of that id, or raise LedgerError; `for_update` keeps others from changing it meanwhile."""
    wanted = select(batches).where(batches.c.id == batch_id)
    row = connection.execute(wanted.with_for_update() if for_update else wanted).first()
    if row is None:
        known = connection.execute(select(batches.c.id).order_by(batches.c.id)).scalars().all()
        raise LedgerError(
            f"find batch {batch_id} in {place}: there is none",
            hint=f"It has: {', '.join(map(str, known))}." if known else "It has no batch yet.",
        )
    return _made(row)


def _made(row: Row[*tuple[Any, ...]]) -> Batch:
    return Batch(
        batch_id=row.id,
        spec=msgspec.json.decode(row.spec, type=BatchSpec),
        created_us=row.created_us,
        last_number=row.last_number,
        loaded_us=row.loaded_us,
        started_us=row.started_us,
        epoch=row.epoch,
        worker_id=row.worker_id,
    )


def raise_epoch(connection: Connection, batch_id: int) -> int:
    """Raise the batch's epoch and return it; the write lock makes it this transaction's alone."""
    connection.execute(update(batches).where(batches.c.id == batch_id).values(epoch=batches.c.epoch + 1))
    return int(connection.execute(select(batches.c.epoch).where(batches.c.id == batch_id)).scalar_one())


@retried(even_if_kept=True)
def finish_loading(store: Store, batch_id: int) -> None:
    """Record that every row of the source is in the ledger; once is enough."""
    with store.write("finish loading") as connection:
        connection.execute(
            update(batches)
            .where(batches.c.id == batch_id, batches.c.loaded_us.is_(None))
            .values(loaded_us=store.now_us())
        )
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.look_at_rows(batch_id)))


def check_resume(store: Store, batch_id: int, now: Mapping[str, str | None], accept: frozenset[str]) -> tuple[str, ...]:
    """Return the accepted changes, or raise LedgerMismatchError with all the others."""
    spec = read(store, batch_id).spec
    then = {
        "source": spec.source_sha256,
        "mapping": spec.mapping_hash,
        "flow": spec.flow_id,
        "flow-version": spec.flow_version,
    }
    changed = [name for name, value in now.items() if value is not None and value != then[name]]
    refused = [name for name in changed if name not in accept]
    if refused:
        raise LedgerMismatchError(
            f"resume batch {batch_id} of {spec.source}: " + "; ".join(_CHANGES[name] for name in refused),
            changed=refused,
        )
    if changed:
        with store.write("accept changes") as connection:
            events.write(connection, batch_id, "changes-accepted", store.now_us(), facts={"changed": changed})
    return tuple(changed)
