"""A loaded flow: variables, states, tasks and their actions, each with its place in the source text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flowlaunch.architect.given import Given
    from flowlaunch.architect.program import Link, Program, Step
    from flowlaunch.architect.source import Source, Span
    from flowlaunch.architect.types import Type
    from flowlaunch.errors import FlowError

__all__ = ["Action", "ActionRef", "ErrorHandling", "Flow", "Need", "Sequence", "Spec", "Variable"]


@dataclass(frozen=True, slots=True)
class ActionRef:
    """Which action of which flow: enough to find it in the source and to draw a trace.

    Attributes:
        flow: name of the flow.
        container: `state`, `task` or `module`.
        container_name: name of that state or task.
        path: positions and output paths from the container down, e.g. `("2", "yes", "0")`.
        key: kind of action as Archy spells it, e.g. `updateData`.
        name: the action's own name.
        number: position in the flow, counted from 0 in the order of the text.
        line: line in the source, counted from 1; 0 for an export, which has none.

    """

    flow: str
    container: str
    container_name: str
    path: tuple[str, ...]
    key: str
    name: str
    number: int
    line: int = 0

    @property
    def place(self) -> str:
        """Name the place as one line, e.g. `Initial State / 2 / yes / 0`."""
        return " / ".join((self.container_name, *self.path))

    def as_json(self) -> dict[str, Any]:
        """Render for traces."""
        return {
            "flow": self.flow,
            self.container: self.container_name,
            "path": list(self.path),
            "key": self.key,
            "name": self.name,
            "number": self.number,
            "line": self.line,
        }


@dataclass(frozen=True, slots=True)
class Variable:
    """One declared variable; `name` is spelt as declared, with its scope: `Flow.customerName`."""

    name: str
    type: Type
    initial: Given
    is_input: bool = False
    is_output: bool = False
    is_secure: bool = False
    description: str = ""
    span: Span | None = None


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """Something outside the flow that it mentions: `kind` such as `data action`, `table`, `common module`, `queue`.

    `group` is the integration of a data action, or the version of a common module.
    """

    kind: str
    name: str
    group: str = ""


class Spec(ABC):
    """What one action does: its compiled fields, and how they become a step of the program."""

    __slots__ = ()

    @abstractmethod
    def compile(self, at: Link) -> Step:
        """Make its step, which runs the action and gives the number of the next one."""

    def needs(self) -> tuple[Need, ...]:
        """Name what it calls for outside the flow."""
        return ()


@dataclass(frozen=True, slots=True)
class Action:
    """One action; `paths` holds the filled output paths only, by name."""

    ref: ActionRef
    spec: Spec
    paths: Mapping[str, tuple[Action, ...]]
    span: Span | None = None

    @property
    def key(self) -> str:
        """Kind of action as Archy spells it."""
        return self.ref.key

    @property
    def name(self) -> str:
        """The action's own name."""
        return self.ref.name


@dataclass(frozen=True, slots=True)
class Sequence:
    """A state, a task or a module's start-up task: variables and a list of actions."""

    kind: str
    name: str
    ref_id: str
    variables: tuple[Variable, ...]
    actions: tuple[Action, ...]
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class ErrorHandling:
    """What the flow does about a run-time error: `endWorkflow`, or go to `target` (`changeState`, `jumpToTask`)."""

    kind: str = "endWorkflow"
    target: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """One loaded flow, ready to run.

    Attributes:
        type: `workflow` or `commonModule`.
        states, tasks: by reference id.
        start: reference id of the first state; a common module's start-up task is the only entry of `tasks`.
        problems: what was let through because the flow was loaded leniently.

    """

    name: str
    type: str
    division: str
    description: str
    variables: tuple[Variable, ...]
    states: Mapping[str, Sequence] = field(repr=False)
    tasks: Mapping[str, Sequence] = field(repr=False)
    start: str
    error_handling: ErrorHandling
    source: Source = field(repr=False)
    problems: tuple[FlowError, ...] = ()
    default_language: str = ""
    program: Program = field(repr=False, compare=False, kw_only=True)

    @property
    def inputs(self) -> tuple[Variable, ...]:
        """Variables that the launcher sets."""
        return tuple(variable for variable in self.variables if variable.is_input)

    @property
    def outputs(self) -> tuple[Variable, ...]:
        """Variables that a completed run returns."""
        return tuple(variable for variable in self.variables if variable.is_output)

    def actions(self) -> Iterator[Action]:
        """Give every action in the order of the text."""
        for sequence in (*self.states.values(), *self.tasks.values()):
            yield from _descend(sequence.actions)

    def needs(self) -> tuple[Need, ...]:
        """List what the flow mentions and does not hold itself, sorted and without repeats."""
        return tuple(sorted({need for action in self.actions() for need in action.spec.needs()}))


def _descend(actions: tuple[Action, ...]) -> Iterator[Action]:
    pending = list(reversed(actions))
    while pending:
        action = pending.pop()
        yield action
        for inner in reversed(tuple(action.paths.values())):
            pending.extend(reversed(inner))
