"""Open a ledger: make it, check that it is one, bring it up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flowlaunch.batch.ledger.ledger import Ledger
    from flowlaunch.batch.ledger.store import Clock

__all__ = ["open_ledger"]


def open_ledger(
    place: Path | str,
    *,
    clock: Clock | None = None,
    create: bool = True,
    boundary: Callable[[str], None] | None = None,
) -> Ledger:
    """Open the ledger at a path, making it when there is none.

    An older ledger is brought up to date after a copy of it was put beside it.

    Database URLs are reserved for ledgers shared by machines and refused for now. `boundary` is called with
    `before:<what>` and `after:<what>` around every commit, for tests that end the process there.

    Raises:
        LedgerTooNewError: a newer flowlaunch wrote it.
        LedgerError: it is no ledger, does not exist, or cannot be opened.

    """
    from flowlaunch._io.clock import SystemClock  # noqa: PLC0415 - nothing heavy before a ledger is opened
    from flowlaunch.batch.ledger import versions  # noqa: PLC0415
    from flowlaunch.batch.ledger.ledger import Ledger  # noqa: PLC0415

    store = versions.open_store(place, clock or SystemClock(), create=create, boundary=boundary)
    return Ledger(store)
