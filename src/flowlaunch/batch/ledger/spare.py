"""Space kept for the last outcomes: a file beside the ledger, given up when the disk is full.

Requests in flight when the disk fills up still get answers. With this file removed there is room to write
them, so that a full disk leaves nothing in doubt.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.ledger import sqlite

if TYPE_CHECKING:
    from pathlib import Path

    from flowlaunch.batch.ledger.store import Store

__all__ = ["keep", "release"]

SPARE_BYTES: Final = 2 * 1024 * 1024
_BLOCK: Final = b"\xa5" * 65536  # not zeros: some file systems store those in no space at all


def _path(store: Store) -> Path | None:
    return store.path.with_name(f"{store.path.name}.spare") if store.path is not None else None


def keep(store: Store) -> None:
    """Set space aside, as far as there is any."""
    path = _path(store)
    if path is None or (path.exists() and path.stat().st_size == SPARE_BYTES):
        return
    sqlite.make(path)
    with contextlib.suppress(OSError), path.open("wb") as file:
        for _ in range(SPARE_BYTES // len(_BLOCK)):
            file.write(_BLOCK)


def release(store: Store) -> bool:
    """Give the space up; return whether there was any."""
    path = _path(store)
    if path is None:
        return False
    try:
        path.unlink()
    except OSError:
        return False
    return True
