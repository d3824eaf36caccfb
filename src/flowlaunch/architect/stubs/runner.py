"""Running a flow over stubs: no clock, no network; what comes back holds everything that can be looked at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.codec import to_json
from flowlaunch.architect.interpret import RunResult, abandon, run
from flowlaunch.architect.load import load_flow
from flowlaunch.architect.nodes import did_you_mean
from flowlaunch.architect.stubs.world import Call, StubWorld
from flowlaunch.errors import FlowNameError, FlowStubError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowlaunch.architect.flow import Flow
    from flowlaunch.architect.rules import Rules
    from flowlaunch.architect.run_state import RunError
    from flowlaunch.architect.stubs.contracts import Contracts
    from flowlaunch.architect.stubs.model import Module, Stubs
    from flowlaunch.architect.trace import Trace

__all__ = ["DEFAULT_NOW", "Outcome", "full_names", "run_flow_on", "stub_module"]

DEFAULT_NOW: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""When a run begins that nobody gave a time: a Monday, 09:00 UTC, so that runs repeat."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an offline run ended and what it did on the way.

    Attributes:
        flow: the flow that ran.
        inputs: what it was given, by full name.
        calls: everything it asked of the world, in order.
        elapsed_s: virtual time that passed, in seconds.
        attributes: (conversation id, participant id or "") -> attributes at the end.
        flows: the flow and every common module it ran, by name.
        problems: what contradicted the contracts of data actions.

    """

    flow: Flow
    inputs: Mapping[str, Any]
    result: RunResult
    calls: tuple[Call, ...]
    elapsed_s: float
    attributes: Mapping[tuple[str, str], Mapping[str, str]]
    flows: Mapping[str, Flow]
    problems: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """`COMPLETED` or `FAILED`."""
        return self.result.status

    @property
    def outputs(self) -> Mapping[str, Any]:
        """Output variable -> JSON; empty unless completed."""
        return self.result.outputs

    @property
    def exit_reason(self) -> str | None:
        """What the End Workflow action gave."""
        return self.result.exit_reason

    @property
    def error(self) -> RunError | None:
        """Why it failed."""
        return self.result.error

    @property
    def trace(self) -> Trace:
        """Every executed action."""
        return self.result.trace

    @property
    def variables(self) -> dict[str, Any]:
        """Variables of the flow, its states and tasks that hold a value at the end, by declared name, as JSON."""
        declared = {
            variable.name.lower(): variable.name
            for variables in (
                self.flow.variables,
                *(part.variables for part in (*self.flow.states.values(), *self.flow.tasks.values())),
            )
            for variable in variables
        }
        return {declared[key]: to_json(value) for key, value in self.result.values.items() if key in declared}

    def data_actions(self) -> tuple[Call, ...]:
        """Give the data actions that were called, in order."""
        return tuple(call for call in self.calls if call.kind == "data action")

    def as_json(self, *, trace: bool = True) -> dict[str, Any]:
        """Render for scripts."""
        error = self.error
        shown: dict[str, Any] = {
            "flow": self.flow.name,
            "status": self.status,
            "outputs": dict(self.outputs),
            "exit_reason": self.exit_reason,
            "error": None
            if error is None
            else {
                "code": error.server_code,
                "message": error.detail,
                "params": dict(error.params),
                "action": None if error.ref is None else error.ref.as_json(),
            },
            "actions": self.result.actions,
            "elapsed_s": self.elapsed_s,
            "variables": self.variables,
            "calls": [call.as_json() for call in self.calls],
            "contract_problems": list(self.problems),
        }
        return shown | ({"trace": self.trace.as_json()} if trace else {})


def full_names(flow: Flow, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Name inputs in full: `customerName` becomes `Flow.customerName`, in the declared spelling.

    Raises:
        FlowNameError: the flow has no such input; the platform would drop it in silence.

    """
    known = {variable.name.lower(): variable.name for variable in flow.inputs}
    short = {name.partition(".")[2]: full for name, full in known.items()}
    found: dict[str, Any] = {}
    for name, value in inputs.items():
        full = known.get(name.lower()) or short.get(name.lower())
        if full is None:
            raise FlowNameError(
                f"`{name[:80]}` is no input of {flow.name}",
                hint=did_you_mean(name, (*known.values(), *(one.partition(".")[2] for one in known.values())), "Inputs")
                or "This flow has no inputs.",
            )
        if full in found:
            raise FlowNameError(f"input {full} of {flow.name} is given twice")
        found[full] = value
    return found


@lru_cache(maxsize=64)
def _loaded(file: str, text: str) -> Flow:
    return load_flow(text, name=file)


def stub_module(name: str, module: Module) -> Flow:
    """Load the module that a stub names, or make one that only gives the outputs and the end path of its stub."""
    if module.file:
        return _loaded(module.file, module.text)
    ending = module.ending
    outputs = ending.body if ending is not None and isinstance(ending.body, dict) else {}
    variables = [
        {
            "jsonVariable": {
                "name": f"Common.{output.removeprefix('Common.')}",
                "initialValue": {"noValue": True} if value is None else {"lit": value},
                "isOutput": True,
            }
        }
        for output, value in outputs.items()
    ]
    end = {"name": "End", **({"outputPath": ending.path} if ending is not None and ending.path else {})}
    text = {"commonModule": {"name": name, "variables": variables, "startUpTaskActions": [{"endTask": end}]}}
    return load_flow(json.dumps(text), name=f"stub of {name}")


def run_flow_on(
    flow: Flow,
    inputs: Mapping[str, Any],
    stubs: Stubs,
    *,
    modules: Mapping[str, Flow] | None = None,
    contracts: Contracts | None = None,
    rules: Rules | None = None,
    now: datetime | None = None,
    pause: Callable[[float], None] | None = None,
) -> Outcome:
    """Run a flow to its end, answering what it asks from stubs.

    Args:
        flow: what to run.
        inputs: input -> JSON; names with their scope or without.
        stubs: the answers.
        modules: common modules by name in lower case; those of the stubs come before them.
        contracts: data action contracts to check what is sent and stubbed.
        rules: switches for what nothing public settles.
        now: when the run begins, unless the stubs say.
        pause: called with the seconds of each wait; without it time is virtual and passes at once.

    Raises:
        FlowNameError: an input is unknown.
        FlowTypeError: an input has the wrong type.
        FlowStubError: something was asked that no stub answers.

    """
    given = full_names(flow, inputs)
    stubbed = {name.casefold(): stub_module(name, one) for name, one in stubs.modules.items()}
    world = StubWorld(
        stubs,
        stubs.now or now or DEFAULT_NOW,
        {flow.name: flow},
        {**(modules or {}), **stubbed},
        contracts,
        pause,
    )
    result = _drive(flow, given, world, rules)
    return Outcome(
        flow, given, result, tuple(world.calls), world.elapsed_s, world.attributes, world.flows, tuple(world.problems)
    )


def _drive(flow: Flow, inputs: Mapping[str, Any], world: StubWorld, rules: Rules | None) -> RunResult:
    steps = run(flow, inputs, world, rules)
    given = None
    while True:
        try:
            effect = steps.send(given)
        except StopIteration as end:
            result: RunResult = end.value
            return result
        try:
            given = world.answer(effect)
        except FlowStubError as error:
            error.trace = abandon(steps, error.message)
            raise
