"""The mark of a ledger file whose ledger went on elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from flowlaunch.batch.ledger.schema import facts
from flowlaunch.errors import LedgerMovedError

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["MOVED_TO", "moved_to", "refuse_moved"]

MOVED_TO: Final = "moved_to"


def moved_to(connection: Connection) -> str | None:
    """Return where the ledger went, or None when it is in use."""
    return connection.execute(select(facts.c.value).where(facts.c.name == MOVED_TO)).scalar()


def refuse_moved(connection: Connection, place: str) -> None:
    """Raise LedgerMovedError when the ledger was moved to another place."""
    there = moved_to(connection)
    if there is not None:
        raise LedgerMovedError(f"use the ledger {place}: it was moved to {there}", place=there)
