"""The connection to one ledger: who may write now, when it is on the disk, and what the errors mean."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Protocol

from flowlaunch.batch.ledger.faults import translated
from flowlaunch.batch.ledger.keyed_hash import FolderKey, KeyedHash
from flowlaunch.batch.ledger.server_key import ServerKey
from flowlaunch.batch.ledger.timeline import timeline_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from flowlaunch._core.steps import Moment

__all__ = ["Clock", "Database", "Store"]


class Clock(Protocol):
    """Where the ledger reads the time."""

    def now(self) -> Moment:
        """Read both clocks."""
        ...


class Database(Protocol):
    """What a store needs of a database: SQLite or PostgreSQL."""

    @property
    def engine(self) -> Engine:
        """The database library's engine."""
        ...

    @property
    def path(self) -> Path | None:
        """The ledger's file; None when it is in a server."""
        ...

    @property
    def place(self) -> str:
        """Where the ledger is, for people: without a password."""
        ...

    @property
    def ask_time(self) -> Callable[[], int] | None:
        """Asks the server for its time, in microseconds since 1970; None when there is no server."""
        ...

    def writing(self, *, durable: bool) -> AbstractContextManager[Connection]:
        """Run one transaction; it is kept when the block ends well, and then on the disk if `durable`."""
        ...

    def reading(self) -> AbstractContextManager[Connection]:
        """Run one transaction that reads from one consistent view, without waiting for writers."""
        ...

    def between(self) -> AbstractContextManager[Connection]:
        """Lend a connection outside of any transaction."""
        ...

    def wiping(self) -> AbstractContextManager[None]:
        """Overwrite the bytes of what is deleted meanwhile, where the database lets us."""
        ...

    def reclaim(self) -> bool:
        """Let the bytes of what was deleted go from the files, where that is ours to do; False: not all went."""
        ...

    def break_off(self, *, for_good: bool = False) -> None:
        """Break what waits for a server's answer; `for_good`: do not wait for the server again."""
        ...

    def take_in(self, connection: Any) -> None:
        """Have another connection to the server broken with its own ones."""
        ...

    def silence_s(self, stale_after_s: float) -> float:
        """Return after what silence another process is held for dead now, seconds."""
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


class Store:
    """One open ledger, used by any number of threads.

    `boundary` is called with `before:<what>` and `after:<what>` around every commit, for tests that end the
    process there.
    """

    def __init__(self, database: Database, clock: Clock, *, boundary: Callable[[str], None] | None = None) -> None:
        self.database = database
        self.clock = clock
        self.timeline = timeline_of(clock, database.ask_time)
        self.key = ServerKey(self) if database.path is None else FolderKey(database.path.parent)
        self.keyed_hash = KeyedHash(self.key)
        self._boundary = boundary or _nowhere
        self._payloads: dict[int, str] = {}

    @property
    def engine(self) -> Engine:
        """The database library's engine."""
        return self.database.engine

    @property
    def path(self) -> Path | None:
        """The ledger's file; None when it is in a server."""
        return self.database.path

    @property
    def place(self) -> str:
        """Where the ledger is, for people."""
        return self.database.place

    def payloads_of(self, batch_id: int, read: Callable[[], str]) -> str:
        """Return what becomes of a batch's payloads, reading it once: it never changes."""
        if batch_id not in self._payloads:
            self._payloads[batch_id] = read()
        return self._payloads[batch_id]

    def now_us(self) -> int:
        """Return the present instant."""
        return self.timeline.now_us()

    @contextlib.contextmanager
    def write(self, doing: str, *, durable: bool = True) -> Iterator[Connection]:
        """Run one transaction; on any error nothing of it is kept.

        With `durable` it is on the disk when this ends, else at the latest with the next one that is. On SQLite it has
        the write lock from its start. On PostgreSQL others write at the same time: lock what is read and then written
        (`with_for_update`, nothing on SQLite), or name in the WHERE of a write what it relies on.
        """
        with translated(doing, self.place):
            with self.database.writing(durable=durable) as connection:
                yield connection
                self._boundary(f"before:{doing}")
            self._boundary(f"after:{doing}")

    @contextlib.contextmanager
    def read(self, doing: str) -> Iterator[Connection]:
        """Read from one consistent view, without waiting for writers."""
        with translated(doing, self.place), self.database.reading() as connection:
            yield connection

    @contextlib.contextmanager
    def wiping(self, doing: str) -> Iterator[None]:
        """Overwrite what is deleted meanwhile, where the database lets us."""
        with translated(doing, self.place), self.database.wiping():
            yield

    def reclaim(self, doing: str) -> bool:
        """Let the bytes of what was deleted go from the files; False: not all went."""
        with translated(doing, self.place):
            return self.database.reclaim()

    @contextlib.contextmanager
    def between(self, doing: str) -> Iterator[Connection]:
        """Lend a connection outside of any transaction, for upkeep."""
        with translated(doing, self.place), self.database.between() as connection:
            yield connection

    def break_off(self, *, for_good: bool = False) -> None:
        """Break what waits for a server's answer; `for_good`: every call fails at once from now on while it is away."""
        self.database.break_off(for_good=for_good)

    def take_in(self, connection: Any) -> None:
        """Have another connection to the server broken with its own ones, before anything is asked on it."""
        self.database.take_in(connection)

    def silence_s(self, stale_after_s: float) -> float:
        """Return after what silence another process is held for dead now: while a server was away all were silent."""
        return self.database.silence_s(stale_after_s)

    def close(self) -> None:
        """Close every connection."""
        self.database.close()


def _nowhere(_place: str) -> None:
    """Take no notice of a commit."""
