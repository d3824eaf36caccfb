"""A flow as numbered steps: every action compiled to a function that gives the number of the next one.

Fall-through, loops, tasks and states are all jumps, so that running needs no recursion and no tree walk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from flowlaunch.errors import FlowNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowlaunch.architect.effects import Answer, Effect
    from flowlaunch.architect.flow import Action, ActionRef, ErrorHandling, Sequence, Variable
    from flowlaunch.architect.run_state import Run
    from flowlaunch.architect.source import Span

__all__ = ["FINISH", "Link", "Pending", "Program", "Step", "link_program"]

FINISH: Final = -1
"""The step number after which the run is over."""


@dataclass(slots=True)
class Pending:
    """An effect to yield, and what to do with its answer: it gives the number of the next step, or one more effect."""

    effect: Effect
    resume: Callable[[Answer], int | Pending]


Step: TypeAlias = "Callable[[Run], int | Pending]"


@dataclass(slots=True)
class Program:
    """The steps of one flow.

    Attributes:
        steps: by number.
        refs: the action of each step; None for entries and ends, which are no actions.
        variables: declared on the flow itself.
        states, tasks: reference id -> number of the entry step.
        start: number of the first step.
        expressions: where each expression stands, to name it in run-time errors.

    """

    steps: list[Step]
    refs: list[ActionRef | None]
    variables: tuple[Variable, ...]
    states: Mapping[str, int]
    tasks: Mapping[str, int]
    start: int
    error_handling: ErrorHandling
    expressions: tuple[Span, ...]
    secure: frozenset[str]


@dataclass(frozen=True, slots=True)
class Link:
    """What an action needs to know to become a step: where it can go.

    Attributes:
        pc: the action's own step number.
        next: the step after it: its next sibling, or whatever follows the list it ends.
        loop: the loop around it as (step of the loop, step after the loop), or None.

    """

    linker: _Linker
    action: Action
    pc: int
    next: int
    loop: tuple[int, int] | None

    def path(self, name: str) -> int:
        """Give the first step of an output path; an absent or empty one falls through."""
        return self.linker.block(self.action.paths.get(name, ()), self.next, self.loop)

    def paths(self) -> dict[str, int]:
        """Give the first step of every filled path."""
        return {name: self.path(name) for name in self.action.paths}

    def body(self, name: str) -> int:
        """Give the first step of a loop's body, which comes back to this step."""
        return self.linker.block(self.action.paths.get(name, ()), self.pc, (self.pc, self.next))

    def state(self, ref_id: str) -> int:
        """Give the entry of a state."""
        return self.linker.entry(self.linker.states, "state", ref_id, self.action)

    def task(self, ref_id: str) -> int:
        """Give the entry of a task."""
        return self.linker.entry(self.linker.tasks, "task", ref_id, self.action)

    def task_variables(self, ref_id: str) -> tuple[Variable, ...]:
        """Give the variables of a task."""
        return self.linker.variables_of_task[ref_id]


class _Linker:
    """Numbers the steps of one flow."""

    def __init__(self, states: Mapping[str, Sequence], tasks: Mapping[str, Sequence]) -> None:
        self.steps: list[Step] = []
        self.refs: list[ActionRef | None] = []
        self.states = {ref_id: self._reserve() for ref_id in states}
        self.tasks = {ref_id: self._reserve() for ref_id in tasks}
        self.variables_of_task = {ref_id: task.variables for ref_id, task in tasks.items()}

    def _reserve(self, ref: ActionRef | None = None) -> int:
        self.steps.append(_unlinked)
        self.refs.append(ref)
        return len(self.steps) - 1

    def sequence(self, entry: int, sequence: Sequence) -> None:
        """Link a state or task: its entry, its actions and its end."""
        end = self._reserve()
        self.steps[end] = _END[sequence.kind]
        first = self.block(sequence.actions, end, None)
        self.steps[entry] = _entry(sequence, first)

    def block(self, actions: tuple[Action, ...], after: int, loop: tuple[int, int] | None) -> int:
        """Link a list of actions that goes on at `after`; give the number of its first step."""
        if not actions:
            return after
        numbers = [self._reserve(action.ref) for action in actions]
        for pc, following, action in zip(numbers, (*numbers[1:], after), actions, strict=True):
            self.steps[pc] = action.spec.compile(Link(self, action, pc, following, loop))
        return numbers[0]

    def entry(self, known: Mapping[str, int], kind: str, ref_id: str, action: Action) -> int:
        if ref_id in known:
            return known[ref_id]
        shown = ", ".join(f"`{name}`" for name in list(known)[:12]) or "none"
        raise FlowNameError(
            f"{action.key} `{action.name}` names a {kind} `{ref_id}` that does not exist",
            span=action.span,
            hint=f"The flow has these {kind}s: {shown}.",
        )


def link_program(
    states: Mapping[str, Sequence],
    tasks: Mapping[str, Sequence],
    start: str,
    variables: tuple[Variable, ...],
    error_handling: ErrorHandling,
    expressions: tuple[Span, ...] = (),
) -> Program:
    """Turn the actions of a flow into steps.

    Raises:
        FlowNameError: an action goes to a state or task that does not exist.

    """
    linker = _Linker(states, tasks)
    for ref_id, state in states.items():
        linker.sequence(linker.states[ref_id], state)
    for ref_id, task in tasks.items():
        linker.sequence(linker.tasks[ref_id], task)
    inner = (variable for part in (*states.values(), *tasks.values()) for variable in part.variables)
    return Program(
        steps=linker.steps,
        refs=linker.refs,
        variables=variables,
        states=linker.states,
        tasks=linker.tasks,
        start=linker.states[start] if start in linker.states else linker.tasks[start],
        error_handling=error_handling,
        expressions=expressions,
        secure=frozenset(item.name.lower() for item in (*variables, *inner) if item.is_secure),
    )


def _unlinked(_run: Run) -> int:
    raise AssertionError("a step was run before it was linked")


def _entry(sequence: Sequence, first: int) -> Step:
    """Begin a state or task: set its variables, then go on with its first action."""
    variables = sequence.variables
    is_state = sequence.kind == "state"

    def enter(run: Run) -> int:
        run.count -= 1
        if is_state:
            run.loops.clear()
        run.declare(variables, keep=is_state and run.rules.state_variables == "keep")
        return first

    return enter


def _end_of_state(run: Run) -> int:
    run.count -= 1
    return run.end_of_state()


def _end_of_task(run: Run) -> int:
    run.count -= 1
    return run.leave_task("")


_END: Final[Mapping[str, Step]] = {"state": _end_of_state, "task": _end_of_task, "module": _end_of_task}
