"""What is at a place: which kind of ledger, of which version, how large, and who works on it."""

from __future__ import annotations

from contextlib import closing
from importlib.util import find_spec
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import func, select, text

from flowlaunch.batch.ledger import batches, counts, crew, jobs_schema, versions, workers
from flowlaunch.batch.ledger.marks import moved_to
from flowlaunch.batch.ledger.schema import HEAD
from flowlaunch.batch.ledger.timeline import ServerTime

if TYPE_CHECKING:
    from pathlib import Path

    from flowlaunch.batch.ledger.store import Clock, Store

__all__ = ["LedgerStanding", "standing_of", "upgrade"]

STALE_AFTER_S = 30.0


class LedgerStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How a ledger stands.

    Attributes:
        database: `SQLite 3.46.1` or `PostgreSQL 18.6`.
        workers: live processes that work on it: worker processes, and those that run a batch alone.
        clock_off_s: how far this machine's clock is ahead of the server's; None for a file.

    """

    place: str
    database: str
    schema_version: int
    moved_to: str | None
    batches: int
    rows: int
    workers: int
    size_bytes: int
    clock_off_s: float | None = None


def standing_of(place: Path | str, *, clock: Clock) -> LedgerStanding:
    """Return how the ledger at a place stands; a file is brought up to date first."""
    with closing(versions.open_store(place, clock, create=False, moved_ok=True)) as store:
        held = batches.read_all(store)
        rows = sum(one.rows for batch in held for one in counts.read(store, batch.batch_id))
        with store.read("look at the ledger") as connection:
            went = moved_to(connection)
            if store.path is not None:
                version = connection.execute(select(func.sqlite_version())).scalar_one()
                database, size_bytes = f"SQLite {version}", store.path.stat().st_size
            else:
                version = connection.execute(text("SHOW server_version")).scalar_one()
                whole = connection.execute(select(func.pg_database_size(func.current_database()))).scalar_one()
                database, size_bytes = f"PostgreSQL {version.split()[0]}", int(whole)
        return LedgerStanding(
            place=store.place,
            database=database,
            schema_version=HEAD,
            moved_to=went,
            batches=len(held),
            rows=rows,
            workers=_workers(store),
            size_bytes=size_bytes,
            clock_off_s=_clock_off_s(store),
        )


def _workers(store: Store) -> int:
    """Count processes: a worker process has a hand in each of its batches, which comes and goes with every chunk."""
    alone = [one for one in workers.standing(store, None, stale_after_s=STALE_AFTER_S) if not one.worker.is_shared]
    since_us = store.now_us() - round(crew.STALE_S * 1e6)
    return len(alone) + sum(one.heartbeat_us >= since_us for one in crew.present(store))


def _clock_off_s(store: Store) -> float | None:
    if not isinstance(store.timeline, ServerTime):
        return None
    off_us = store.clock.now().unix_s * 1_000_000 - store.now_us()
    return round(off_us / 1_000_000, 3)


def upgrade(place: Path | str, *, clock: Clock) -> tuple[int, int]:
    """Bring the ledger at a place to this program's version, making it where there is none; return from and to."""
    if isinstance(place, str) and "://" in place:
        with closing(versions.server_store(place, clock)) as store:
            before = versions.known_version(store)
            if before < HEAD:
                versions.upgrade(store, HEAD)
            if find_spec("procrastinate") is not None:
                jobs_schema.prepare_jobs(store)
        return before, HEAD
    before = versions.version_of_file(place)
    versions.open_store(place, clock, create=True, moved_ok=True).close()
    return before, HEAD
