"""Workers: which processes work on a batch, whether they still live, and taking over from those that died."""

from __future__ import annotations

import contextlib
import os
import platform
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, insert, select, update

from flowlaunch.batch.ledger import batches as batch_rows, chunks, events, hands
from flowlaunch.batch.ledger.faults import retried
from flowlaunch.batch.ledger.liveness import OURS, lives
from flowlaunch.batch.ledger.marks import refuse_moved
from flowlaunch.batch.ledger.prepared import PreparedStatement
from flowlaunch.batch.ledger.schema import batches, chunks as chunk_rows, rows, workers
from flowlaunch.batch.ledger.shapes import Worker, WorkerStanding
from flowlaunch.errors import LedgerBusyError, LedgerFencedError, LedgerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from flowlaunch.batch.ledger.store import Store

__all__ = [
    "beat", "holder", "learn_whether_kept", "mark_alive", "retire_dead", "settle_unsure", "standing", "start", "stop",
]  # fmt: skip

_BEAT = PreparedStatement(
    update(workers)
    .where(workers.c.id == bindparam("me"), workers.c.gone_us.is_(None))
    .values(heartbeat_us=bindparam("now_us"))
)
_BEAT_WITH_SERIAL = PreparedStatement(
    update(workers)
    .where(workers.c.id == bindparam("me"), workers.c.gone_us.is_(None))
    .values(heartbeat_us=bindparam("now_us"), serial=bindparam("new_serial"))
)


@retried(even_if_kept=True)
def start(store: Store, batch_id: int, *, stale_after_s: float, is_shared: bool) -> Worker:
    """Register a worker, clearing up after dead ones, or raise LedgerBusyError."""
    now_us = store.now_us()
    me = Worker(
        worker_id=uuid.uuid4().hex,
        batch_id=batch_id,
        pid=os.getpid(),
        host=platform.node(),
        started_us=now_us,
        heartbeat_us=now_us,
        is_shared=is_shared,
        stale_after_s=stale_after_s,
    )
    with store.write("start work") as connection:
        refuse_moved(connection, store.place)
        batch = batch_rows.find(connection, batch_id, store.place, for_update=True)
        retire_dead(connection, batch_id, now_us, store.silence_s(stale_after_s))
        rivals = [one for one in _present(connection, batch_id) if not (is_shared and one.is_shared)]
        if rivals:
            raise _busy(rivals[0], batch_id)
        connection.execute(
            insert(workers).values(
                id=me.worker_id, batch_id=batch_id, pid=me.pid, host=me.host, started_us=now_us, heartbeat_us=now_us,
                is_shared=is_shared,
            )
        )  # fmt: skip
        connection.execute(
            update(batches)
            .where(batches.c.id == batch_id)
            .values(worker_id=None if is_shared else me.worker_id, started_us=batch.started_us or now_us)
        )
        chunks.clear_abandoned(connection, batch_id, now_us)
        if not is_shared:  # those come and go with every chunk
            facts = {"pid": me.pid, "host": me.host}
            events.write(connection, batch_id, "work-started", now_us, facts=facts)
    OURS.add(me.worker_id)
    return me


def _present(connection: Connection, batch_id: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return the workers of a batch that did not go, dead ones among them."""
    wanted = select(workers).where(workers.c.batch_id == batch_id, workers.c.gone_us.is_(None))
    return connection.execute(wanted.order_by(workers.c.started_us)).all()


def retire_dead(
    connection: Connection, batch_id: int, now_us: int, stale_after_s: float, *, but: str | None = None
) -> None:
    """Note that dead workers of a batch are gone, so that nothing they write later can count.

    One that gave a sign of life just now is left alone: its row is locked while it writes.
    """
    for one in _present(connection, batch_id):
        if one.id == but or lives(one, now_us, stale_after_s):
            continue
        gone = update(workers).where(
            workers.c.id == one.id, workers.c.gone_us.is_(None), workers.c.heartbeat_us == one.heartbeat_us
        )
        if connection.execute(gone.values(gone_us=now_us)).rowcount:
            facts = {"pid": one.pid, "host": one.host, "heartbeat_us": one.heartbeat_us}
            events.write(connection, batch_id, "taken-over", now_us, facts=facts)


def holder(store: Store, batch_id: int, *, stale_after_s: float) -> Worker | None:
    """Return a process that works on a batch, or None when there is none or all are dead."""
    with store.read("read the holder") as connection:
        batch_rows.find(connection, batch_id, store.place)
        found = _present(connection, batch_id)
    now_us = store.now_us()
    return next((_made(one) for one in found if lives(one, now_us, stale_after_s)), None)


def standing(store: Store, batch_id: int | None, *, stale_after_s: float) -> tuple[WorkerStanding, ...]:
    """Return the live workers of one batch or of all, with the rows that each has in hand."""
    of_batch = [workers.c.batch_id == batch_id] if batch_id is not None else []
    in_hand = (
        select(chunk_rows.c.worker_id, func.count().label("rows"))
        .join(rows, rows.c.chunk_id == chunk_rows.c.id)
        .where(chunk_rows.c.closed_us.is_(None))
        .group_by(chunk_rows.c.worker_id)
    )
    present = select(workers).where(workers.c.gone_us.is_(None), *of_batch)
    with store.read("list workers") as connection:
        found = connection.execute(present.order_by(workers.c.batch_id, workers.c.started_us)).all()
        held = {one.worker_id: one.rows for one in connection.execute(in_hand)} if found else {}
    now_us = store.now_us()
    return tuple(
        WorkerStanding(worker=_made(one), rows_in_hand=held.get(one.id, 0))
        for one in found
        if lives(one, now_us, stale_after_s)
    )


def _made(found: Row[*tuple[Any, ...]]) -> Worker:
    return Worker(
        worker_id=found.id,
        batch_id=found.batch_id,
        pid=found.pid,
        host=found.host,
        started_us=found.started_us,
        heartbeat_us=found.heartbeat_us,
        is_shared=found.is_shared,
    )


def _busy(rival: Row[*tuple[Any, ...]], batch_id: int) -> LedgerBusyError:
    beat_at = datetime.fromtimestamp(rival.heartbeat_us / 1_000_000, UTC)
    return LedgerBusyError(
        f"work on batch {batch_id}: process {rival.pid} on {rival.host} works on it"
        f" (last sign of life {beat_at:%Y-%m-%d %H:%M:%S} UTC)",
        pid=rival.pid,
        host=rival.host,
        heartbeat_at=beat_at,
    )


@retried(even_if_kept=True)
def beat(store: Store, worker: Worker) -> None:
    """Give a sign of life in a transaction of its own."""
    with store.write("heartbeat", durable=False) as connection:
        mark_alive(connection, worker, store.now_us())


def mark_alive(connection: Connection, worker: Worker, now_us: int, *, serial: int | None = None) -> None:
    """Give a sign of life within the present transaction; LedgerFencedError when another process took over.

    It locks the worker's row, so that nobody takes over before the transaction has ended. `serial` is written with it.
    """
    values: dict[str, Any] = {"me": worker.worker_id, "now_us": now_us, "new_serial": serial}
    if (_BEAT if serial is None else _BEAT_WITH_SERIAL).run(connection, [values]) != 1:
        raise LedgerFencedError(f"work on batch {worker.batch_id}: another process has taken it over")


def learn_whether_kept(store: Store, worker: Worker) -> bool:
    """Return whether the last commit, broken off while it was being kept, is in the ledger.

    Raises:
        LedgerUnreachableError: that cannot be learnt now (`is_uncertain`): nothing of it may be sent.

    """
    hand = hands.hand_of(worker)
    try:
        with store.write("learn what was kept") as connection:
            # waits for the broken transaction: it holds this row until it is kept or undone
            mark_alive(connection, worker, store.now_us())
            is_kept = hands.was_kept(connection, worker, hand.serial)
    except LedgerUnreachableError as error:
        raise LedgerUnreachableError(error.message, is_uncertain=True) from error
    hand.unsure = None
    return is_kept


@retried(even_if_kept=True)
def settle_unsure(store: Store, worker: Worker) -> None:
    """Bring the ledger to what a worker was told: intents that were kept and reported as lost are taken back."""
    hand = hands.hand_of(worker)
    if hand.unsure is None:
        return
    with store.write("settle what was kept") as connection:
        mark_alive(connection, worker, store.now_us())
        hands.withdraw(connection, worker)
    hand.unsure = None


def stop(store: Store, worker: Worker) -> int:
    """End a worker's work; what it has in flight is in doubt. Other workers of the batch go on.

    Nothing is left of a shared one: there is one for every chunk, and a large batch has hundreds of thousands.
    """
    with contextlib.suppress(LedgerFencedError):
        settle_unsure(store, worker)
    hands.drop(worker)
    return _stop(store, worker)


@retried(even_if_kept=True)
def _stop(store: Store, worker: Worker) -> int:
    now_us = store.now_us()
    with store.write("stop work") as connection:
        mine = update(workers).where(workers.c.id == worker.worker_id, workers.c.gone_us.is_(None))
        doubtful = 0
        if connection.execute(mine.values(gone_us=now_us)).rowcount:
            connection.execute(
                update(batches)
                .where(batches.c.id == worker.batch_id, batches.c.worker_id == worker.worker_id)
                .values(worker_id=None)
            )
            doubtful = chunks.clear_abandoned(connection, worker.batch_id, now_us)
            if worker.is_shared:
                connection.execute(delete(workers).where(workers.c.id == worker.worker_id))
            else:
                events.write(connection, worker.batch_id, "work-stopped", now_us, facts={"in_doubt": doubtful})
    OURS.discard(worker.worker_id)
    return doubtful
