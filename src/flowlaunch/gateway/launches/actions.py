"""What people and apps may do to launches and batches; each of it is in the audit log with who did it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec

from flowlaunch.batch.ledger import Change, Evidence, RowFilter
from flowlaunch.batch.reconcile import reconcile_batch
from flowlaunch.batch.states import RowState
from flowlaunch.gateway.api.problems import Problem
from flowlaunch.gateway.store import audit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from flowlaunch.aclient import AsyncClient
    from flowlaunch.batch.ledger import Controls, Ledger
    from flowlaunch.batch.reconcile import ReconcileReport
    from flowlaunch.gateway.access import Caller
    from flowlaunch.gateway.launches.engine import Engine
    from flowlaunch.gateway.launches.handing import HandingEngine
    from flowlaunch.gateway.launches.pacing import PacedReads
    from flowlaunch.gateway.launches.reading import LaunchView

__all__ = ["Actions"]

RETRYABLE = frozenset({RowState.FAILED, RowState.REFUSED})
CANCELLABLE = frozenset({RowState.PENDING, RowState.HELD})


class Actions:
    """Acts on the ledger and wakes the engine. A Problem 409 says that things stand otherwise than the wish needs."""

    def __init__(
        self,
        ledger: Ledger,
        engine: Engine | HandingEngine,
        reads: PacedReads,
        on_rest: Callable[[Sequence[int]], None],
        give_up: Callable[[int], Awaitable[None]],
    ) -> None:
        """Take what it needs: `on_rest` hears of rows at rest, `give_up` ends the reading of a batch's file."""
        self._ledger, self._engine, self._reads = ledger, engine, reads
        self._on_rest, self._give_up = on_rest, give_up
        self._reconciling = asyncio.Lock()

    # one launch ----------------------------------------------------------------------------------------------

    async def cancel(self, view: LaunchView, by: Caller) -> None:
        """Have a launch never sent."""
        self._check(view, CANCELLABLE, "cancel")
        moved = await self._of_row(self._ledger.cancel_rows, view, by)
        if not moved:
            raise _conflict(view, "cancel", "it is being sent now")
        self._on_rest([view.row.row_id])
        await self._record(by, "launch.cancel", view)

    async def retry(self, view: LaunchView, by: Caller) -> None:
        """Have a failed or refused launch sent again, as a new attempt."""
        self._check(view, RETRYABLE, "retry")
        moved = await self._of_row(self._ledger.retry, view, by)
        if not moved:
            raise _conflict(view, "retry", "it stands otherwise now")
        await self._record(by, "launch.retry", view)
        self._engine.wake(view.batch.batch_id)

    async def release(self, view: LaunchView, by: Caller) -> None:
        """Let a held launch be sent: someone looked at it."""
        self._check(view, frozenset({RowState.HELD}), "release")
        moved = await self._of_row(self._ledger.release, view, by)
        if not moved:
            raise _conflict(view, "release", "it stands otherwise now")
        await self._record(by, "launch.release", view)
        self._engine.wake(view.batch.batch_id)

    async def settle(
        self,
        view: LaunchView,
        verdict: Literal["launched", "absent"],
        by: Caller,
        *,
        grounds: str = "",
        execution_id: str | None = None,
    ) -> None:
        """End the doubt about a launch by a person's word; an absent one is sent again."""
        self._check(view, frozenset({RowState.IN_DOUBT}), "settle")
        evidence = Evidence(by=by.name, grounds=grounds, execution_id=execution_id)
        moved = await asyncio.to_thread(self._ledger.settle, view.batch.batch_id, [view.row.row_id], verdict, evidence)
        if not moved:
            raise _conflict(view, "settle", "it is in doubt no more")
        await self._record(by, "launch.settle", view, verdict=verdict, grounds=grounds, execution_id=execution_id)
        self._engine.wake(view.batch.batch_id)

    # a route or a batch --------------------------------------------------------------------------------------

    async def reconcile(self, batch_id: int, by: Caller, *, settle: bool = True) -> ReconcileReport:
        """Look for the runs of all launches in doubt of a batch, and settle what is proved."""
        async with self._reconciling:
            # what reconciling asks of a client, and nothing else, is what PacedReads has
            report = await reconcile_batch(
                self._ledger, batch_id, client=cast("AsyncClient", self._reads), settle=settle
            )
        facts = {"launched": report.settled_launched, "absent": report.settled_absent, "left": report.left}
        await self._record_batch(by, "batch.reconcile", batch_id, **facts)
        self._engine.wake(batch_id)
        return report

    async def pause(self, batch_id: int, by: Caller, reason: str = "") -> Controls:
        """Launch nothing more until `resume`."""
        return await self._control(batch_id, by, "batch.pause", Change(paused=True, pause_reason=reason))

    async def resume(self, batch_id: int, by: Caller) -> Controls:
        """Let a paused batch go on."""
        return await self._control(batch_id, by, "batch.resume", Change(paused=False, pause_reason=""))

    async def set_rate(self, batch_id: int, by: Caller, change: Change) -> Controls:
        """Launch at most so often, or so many at once."""
        return await self._control(batch_id, by, "batch.rate", change)

    async def cancel_batch(self, batch_id: int, by: Caller) -> Controls:
        """Have the rows of a batch that were not sent never sent, and those that are still being read never read."""
        await self._give_up(batch_id)
        controls = await self._control(
            batch_id, by, "batch.cancel", Change(cancelled=True, paused=False, pause_reason="")
        )
        if not self._engine.works_on(batch_id):
            await asyncio.to_thread(self._ledger.cancel_rows, batch_id, None, by=by.name)
        return controls

    async def retry_batch(self, batch_id: int, by: Caller, states: Sequence[RowState] = ()) -> int:
        """Have the failed and refused rows of a batch sent again; return how many."""
        where = RowFilter(states=tuple(states)) if states else None
        rows = await asyncio.to_thread(self._ledger.retry, batch_id, where, by=by.name)
        await self._record_batch(by, "batch.retry", batch_id, rows=rows)
        self._engine.wake(batch_id)
        return rows

    # parts ---------------------------------------------------------------------------------------------------

    @staticmethod
    def _check(view: LaunchView, states: frozenset[RowState], wish: str) -> None:
        if view.row.state not in states:
            needed = " or ".join(sorted(state.value for state in states))
            raise _conflict(view, wish, f"it is {view.row.state.value}, not {needed}")

    async def _of_row(self, act: Callable[..., int], view: LaunchView, by: Caller) -> int:
        where = RowFilter(numbers=(view.row.number,))
        return await asyncio.to_thread(act, view.batch.batch_id, where, by=by.name)

    async def _control(self, batch_id: int, by: Caller, what: str, change: Change) -> Controls:
        controls = await asyncio.to_thread(self._ledger.control, batch_id, by=by.name, change=change)
        await self._record_batch(by, what, batch_id, **msgspec.to_builtins(change))
        self._engine.wake(batch_id)
        return controls

    async def _record(self, by: Caller, what: str, view: LaunchView, **facts: Any) -> None:
        facts["route"] = view.route
        await asyncio.to_thread(audit.record, self._ledger.store, by, what, view.launch.id, facts)

    async def _record_batch(self, by: Caller, what: str, batch_id: int, **facts: Any) -> None:
        await asyncio.to_thread(audit.record, self._ledger.store, by, what, f"batch:{batch_id}", facts)


def _conflict(view: LaunchView, wish: str, why: str) -> Problem:
    return Problem(
        409, "launch-state", "The launch stands otherwise", f"Cannot {wish} {view.launch.id}: {why}.",
        state=view.row.state.value,
    )  # fmt: skip
