"""Copies of a ledger in use."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from flowlaunch.batch.ledger import sqlite
from flowlaunch.batch.ledger.faults import translated
from flowlaunch.errors import LedgerError

if TYPE_CHECKING:
    from pathlib import Path

    from flowlaunch.batch.ledger.store import Store

__all__ = ["check", "copy"]


def copy(store: Store, to: Path) -> Path:
    """Copy the ledger to `to`, which must not exist; a copy that failed half-way is removed."""
    if store.path is None:
        raise LedgerError("back up a ledger that is no file", hint="Use the database's own backup.")
    if to.exists():
        raise LedgerError(f"back up {store.place} to {to}: the file exists", hint="Give the path of a new file.")
    try:
        with translated("back up", store.place):
            sqlite.copy(store.path, to)
    except BaseException:
        to.unlink(missing_ok=True)
        raise
    return to


def check(path: Path) -> None:
    """Read a copy through; LedgerError when SQLite finds it damaged."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        said = str(error)
    if said != "ok":
        raise LedgerError(f"back up to {path}: the copy is damaged: {said}", hint="Look at the disk; try again.")
