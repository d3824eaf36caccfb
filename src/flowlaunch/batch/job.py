"""Running a batch: the public door. The command line is a thin layer over this."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

from flowlaunch._io.clock_async import SystemAsyncClock
from flowlaunch.aclient import AsyncClient
from flowlaunch.batch.batch_job import BatchJob
from flowlaunch.batch.budget import parse_share
from flowlaunch.batch.ledger import Change, open_ledger
from flowlaunch.batch.ledger.vigil import Vigil
from flowlaunch.batch.loading import batch_for, confirm, load_rows, refill_payloads
from flowlaunch.batch.outside import run_outside
from flowlaunch.batch.permits import client_key
from flowlaunch.batch.prepare import reopener
from flowlaunch.batch.ramp import DEFAULT_RAMP
from flowlaunch.batch.rules import reopener_of
from flowlaunch.batch.slots import spend_slots
from flowlaunch.batch.stop import Stop
from flowlaunch.batch.work import BatchOutcome, WorkOptions, row_counts, work_on
from flowlaunch.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.batch.events import RunEvent
    from flowlaunch.batch.ledger import Batch, Ledger
    from flowlaunch.batch.rules import Rules
    from flowlaunch.settings import Settings

__all__ = ["BatchJob", "BatchOutcome", "Stop", "resume_batch", "resume_batch_sync", "run_batch", "run_batch_sync"]

SETUP_READS: Final = 3
"""Requests at most that find the flow and its version."""


async def run_batch(
    job: BatchJob,
    *,
    on_event: Callable[[RunEvent], None] | None = None,
    stop: Stop | None = None,
    client: AsyncClient | None = None,
    clock: AsyncClock | None = None,
) -> BatchOutcome:
    """Run a batch to its end, or go on with the one that the ledger holds.

    Raises:
        InputError: the source, the mapping or an option is wrong, or more rows than `confirm_above` would leave.
        LedgerMismatchError: the source, mapping or flow is not what the batch began with.
        LedgerBusyError: another process works on it.

    """
    time = clock or SystemAsyncClock()
    async with AsyncExitStack() as stack:
        used = client if client is not None else await opened_client(stack, job.settings, job.profile)
        wish, vigil = stop or Stop(), stack.enter_context(Vigil())
        wish.on_request(vigil.leave)
        ledger = stack.enter_context(open_ledger(job.ledger_place, clock=time, on_store=vigil.watch))
        budget = job.pace_per_minute * job.pace_share if job.pace_per_minute is not None else None
        await spend_slots(ledger, client_key(used), budget, SETUP_READS, time)
        flow = await used.find_flow(job.flow)
        inputs = await used.flow_inputs(flow, version=job.version)
        batch = await asyncio.to_thread(batch_for, job, ledger, flow, inputs)
        if batch.loaded_us is None and not await asyncio.to_thread(
            load_rows, job, ledger, batch, inputs, time, on_event, wish
        ):
            counts = row_counts(ledger, batch.batch_id)
            return BatchOutcome(batch_id=batch.batch_id, ended="stopped", reason=wish.reason, counts=counts)
        await asyncio.to_thread(refill_payloads, job, ledger, batch, inputs)
        confirm(job, ledger, batch.batch_id)
        if job.priority is not None:
            ledger.control(batch.batch_id, by="batch run", change=Change(priority=job.priority))
        profile = job.profile if job.settings is None else job.settings.profile
        vigil.go_on()
        return await _worked(
            ledger, batch.batch_id, job.work_options(), used, time, on_event, wish, profile=profile, here=job.here
        )


async def _worked(
    ledger: Ledger,
    batch_id: int,
    options: WorkOptions,
    client: AsyncClient,
    time: AsyncClock,
    on_event: Callable[[RunEvent], None] | None,
    stop: Stop | None,
    *,
    profile: str | None,
    here: bool = False,
) -> BatchOutcome:
    """Have the workers of the ledger do the work, or do it in this process where there is none."""
    if ledger.store.path is None and not here:
        from flowlaunch.batch.workers.handing import goes_to_workers, hand_over  # noqa: PLC0415 - rarely needed

        key = client_key(client)
        if await asyncio.to_thread(goes_to_workers, ledger, key):
            return await hand_over(
                ledger, batch_id, options,
                client_key=key, profile=profile or "", clock=time, on_event=on_event, stop=stop,
            )  # fmt: skip
    return await work_on(ledger, batch_id, options, client=client, clock=time, on_event=on_event, stop=stop)


async def resume_batch(
    ledger_place: Path | str,
    batch_id: int | None = None,
    *,
    settings: Settings | None = None,
    profile: str | None = None,
    rules: Rules | None = None,
    on_event: Callable[[RunEvent], None] | None = None,
    stop: Stop | None = None,
    client: AsyncClient | None = None,
    clock: AsyncClock | None = None,
    **changed: Any,
) -> BatchOutcome:
    """Go on with a batch by its ledger alone; `changed` are fields of WorkOptions to do otherwise than recorded.

    Args:
        ledger_place: the ledger.
        batch_id: the batch in it; None: the newest.
        settings: how to sign in; else `profile`, the environment and the profile file say.
        profile: profile of the settings file.
        rules: what decides about rows whose calling window shut meanwhile; without it those are held.
        on_event: called with everything that happens.
        stop: asks it to end.
        client: a client to use instead of a new one.
        clock: a clock to go by, for tests.
        changed: as above.

    Raises:
        LedgerError: there is no such batch, or its rows were not all read: run it with its source.

    """
    time = clock or SystemAsyncClock()
    async with AsyncExitStack() as stack:
        used = client if client is not None else await opened_client(stack, settings, profile)
        wish, vigil = stop or Stop(), stack.enter_context(Vigil())
        wish.on_request(vigil.leave)
        ledger = stack.enter_context(open_ledger(ledger_place, clock=time, create=False, on_store=vigil.watch))
        batch = chosen_batch(ledger, batch_id)
        if batch.loaded_us is None:
            raise LedgerError(
                f"batch {batch.batch_id}: its source was not read to the end",
                code="batch-not-loaded",
                hint="Run it again with its source: what is in the ledger already is passed over.",
            )
        options = recorded_options(batch, rules, changed)
        whose = profile if settings is None else settings.profile
        vigil.go_on()
        return await _worked(ledger, batch.batch_id, options, used, time, on_event, wish, profile=whose)


def run_batch_sync(
    job: BatchJob,
    *,
    on_event: Callable[[RunEvent], None] | None = None,
    stop: Stop | None = None,
    handle_signals: bool = True,
) -> BatchOutcome:
    """Do as `run_batch`, outside of any event loop; the first signal ends it in order, the second at once."""
    wish = stop or Stop()
    return run_outside(run_batch(job, on_event=on_event, stop=wish), wish if handle_signals else None)


def resume_batch_sync(
    ledger_place: Path | str, batch_id: int | None = None, *, stop: Stop | None = None, handle_signals: bool = True,
    **options: Any,
) -> BatchOutcome:  # fmt: skip
    """Do as `resume_batch`, outside of any event loop, with signals as `run_batch_sync`."""
    wish = stop or Stop()
    going = resume_batch(ledger_place, batch_id, stop=wish, **options)
    return run_outside(going, wish if handle_signals else None)


def chosen_batch(ledger: Ledger, batch_id: int | None) -> Batch:
    """Return the batch of that id, or the newest one."""
    if batch_id is not None:
        return ledger.batch(batch_id)
    held = ledger.batches()
    if not held:
        raise LedgerError("the ledger holds no batch", code="no-batch", hint="Run one with its source first.")
    return held[-1]


def recorded_options(batch: Batch, rules: Rules | None, changed: Mapping[str, Any]) -> WorkOptions:
    """Return how a batch was run, with what is to change; `reopen` as text is what `Reopener.recorded` gave."""
    fields = WorkOptions.__dataclass_fields__
    held = {name: value for name, value in batch.spec.settings.items() if name in fields}
    merged = {**held, **changed}
    recorded = merged.get("reopen")
    merged["reopen"] = reopener_of(recorded) if isinstance(recorded, str) else reopener(rules)
    merged["ramp"] = tuple(merged.get("ramp", DEFAULT_RAMP))
    merged["max_failed"] = parse_share(merged.get("max_failed", 0.05))
    return WorkOptions(**merged)


async def opened_client(stack: AsyncExitStack, settings: Settings | None, profile: str | None) -> AsyncClient:
    """Return a client that closes with `stack`; a batch brings its own pace."""
    if settings is not None:
        return await stack.enter_async_context(AsyncClient.from_settings(settings))
    return await stack.enter_async_context(AsyncClient(profile=profile, pace_per_minute=None))
