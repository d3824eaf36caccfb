"""Hand a batch to the workers that are there, and look on until it ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.batch.events import EVENT_KINDS, RunEvent, event_at
from flowlaunch.batch.gauge import Gauge
from flowlaunch.batch.ledger import handovers
from flowlaunch.batch.ledger.handovers import Baseline
from flowlaunch.batch.states import RowState
from flowlaunch.batch.work import BatchOutcome
from flowlaunch.batch.workers.standing import workers_with
from flowlaunch.errors import LedgerBusyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.batch.ledger.handovers import Handover
    from flowlaunch.batch.stop import Stop
    from flowlaunch.batch.work import WorkOptions

__all__ = ["LEFT", "goes_to_workers", "hand_over"]

LOOK_S: Final = 0.5
SOON_US: Final = 1_000_000
LEFT: Final = "left"
"""How a run that only looked on ends when it is asked to: the workers go on."""
PASSED_ON: Final = frozenset(EVENT_KINDS) - {"created", "loaded", "progress", "stopping"}
"""Kinds of events that concern the batch; what a single worker stops, others go on with."""
LEAVING: Final = (RowState.LAUNCHED, RowState.COMPLETED, RowState.FAILED, RowState.REFUSED, RowState.IN_DOUBT)


def goes_to_workers(ledger: Ledger, client_key: str) -> bool:
    """Tell whether a live worker of this ledger has the OAuth client; never on a ledger in a file."""
    return ledger.store.path is None and bool(workers_with(ledger, client_key))


async def hand_over(
    ledger: Ledger,
    batch_id: int,
    options: WorkOptions,
    *,
    client_key: str,
    profile: str,
    clock: AsyncClock,
    on_event: Callable[[RunEvent], None] | None = None,
    stop: Stop | None = None,
) -> BatchOutcome:
    """Give a batch to the workers and return when it has ended, is paused for what went wrong, or `stop` is requested.

    Then `ended` is `finished`, `cancelled`, `paused` or LEFT: to stop looking on stops nobody.
    """
    store = ledger.store
    # as if it had been paused for what went wrong so far: a feeder then begins to count anew
    baseline = Baseline(is_breached=True) if options.accepts_failures else None
    overrides = {"reopen": options.reopen.recorded()} if options.reopen is not None else {}
    await asyncio.to_thread(
        lambda: handovers.give(
            store, batch_id, client_key=client_key, profile=profile, baseline=baseline, overrides=overrides
        )
    )
    onlooker = _Onlooker(ledger, batch_id, options, client_key, clock, on_event or _ignore)
    return await onlooker.run(stop)


class _Onlooker:
    """Tells what workers do, as if this process did it."""

    def __init__(
        self,
        ledger: Ledger,
        batch_id: int,
        options: WorkOptions,
        client_key: str,
        clock: AsyncClock,
        tell: Callable[[RunEvent], None],
    ) -> None:
        self._ledger, self._batch_id, self._options, self._client_key = ledger, batch_id, options, client_key
        self._clock, self._tell = clock, tell
        self._gauge = Gauge()
        self._left: int | None = None
        self._left_at_first = 0
        self._workers: int | None = None
        self._after = 0

    async def run(self, stop: Stop | None) -> BatchOutcome:
        began_s = self._clock.now().mono_s
        asked = asyncio.Event()
        if stop is not None:
            stop.on_request(asked.set)
        await asyncio.to_thread(self._skip_history)
        while True:
            try:
                held, workers, due_us, events = await asyncio.to_thread(self._look)
            except LedgerBusyError:
                await self._clock.sleep(LOOK_S)
                continue
            for event in events:
                self._tell(event)
            self._tell_workers(workers)
            self._progress(held, workers, due_us)
            ended, reason = self._how_it_ended(held)
            if stop is not None and stop.level and not ended:
                ended, reason = LEFT, stop.reason
            if ended:
                return BatchOutcome(
                    batch_id=self._batch_id, ended=ended, reason=reason,
                    counts={state.value: rows for state, rows in held.states.items()},
                    launched=(self._left or 0) - self._left_at_first,
                    elapsed_s=self._clock.now().mono_s - began_s,
                )  # fmt: skip
            await self._clock.wait(asked, LOOK_S)

    def _skip_history(self) -> None:
        while found := self._ledger.events(self._batch_id, after=self._after):
            self._after = found[-1].event_id

    def _look(self) -> tuple[Handover, int, int | None, list[RunEvent]]:
        held = handovers.find(self._ledger.store, self._batch_id)
        if held is None:
            raise LedgerBusyError(f"batch {self._batch_id} was taken back from the workers")
        due_us = self._ledger.next_due_us(self._batch_id) if held.rows(RowState.PENDING) else None
        return held, workers_with(self._ledger, self._client_key), due_us, list(self._news())

    def _news(self) -> Iterator[RunEvent]:
        found = self._ledger.events(self._batch_id, after=self._after)
        for one in found:
            self._after = one.event_id
            if one.kind in PASSED_ON:
                facts = {name: value for name, value in one.facts.items() if name != "message"}
                yield event_at(one.kind, one.at_us, str(one.facts.get("message", "")), **facts)

    def _tell_workers(self, workers: int) -> None:
        if workers == self._workers:
            return
        self._workers = workers
        how_many = "1 worker works" if workers == 1 else f"{workers} workers work" if workers else "no worker is left"
        text = f"{how_many} on batch {self._batch_id}" if workers else f"{how_many}; it waits for one to join"
        self._tell(event_at("workers", self._now_us(), text, workers=workers))

    def _progress(self, held: Handover, workers: int, due_us: int | None) -> None:
        now_s = self._clock.now().mono_s
        left = held.rows(*LEAVING)
        if self._left is None:
            self._left_at_first = left
        elif left > self._left:
            self._gauge.add(now_s, left - self._left)
        self._left = left
        pending = held.rows(RowState.PENDING)
        budget = self._options.pace_per_minute
        speed = self._gauge.per_minute(now_s)
        fields: dict[str, Any] = {
            "counts": {state.value: rows for state, rows in held.states.items()},
            "launched_per_minute": round(speed, 1),
            "budget_per_minute": held.rate_per_minute or budget,
            "share_used": round(speed / budget, 4) if budget else None,
            "eta_s": self._gauge.eta_s(now_s, pending),
            "waiting_for": self._waiting_for(held, workers, due_us),
            "next_opening_us": due_us,
        }
        self._tell(event_at("progress", self._now_us(), **fields))

    def _waiting_for(self, held: Handover, workers: int, due_us: int | None) -> str:
        causes = (
            ("pause", held.paused),
            ("workers", not workers),
            ("ends", not held.rows(RowState.PENDING)),
            ("window", (due_us or 0) > self._now_us() + SOON_US),
        )
        return next((name for name, holds in causes if holds), "pace")

    def _how_it_ended(self, held: Handover) -> tuple[str, str]:
        if held.done_us is not None and not held.rows(RowState.PENDING):
            return ("cancelled" if held.cancelled else "finished"), ""
        is_waited_out = self._options.waits_when_paused and held.paused_by != "runner"
        if held.paused and not is_waited_out and not held.rows(RowState.LAUNCHING):
            return "paused", self._ledger.controls(self._batch_id).pause_reason
        return "", ""

    def _now_us(self) -> int:
        return self._ledger.store.now_us()


def _ignore(_event: RunEvent) -> None:
    """Tell nobody."""
