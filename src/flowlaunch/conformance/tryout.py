"""Play the trials: a sandbox for each, the client as a process, and a card of what the judge says."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from flowlaunch._version import __version__
from flowlaunch.conformance.checks import judge
from flowlaunch.conformance.observation import Observation, Seen
from flowlaunch.conformance.process import run_bounded
from flowlaunch.conformance.scorecard import Card, Result
from flowlaunch.conformance.task import About, Statement, Task, read_line
from flowlaunch.conformance.trials import TRIALS
from flowlaunch.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowlaunch.conformance.process import Ended
    from flowlaunch.conformance.trials import Trial

__all__ = ["DEADLINE_S", "run_conformance"]

DEADLINE_S: Final = 5.0
START_S: Final = 60.0
"""How long a client may take to its first request: large libraries load for seconds on a busy machine."""
OVERDUE_S: Final = 5.0
"""How long after its time a client is killed."""
FLOW_ID: Final = "f0000000-0000-4000-8000-000000000001"
INPUT_DATA: Final = {"Flow.customerName": "Jane Doe", "Flow.orderId": "ORD-1"}
MARK: Final = "CONFORMANCE_API_URL"
"""The variable that tells a client's processes from all others: no other sandbox has its port."""
FOREIGN: Final = ("GENESYS", "PURECLOUD", "FLOWLAUNCH_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
"""Beginnings of variables that a client must not see: with them it might meet a real org."""


def run_conformance(
    command: Sequence[str],
    *,
    trials: Sequence[Trial] = TRIALS,
    deadline_s: float = DEADLINE_S,
    client: str = "",
    on_result: Callable[[Result], None] | None = None,
) -> Card:
    """Try a client under every fault and give its scorecard.

    Args:
        command: what to run, with its arguments.
        trials: the faults to try.
        deadline_s: seconds that each launch may take.
        client: its name on the card, if it does not tell one.
        on_result: called after each trial.

    Raises:
        InputError: the command cannot be started.
        SandboxError: the sandbox cannot be started.

    """
    results: list[Result] = []
    about = About(client or _file_of(command))
    for trial in trials:
        seen = play(trial, command, deadline_s)
        about = seen.about or about
        result = Result(
            trial.name,
            judge(trial, seen),
            said=tuple(one.outcome for one in seen.statements),
            executions=len(seen.executions),
            requests=len(seen.posts),
            took_s=None if seen.took_s is None else round(seen.took_s, 1),
        )
        results.append(result)
        if on_result is not None:
            on_result(result)
    shown = " ".join(PurePath(part).name if os.sep in part else part for part in command)
    return Card(client or about.client, about.settings, shown, __version__, deadline_s, tuple(results))


def _file_of(command: Sequence[str]) -> str:
    """Name what is run: the last part that is a file, as in `node client.js --fast`, else the first."""
    is_file = os.path.isfile  # unlike Path.is_file it takes a whole program after -c for an answer: no
    return PurePath(next((part for part in reversed(command) if is_file(part)), command[0])).name


def play(trial: Trial, command: Sequence[str], deadline_s: float) -> Observation:
    """Play one trial in a sandbox of its own and tell what was seen."""
    with Sandbox(rate_per_minute=None, clock="virtual", **trial.options) as sandbox:
        for one in trial.plays:
            sandbox.faults.script(one.operation, one.call, one.fault)
        task = Task(
            sandbox.url, "demo", "demo-secret", FLOW_ID, INPUT_DATA, deadline_s,
            trial.launches, trial.pause_s, trial.follows,
        )  # fmt: skip
        ended = run_bounded(command, environment(os.environ, task), _Bound(sandbox, task).is_overdue, mark=MARK)
        requests = tuple(
            Seen(entry.operation, entry.status, entry.fault, entry.monotonic_s) for entry in sandbox.journal()
        )
        executions = {one.execution_id: one.status for one in sandbox.launches()}
        is_met = sandbox.faults.refusals() >= trial.outages
    return replace(observe(task, ended, requests, executions), is_met=is_met)


def environment(outer: Mapping[str, str], task: Task) -> dict[str, str]:
    """Build a client's environment: this process's, without settings of a real org, with the task."""
    kept = {name: text for name, text in outer.items() if not name.upper().startswith(FOREIGN)}
    return {**kept, "NO_PROXY": "*", "no_proxy": "*", **task.environment()}


class _Bound:
    """When a client has had all the time there is."""

    def __init__(self, sandbox: Sandbox, task: Task) -> None:
        self._sandbox = sandbox
        self._task = task
        self._began_s = time.monotonic()

    def is_overdue(self) -> bool:
        now_s = time.monotonic()
        first = self._sandbox.journal()[:1]
        if not first:
            return now_s - self._began_s > START_S
        return now_s - first[0].monotonic_s > self._task.budget_s + OVERDUE_S


def observe(task: Task, ended: Ended, requests: tuple[Seen, ...], executions: Mapping[str, str]) -> Observation:
    """Put together what the client said and what the sandbox saw."""
    read = [(at_s, read_line(line)) for at_s, line in ended.lines]
    said = [(at_s, one) for at_s, one in read if isinstance(one, Statement)]
    last_s = said[-1][0] if said else ended.at_s
    return Observation(
        task,
        statements=tuple(one for _, one in said),
        mistakes=tuple(one for _, one in read if isinstance(one, str)),
        about=next((one for _, one in read if isinstance(one, About)), None),
        exit_code=ended.code,
        took_s=last_s - requests[0].at_s if requests else None,
        requests=requests,
        executions=executions,
        talk="".join(ended.talk),
    )
