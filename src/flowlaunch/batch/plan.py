"""Say what a batch would do, by the very code that does it; nothing is launched."""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from flowlaunch._io.clock_async import SystemAsyncClock
from flowlaunch.batch.decisions import EmptyHistory, RowPlan, RowWarning
from flowlaunch.batch.job import opened_client
from flowlaunch.batch.ledger import open_ledger
from flowlaunch.batch.loading import row_mapper
from flowlaunch.batch.outside import run_outside
from flowlaunch.batch.prepare import decided_rows, fresh_rules
from flowlaunch.batch.rows import open_rows
from flowlaunch.batch.rules import Forecast, Forecaster
from flowlaunch.errors import InputError, LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.aclient import AsyncClient
    from flowlaunch.batch.batch_job import BatchJob
    from flowlaunch.batch.decisions import History
    from flowlaunch.models import FlowInputs

__all__ = ["PlanReport", "PlannedLaunch", "plan_batch", "plan_batch_sync"]

MOST_REJECTS: Final = 1_000
SLOT_SHARE: Final = 60 / 60.5
"""Part of a budget that the ledger's slots use."""
PLAN_UID: Final = "plan"
"""What stands for the batch's own token seed in a plan: the tokens of the real batch differ."""


class PlannedLaunch(msgspec.Struct, frozen=True, kw_only=True):
    """One launch as it would be sent; its `{token}` is another one in the real batch."""

    row_number: int
    line: int
    key: str
    name: str | None
    input_data: dict[str, Any]
    not_before_us: int | None = None


class PlanReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch would do now.

    Attributes:
        source_format: what the source turned out to be, for people.
        counts: rows by kind of decision; `reasons` by (kind, reason).
        previews: the first launches.
        rejects: the first rows that are not launched; `on_reject` got all.
        waiting: rows that wait for a window, a not-before or their attempts.
        forecast: when it would be through, which rows miss their window, and the share of the budget.
        duration_s: the launches at the pace, if nothing waited; None without a pace.
        needs_confirmation: whether `yes` is needed.

    """

    flow_id: str
    flow_name: str
    flow_version: str
    source: str
    source_format: str
    columns: tuple[str, ...] = ()
    rows: int = 0
    counts: dict[str, int] = {}
    reasons: dict[tuple[str, str], int] = {}
    warnings: tuple[RowWarning, ...] = ()
    previews: tuple[PlannedLaunch, ...] = ()
    rejects: tuple[RowPlan, ...] = ()
    waiting: int = 0
    forecast: Forecast | None = None
    pace_per_minute: float | None = None
    duration_s: float | None = None
    needs_confirmation: bool = False

    @property
    def launches(self) -> int:
        """Rows that would be launched, now or later."""
        return self.counts.get("launch", 0)


class Collector:
    """Counts decided rows and keeps the first of each kind, flat in memory."""

    def __init__(self, sample: int, on_row: Callable[[RowPlan], None] | None) -> None:
        self._sample, self._on_row = sample, on_row
        self.rows = self.waiting = 0
        self.kinds: Counter[str] = Counter()
        self.reasons: Counter[tuple[str, str]] = Counter()
        self.previews: list[PlannedLaunch] = []
        self.rejects: list[RowPlan] = []

    def take(self, plan: RowPlan) -> None:
        """Count one row."""
        decision, prepared = plan.decision, plan.prepared
        self.rows += 1
        self.kinds[decision.kind] += 1
        self.reasons[decision.kind, decision.reason] += 1
        if decision.kind != "launch":
            if len(self.rejects) < MOST_REJECTS:
                self.rejects.append(plan)
            if self._on_row is not None:
                self._on_row(plan)
            return
        self.waiting += decision.reason != "ready"
        if prepared is not None and len(self.previews) < self._sample:
            self.previews.append(
                PlannedLaunch(
                    row_number=plan.row_number, line=plan.line, key=prepared.key, name=prepared.name,
                    input_data=prepared.input_data, not_before_us=decision.not_before_us,
                )
            )  # fmt: skip


async def plan_batch(
    job: BatchJob,
    *,
    client: AsyncClient | None = None,
    clock: AsyncClock | None = None,
    sample: int = 5,
    on_reject: Callable[[RowPlan], None] | None = None,
    on_plan: Callable[[RowPlan], None] | None = None,
) -> PlanReport:
    """Read, map and decide every row as `run_batch` would now; only the flow and its inputs are read from the org.

    Args:
        job: the batch.
        client: a client to use instead of a new one.
        clock: a clock to go by, for tests.
        sample: how many launches to show.
        on_reject: called with each row that is not launched, for a file of rejects.
        on_plan: called with every row, for a forecast.

    Raises:
        InputError: the source, the mapping or an option is wrong.

    """
    time = clock or SystemAsyncClock()
    async with AsyncExitStack() as stack:
        used = client if client is not None else await opened_client(stack, job.settings, job.profile)
        flow = await used.find_flow(job.flow)
        inputs = await used.flow_inputs(flow, version=job.version)
    return _planned(job, inputs, time, Collector(sample, on_reject), on_plan)


def plan_batch_sync(job: BatchJob, **options: Any) -> PlanReport:
    """Do as `plan_batch`, outside of any event loop."""
    return run_outside(plan_batch(job, **options), None)


def _planned(
    job: BatchJob,
    inputs: FlowInputs,
    time: AsyncClock,
    seen: Collector,
    on_plan: Callable[[RowPlan], None] | None,
) -> PlanReport:
    with open_rows(job.source, job.read) as source, _history(job, time) as history:
        mapper = row_mapper(job, source, inputs, PLAN_UID)
        now_us = round(time.now().unix_s * 1e6)
        foresight = Forecaster(now_us)
        for plan in decided_rows(source, mapper, job.rules, history, now_us):
            seen.take(plan)
            foresight.add(plan.line, plan.decision)
            if on_plan is not None:
                on_plan(plan)
        warnings = (*mapper.warnings, *source.warnings(), *getattr(job.rules, "warnings", ()))
        launches, per_minute = seen.kinds["launch"], launches_per_minute(job)
        return PlanReport(
            flow_id=inputs.flow_id,
            flow_name=inputs.flow_name,
            flow_version=job.version or (inputs.version.id if inputs.version is not None else ""),
            source=source.name,
            source_format=str(source.format),
            columns=source.columns,
            rows=seen.rows,
            counts=dict(seen.kinds),
            reasons=dict(seen.reasons),
            warnings=warnings,
            previews=tuple(seen.previews),
            rejects=tuple(seen.rejects),
            waiting=seen.waiting,
            forecast=foresight.forecast(per_minute, fresh_rules(job.rules).reopen),
            pace_per_minute=job.pace_per_minute,
            duration_s=launches * 60 / per_minute if per_minute else None,
            needs_confirmation=job.confirm_above is not None and not job.yes and launches > job.confirm_above,
        )


def launches_per_minute(job: BatchJob) -> float | None:
    """Return how many rows leave in a minute, with the looks' share left to them; None without a pace."""
    if job.pace_per_minute is None:
        return None
    used = job.pace_per_minute * job.pace_share * SLOT_SHARE
    return used * (1 - job.track_share) if job.track else used


@contextmanager
def _history(job: BatchJob, time: AsyncClock) -> Iterator[History]:
    """Lend the history of the ledger's folder; a plan makes no ledger."""
    try:
        place = job.ledger_place
    except InputError:
        place = None
    if place is None or not ("://" in str(place) or Path(place).is_file()):
        yield EmptyHistory()
        return
    with ExitStack() as stack:
        try:
            ledger = stack.enter_context(open_ledger(place, clock=time, create=False))
        except LedgerError as error:
            if "://" not in str(place) or error.code != "ledger":  # one that cannot be reached is no empty one
                raise
            yield EmptyHistory()
            return
        yield ledger.history()
