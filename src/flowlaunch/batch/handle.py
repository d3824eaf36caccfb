"""One batch in a ledger, from any process: look at it, steer it, decide about its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

import msgspec

from flowlaunch.batch.job import chosen_batch
from flowlaunch.batch.ledger import Change, Evidence, RowFilter, open_ledger
from flowlaunch.batch.states import RETRYABLE_STATES, RowState
from flowlaunch.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from flowlaunch.batch.ledger import Batch, Controls, EventRecord, Forgotten, RowRecord

__all__ = ["BatchHandle", "BatchStatus"]


class BatchStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a batch stands: rows by state, and by (state, reason)."""

    counts: dict[str, int]
    reasons: dict[tuple[str, str], int]
    controls: Controls
    is_loaded: bool
    worker_id: str | None


class BatchHandle:
    """A batch of a ledger; the newest one without an id. Use it in a `with`, or close it.

    What changes the controls is heeded by a running batch within a second. `by` says who decided; it is recorded.
    """

    def __init__(self, ledger: Path | str, batch_id: int | None = None) -> None:
        self._ledger = open_ledger(ledger, create=False)
        self.batch_id = chosen_batch(self._ledger, batch_id).batch_id

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def describe(self) -> Batch:
        """Return what the batch is about, as recorded."""
        return self._ledger.batch(self.batch_id)

    def status(self) -> BatchStatus:
        """Return how the batch stands now; as fast for a million rows as for ten."""
        batch = self.describe()
        counts: dict[str, int] = {}
        reasons: dict[tuple[str, str], int] = {}
        for one in self._ledger.counts(self.batch_id):
            counts[one.state.value] = counts.get(one.state.value, 0) + one.rows
            reasons[one.state.value, one.reason] = one.rows
        return BatchStatus(
            counts=counts,
            reasons=reasons,
            controls=self._ledger.controls(self.batch_id),
            is_loaded=batch.loaded_us is not None,
            worker_id=batch.worker_id,
        )

    def rows(self, where: RowFilter | None = None, *, after: int = 0, limit: int | None = None) -> Iterator[RowRecord]:
        """Yield rows with their results, from the one after number `after`."""
        return self._ledger.rows(self.batch_id, where, after=after, limit=limit)

    def events(self, *, after: int = 0, limit: int = 1000) -> tuple[EventRecord, ...]:
        """Return recorded events after the cursor `after`, oldest first."""
        return self._ledger.events(self.batch_id, after=after, limit=limit)

    def pause(self, reason: str = "", *, by: str) -> Controls:
        """Launch nothing more until `resume`."""
        return self._change(Change(paused=True, pause_reason=reason), by)

    def resume(self, *, by: str) -> Controls:
        """Let a paused batch go on; a batch that nobody runs needs `resume_batch` besides."""
        return self._change(Change(paused=False, pause_reason=""), by)

    def set_rate(self, per_minute: float | None, *, by: str) -> Controls:
        """Launch and look at most so often; None is what the batch began with."""
        return self._change(Change(rate_per_minute=per_minute), by)

    def set_concurrency(self, launches: int | None, *, by: str) -> Controls:
        """Have at most so many launches in flight; None is what the batch began with."""
        return self._change(Change(concurrency=launches), by)

    def set_priority(self, priority: int, *, by: str) -> Controls:
        """Get a larger or smaller share of the pace than other batches that want it; each begins with 10."""
        return self._change(Change(priority=priority), by)

    def cancel(self, *, by: str) -> Controls:
        """Cancel the rows that were not sent; a running batch gives up those it holds as well."""
        controls = self._change(Change(cancelled=True, paused=False, pause_reason=""), by)
        if self.describe().worker_id is None:
            self._ledger.cancel_rows(self.batch_id, by=by)
        return controls

    def retry(self, where: RowFilter | None = None, *, by: str) -> int:
        """Make failed and refused rows pending again, or those of them that `where` names; return how many."""
        if where is not None and not set(where.states) <= RETRYABLE_STATES:
            names = ", ".join(sorted(state.value for state in RETRYABLE_STATES))
            raise LedgerError(f"only rows that are {names} can be tried again", hint="Name only those states.")
        return self._ledger.retry(self.batch_id, where, by=by)

    def release(self, where: RowFilter | None = None, *, by: str) -> int:
        """Let held rows be launched; return how many."""
        return self._ledger.release(self.batch_id, where, by=by)

    def decide(
        self,
        keys: Sequence[str] | Literal["all"],
        verdict: Literal["launched", "absent"],
        *,
        by: str,
        grounds: str = "",
        execution_id: str | None = None,
    ) -> int:
        """Settle rows in doubt by a person's word; return how many. An absent row is pending again.

        Args:
            keys: the rows' keys, or `all` rows in doubt.
            verdict: whether they were launched.
            by: who decides.
            grounds: what the decision rests on.
            execution_id: the execution, when one row was launched and it is known; it is followed then.

        """
        wanted = RowFilter(states=(RowState.IN_DOUBT,), keys=() if keys == "all" else tuple(keys))
        row_ids = [row.row_id for row in self.rows(wanted)]
        evidence = Evidence(by=by, grounds=grounds, execution_id=execution_id)
        return self._ledger.settle(self.batch_id, row_ids, verdict, evidence) if row_ids else 0

    def forget(self, key: str, *, by: str) -> Forgotten:
        """Erase one contact from the ledger: rows, attempts, results and events."""
        return self._ledger.forget(key, by=by)

    def backup(self, to: Path) -> Path:
        """Copy the ledger while it is in use."""
        return self._ledger.backup(to)

    def _change(self, change: Change, by: str) -> Controls:
        return self._ledger.control(self.batch_id, by=by, change=change)
