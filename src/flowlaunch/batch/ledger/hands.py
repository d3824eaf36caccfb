"""What this process knows of its workers' writes when a connection broke while they were being kept.

Such a write may be in the ledger or not. Each commit of a worker has a number, and the ledger keeps the number of the
last one: by it the worker learns what became of a write before it writes again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, literal_column, select, update

from flowlaunch.batch.ledger import counts
from flowlaunch.batch.ledger.schema import chunks, of_batch, rows, workers
from flowlaunch.batch.states import RowState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from flowlaunch.batch.ledger.shapes import ChunkRow, Outcome, Worker

__all__ = ["Hand", "drop", "free_lost_chunks", "hand_of", "was_kept", "withdraw"]


@dataclass(slots=True)
class Hand:
    """One worker of this process.

    Attributes:
        serial: number of its last commit.
        unsure: the intents of the commit of that number, when nobody knows whether it was kept; else None.
        unsure_results: the outcomes of that commit.
        kept: row and epoch of outcomes that turned out to be kept though their writer was told otherwise.
        last_chunk_id: the last chunk that it was told of; later ones of its own were lost on the way.
        has_lost_chunks: whether there may be such.

    """

    serial: int = 0
    unsure: Sequence[ChunkRow] | None = None
    unsure_results: Sequence[Outcome] = ()
    kept: set[tuple[int, int]] = field(default_factory=set)
    last_chunk_id: int = 0
    has_lost_chunks: bool = False


_HANDS: Final[dict[str, Hand]] = {}


def hand_of(worker: Worker) -> Hand:
    """Return what this process knows of a worker."""
    return _HANDS.setdefault(worker.worker_id, Hand())


def drop(worker: Worker) -> None:
    """Forget a worker that works no more."""
    _HANDS.pop(worker.worker_id, None)


def was_kept(connection: Connection, worker: Worker, serial: int) -> bool:
    """Whether the worker's commit of that number is in the ledger."""
    found = connection.execute(select(workers.c.serial).where(workers.c.id == worker.worker_id)).scalar()
    return found == serial


_WITHDRAW: Final = (
    update(rows)
    .where(
        rows.c.id == bindparam("row_id"),
        rows.c.epoch == bindparam("old_epoch"),
        rows.c.state == literal_column("'launching'"),
    )
    .values(state=literal_column("'pending'"), reason=bindparam("old_reason"), attempts=rows.c.attempts - 1)
)


def withdraw(connection: Connection, worker: Worker) -> None:
    """Take back the intents of a commit that was kept though its writer was told otherwise: nothing of it was sent.

    Its outcomes stand; they are passed over when they are written again.
    """
    hand = hand_of(worker)
    if hand.unsure is None or not was_kept(connection, worker, hand.serial):
        return
    deltas = counts.Deltas()
    for row in hand.unsure:
        values = {"row_id": row.row_id, "old_epoch": row.epoch, "old_reason": row.reason}
        if connection.execute(_WITHDRAW, values).rowcount:
            deltas[worker.batch_id, RowState.LAUNCHING.value, ""] -= 1
            deltas[worker.batch_id, RowState.PENDING.value, row.reason] += 1
    counts.add(connection, deltas)
    hand.kept |= {(one.row_id, one.row.epoch) for one in hand.unsure_results}


def free_lost_chunks(connection: Connection, worker: Worker) -> None:
    """Free the rows of chunks that the worker took and was never told of."""
    hand = hand_of(worker)
    lost = select(chunks.c.id).where(
        chunks.c.batch_id == worker.batch_id,
        chunks.c.closed_us.is_(None),
        chunks.c.worker_id == worker.worker_id,
        chunks.c.id > hand.last_chunk_id,
    )
    held = update(rows).where(of_batch(worker.batch_id), rows.c.chunk_id.in_(lost))
    connection.execute(held.values(chunk_id=None, epoch=0))
