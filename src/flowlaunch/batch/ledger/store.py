"""The connection to one ledger: who may write now, when it is on the disk, and what the errors mean."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Protocol

from flowlaunch.batch.ledger import sqlite
from flowlaunch.batch.ledger.faults import translated
from flowlaunch.batch.ledger.keyed_hash import KeyedHash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from flowlaunch._core.steps import Moment

__all__ = ["Clock", "Store"]


class Clock(Protocol):
    """Where the ledger reads the time."""

    def now(self) -> Moment:
        """Read both clocks."""
        ...


class Store:
    """One open ledger: a single writing connection that threads take turns at, and connections to read by.

    `boundary` is called with `before:<what>` and `after:<what>` around every commit, for tests that end the
    process there.
    """

    def __init__(
        self, engine: Engine, clock: Clock, *, path: Path | None, boundary: Callable[[str], None] | None = None
    ) -> None:
        self.engine = engine
        self.clock = clock
        self.path = path
        self.place = str(path) if path is not None else engine.url.render_as_string(hide_password=True)
        self.keyed_hash = KeyedHash(path.parent if path is not None else None)
        self._boundary = boundary or _nowhere
        self._turn = threading.RLock()
        self._writer: Connection | None = None
        self._durable: bool | None = None
        self._payloads: dict[int, str] = {}

    def payloads_of(self, batch_id: int, read: Callable[[], str]) -> str:
        """Return what becomes of a batch's payloads, reading it once: it never changes."""
        if batch_id not in self._payloads:
            self._payloads[batch_id] = read()
        return self._payloads[batch_id]

    def now_us(self) -> int:
        """Return the present instant."""
        return round(self.clock.now().unix_s * 1_000_000)

    @contextlib.contextmanager
    def write(self, doing: str, *, durable: bool = True) -> Iterator[Connection]:
        """Run one transaction that has the write lock from its start; on any error nothing of it is kept.

        With `durable` it is on the disk when this ends, else at the latest with the next one that is.
        """
        with self._turn, translated(doing, self.place):
            connection = self._ready_writer(durable)
            with connection.begin():
                yield connection
                self._boundary(f"before:{doing}")
            self._boundary(f"after:{doing}")

    @contextlib.contextmanager
    def read(self, doing: str) -> Iterator[Connection]:
        """Read from one consistent view, without waiting for writers."""
        with translated(doing, self.place), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def between(self, doing: str) -> Iterator[Connection]:
        """Lend the writing connection outside of any transaction, for upkeep."""
        with self._turn, translated(doing, self.place):
            yield self._ready_writer(durable=True)

    def _ready_writer(self, durable: bool) -> Connection:
        if self._writer is None:
            self._writer = self.engine.connect().execution_options(immediate=True)
            self._durable = None
        if durable is not self._durable and self.path is not None:
            sqlite.set_durable(self._writer, durable)
            self._durable = durable
        return self._writer

    def close(self) -> None:
        """Close every connection."""
        with self._turn:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self.engine.dispose()


def _nowhere(_place: str) -> None:
    """Take no notice of a commit."""
