"""Give back the room that removed rows left in a ledger's file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from flowlaunch.batch.ledger import sqlite
from flowlaunch.batch.ledger.liveness import lives
from flowlaunch.batch.ledger.schema import workers
from flowlaunch.errors import LedgerBusyError, LedgerError

if TYPE_CHECKING:
    from pathlib import Path

    from flowlaunch.batch.ledger.store import Store

__all__ = ["vacuum"]

STALE_S: Final = 30.0


def vacuum(store: Store, *, even_if_used: bool = False) -> tuple[int, int]:
    """Rewrite the file and return its size in bytes before and after.

    Raises:
        LedgerBusyError: a process works on one of its batches; it could not write meanwhile.
        LedgerError: the ledger is in a server.

    """
    path = store.path
    if path is None:
        raise LedgerError("vacuum a ledger that is no file", hint="PostgreSQL does that by itself.")
    if not even_if_used:
        _check_unused(store)
    before = _size_bytes(path)
    with store.between("vacuum") as connection:
        is_log_empty = sqlite.reclaim(connection)
    with store.read("look for free pages") as connection:
        free_pages = connection.exec_driver_sql("PRAGMA freelist_count").scalar()
    if free_pages:
        raise LedgerError(
            f"vacuum {store.place}: it could not be rewritten; nothing is lost",
            hint="It needs as much free disk as the ledger has, and nobody who writes meanwhile.",
        )
    if not is_log_empty:
        raise LedgerBusyError(f"vacuum {store.place}: it is being read", hint="Try again when nothing else reads it.")
    return before, _size_bytes(path)


def _size_bytes(path: Path) -> int:
    """Return the size of a ledger's file and its write-ahead log."""
    log = path.with_name(f"{path.name}-wal")
    return path.stat().st_size + (log.stat().st_size if log.exists() else 0)


def _check_unused(store: Store) -> None:
    with store.read("find workers") as connection:
        present = connection.execute(select(workers).where(workers.c.gone_us.is_(None))).all()
    for one in present:
        if lives(one, store.now_us(), STALE_S):
            raise LedgerBusyError(
                f"vacuum {store.place}: process {one.pid} works on batch {one.batch_id}",
                hint="Stop it first, or say --anyway: it cannot write until this is through.",
                pid=one.pid,
                host=one.host,
            )
