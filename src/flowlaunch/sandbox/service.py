"""The state of one sandbox: what the routes, the control plane and the in-process `Sandbox` all work on."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from flowlaunch.errors import SandboxError
from flowlaunch.sandbox.clock import Clock
from flowlaunch.sandbox.faults import Faults
from flowlaunch.sandbox.flows_folder import FlowsFolder
from flowlaunch.sandbox.identifiers import Identifiers, fixed_id
from flowlaunch.sandbox.journal import Journal
from flowlaunch.sandbox.limits import Budget
from flowlaunch.sandbox.oauth import TokenDesk
from flowlaunch.sandbox.publishing import accept_text
from flowlaunch.sandbox.runs import Execution, Runs
from flowlaunch.sandbox.world_file import build_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flowlaunch.sandbox.oauth import Token
    from flowlaunch.sandbox.options import Options
    from flowlaunch.sandbox.store import Store
    from flowlaunch.sandbox.world import FlowRecord, World

__all__ = ["Launch", "Service"]

READ_BUDGET_S = 0.005
LIST_BUDGET_S = 0.1
MAX_HISTORY_JOBS = 1_000


@dataclass(frozen=True, slots=True)
class Launch:
    """One accepted launch: the judge of "never twice"."""

    number: int
    execution_id: str
    flow_id: str
    flow_name: str
    flow_version: str
    inputs: dict[str, Any]
    name: str | None
    client_id: str
    correlation_id: str
    launched_at: float
    status: str


class Service:
    """One emulated organization and everything that happened to it.

    Not safe for threads: it is only touched from the thread that serves.
    """

    def __init__(self, options: Options, operations: Iterable[str], store: Store | None = None) -> None:
        self.options = options
        self.is_guide = options.contract == "guide"
        self.clock = Clock(options.clock)
        self.journal = Journal(options.journal_size)
        self.faults = Faults(operations, options.seed)
        self.folder = FlowsFolder(options.flows) if options.flows is not None else None
        self.store = store
        self.correlations = Identifiers(f"correlation/{options.seed}")
        self._snapshots: dict[str, dict[str, Any]] = {}
        self.history_jobs: dict[str, tuple[str, ...]] = {}
        self.world: World
        self.tokens: TokenDesk
        self.runs: Runs
        self.ids: Identifiers
        self.list_budget: Budget | None = None
        self.on_work = _idle
        self.on_refuse: Callable[[float, bool], None] = _keep_listening
        self.refusals: Callable[[], int] = int
        self._seed()
        if store is not None:
            store.load(self)

    def _seed(self) -> None:
        options = self.options
        self.world = build_world(options.world, self.clock.now())
        self.tokens = TokenDesk(options)
        self.runs = Runs(
            self.world,
            self.clock,
            reports_exit_reason=options.completion_reason == "exit_reason",
            on_work=self._has_work,
        )
        if self.store is not None:
            self.runs.on_end = self.store.keep_end
        self.ids = Identifiers(f"executions/{options.seed}")
        self.list_budget = Budget(options.flow_list_budget) if options.flow_list_budget is not None else None
        if self.folder is not None:
            self.folder.forget()
            self.folder.refresh(self.world, self.clock.now())

    def _has_work(self) -> None:
        self.on_work()

    # -- flows ----------------------------------------------------------------------------------------------

    def refresh_flows(self) -> None:
        """Look at the flow folder again."""
        if self.folder is not None:
            self.folder.refresh(self.world, self.clock.now())

    def upload_flow(self, text: str, name: str = "upload.yaml", division: str | None = None) -> FlowRecord:
        """Publish a flow's text; the same text again changes nothing. Raises FlowError."""
        now = self.clock.now()
        record, added = accept_text(self.world, text, name, now, origin="upload", division=division)
        if added and self.store is not None:
            self.store.keep_flow(text, name, division, now)
        return record

    # -- tokens ---------------------------------------------------------------------------------------------

    def keep_token(self, token: Token, refresh: str | None) -> None:
        """Store a new token, so that it lives through a restart."""
        if self.store is not None:
            self.store.keep_token(token, refresh, self.tokens.refreshes.get(refresh or ""))

    def forget_refresh(self, value: str) -> None:
        """Drop a used refresh token from storage."""
        if self.store is not None:
            self.store.forget_refresh(value)

    def revoke(self, token: Token) -> None:
        """End one token."""
        self.tokens.revoke(token)
        if self.store is not None:
            self.store.forget_token(token.value)

    def revoke_tokens(self) -> int:
        """End every access token; the next call with one of them gets 401."""
        if self.store is not None:
            self.store.forget_tokens()
        return self.tokens.revoke_all()

    # -- executions -----------------------------------------------------------------------------------------

    def keep_history_job(self, ids: tuple[str, ...]) -> str:
        """Keep what a job for execution data asked for; the last 1,000 jobs are kept."""
        job_id = fixed_id("history job", str(self.clock.now()), *ids)
        self.history_jobs[job_id] = ids
        while len(self.history_jobs) > MAX_HISTORY_JOBS:
            del self.history_jobs[next(iter(self.history_jobs))]
        return job_id

    def execution(self, execution_id: str) -> Execution | None:
        """Find an execution that has not outlived its retention, brought up to date."""
        execution = self.runs.executions.get(execution_id)
        now = self.clock.now()
        if execution is None or now - execution.launched_at > self.options.retention_s:
            return None
        self.runs.settle(execution, now, READ_BUDGET_S)
        return execution

    def launches(self) -> list[Launch]:
        """List the accepted launches in order; runs still queued after a tenth of a second count as RUNNING."""
        self.runs.pump(self.clock.now(), LIST_BUDGET_S)
        return [_launch(execution) for execution in self.runs.executions.values()]

    # -- time and state -------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Move the clock on and do what became due."""
        self.clock.advance(seconds)
        self.runs.finish_all(self.clock.now())

    def set_clock(self, mode: str) -> None:
        """Change the clock's mode and do what became due."""
        self.clock.set_mode(mode)
        self.runs.finish_all(self.clock.now())
        self.on_work()

    def reset(self) -> None:
        """Go back to the seed: world, tokens, executions, faults, journal, clock."""
        self.runs.clear()
        self.clock.restore((None, 0.0, False))
        self.clock.set_mode(self.options.clock)
        self.faults.clear()
        self.journal.clear()
        self.history_jobs.clear()
        if self.store is not None:
            self.store.clear()
        self._seed()

    def snapshot(self) -> str:
        """Remember everything but journal, faults and tokens' rates; gives the snapshot's id."""
        number = f"snapshot-{len(self._snapshots) + 1}"
        self._snapshots[number] = {
            "clock": self.clock.state(),
            "things": copy.deepcopy(self.world.things),
            "flows": [(flow, _flow_state(flow)) for flow in self.world.flows.values()],
            "tokens": dict(self.tokens.by_header),
            "refreshes": dict(self.tokens.refreshes),
            "codes": dict(self.tokens.codes),
            "runs": self.runs.snapshot(),
        }
        return number

    def restore(self, snapshot_id: str) -> None:
        """Go back to a snapshot; journal and faults stay."""
        saved = self._snapshots.get(snapshot_id)
        if saved is None:
            known = ", ".join(self._snapshots) or "none was taken"
            raise SandboxError(f"there is no snapshot {snapshot_id!r}", hint=f"Known: {known}.")
        self.clock.restore(saved["clock"])
        self.world.things = copy.deepcopy(saved["things"])
        self.world.flows = {flow.id: flow for flow, _ in saved["flows"]}
        for flow, state in saved["flows"]:
            _restore_flow(flow, state)
        self.tokens.by_header = dict(saved["tokens"])
        self.tokens.refreshes = dict(saved["refreshes"])
        self.tokens.codes = dict(saved["codes"])
        self.runs.restore(saved["runs"])
        if self.store is not None:
            self.store.rewrite(self)


def _idle() -> None:
    """Do nothing: no server runs yet."""


def _keep_listening(seconds: float, once_tried: bool) -> None:
    """Do nothing: no server runs yet."""
    del seconds, once_tried


def _launch(execution: Execution) -> Launch:
    version = execution.version
    return Launch(
        number=execution.number,
        execution_id=execution.id,
        flow_id=version.flow.id,
        flow_name=version.flow.name,
        flow_version=version.number,
        inputs=msgspec.json.decode(execution.inputs or b"{}"),
        name=execution.label,
        client_id=execution.client_id,
        correlation_id=execution.correlation_id,
        launched_at=execution.launched_at,
        status=execution.status,
    )


FLOW_STATE = ("description", "is_active", "is_deleted", "problem", "current")


def _flow_state(flow: FlowRecord) -> tuple[list[Any], dict[str, Any]]:
    return list(flow.versions), {name: getattr(flow, name) for name in FLOW_STATE}


def _restore_flow(flow: FlowRecord, state: tuple[list[Any], dict[str, Any]]) -> None:
    flow.versions = list(state[0])
    for name, value in state[1].items():
        setattr(flow, name, value)
