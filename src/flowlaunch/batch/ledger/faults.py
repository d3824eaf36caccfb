"""Turn the database library's errors into ours: no SQL, no values, one action."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from flowlaunch.errors import LedgerBusyError, LedgerError, LedgerFullError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CONFLICT", "translated"]

CONFLICT: Final = "ledger-conflict"
"""Code of the error for a value that must be there once and would have been there twice."""

BUSY_CODES: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
FULL_CODES: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})
"""What SQLite says when there is no room: for the file itself, past a size limit, for the shared index."""
DAMAGED_CODES: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
CLOSED_CODES: Final = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM})


@contextlib.contextmanager
def translated(doing: str, place: str) -> Iterator[None]:
    """Raise LedgerError and its kin in place of the database's own errors."""
    try:
        yield
    except IntegrityError as error:
        raise LedgerError(f"{doing} in {place}: {error.orig}", code=CONFLICT) from error
    except DBAPIError as error:
        raise _meaning(error.orig, doing, place) from error
    except SQLAlchemyError as error:
        raise LedgerError(f"{doing} in {place}: {type(error).__name__}") from error
    except sqlite3.Error as error:
        raise _meaning(error, doing, place) from error


def _meaning(error: BaseException | None, doing: str, place: str) -> LedgerError:
    code = getattr(error, "sqlite_errorcode", 0)
    plain = code & 0xFF
    said = f"{doing} in {place}: {error}"
    if plain in BUSY_CODES:
        return LedgerBusyError(
            f"{doing} in {place}: another process is writing and did not finish in time",
            hint="Try again; if it lasts, look for a stuck process or a backup tool that holds the file.",
        )
    if plain in FULL_CODES or code in FULL_CODES:
        return LedgerFullError(f"{said}; the disk is full or refuses to write")
    if plain in DAMAGED_CODES:
        return LedgerError(
            said, hint="The file is no ledger or is damaged: restore a backup (`flowlaunch batch backup`)."
        )
    if plain in CLOSED_CODES:
        return LedgerError(said)
    return LedgerError(said, hint="This is a defect or a damaged file; keep the ledger and report it.")
