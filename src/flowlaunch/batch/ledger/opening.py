"""Open a ledger: make it, check that it is one, bring it up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flowlaunch.batch.ledger.ledger import Ledger
    from flowlaunch.batch.ledger.store import Clock, Store

__all__ = ["open_ledger"]


def open_ledger(
    place: Path | str,
    *,
    clock: Clock | None = None,
    create: bool = True,
    boundary: Callable[[str], None] | None = None,
    moved_ok: bool = False,
    on_store: Callable[[Store], None] | None = None,
) -> Ledger:
    """Open the ledger at a path, or in a PostgreSQL database (`postgresql://…`), making it when there is none.

    An older file is brought up to date after a copy of it was put beside it; an older ledger in PostgreSQL is not, for
    others may be at work on it (`flowlaunch ledger upgrade`). `moved_ok` opens a file whose ledger was moved.

    `clock` is for tests: by default files go by this machine's clock and PostgreSQL by the server's. `boundary` is
    called with `before:<what>` and `after:<what>` around every commit, for tests that end the process there. `on_store`
    is given the store before a server is asked anything, so that another thread can break that off.

    Raises:
        LedgerTooNewError: a newer flowlaunch wrote it.
        LedgerMovedError: it was moved to another place.
        LedgerUnreachableError: the database server does not answer.
        LedgerError: it is no ledger, does not exist, or cannot be opened.

    """
    from flowlaunch._io.clock import SystemClock  # noqa: PLC0415 - nothing heavy before a ledger is opened
    from flowlaunch.batch.ledger import versions  # noqa: PLC0415
    from flowlaunch.batch.ledger.ledger import Ledger  # noqa: PLC0415

    store = versions.open_store(
        place, clock or SystemClock(), create=create, boundary=boundary, moved_ok=moved_ok, on_store=on_store
    )
    return Ledger(store)
