"""Controls: what was asked of a runner from any terminal, and by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select, update

from flowlaunch.batch.ledger import batches, events
from flowlaunch.batch.ledger.faults import retried
from flowlaunch.batch.ledger.schema import controls
from flowlaunch.batch.ledger.shapes import Change, Controls
from flowlaunch.errors import LedgerError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from flowlaunch.batch.ledger.store import Store

__all__ = ["change", "read"]


def read(store: Store, batch_id: int) -> Controls:
    """Return the controls of a batch."""
    with store.read("read controls") as connection:
        return _read(connection, batch_id, store.place)


def _read(connection: Connection, batch_id: int, place: str) -> Controls:
    row = connection.execute(select(controls).where(controls.c.batch_id == batch_id)).mappings().first()
    if row is None:
        batches.find(connection, batch_id, place)
        raise LedgerError(f"read the controls of batch {batch_id} in {place}: they are missing")
    return Controls(**{name: value for name, value in row.items() if name != "batch_id"})


@retried(even_if_kept=True)
def change(store: Store, batch_id: int, *, by: str, wanted: Change) -> Controls:
    """Change what is set in `wanted`, write down who asked, and return all controls."""
    new: dict[str, Any] = {
        name: value for name in Change.__struct_fields__ if (value := getattr(wanted, name)) is not msgspec.UNSET
    }
    _check(new)
    now_us = store.now_us()
    with store.write("change controls") as connection:
        if new:
            paused = {"paused_by": by} if new.get("paused") else {}
            if new.get("paused") is False:
                paused = {"paused_by": "", "pause_reason": new.get("pause_reason", "")}
            connection.execute(
                update(controls)
                .where(controls.c.batch_id == batch_id)
                .values(**new | paused, version=controls.c.version + 1, changed_us=now_us)
            )
        after = _read(connection, batch_id, store.place)
        if new:
            events.write(connection, batch_id, "controls-changed", now_us, facts={"by": by, **new})
    return after


def _check(new: dict[str, Any]) -> None:
    for name in ("rate_per_minute", "concurrency", "priority"):
        value = new.get(name)
        if value is not None and not value > 0:
            raise LedgerError(f"set {name} to {value}: it must be above zero", hint="Pause the batch to stop it.")
