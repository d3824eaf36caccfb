"""Chunks: rows taken by one worker under an epoch, and what becomes of those of a worker that died."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import and_, bindparam, delete, exists, insert, literal_column, select, update

from flowlaunch.batch.ledger import batches, counts, events, hands, workers as worker_rows
from flowlaunch.batch.ledger.faults import retried
from flowlaunch.batch.ledger.rows import HASHED_PAYLOAD
from flowlaunch.batch.ledger.schema import attempts, chunks, of_batch, rows, workers
from flowlaunch.batch.ledger.set_based import SetStatement
from flowlaunch.batch.ledger.shapes import Chunk, ChunkRow, Worker, row_id_of
from flowlaunch.batch.states import Event, RowState, move
from flowlaunch.errors import LedgerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, Row

    from flowlaunch.batch.ledger.store import Store

__all__ = ["clear_abandoned", "give_back", "next_due_us", "take"]

# literal, not a parameter: the planner must see that the partial index holds these rows
_FREE: ColumnElement[bool] = rows.c.chunk_id.is_(None) & (rows.c.state == literal_column("'pending'"))
_HANDED_OUT = (
    rows.c.id,
    rows.c.number,
    rows.c.line,
    rows.c.key,
    rows.c.payload,
    rows.c.name,
    rows.c.contact,
    rows.c.token,
    rows.c.reason,
    rows.c.attempts,
    rows.c.not_before_us,
    rows.c.not_after_us,
    rows.c.closes_us,
    rows.c.calendars,
)
_DUE = (
    select(*_HANDED_OUT)
    .where(
        _FREE,
        rows.c.batch_id == bindparam("in_batch"),
        rows.c.id.between(bindparam("first_id"), bindparam("last_id")),  # names the partition
        rows.c.not_before_us <= bindparam("now_us"),
    )
    .order_by(rows.c.not_before_us, rows.c.id)
    .limit(bindparam("size"))
    .with_for_update(skip_locked=True)
)
# the rows are locked since they were found free: to ask again would have PostgreSQL look through all free rows
_TAKE = SetStatement(
    update(rows)
    .where(rows.c.id == bindparam("row_id"))
    .values(chunk_id=bindparam("in_chunk"), epoch=bindparam("new_epoch"))
)


@retried(even_if_kept=True)
def take(store: Store, worker: Worker, size: int) -> Chunk | None:
    """Take due rows under a new epoch."""
    worker_rows.settle_unsure(store, worker)
    hand = hands.hand_of(worker)
    try:
        chunk = _take(store, worker, size)
    except LedgerUnreachableError:
        hand.has_lost_chunks = True
        raise
    hand.has_lost_chunks = False
    if chunk is not None:
        hand.last_chunk_id = chunk.chunk_id
    return chunk


def _take(store: Store, worker: Worker, size: int) -> Chunk | None:
    now_us = store.now_us()
    with store.write("take chunk") as connection:  # on the disk: a server that crashes must not forget the epoch
        worker_rows.mark_alive(connection, worker, now_us)
        if hands.hand_of(worker).has_lost_chunks:
            hands.free_lost_chunks(connection, worker)
        if worker.is_shared:
            silence_s = store.silence_s(worker.stale_after_s)
            worker_rows.retire_dead(connection, worker.batch_id, now_us, silence_s, but=worker.worker_id)
        abandoned = clear_abandoned(connection, worker.batch_id, now_us)
        _close_empty(connection, worker, now_us)
        due = connection.execute(_DUE, _due_values(worker.batch_id, now_us, size)).all()
        if not due:
            return None
        epoch = batches.raise_epoch(connection, worker.batch_id)
        done = connection.execute(
            insert(chunks).values(
                batch_id=worker.batch_id, epoch=epoch, worker_id=worker.worker_id, taken_us=now_us, rows=len(due)
            )
        )
        key = done.inserted_primary_key
        chunk_id = int(key[0]) if key is not None else 0
        _TAKE.run(connection, [{"row_id": one[0], "in_chunk": chunk_id, "new_epoch": epoch} for one in due])
    return Chunk(
        chunk_id=chunk_id,
        batch_id=worker.batch_id,
        epoch=epoch,
        rows=tuple(_handed(one, epoch) for one in due),
        abandoned=abandoned,
    )


def _due_values(batch_id: int, now_us: int, size: int) -> dict[str, int]:
    first, last = row_id_of(batch_id, 0), row_id_of(batch_id + 1, 0) - 1
    return {"in_batch": batch_id, "first_id": first, "last_id": last, "now_us": now_us, "size": size}


def _handed(one: Row[*tuple[Any, ...]], epoch: int) -> ChunkRow:
    row_id, number, line, key, payload, name, contact, token, reason, attempts_so_far, *times, calendars = one
    return ChunkRow(
        row_id=row_id,
        number=number,
        line=line,
        epoch=epoch,
        key=key,
        payload=None if payload is None or payload.startswith(HASHED_PAYLOAD) else payload,
        name=name,
        contact=contact,
        token=token,
        reason=reason,
        attempts=attempts_so_far,
        not_before_us=times[0] or None,
        not_after_us=times[1],
        closes_us=times[2],
        calendars=msgspec.json.decode(calendars, type=tuple[str, ...]) if calendars else (),
    )


def _close_empty(connection: Connection, worker: Worker, now_us: int) -> None:
    """Close this worker's chunks whose rows all have an outcome; a shared worker's are not kept."""
    empty = and_(
        chunks.c.batch_id == worker.batch_id,
        chunks.c.closed_us.is_(None),
        chunks.c.worker_id == worker.worker_id,
        ~exists(select(1).where(rows.c.chunk_id == chunks.c.id, of_batch(worker.batch_id))),
    )
    connection.execute(
        delete(chunks).where(empty) if worker.is_shared else update(chunks).where(empty).values(closed_us=now_us)
    )


def next_due_us(store: Store, batch_id: int) -> int | None:
    """Return when the first free pending row is due."""
    wanted = select(rows.c.not_before_us).where(_FREE, of_batch(batch_id))
    with store.read("next due row") as connection:
        found = connection.execute(wanted.order_by(rows.c.not_before_us).limit(1)).scalar()
    return None if found is None else int(found)


@retried(even_if_kept=True)
def give_back(store: Store, worker: Worker, unsent: Sequence[ChunkRow]) -> None:
    """Free rows that were taken and not intended; rows that moved on meanwhile are left alone."""
    worker_rows.settle_unsure(store, worker)
    freed = (
        update(rows)
        .where(
            rows.c.id == bindparam("row_id"),
            rows.c.epoch == bindparam("old_epoch"),
            rows.c.state == RowState.PENDING.value,
        )
        .values(chunk_id=None, epoch=0)
    )
    if not unsent:
        return
    with store.write("give back rows", durable=False) as connection:
        worker_rows.mark_alive(connection, worker, store.now_us())
        connection.execute(freed, [{"row_id": one.row_id, "old_epoch": one.epoch} for one in unsent])


def clear_abandoned(connection: Connection, batch_id: int, now_us: int) -> int:
    """Put in doubt what workers that are gone left launching, and free the rest; return how many are in doubt.

    All in the present transaction and under a new epoch, so nothing that such a worker writes later can count.
    """
    found = connection.execute(
        select(chunks.c.id, workers.c.is_shared)
        .join(workers, workers.c.id == chunks.c.worker_id)
        .where(chunks.c.batch_id == batch_id, chunks.c.closed_us.is_(None), workers.c.gone_us.is_not(None))
    ).all()
    if not found:
        return 0
    abandoned = [one.id for one in found]
    epoch = batches.raise_epoch(connection, batch_id)
    held = and_(of_batch(batch_id), rows.c.chunk_id.in_(abandoned))
    doubtful = _doubt(connection, held, now_us)
    connection.execute(update(rows).where(held).values(epoch=epoch, chunk_id=None))
    connection.execute(update(chunks).where(chunks.c.id.in_(abandoned)).values(closed_us=now_us, epoch=epoch))
    shared = [one.id for one in found if one.is_shared]
    if shared:
        connection.execute(delete(chunks).where(chunks.c.id.in_(shared)))
    if doubtful:
        events.write(connection, batch_id, "rows-abandoned", now_us, facts={"in_doubt": doubtful})
    return doubtful


def _doubt(connection: Connection, held: ColumnElement[bool], now_us: int) -> int:
    """Move rows of such chunks that are launching to in doubt, and write down each attempt."""
    wanted = (rows.c.id, rows.c.batch_id, rows.c.reason, rows.c.attempts, rows.c.intent_us, rows.c.contact)
    left = connection.execute(
        select(*wanted).where(held, rows.c.state == RowState.LAUNCHING.value).with_for_update()
    ).all()
    if not left:
        return 0
    after = move(RowState.LAUNCHING, Event.ABANDONED).value
    deltas = counts.Deltas()
    for one in left:
        deltas[one.batch_id, RowState.LAUNCHING.value, one.reason] -= 1
        deltas[one.batch_id, after, Event.ABANDONED.value] += 1
    connection.execute(
        update(rows)
        .where(held, rows.c.state == RowState.LAUNCHING.value)
        .values(state=after, reason=Event.ABANDONED.value, message="the process that sent it ended before the answer")
    )
    connection.execute(
        insert(attempts),
        [
            {
                "row_id": one.id,
                "number": one.attempts,
                "intent_us": one.intent_us,
                "ended_us": now_us,
                "outcome": Event.ABANDONED.value,
                "reason": Event.ABANDONED.value,
                "correlation_id": "",
                "contact": one.contact,
                "error_code": "",
                "message": "",
            }
            for one in left
        ],
    )
    counts.add(connection, deltas)
    return len(left)
