"""All that is SQLite's own: pragmas, the file's mark, copies, and making erased bytes go away."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import create_engine, event
from sqlalchemy.pool import QueuePool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine
    from sqlalchemy.pool import ConnectionPoolEntry

__all__ = [
    "APPLICATION_ID",
    "SqliteFile",
    "application_id",
    "copy",
    "file_engine",
    "make",
    "reclaim",
    "set_durable",
    "stamp",
    "wipe_deleted",
]

APPLICATION_ID: Final = 0x464C4C31
"""Marks the file as a ledger of flowlaunch, for `file` and for us ("FLL1")."""

PRIVATE: Final = 0o600
"""A ledger holds people's data."""
BUSY_TIMEOUT_S: Final = 15.0
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-16384",
    "PRAGMA wal_autocheckpoint=4000",
    "PRAGMA journal_size_limit=67108864",
)


_PARTS: Final = ("-wal", "-shm", "-journal")
"""Endings of the files that SQLite keeps beside a database; its locks lie on some of them."""
_open_here: Counter[tuple[int, int]] = Counter()
"""The files that this process has open as databases, by device and inode, with how many times."""


def _inode(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _note_open(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
    name = connection.execute("PRAGMA database_list").fetchone()[2]
    record.info["inode"] = _inode(Path(name))
    _open_here[record.info["inode"]] += 1


def _note_closed(_connection: object, record: ConnectionPoolEntry) -> None:
    inode = record.info.pop("inode", None)
    if inode is not None:
        _open_here[inode] -= 1
        if not _open_here[inode]:
            del _open_here[inode]


def file_engine(path: Path) -> Engine:
    """Return an engine on a ledger file: WAL, foreign keys, and transactions begun by us.

    Connections made with the option `immediate` take the write lock when they begin, so that what a write reads
    first cannot change before it writes.
    """
    engine = create_engine(
        f"sqlite:///{path}",
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=4,
        max_overflow=12,
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_S, "isolation_level": None},
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "connect", _note_open)
    event.listen(engine, "close", _note_closed)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in _PRAGMAS:
        connection.execute(pragma).close()


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


class SqliteFile:
    """A ledger in a file: a single writing connection that threads take turns at, and connections to read by."""

    def __init__(self, path: Path) -> None:
        self.engine = file_engine(path)
        self.path = path
        self.place = str(path)
        self.ask_time: Callable[[], int] | None = None
        self._turn = threading.RLock()
        self._writer: Connection | None = None
        self._durable: bool | None = None

    @contextlib.contextmanager
    def writing(self, *, durable: bool) -> Iterator[Connection]:
        """Run one transaction that has the write lock from its start."""
        with self._turn:
            connection = self._ready_writer(durable)
            with connection.begin():
                yield connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read as the file was when this began."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def between(self) -> Iterator[Connection]:
        """Lend the writing connection."""
        with self._turn:
            yield self._ready_writer(durable=True)

    @contextlib.contextmanager
    def wiping(self) -> Iterator[None]:
        """Overwrite deleted content with zeros meanwhile."""
        with self.between() as connection:
            wipe_deleted(connection, True)
        try:
            yield
        finally:
            with self.between() as connection:
                wipe_deleted(connection, False)

    def reclaim(self) -> bool:
        """Rewrite the file without its free pages and empty its log; False when a reader keeps the log."""
        with self.between() as connection:
            return reclaim(connection)

    def _ready_writer(self, durable: bool) -> Connection:
        if self._writer is None:
            self._writer = self.engine.connect().execution_options(immediate=True)
            self._durable = None
        if durable is not self._durable:
            set_durable(self._writer, durable)
            self._durable = durable
        return self._writer

    def break_off(self, *, for_good: bool = False) -> None:
        """Do nothing: there is no server that could hang."""

    def take_in(self, connection: Any) -> None:
        """Do nothing, as above."""

    def silence_s(self, stale_after_s: float) -> float:
        """Return what silence means death."""
        return stale_after_s

    def close(self) -> None:
        """Close every connection."""
        with self._turn:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self.engine.dispose()


def _raw(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


def set_durable(connection: Connection, durable: bool) -> None:
    """Make commits wait for the disk (FULL), or leave that to the next checkpoint (NORMAL); between transactions."""
    _raw(connection).execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}").close()


def wipe_deleted(connection: Connection, wipe: bool) -> None:
    """Overwrite deleted content with zeros from now on, or no more."""
    _raw(connection).execute(f"PRAGMA secure_delete={'ON' if wipe else 'OFF'}").close()


def reclaim(connection: Connection) -> bool:
    """Empty the write-ahead log and rewrite the file without its free pages; return whether the log is empty."""
    raw = _raw(connection)
    with contextlib.suppress(sqlite3.OperationalError):  # no room, or in use: freed pages are zeros already
        raw.execute("VACUUM").close()
    busy, _, _ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def stamp(connection: Connection, version: int) -> None:
    """Write the mark and the schema version into the file's header, within the present transaction."""
    connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version={int(version)}")


def application_id(path: Path) -> int | None:
    """Return the mark of an SQLite file, without opening it as a database; None when it is no SQLite file.

    Never read a file that this process has open as a database: closing any handle of it would drop the locks that
    SQLite holds on it, and another process would then take the log away from under this one.

    Source: https://www.sqlite.org/fileformat.html, "The Database Header" (offset 68, big-endian);
    https://www.sqlite.org/howtocorrupt.html, 2.2 (POSIX advisory locks).
    """
    if path.name.endswith(_PARTS):
        return None
    try:
        if _inode(path) in _open_here:
            return APPLICATION_ID
        with path.open("rb") as file:
            head = file.read(100)
    except OSError:
        return None
    if len(head) < 100 or not head.startswith(b"SQLite format 3\x00"):
        return None
    return int.from_bytes(head[68:72], "big")


def make(path: Path) -> None:
    """Make an empty file for its owner alone, and so the log beside it; one that exists stays as it is.

    Source: https://www.sqlite.org/src/file/src/os_unix.c, findCreateFileMode (a log has the mode of its database).
    """
    with contextlib.suppress(OSError):  # it is there, or SQLite tells why it cannot be made
        path.touch(mode=PRIVATE, exist_ok=False)


def copy(source: Path, to: Path) -> None:
    """Copy a database that may be in use, by SQLite's own backup: whole, consistent, and for its owner alone."""
    make(to)
    with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as old:  # noqa: SIM117 - one closes the other
        with closing(sqlite3.connect(to)) as new:
            old.backup(new)
            new.execute("PRAGMA journal_mode=DELETE").close()
