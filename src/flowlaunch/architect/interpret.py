"""Running a flow: a generator that yields effects, takes their answers and ends with the result."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flowlaunch.architect.rules import Rules
from flowlaunch.architect.run_state import MAX_TRACE_ENTRIES, Run, RunError, read_inputs
from flowlaunch.architect.trace import Trace
from flowlaunch.errors import FlowRuntimeError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from flowlaunch.architect.effects import Answer, Effect
    from flowlaunch.architect.expressions import Host
    from flowlaunch.architect.flow import Flow
    from flowlaunch.architect.values import Value

__all__ = ["RunResult", "abandon", "drive", "run"]


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended.

    Attributes:
        status: `COMPLETED` or `FAILED`.
        outputs: output variable -> JSON; empty unless completed, as on the platform.
        exit_reason: what the End Workflow action gave, or None.
        error: why it failed, or None.
        actions: how many actions ran.
        values: every variable in reach at the end, by name in lower case, as values of the language.

    """

    status: str
    outputs: Mapping[str, Any]
    exit_reason: str | None
    error: RunError | None
    trace: Trace
    actions: int
    values: Mapping[str, Value] = field(default_factory=dict, repr=False, compare=False)


def run(
    flow: Flow,
    inputs: Mapping[str, Any],
    host: Host,
    rules: Rules | None = None,
    *,
    trace_entries: int = MAX_TRACE_ENTRIES,
) -> Generator[Effect, Answer, RunResult]:
    """Begin a run of `flow`; drive the generator to carry it out.

    A driver that cannot answer may throw a `FlowRuntimeError` into the generator: that is then a run-time error of
    the action that asked.

    Args:
        flow: what to run.
        inputs: input variable -> JSON, keyed as declared (`Flow.customerName`); unknown keys are dropped and
            inputs left out keep their initial value.
        host: clock, chance and directory for expressions.
        rules: switches for what nothing public settles.
        trace_entries: how many executed actions the trace keeps.

    Raises:
        FlowTypeError: an input has the wrong JSON type (raised here, before the first effect).

    """
    return _steps(flow, read_inputs(flow.inputs, inputs), host, rules or Rules(), trace_entries)


def drive(steps: Generator[Effect, Answer, RunResult], answer: Callable[[Effect], Answer]) -> RunResult:
    """Carry a run to its end, asking `answer` for each effect."""
    given: Answer = None
    with closing(steps):
        while True:
            try:
                effect = steps.send(given)
            except StopIteration as end:
                result: RunResult = end.value
                return result
            given = answer(effect)


def abandon(steps: Generator[Effect, Answer, RunResult], why: str) -> Trace | None:
    """End a run whose effect nobody can answer, and give what it did until then.

    None when the flow handles errors by itself and wants to go on: it is closed.
    """
    try:
        steps.throw(FlowRuntimeError(why))
    except StopIteration as end:
        trace: Trace = end.value.trace
        return trace
    steps.close()
    return None


def _steps(
    flow: Flow, inputs: Mapping[str, Any], host: Host, rules: Rules, trace_entries: int
) -> Generator[Effect, Answer, RunResult]:
    try:
        state = Run(flow, inputs, host, rules, trace_entries)
    except FlowRuntimeError as error:
        return _unstarted(flow, error)
    pc = state.pc
    while pc >= 0:
        state.pc = pc
        try:
            state.count += 1
            state.began = state.now
            if state.count > state.limit:
                _refuse_more(state)
            got = state.program.steps[pc](state)
            while not isinstance(got, int):
                given = yield got.effect
                state.now = host.now()
                got = got.resume(given)
            pc = got
        except FlowRuntimeError as error:
            pc = state.handle(error)
    return _result(flow, state)


def _refuse_more(state: Run) -> None:
    limit = state.rules.max_error_actions if state.handling else state.rules.max_actions
    raise FlowRuntimeError(
        f"the run reached its limit of {limit:,} actions",
        hint="Look for a loop that does not end.",
        server_code="flowlaunch.action.limit",
    )


def _result(flow: Flow, state: Run) -> RunResult:
    state.unwind()
    if state.error is not None:
        return RunResult("FAILED", {}, state.exit_reason, state.error, state.trace(), state.count, state.variables)
    outputs = state.outputs(flow.outputs)
    return RunResult("COMPLETED", outputs, state.exit_reason, None, state.trace(), state.count, state.variables)


def _unstarted(flow: Flow, error: FlowRuntimeError) -> RunResult:
    code = error.server_code or "flowlaunch.expression"
    failure = RunError(code, error.message, {}, f"setting the variables of {flow.name}: {error.message}", None)
    return RunResult("FAILED", {}, None, failure, Trace(), 0)
