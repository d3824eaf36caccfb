"""Turn the database library's errors into ours: no SQL, no values, one action."""

from __future__ import annotations

import contextlib
import functools
import re
import sqlite3
import time
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from flowlaunch._io.chance import CHANCE
from flowlaunch.errors import LedgerBusyError, LedgerError, LedgerFullError, LedgerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["CONFLICT", "REFUSED", "lost", "refused", "retried", "translated"]

P = ParamSpec("P")
T = TypeVar("T")

CONFLICT: Final = "ledger-conflict"
"""Code of the error for a value that must be there once and would have been there twice."""
REFUSED: Final = "ledger-refused"
"""Code of the error for a server that answers and lets nobody in: waiting changes nothing."""

BUSY_CODES: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
FULL_CODES: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})
"""What SQLite says when there is no room: for the file itself, past a size limit, for the shared index."""
DAMAGED_CODES: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
CLOSED_CODES: Final = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM})

# Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
RACED_STATES: Final = frozenset({"40001", "40P01"})  # serialization failure, deadlock
BUSY_STATES: Final = frozenset({"55P03", "57014"})  # lock timeout, statement cancelled
FULL_STATES: Final = frozenset({"53100"})
DENIED_STATES: Final = frozenset({"42501"})
AWAY_STATES: Final = frozenset({"25006", "25P03", "53300", "57P01", "57P02", "57P03", "57P05"})
"""A standby, a session that took too long, no connection left, a server that stops or starts."""

CHECK_WHO: Final = (
    "Check the user and the password (`~/.pgpass`, PGPASSWORD); the server's pg_hba.conf says who may come from where."
)
CHECK_WHERE: Final = "Check the database's name in the URL, or make it: `createdb -O OWNER NAME`."
REFUSALS: Final = (
    (re.compile(r'database ".*" does not exist|no such database'), CHECK_WHERE),
    (
        re.compile(
            r"authentication failed|no password supplied|no pg_hba\.conf entry|pg_hba\.conf rejects"
            r'|role ".*" does not exist|no such user|not permitted to log in|permission denied for database'
        ),
        CHECK_WHO,
    ),
)
"""What PostgreSQL and its pooler say to whom they do not let in (SQLSTATE 28P01, 28000, 3D000, 42501), in English: the
driver keeps no SQLSTATE of a connection that failed.
"""

TRIES: Final = 6
LONGEST_PAUSE_S: Final = 0.1


class RacedError(LedgerBusyError):
    """Another transaction got in the way and this one was undone: running it again is right."""


@contextlib.contextmanager
def translated(doing: str, place: str) -> Iterator[None]:
    """Raise LedgerError and its kin in place of the database's own errors."""
    try:
        yield
    except IntegrityError as error:
        raise LedgerError(f"{doing} in {place}: {_said(error.orig)}", code=CONFLICT) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise lost(error, f"{doing} in {place}", is_uncertain=False) from error
        raise _meaning(error.orig, doing, place) from error
    except SQLAlchemyError as error:
        raise LedgerError(f"{doing} in {place}: {type(error).__name__}") from error
    except sqlite3.Error as error:
        raise _meaning(error, doing, place) from error


def lost(error: SQLAlchemyError, doing: str, *, is_uncertain: bool) -> LedgerUnreachableError:
    """Return the error for a server that does not answer, or stopped to."""
    said = _said(error.orig) if isinstance(error, DBAPIError) else "every connection is in use"
    return LedgerUnreachableError(f"{doing}: {said}", is_uncertain=is_uncertain, hint=_remedy(said))


def refused(error: LedgerUnreachableError) -> LedgerError | None:
    """Return the error for a server that answered and did not let us in; None when it did not answer."""
    hint = _remedy(error.message)
    return LedgerError(error.message, code=REFUSED, hint=hint) if hint else None


def _remedy(said: str) -> str | None:
    return next((hint for words, hint in REFUSALS if words.search(said)), None)


def retried(*, even_if_kept: bool = False) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Run a function of one transaction again when another one got in its way, or its connection was lost.

    When the connection was lost while the transaction was being kept, it is run again only if `even_if_kept`: doing it
    twice then does no harm.
    """

    def decorated(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def again(*args: P.args, **kwargs: P.kwargs) -> T:
            for left in reversed(range(TRIES)):
                try:
                    return function(*args, **kwargs)
                except (RacedError, LedgerUnreachableError) as error:
                    if not left or (getattr(error, "is_uncertain", False) and not even_if_kept):
                        raise
                time.sleep(CHANCE.uniform(0.0, LONGEST_PAUSE_S))  # so that two do not meet again
            raise AssertionError

        return again

    return decorated


def _said(error: Any) -> str:
    """Return what the database said, on one line and without values of rows."""
    told = getattr(getattr(error, "diag", None), "message_primary", None) or str(error)
    return " ".join(told.split())


def _meaning(error: BaseException | None, doing: str, place: str) -> LedgerError:
    state = getattr(error, "sqlstate", None)
    said = f"{doing} in {place}: {_said(error)}"
    if not isinstance(error, sqlite3.Error):
        return _meaning_of_state(state or "", said)
    code = getattr(error, "sqlite_errorcode", 0)
    plain = code & 0xFF
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


def _meaning_of_state(state: str, said: str) -> LedgerError:
    """Return the error for a state of PostgreSQL."""
    if state in RACED_STATES:
        return RacedError(said, hint="Try again: nothing of it was kept.")
    if state in BUSY_STATES:
        return LedgerBusyError(said, hint="Try again; if it lasts, look for a session that holds a lock.")
    if state in FULL_STATES:
        return LedgerFullError(f"{said}; the server's disk is full")
    if state in AWAY_STATES or state.startswith("08"):
        return LedgerUnreachableError(said)
    if state in DENIED_STATES:
        return LedgerError(said, hint="Have the ledger's owner grant the rights: `flowlaunch ledger role`.")
    return LedgerError(said, hint="This is a defect or a damaged ledger; keep it and report it.")
