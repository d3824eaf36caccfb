"""Everything one run holds while it runs: variables, frames of tasks and modules, counters and the trace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.codec import from_json, to_json
from flowlaunch.architect.program import FINISH
from flowlaunch.architect.trace import SECURED, Trace, clip
from flowlaunch.architect.values import NOT_SET
from flowlaunch.errors import FlowRuntimeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeAlias

    from flowlaunch.architect.expressions import Host
    from flowlaunch.architect.flow import ActionRef, Flow, Variable
    from flowlaunch.architect.given import Given, Target
    from flowlaunch.architect.program import Program
    from flowlaunch.architect.rules import Rules
    from flowlaunch.architect.values import Value

    Leave: TypeAlias = Callable[[Mapping[str, Value], str], int]

__all__ = ["UNEXPECTED_NULL", "Run", "RunError"]

UNEXPECTED_NULL: Final = "error.workflow.expression.unexpectedNull"
"""The platform's own code for NOT_SET where it is not allowed. Source: a real flowErrorInfo in a support thread."""
UNEXPECTED_NULL_TEXT: Final = "An expression (or part of an expression) resulted in a null where one is disallowed."
MAX_TRACE_ENTRIES: Final = 11_500


@dataclass(frozen=True, slots=True)
class RunError:
    """Why a run failed.

    Attributes:
        server_code: the platform's code, or one that begins with `flowlaunch.` where the platform's is not known.
        message: what went wrong, in the platform's words where they are known.
        params: `expression` and `pos` (offset of the part that failed, from 0) when an expression failed.
        detail: our own words, with the value or limit concerned.
        ref: the action that failed, or None.

    """

    server_code: str
    message: str
    params: Mapping[str, str]
    detail: str
    ref: ActionRef | None


@dataclass(slots=True)
class _Frame:
    """What to restore when a task or common module ends.

    `own`: the task's variables, which share the caller's dict; None for a module, which has a dict of its own.
    `leave`: takes the variables of what ended and the path it ended by, and gives the next step.
    """

    program: Program
    pc: int
    variables: dict[str, Value]
    loops: dict[int, list[int]]
    own: tuple[str, ...] | None
    saved: dict[str, Value]
    leave: Leave


class Run:
    """One run in progress; steps read and change it."""

    __slots__ = (
        "began", "count", "entries", "error", "exit_reason", "frames", "given", "handling", "host", "left_out", "limit",
        "loops", "max_entries", "now", "pc", "program", "rules", "started_at", "variables", "waited_s",
    )  # fmt: skip

    def __init__(
        self, flow: Flow, inputs: Mapping[str, Value], host: Host, rules: Rules, max_entries: int = MAX_TRACE_ENTRIES
    ) -> None:
        self.max_entries = max_entries
        self.host = host
        self.rules = rules
        self.program = flow.program
        self.loops: dict[int, list[int]] = {}
        self.frames: list[_Frame] = []
        self.count = 0
        self.limit = rules.max_actions
        self.pc = self.program.start
        self.entries: list[tuple[Any, ...]] = []
        self.left_out = 0
        self.given: Mapping[str, Value] = {}
        self.handling = False
        self.waited_s = 0.0
        self.error: RunError | None = None
        self.exit_reason: str | None = None
        self.started_at = self.began = self.now = host.now()
        self.variables: dict[str, Value] = {}
        self.open_scope(self.program, inputs)

    # -- variables ---------------------------------------------------------------------------------------------

    def open_scope(self, program: Program, inputs: Mapping[str, Value]) -> None:
        """Begin with the variables of a flow or module: built-in, initial, then those given."""
        self.variables = {"flow.startdatetimeutc": self.started_at, "flow.istest": False}
        self.declare(program.variables)
        self.variables.update(inputs)

    def declare(self, variables: Iterable[Variable], *, keep: bool = False) -> None:
        """Give variables their initial values, in order; `keep` spares those that have one."""
        for variable in variables:
            key = variable.name.lower()
            if not (keep and key in self.variables):
                self.variables[key] = variable.initial.evaluate(self.variables, self.host)
        if self.given:
            self.variables.update(self.given)
            self.given = {}

    def assign(self, target: Target, value: Value) -> tuple[str, Any]:
        """Set a variable and give the change for the trace."""
        self.variables[target.key] = value
        return (target.name, SECURED if target.key in self.program.secure else clip(value))

    def shown(self, given: Given, value: Any) -> Any:
        """Give what a trace may show of a field's value."""
        secure = self.program.secure
        if secure and given.expression and not secure.isdisjoint(given.expression.variables):
            return SECURED
        return clip(value)

    def value_of(self, given: Given) -> Value:
        """Compute a field."""
        return given.evaluate(self.variables, self.host)

    # -- trace -------------------------------------------------------------------------------------------------

    def note(
        self,
        inputs: tuple[tuple[str, Any], ...] = (),
        path: str | None = None,
        changes: Iterable[tuple[str, Any]] = (),
        note: str = "",
        error: str = "",
    ) -> None:
        """Record the present action as executed; values must be clipped already."""
        if len(self.entries) >= self.max_entries:
            self.left_out += 1
            return
        ref = self.program.refs[self.pc]
        if ref is None:
            return
        self.entries.append((ref, self.began, len(self.frames), inputs, path, tuple(changes), error, note))

    def trace(self) -> Trace:
        """Give the trace so far."""
        return Trace(self.entries, self.left_out)

    # -- tasks and modules -------------------------------------------------------------------------------------

    def call_task(self, variables: tuple[Variable, ...], inputs: Mapping[str, Value], leave: Leave) -> None:
        """Push a frame for a task: its variables are set anew and put back afterwards."""
        self._check_depth()
        own = tuple(variable.name.lower() for variable in variables)
        saved = {key: self.variables[key] for key in own if key in self.variables}
        self.frames.append(_Frame(self.program, self.pc, self.variables, self.loops, own, saved, leave))
        self.loops = {}
        self.given = inputs

    def call_module(self, program: Program, inputs: Mapping[str, Value], leave: Leave) -> int:
        """Push a frame for a common module; give its first step."""
        self._check_depth()
        outer = self.variables
        try:
            self.open_scope(program, inputs)
        except FlowRuntimeError:
            self.variables = outer
            raise
        self.frames.append(_Frame(self.program, self.pc, outer, self.loops, None, {}, leave))
        self.loops = {}
        self.program = program
        return program.start

    def leave_task(self, path: str) -> int:
        """End the innermost task or module by `path`; outside of one, end the run."""
        if not self.frames:
            return FINISH
        frame = self.frames.pop()
        inner = self.variables if frame.own is None else {key: self.variables.get(key, NOT_SET) for key in frame.own}
        self.program, self.variables, self.loops, self.pc = (
            frame.program,
            frame.variables,
            frame.loops,
            frame.pc,
        )
        for key in frame.own or ():
            self.variables.pop(key, None)
        self.variables.update(frame.saved)
        return frame.leave(inner, path)

    def _check_depth(self) -> None:
        if len(self.frames) >= self.rules.max_task_depth:
            raise FlowRuntimeError(
                f"tasks and modules call each other {self.rules.max_task_depth} deep",
                server_code="flowlaunch.task.depth",
            )

    # -- ends --------------------------------------------------------------------------------------------------

    def end_of_state(self) -> int:
        """Go on after a state's last action, which was no terminal one."""
        if self.rules.state_end == "fail":
            raise FlowRuntimeError("a state ran out of actions", server_code="flowlaunch.state.end")
        return FINISH

    def handle(self, error: FlowRuntimeError) -> int:
        """Do what the flow's error handling says; give the next step, or FINISH with `error` set."""
        self.note(error=error.message)
        self.error = self.describe(error)
        if self.handling:
            return FINISH
        self.handling = True
        self.limit = self.count + self.rules.max_error_actions
        self.unwind()
        handling = self.program.error_handling
        entry = {"changeState": self.program.states, "jumpToTask": self.program.tasks}.get(handling.kind, {})
        if handling.target not in entry:
            return FINISH
        self.error = None
        return entry[handling.target]

    def leave_tasks(self) -> None:
        """Forget the tasks being run, for a jump that does not come back; a module stays the one that runs."""
        while self.frames and self.frames[-1].own is not None:
            self.frames.pop()
        self.loops = {}

    def unwind(self) -> None:
        """Leave every task and module at once, back to the flow itself."""
        for frame in reversed(self.frames):
            self.program, self.variables = frame.program, frame.variables
        self.frames.clear()
        self.loops = {}

    def describe(self, error: FlowRuntimeError) -> RunError:
        """Name a run-time error as the platform would, where that is known."""
        params = self._expression_params(error)
        ref = self.program.refs[self.pc]
        if error.server_code == UNEXPECTED_NULL:
            return RunError(UNEXPECTED_NULL, UNEXPECTED_NULL_TEXT, params, error.message, ref)
        return RunError(error.server_code or "flowlaunch.expression", error.message, params, error.message, ref)

    def _expression_params(self, error: FlowRuntimeError) -> dict[str, str]:
        span = error.span
        if span is None:
            return {}
        for whole in self.program.expressions:
            if whole.source is span.source and whole.start <= span.start <= whole.end:
                return {"expression": whole.text, "pos": str(span.start - whole.start)}
        return {}

    def outputs(self, variables: Iterable[Variable]) -> dict[str, Any]:
        """Give output variables as JSON."""
        return {item.name: to_json(self.variables[item.name.lower()], item.type) for item in variables}


def read_inputs(variables: Iterable[Variable], inputs: Mapping[str, Any]) -> dict[str, Value]:
    """Type the inputs that are known by name; others are dropped.

    Raises:
        FlowTypeError: a known input has the wrong JSON type.

    """
    return {
        item.name.lower(): from_json(inputs[item.name], item.type, where=f"input {item.name}")
        for item in variables
        if item.name in inputs
    }
