"""The ledger's one door: every write is one transaction, every method says what it leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from flowlaunch.batch.ledger import (
    backup,
    batches,
    chunks,
    controls,
    counts,
    events,
    history,
    outcomes,
    privacy,
    results,
    rows,
    settling,
    slots,
    spare,
    workers,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from flowlaunch.batch.decisions import RowPlan
    from flowlaunch.batch.ledger.history import FolderHistory
    from flowlaunch.batch.ledger.shapes import (
        Batch,
        BatchSpec,
        Change,
        Chunk,
        ChunkRow,
        Controls,
        Count,
        EventRecord,
        Evidence,
        Forgotten,
        LaunchedRow,
        Outcome,
        Result,
        RowFilter,
        RowRecord,
        SlotGrant,
        Verdict,
        Worker,
        WorkerStanding,
    )
    from flowlaunch.batch.ledger.store import Store

__all__ = ["Ledger"]


class Ledger:
    """The record of batches: which row was sent, when, and what came of it.

    Made by `open_ledger`. Methods may be called from any thread; writes wait for each other. Every method may
    raise LedgerBusyError (another process holds the file too long), LedgerFullError and LedgerError.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def store(self) -> Store:
        """The connection, for the gateway's own tables in the same database."""
        return self._store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; rows left launching stay so until their chunk is taken over."""
        self._store.close()

    # batches -------------------------------------------------------------------------------------------------

    def create_batch(self, spec: BatchSpec) -> int:
        """Record a new batch and return its id."""
        return batches.create(self._store, spec)

    def batch(self, batch_id: int) -> Batch:
        """Return a batch as recorded; LedgerError when there is none of that id."""
        return batches.read(self._store, batch_id)

    def batches(self) -> tuple[Batch, ...]:
        """Return every batch, oldest first."""
        return batches.read_all(self._store)

    def check_resume(
        self,
        batch_id: int,
        *,
        source_sha256: str | None = None,
        mapping_hash: str | None = None,
        flow_id: str | None = None,
        flow_version: str | None = None,
        accept: Collection[str] = (),
    ) -> tuple[str, ...]:
        """Return what has changed since the batch began and was accepted; what is None is not compared.

        `flow_version` is the one published now: the batch goes on with the version it pinned. `accept` names changes
        to put up with, of `source`, `mapping`, `flow`, `flow-version`.

        Raises:
            LedgerMismatchError: something changed that is not in `accept`; it names each change.

        """
        now = {"source": source_sha256, "mapping": mapping_hash, "flow": flow_id, "flow-version": flow_version}
        return batches.check_resume(self._store, batch_id, now, frozenset(accept))

    # rows ----------------------------------------------------------------------------------------------------

    def add_rows(self, batch_id: int, plans: Iterable[RowPlan]) -> int:
        """Record decided rows, streaming, a few thousand a transaction; return how many were new.

        Row numbers must rise. Rows up to `batch(...).last_number` are recorded already and passed over, so a
        load that was cut short is finished by giving the same rows again. Then call `finish_loading`.
        """
        return rows.add(self._store, batch_id, plans)

    def finish_loading(self, batch_id: int) -> None:
        """Record that every row of the source is in the ledger."""
        batches.finish_loading(self._store, batch_id)

    def refill(self, batch_id: int, plans: Iterable[RowPlan]) -> int:
        """Put payload and name back into pending rows whose own were hashed or dropped; return how many.

        For a retry: prepare the source's rows again and give them all, others are left alone.
        """
        return rows.refill(self._store, batch_id, plans)

    def missing_payloads(self, batch_id: int) -> int:
        """Return how many pending rows need `refill` before they can be sent; scans the batch."""
        return rows.missing_payloads(self._store, batch_id)

    def rows(
        self, batch_id: int, where: RowFilter | None = None, *, after: int = 0, limit: int | None = None
    ) -> Iterator[RowRecord]:
        """Yield rows in the order of their numbers, from the one after number `after`; flat memory."""
        return rows.read(self._store, batch_id, where, after=after, limit=limit)

    def counts(self, batch_id: int) -> tuple[Count, ...]:
        """Return the rows by state and reason; as fast for a million rows as for ten."""
        return counts.read(self._store, batch_id)

    # work ----------------------------------------------------------------------------------------------------

    def start_work(self, batch_id: int, *, shared: bool = False, stale_after_s: float = 30.0) -> Worker:
        """Take the batch for this process, alone or `shared` with others that share it.

        Rows that dead processes left launching are put in doubt at once. A worker is dead when its process is gone
        from this machine or its heartbeat is older than `stale_after_s`.

        Raises:
            LedgerBusyError: another process works on it that does not share, or this one does not: its pid, host and
                heartbeat.

        """
        worker = workers.start(self._store, batch_id, stale_after_s=stale_after_s, is_shared=shared)
        spare.keep(self._store)
        return worker

    def holder(self, batch_id: int, *, stale_after_s: float = 30.0) -> Worker | None:
        """Return a process that works on the batch, the first of several; None when there is none, or it is dead."""
        return workers.holder(self._store, batch_id, stale_after_s=stale_after_s)

    def workers(self, batch_id: int | None = None, *, stale_after_s: float = 30.0) -> tuple[WorkerStanding, ...]:
        """Return the live workers of a batch, or of all batches, with the rows that each has in hand."""
        return workers.standing(self._store, batch_id, stale_after_s=stale_after_s)

    def beat(self, worker: Worker) -> None:
        """Give a sign of life, every few seconds; `commit` and `take_chunk` do it too. LedgerFencedError: stop."""
        workers.beat(self._store, worker)

    def stop_work(self, worker: Worker) -> int:
        """End this worker's work; rows taken and not intended are free again. Return how many are left in doubt."""
        return workers.stop(self._store, worker)

    def take_chunk(self, worker: Worker, size: int) -> Chunk | None:
        """Take up to `size` due rows under a new epoch, soonest due first; None when no row is due.

        In the same transaction, rows that dead workers left launching become in doubt, and what else they held is free.

        Raises:
            LedgerFencedError: another process took this worker's rows over.

        """
        return chunks.take(self._store, worker, size)

    def next_due_us(self, batch_id: int) -> int | None:
        """Return when the next pending row that nobody took is due (0: at once), or None when there is none."""
        return chunks.next_due_us(self._store, batch_id)

    def give_back(self, worker: Worker, unsent: Sequence[ChunkRow]) -> None:
        """Free rows that were taken and not intended."""
        chunks.give_back(self._store, worker, unsent)

    def commit(self, worker: Worker, intents: Sequence[ChunkRow] = (), results: Sequence[Outcome] = ()) -> None:
        """Write intents and outcomes in one transaction that is on the disk when this returns.

        Only then may the requests of `intents` leave. A row may not be in both.

        Raises:
            LedgerFencedError: a row is not this worker's any more: nothing was written, nothing may be sent.
            LedgerFullError: no space: intents were not written, nothing may be sent; `.saved` tells of outcomes.

        """
        outcomes.commit(self._store, worker, intents, results)

    # what became of the executions ---------------------------------------------------------------------------

    def to_look_at(self, batch_id: int, *, due_us: int, limit: int = 500) -> tuple[LaunchedRow, ...]:
        """Return launched rows whose next look is due by `due_us`, soonest first."""
        return results.to_look_at(self._store, batch_id, due_us=due_us, limit=limit)

    def instant(self, own_us: int) -> int:
        """Return an instant of this machine's wall clock by the ledger's time, without asking anybody.

        What rows say (windows, looks) is by the ledger's time; slots are told by the machine's own clock.
        """
        return self._store.timeline.from_own(own_us)

    def next_look_us(self, batch_id: int) -> int | None:
        """Return when the next look at a launched row is due, or None when none is followed."""
        return results.next_look_us(self._store, batch_id)

    def look_later(self, looks: Sequence[tuple[int, int]]) -> None:
        """Set (row id, instant) of the next look at launched rows."""
        results.look_later(self._store, looks)

    def record_results(self, batch_id: int, found: Sequence[Result]) -> int:
        """Archive how executions ended and move their rows; repeating it changes nothing. Return how many were new."""
        return results.record(self._store, batch_id, found)

    # decisions of people -------------------------------------------------------------------------------------

    def settle(self, batch_id: int, row_ids: Sequence[int], verdict: Verdict, evidence: Evidence) -> int:
        """End the doubt about rows: `launched`, or `absent`: they may be sent again. Return how many it settled."""
        return settling.settle(self._store, batch_id, row_ids, verdict, evidence)

    def retry(self, batch_id: int, where: RowFilter | None = None, *, by: str) -> int:
        """Make failed and refused rows (or those of them that `where` names) pending again. Return how many."""
        return settling.retry(self._store, batch_id, where, by=by)

    def release(
        self, batch_id: int, where: RowFilter | None = None, *, by: str, not_before_us: int | None = None
    ) -> int:
        """Make held rows pending: someone looked at them. Return how many."""
        return settling.release(self._store, batch_id, where, by=by, not_before_us=not_before_us)

    def cancel_rows(self, batch_id: int, where: RowFilter | None = None, *, by: str) -> int:
        """Make pending and held rows that no worker holds cancelled. Return how many."""
        return settling.cancel(self._store, batch_id, where, by=by)

    # controls and events -------------------------------------------------------------------------------------

    def controls(self, batch_id: int) -> Controls:
        """Return what was asked of the batch's runner."""
        return controls.read(self._store, batch_id)

    def control(self, batch_id: int, *, by: str, change: Change) -> Controls:
        """Change what is asked of the batch's runner, from any process, and return all of it."""
        return controls.change(self._store, batch_id, by=by, wanted=change)

    def add_event(self, batch_id: int, kind: str, *, row_id: int | None = None, **facts: object) -> int:
        """Append to the batch's history and return the event's id. Facts are JSON values, without secrets."""
        return events.append(self._store, batch_id, kind, row_id=row_id, facts=facts)

    def events(self, batch_id: int, *, after: int = 0, limit: int = 1000) -> tuple[EventRecord, ...]:
        """Return events after the cursor `after` (an event id), oldest first."""
        return events.read(self._store, batch_id, after=after, limit=limit)

    def last_event(self, batch_id: int, kind: str) -> EventRecord | None:
        """Return the newest event of that kind, or None."""
        return events.last(self._store, batch_id, kind)

    # pace ----------------------------------------------------------------------------------------------------

    def reserve_slots(
        self,
        client_key: str,
        n: int,
        *,
        budget_per_minute: float,
        rate_per_minute: float | None = None,
        lane: str = "launch",
        horizon_s: float = 1.0,
    ) -> SlotGrant:
        """Reserve up to `n` instants within `horizon_s` at which a request of an OAuth client may leave.

        At most `budget_per_minute` less what is kept back lie in any sliding 60 s, over all lanes and all processes of
        the ledger. A lane keeps its own even spacing at `rate_per_minute`; None is the whole budget. One named after
        the batch that it serves (`launch:7`, `look:7`) gets its fair share while other batches want slots, by the
        priority of its batch (`Controls.priority`).

        The instants are of this machine's clock; in PostgreSQL they were chosen by the server's.
        """
        wish = slots.Wish(client_key, lane, n, budget_per_minute, rate_per_minute or budget_per_minute, horizon_s)
        return slots.reserve(self._store, wish)

    def return_slots(self, client_key: str, at_us: Sequence[int], *, lane: str = "launch") -> None:
        """Give back slots that were not used: too late, or nothing to send."""
        slots.give_back(self._store, client_key, lane, at_us)

    def reserve_share(self, client_key: str, share: float) -> None:
        """Keep back a share (0 to 1) of the client's budget for other apps, for all workers from their next slot on."""
        slots.keep_back(self._store, client_key, share)

    def push_back(self, client_key: str, seconds: float) -> None:
        """Hold every request of the client until `seconds` from now: the service asked for silence."""
        slots.push_back(self._store, client_key, seconds)

    # history, privacy, upkeep --------------------------------------------------------------------------------

    def history(self, *, but_batch: int | None = None) -> FolderHistory:
        """Return what all batches of all ledgers in this ledger's folder did, for rules (`History`)."""
        return history.folder_history(self._store, but_batch=but_batch)

    def forget(self, key: str, *, by: str) -> Forgotten:
        """Erase the contact behind a row key, or a contact itself, from rows, attempts, results and events.

        Numbers, states and times stay, so the sums stay true. Copies made by `backup` are not reached.

        Raises:
            LedgerBusyError: rows of that key are launching now; ask again when they have ended.

        """
        return privacy.forget(self._store, key, by=by)

    def names_of(self, key: str) -> tuple[frozenset[str], frozenset[str]]:
        """Return the row keys and contacts of all rows that `key`, a row key or a contact, reaches."""
        return privacy.names_of(self._store, key)

    def beside(self) -> tuple[tuple[Path, bool], ...]:
        """Return the other ledgers of the folder, and whether each can be opened without upgrading it."""
        return history.ledgers_beside(self._store)

    def backup(self, to: Path) -> Path:
        """Copy the ledger to a new file while it is in use; the copy is whole and consistent."""
        return backup.copy(self._store, to)
