"""Actions that move through states and tasks, end the run, or let time pass."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flowlaunch.architect.actions.branch import unset
from flowlaunch.architect.effects import Answer, Failed, Wait
from flowlaunch.architect.flow import Spec
from flowlaunch.architect.nodes import Node, Table, text_of
from flowlaunch.architect.program import FINISH, Link, Pending, Step
from flowlaunch.architect.reader import ActionReader, Kind
from flowlaunch.architect.types import ANY, BLN, DUR, STR
from flowlaunch.architect.values import Duration
from flowlaunch.errors import FlowRuntimeError, FlowSyntaxError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.architect.given import Given, Target
    from flowlaunch.architect.run_state import Run
    from flowlaunch.architect.values import Value

__all__ = ["KINDS", "CallTask", "ChangeState", "EndTask", "EndWorkflow", "WaitAction", "ref_id"]

TOO_LONG: Final = "flowlaunch.wait.too-long"
_REF: Final = re.compile(r"\[(.*)\]\s*$", re.DOTALL)


def ref_id(text: str) -> str:
    """Take the reference id out of `/workflow/states/state[Initial State_10]`; a bare id is itself."""
    match = _REF.search(text)
    return match[1] if match else text.strip()


@dataclass(frozen=True, slots=True)
class ChangeState(Spec):
    """Go to another state; nothing after it runs."""

    target: str

    def compile(self, at: Link) -> Step:
        """Make its step."""
        entry = at.state(self.target)

        def change(run: Run) -> int:
            run.note((("targetState", self.target),))
            run.unwind()
            return entry

        return change


@dataclass(frozen=True, slots=True)
class CallTask(Spec):
    """Run a task and go on at the path it ends by.

    Attributes:
        inputs: (name of a task variable, value).
        outputs: (variable of the caller, name of a task variable).

    """

    target: str
    inputs: tuple[tuple[str, Given], ...] = ()
    outputs: tuple[tuple[Target, str], ...] = ()

    def compile(self, at: Link) -> Step:
        """Make its step."""
        entry, variables, following = at.task(self.target), at.task_variables(self.target), at.next
        paths = at.paths()
        fallback = paths.get("default", following)
        keys = {_bare(item.name): item.name.lower() for item in variables}
        inputs = tuple((keys[_bare(name)], given) for name, given in self.inputs if _bare(name) in keys)
        outputs = tuple((target, keys[_bare(name)]) for target, name in self.outputs if _bare(name) in keys)

        def call(run: Run) -> int:
            values = {key: run.value_of(given) for key, given in inputs}
            run.note(tuple((key, run.shown(given, values[key])) for key, given in inputs))

            def leave(inner: Mapping[str, Value], path: str) -> int:
                for target, key in outputs:
                    run.variables[target.key] = inner[key]
                return paths.get(path, following) if path else fallback

            run.call_task(variables, values, leave)
            return entry

        return call


@dataclass(frozen=True, slots=True)
class JumpToTask(Spec):
    """Go on in a task for good; nothing after it runs."""

    target: str

    def compile(self, at: Link) -> Step:
        """Make its step."""
        entry = at.task(self.target)

        def jump(run: Run) -> int:
            run.note((("targetTask", self.target),))
            run.leave_tasks()
            return entry

        return jump


@dataclass(frozen=True, slots=True)
class EndTask(Spec):
    """End the task or common module by one of its output paths."""

    path: str

    def compile(self, at: Link) -> Step:
        """Make its step."""
        del at
        path = self.path

        def end(run: Run) -> int:
            run.note((), path or None)
            return run.leave_task(path)

        return end


@dataclass(frozen=True, slots=True)
class EndState(Spec):
    """End the state, as if its list had run out."""

    def compile(self, at: Link) -> Step:
        """Make its step."""
        del at

        def end(run: Run) -> int:
            run.note()
            return run.end_of_state()

        return end


@dataclass(frozen=True, slots=True)
class EndWorkflow(Spec):
    """End the run, with a reason if one is given."""

    reason: Given

    def compile(self, at: Link) -> Step:
        """Make its step."""
        del at
        reason = self.reason

        def end(run: Run) -> int:
            value = run.value_of(reason)
            run.exit_reason = value if isinstance(value, str) else None
            run.note((("exitReason", run.shown(reason, value)),))
            return FINISH

        return end


@dataclass(frozen=True, slots=True)
class WaitAction(Spec):
    """Let time pass."""

    duration: Given
    trim: Given

    def compile(self, at: Link) -> Step:
        """Make its step."""
        following, ref, duration, trim = at.next, at.action.ref, self.duration, self.trim

        def wait(run: Run) -> int | Pending:
            value = run.value_of(duration)
            if not isinstance(value, Duration):
                raise unset(duration, f'the duration of wait "{ref.name}"')
            inputs = (("duration", value),)
            trimmed = run.value_of(trim) is True
            wait_s = _bounded(run, value, duration, trimmed=trimmed)
            if wait_s <= 0:
                run.note(inputs)
                return following

            def resume(answer: Answer) -> int:
                if isinstance(answer, Failed):
                    raise FlowRuntimeError(
                        answer.error_message or f'wait "{ref.name}" is longer than the run may last',
                        server_code=answer.error_type or TOO_LONG,
                    )
                run.waited_s += wait_s
                run.note(inputs)
                return following

            return Pending(Wait(ref, wait_s, trimmed), resume)

        return wait


def _bounded(run: Run, value: Duration, given: Given, *, trimmed: bool) -> float:
    """Give the seconds to wait, within what all waits of a run may last."""
    wait_s = value.milliseconds / 1000
    if wait_s < 0 and run.rules.negative_wait == "error":
        raise FlowRuntimeError(
            "a wait has a negative duration", span=given.span, server_code="flowlaunch.wait.negative"
        )
    left_s = run.rules.longest_run_s - run.waited_s
    if wait_s > left_s and not trimmed:
        raise FlowRuntimeError("a wait is longer than the run may last", span=given.span, server_code=TOO_LONG)
    return min(wait_s, left_s)


def _bare(name: str) -> str:
    return name.lower().removeprefix("task.")


def _parse_change_state(reader: ActionReader) -> ChangeState:
    if reader.container == "module":
        raise FlowSyntaxError(
            f"{reader.what()} cannot stand in a common module", span=reader.fields.span, hint="Use endTask."
        )
    return ChangeState(ref_id(reader.text("targetStateRef")))


def _parse_call_task(reader: ActionReader) -> CallTask:
    inputs = reader.optional_table(reader.fields.get("inputs"), "inputs")
    outputs = reader.optional_table(reader.fields.get("taskOutputs"), "taskOutputs")
    given = tuple((key.value, reader.given_in(node, ANY, key.value)) for key, node in inputs)
    targets = ((reader.target_in(node, key.value), key.value) for key, node in outputs)
    return CallTask(
        ref_id(reader.text("targetTaskRef")),
        given,
        tuple((target, name) for target, name in targets if target),
    )


def _parse_jump_to_task(reader: ActionReader) -> JumpToTask:
    return JumpToTask(ref_id(reader.text("targetTaskRef")))


def _parse_end_task(reader: ActionReader) -> EndTask:
    if reader.container == "state":
        raise FlowSyntaxError(
            f"{reader.what()} stands in a state, not in a task",
            span=reader.fields.span,
            hint="Use endWorkflow or changeState.",
        )
    node = reader.fields.get("outputPath")
    return EndTask(_path_name(node, reader.what("outputPath")))


def _path_name(node: Node | None, what: str) -> str:
    """Read an end path: a bare name, `name: x`, `lit: x`, or nothing for the only one."""
    while isinstance(node, Table):
        key, node = node.only(what)
        if key.value == "noValue":
            return ""
    return text_of(node, what, "")


def _parse_end_workflow(reader: ActionReader) -> EndWorkflow:
    if reader.container == "module":
        raise FlowSyntaxError(
            f"{reader.what()} cannot stand in a common module", span=reader.fields.span, hint="Use endTask."
        )
    return EndWorkflow(reader.given("exitReason", STR))


def _parse_wait(reader: ActionReader) -> WaitAction:
    return WaitAction(reader.given("duration", DUR, required=True), reader.given("trimDurationNearMaxRunningTime", BLN))


def _parse_end_state(_reader: ActionReader) -> EndState:
    return EndState()


_ANY_PATH: Final = ("*",)
KINDS: Final[Mapping[str, Kind]] = {
    "changeState": Kind(_parse_change_state, ("targetStateRef",)),
    "callTask": Kind(_parse_call_task, ("targetTaskRef", "inputs", "taskOutputs"), _ANY_PATH),
    "jumpToTask": Kind(_parse_jump_to_task, ("targetTaskRef",)),
    "endTask": Kind(_parse_end_task, ("outputPath",)),
    "endState": Kind(_parse_end_state),
    "endWorkflow": Kind(_parse_end_workflow, ("exitReason",)),
    "wait": Kind(_parse_wait, ("duration", "trimDurationNearMaxRunningTime")),
}
