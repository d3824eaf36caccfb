"""What a batch is, and running it: the public door. The command line is a thin layer over this."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from flowlaunch._io.clock_async import SystemAsyncClock
from flowlaunch.aclient import AsyncClient
from flowlaunch.batch.budget import parse_share
from flowlaunch.batch.ledger import open_ledger
from flowlaunch.batch.loading import batch_for, confirm, load_rows, refill_payloads
from flowlaunch.batch.mapping import MappingSpec
from flowlaunch.batch.outside import run_outside
from flowlaunch.batch.permits import client_key
from flowlaunch.batch.prepare import reopener
from flowlaunch.batch.ramp import DEFAULT_RAMP, stage_sizes
from flowlaunch.batch.rows import ReadOptions
from flowlaunch.batch.slots import spend_slots
from flowlaunch.batch.stop import Stop
from flowlaunch.batch.work import BatchOutcome, WorkOptions, row_counts, work_on
from flowlaunch.errors import InputError, LedgerError
from flowlaunch.settings.fields import without_password

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Literal

    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.batch.events import RunEvent
    from flowlaunch.batch.ledger import Batch, Ledger
    from flowlaunch.batch.rules import Rules
    from flowlaunch.settings import Settings

__all__ = ["BatchJob", "BatchOutcome", "Stop", "resume_batch", "resume_batch_sync", "run_batch", "run_batch_sync"]

LEDGER_SUFFIX: Final = ".ledger"
SETUP_READS: Final = 3
"""Requests at most that find the flow and its version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchJob:
    """One flow per row of a source. Everything but `source` and `flow` has a default that is safe.

    Attributes:
        source: a file, `-` for standard input, or a SQLAlchemy URL with `read.query`.
        flow: the flow's id or exact name.
        ledger: where the batch is recorded; None: beside the source, `people.csv.ledger`.
        read: how to read the source.
        mapping: the way from columns to inputs; by name without it.
        rules: decide about each row; None launches each key once, as soon as the pace allows.
        rules_text: what is hashed of the rules, so that a resume with others is noticed.
        version: the flow's version; None pins the one that is published when the batch is created.
        pace_per_minute: requests a minute that the OAuth client may send; None: no pace.
        concurrency: launches in flight at once.
        ramp: how many rows may leave before the first have ended well; () for all at once.
        max_failed: a share (0.05) or number of ended rows that may fail or be refused before the batch pauses.
        max_in_doubt: rows that may come to be in doubt before it pauses.
        track: whether executions are followed to their end; `track_share` of the pace is for that.
        launch_token_input: an input of the flow that gets the row's launch token, for reconciling.
        payloads: whether the ledger keeps, hashes or drops the rows' data once they are launched.
        confirm_above: refuse to launch more rows than this without `yes`.
        resume: None goes on with the batch of this source in the ledger, if there is one; True insists on it;
            False begins another.
        accept_changes: changes since the batch began to put up with: `source`, `mapping`, `flow-version`.
        accepts_failures: someone looked at what went wrong so far: it counts no more.
        settings: how to sign in; else `profile`, the environment and the profile file say.

    """

    source: Path | str
    flow: str
    ledger: Path | str | None = None
    read: ReadOptions = field(default_factory=ReadOptions)
    mapping: MappingSpec = field(default_factory=MappingSpec)
    rules: Rules | None = None
    rules_text: str = ""
    version: str | None = None
    name: str = ""
    pace_per_minute: float | None = 300.0
    pace_share: float = 1.0
    concurrency: int = 16
    ramp: tuple[str, ...] = DEFAULT_RAMP
    max_failed: float | str | None = 0.05
    max_in_doubt: int | None = 10
    track: bool = True
    track_share: float = 0.4
    launch_token_input: str | None = None
    payloads: Literal["keep", "hash", "drop"] = "keep"
    outputs: Literal["keep", "drop"] = "keep"
    confirm_above: int | None = None
    yes: bool = False
    resume: bool | None = None
    accept_changes: frozenset[str] = frozenset({"flow-version"})
    accepts_failures: bool = False
    waits_when_paused: bool = True
    timeout_s: float = 30.0
    settings: Settings | None = field(default=None, repr=False)
    profile: str | None = None

    def __post_init__(self) -> None:
        stage_sizes(self.ramp, 1)
        parse_share(self.max_failed)
        if self.concurrency < 1 or not 0 < self.track_share < 1 or not 0 < self.pace_share <= 1:
            raise InputError("concurrency is at least 1, shares lie between 0 and 1", code="batch-options")

    @property
    def ledger_place(self) -> Path | str:
        """Where the batch is recorded."""
        if self.ledger is not None:
            return self.ledger
        if str(self.source) == "-" or "://" in str(self.source):
            raise InputError(
                f"rows from {'standard input' if str(self.source) == '-' else 'a query'} need a ledger",
                code="ledger-missing",
                hint="Name a file for the ledger: it is what makes the batch safe to resume.",
            )
        return Path(f"{self.source}{LEDGER_SUFFIX}")

    @property
    def source_name(self) -> str:
        """The source as recorded: an absolute path, `-`, or a URL without its password."""
        text = str(self.source)
        if "://" in text:
            return without_password(text)
        return text if text == "-" else str(Path(text).resolve())

    def work_options(self) -> WorkOptions:
        """Return what the runner needs to know."""
        return WorkOptions(
            pace_per_minute=self.pace_per_minute,
            pace_share=self.pace_share,
            concurrency=self.concurrency,
            ramp=self.ramp,
            max_failed=parse_share(self.max_failed),
            max_in_doubt=self.max_in_doubt,
            track=self.track,
            track_share=self.track_share,
            waits_when_paused=self.waits_when_paused,
            accepts_failures=self.accepts_failures,
            timeout_s=self.timeout_s,
            token_input=self.launch_token_input,
            reopen=reopener(self.rules),
        )

    def mapping_hash(self) -> str:
        """Return the hash of what decides about the rows: a resumed batch must decide alike."""
        read = msgspec.structs.replace(self.read, stdin=None)
        parts = (msgspec.json.encode(self.mapping), msgspec.json.encode(read), self.rules_text.encode())
        return sha256(b"\0".join(parts)).hexdigest()

    def recorded_settings(self) -> dict[str, Any]:
        """Return what `resume_batch` finds again in the ledger; no secret."""
        return {
            "pace_per_minute": self.pace_per_minute,
            "pace_share": self.pace_share,
            "concurrency": self.concurrency,
            "ramp": list(self.ramp),
            "max_failed": parse_share(self.max_failed),
            "max_in_doubt": self.max_in_doubt,
            "track": self.track,
            "track_share": self.track_share,
            "timeout_s": self.timeout_s,
            "token_input": self.launch_token_input,
            "read": msgspec.to_builtins(msgspec.structs.replace(self.read, stdin=None)),
            "rules": self.rules_text,
        }


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
        ledger = stack.enter_context(open_ledger(job.ledger_place, clock=time))
        budget = job.pace_per_minute * job.pace_share if job.pace_per_minute is not None else None
        await spend_slots(ledger, client_key(used), budget, SETUP_READS, time)
        flow = await used.find_flow(job.flow)
        inputs = await used.flow_inputs(flow, version=job.version)
        batch = await asyncio.to_thread(batch_for, job, ledger, flow, inputs)
        wish = stop or Stop()
        if batch.loaded_us is None and not await asyncio.to_thread(
            load_rows, job, ledger, batch, inputs, time, on_event, wish
        ):
            counts = row_counts(ledger, batch.batch_id)
            return BatchOutcome(batch_id=batch.batch_id, ended="stopped", reason=wish.reason, counts=counts)
        await asyncio.to_thread(refill_payloads, job, ledger, batch, inputs)
        confirm(job, ledger, batch.batch_id)
        return await work_on(
            ledger, batch.batch_id, job.work_options(), client=used, clock=time, on_event=on_event, stop=wish
        )


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
        ledger = stack.enter_context(open_ledger(ledger_place, clock=time, create=False))
        batch = chosen_batch(ledger, batch_id)
        if batch.loaded_us is None:
            raise LedgerError(
                f"batch {batch.batch_id}: its source was not read to the end",
                code="batch-not-loaded",
                hint="Run it again with its source: what is in the ledger already is passed over.",
            )
        options = recorded_options(batch, rules, changed)
        return await work_on(ledger, batch.batch_id, options, client=used, clock=time, on_event=on_event, stop=stop)


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
    """Return how a batch was run, with what is to change."""
    fields = WorkOptions.__dataclass_fields__
    held = {name: value for name, value in batch.spec.settings.items() if name in fields}
    merged = {**held, **changed, "reopen": reopener(rules)}
    merged["ramp"] = tuple(merged.get("ramp", DEFAULT_RAMP))
    merged["max_failed"] = parse_share(merged.get("max_failed", 0.05))
    return WorkOptions(**merged)


async def opened_client(stack: AsyncExitStack, settings: Settings | None, profile: str | None) -> AsyncClient:
    """Return a client that closes with `stack`; a batch brings its own pace."""
    if settings is not None:
        return await stack.enter_async_context(AsyncClient.from_settings(settings))
    return await stack.enter_async_context(AsyncClient(profile=profile, pace_per_minute=None))
