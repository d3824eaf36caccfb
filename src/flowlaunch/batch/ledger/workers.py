"""Workers: which process holds a batch, whether it still lives, and taking over from one that died."""

from __future__ import annotations

import os
import platform
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, insert, select, update

from flowlaunch.batch.ledger import batches as batch_rows, chunks, events
from flowlaunch.batch.ledger.prepared import PreparedStatement
from flowlaunch.batch.ledger.schema import batches, workers
from flowlaunch.batch.ledger.shapes import Worker
from flowlaunch.errors import LedgerBusyError, LedgerFencedError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from flowlaunch.batch.ledger.store import Store

__all__ = ["beat", "holder", "mark_alive", "start", "stop"]

_OURS: Final[set[str]] = set()
"""Workers started by this very process: one of our pid that is not here is from before a restart."""

_BEAT = PreparedStatement(
    update(workers)
    .where(workers.c.id == bindparam("me"), workers.c.gone_us.is_(None))
    .values(heartbeat_us=bindparam("now_us"))
)


def start(store: Store, batch_id: int, *, stale_after_s: float) -> Worker:
    """Take the batch, clearing up after a dead holder, or raise LedgerBusyError."""
    now_us = store.now_us()
    me = Worker(
        worker_id=uuid.uuid4().hex,
        batch_id=batch_id,
        pid=os.getpid(),
        host=platform.node(),
        started_us=now_us,
        heartbeat_us=now_us,
    )
    with store.write("start work") as connection:
        batch = batch_rows.find(connection, batch_id, store.place)
        if batch.worker_id is not None:
            held = connection.execute(select(workers).where(workers.c.id == batch.worker_id)).one()
            if _lives(held, now_us, stale_after_s):
                raise _busy(held, batch_id)
            facts = {"pid": held.pid, "host": held.host, "heartbeat_us": held.heartbeat_us}
            events.write(connection, batch_id, "taken-over", now_us, facts=facts)
        connection.execute(
            update(workers).where(workers.c.batch_id == batch_id, workers.c.gone_us.is_(None)).values(gone_us=now_us)
        )
        connection.execute(
            insert(workers).values(
                id=me.worker_id, batch_id=batch_id, pid=me.pid, host=me.host, started_us=now_us, heartbeat_us=now_us
            )
        )
        connection.execute(
            update(batches)
            .where(batches.c.id == batch_id)
            .values(worker_id=me.worker_id, started_us=batch.started_us or now_us)
        )
        chunks.clear_abandoned(connection, batch_id, now_us)
        events.write(connection, batch_id, "work-started", now_us, facts={"pid": me.pid, "host": me.host})
    _OURS.add(me.worker_id)
    return me


def holder(store: Store, batch_id: int, *, stale_after_s: float) -> Worker | None:
    """Return the process that works on a batch, or None when there is none or it is dead."""
    with store.read("read the holder") as connection:
        batch = batch_rows.find(connection, batch_id, store.place)
        if batch.worker_id is None:
            return None
        found = connection.execute(select(workers).where(workers.c.id == batch.worker_id)).one()
    if not _lives(found, store.now_us(), stale_after_s):
        return None
    return Worker(
        worker_id=found.id, batch_id=batch_id, pid=found.pid, host=found.host, started_us=found.started_us,
        heartbeat_us=found.heartbeat_us,
    )  # fmt: skip


def _lives(found: Row[*tuple[Any, ...]], now_us: int, stale_after_s: float) -> bool:
    if now_us - found.heartbeat_us > stale_after_s * 1_000_000:
        return False
    if found.host != platform.node():
        return True
    if found.pid == os.getpid():
        return found.id in _OURS
    return _process_exists(found.pid)


def _process_exists(pid: int) -> bool:
    if sys.platform == "win32":
        return True  # asking would end it there: the heartbeat decides
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _has_ended(pid)


def _has_ended(pid: int) -> bool:
    """Whether a process ended and only waits for its parent to notice: killed ones stay so where nobody reaps."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return False
    return state[:1] in (["Z"], ["X"])


def _busy(holder: Row[*tuple[Any, ...]], batch_id: int) -> LedgerBusyError:
    beat_at = datetime.fromtimestamp(holder.heartbeat_us / 1_000_000, UTC)
    return LedgerBusyError(
        f"work on batch {batch_id}: process {holder.pid} on {holder.host} works on it"
        f" (last sign of life {beat_at:%Y-%m-%d %H:%M:%S} UTC)",
        pid=holder.pid,
        host=holder.host,
        heartbeat_at=beat_at,
    )


def beat(store: Store, worker: Worker) -> None:
    """Give a sign of life in a transaction of its own."""
    with store.write("heartbeat", durable=False) as connection:
        mark_alive(connection, worker, store.now_us())


def mark_alive(connection: Connection, worker: Worker, now_us: int) -> None:
    """Give a sign of life within the present transaction; LedgerFencedError when another process took over."""
    if _BEAT.run(connection, [{"me": worker.worker_id, "now_us": now_us}]) != 1:
        raise LedgerFencedError(f"work on batch {worker.batch_id}: another process has taken it over")


def stop(store: Store, worker: Worker) -> int:
    """Give the batch back; what is still in flight is in doubt."""
    now_us = store.now_us()
    with store.write("stop work") as connection:
        connection.execute(
            update(workers).where(workers.c.id == worker.worker_id, workers.c.gone_us.is_(None)).values(gone_us=now_us)
        )
        done = connection.execute(
            update(batches)
            .where(batches.c.id == worker.batch_id, batches.c.worker_id == worker.worker_id)
            .values(worker_id=None)
        )
        doubtful = 0
        if done.rowcount:
            doubtful = chunks.clear_abandoned(connection, worker.batch_id, now_us)
            events.write(connection, worker.batch_id, "work-stopped", now_us, facts={"in_doubt": doubtful})
    _OURS.discard(worker.worker_id)
    return doubtful
