"""The ways through a flow: which action can follow which, over states, tasks and loops."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flowlaunch.architect.actions.control import CallTask, ChangeState, EndTask, JumpToTask
from flowlaunch.architect.lint.facts import Facts, facts_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flowlaunch.architect.flow import Action, Flow, Sequence
    from flowlaunch.architect.given import Target

__all__ = ["EXIT", "Edge", "Paths", "Point"]

EXIT: Final = -1
"""The point at which a run is over."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One step from a point to another; `writes` are set on the way.

    Attributes:
        path: the output path taken, "" when there is no choice.
        caller: for the way back from a task, the point of the call it returns to; -1 otherwise.

    """

    to: int
    path: str = ""
    writes: tuple[Target, ...] = ()
    caller: int = -1


@dataclass(slots=True)
class Point:
    """An action, or the entry or end of a state or task.

    Attributes:
        kind: `action`, `entry` or `end`.
        sequence: the state or task it belongs to.
        turn: for an action inside a loop's body, the points of the loops around it, innermost last.

    """

    number: int
    kind: str
    sequence: Sequence
    action: Action | None = None
    facts: Facts = field(default_factory=Facts)
    edges: list[Edge] = field(default_factory=list)
    loops: tuple[int, ...] = ()


class Paths:
    """The points of one flow and the steps between them; `reached` holds those that a run can get to."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.points: list[Point] = []
        self.of_action: dict[int, int] = {}
        self._calls: dict[str, list[tuple[int, dict[str, int], int]]] = {}
        self._endings: dict[str, list[tuple[int, str]]] = {}
        sequences = {**{("state", ref): one for ref, one in flow.states.items()},
                     **{("task", ref): one for ref, one in flow.tasks.items()}}  # fmt: skip
        self.entries = {key: self._add("entry", one) for key, one in sequences.items()}
        self.ends = {key: self._add("end", one) for key, one in sequences.items()}
        for key, one in sequences.items():
            self._sequence(key, one)
        self._link_calls()
        self.start = self.entries[("state" if ("state", flow.start) in self.entries else "task", flow.start)]
        self.roots = (self.start, *self._handlers())
        self.reached = self._reach(self.roots)

    # -- building ----------------------------------------------------------------------------------------------

    def _add(self, kind: str, sequence: Sequence, action: Action | None = None, loops: tuple[int, ...] = ()) -> int:
        facts = Facts() if action is None else facts_of(action)
        self.points.append(Point(len(self.points), kind, sequence, action, facts, [], loops))
        return len(self.points) - 1

    def _sequence(self, key: tuple[str, str], sequence: Sequence) -> None:
        end = self.ends[key]
        first = self._block(sequence, sequence.actions, end, ())
        self.points[self.entries[key]].edges.append(Edge(first))
        if key[0] == "state" or key[1] == self.flow.start:
            self.points[end].edges.append(Edge(EXIT))
        else:
            self._endings.setdefault(key[1], []).append((end, ""))

    def _block(
        self, sequence: Sequence, actions: Iterable[Action], after: int, loops: tuple[tuple[int, int], ...]
    ) -> int:
        """Add a list of actions that goes on at `after`; `loops` are (loop, point behind it), innermost last."""
        listed = list(actions)
        around = tuple(loop for loop, _ in loops)
        numbers = [self._add("action", sequence, action, around) for action in listed]
        for number, following, action in zip(numbers, [*numbers[1:], after], listed, strict=False):
            self.of_action[action.ref.number] = number
            self._action(sequence, action, number, following, loops)
        return numbers[0] if numbers else after

    def _action(
        self, sequence: Sequence, action: Action, number: int, following: int, loops: tuple[tuple[int, int], ...]
    ) -> None:
        point = self.points[number]
        firsts: dict[str, int] = {}
        for path, inner in action.paths.items():
            is_body = action.key == "loop" and path == "loop"
            after, around = (number, (*loops, (number, following))) if is_body else (following, loops)
            firsts[path] = self._block(sequence, inner, after, around)
        if action.key == "loop":
            firsts.setdefault("loop", number)
        for path, writes in point.facts.outcomes:
            target = EXIT if path == "end" else firsts.get(path, following)
            point.edges.append(Edge(target, path, writes))
        self._jump(point, action, following, firsts, loops)

    def _jump(
        self, point: Point, action: Action, following: int, firsts: dict[str, int], loops: tuple[tuple[int, int], ...]
    ) -> None:
        goes, spec = point.facts.goes, action.spec
        if goes == "on":
            return
        point.edges.clear()
        again, behind = loops[-1] if loops else (following, following)
        if isinstance(spec, ChangeState):
            point.edges.append(Edge(self.entries[("state", spec.target)]))
        elif isinstance(spec, CallTask):
            point.edges.append(Edge(self.entries[("task", spec.target)]))
            self._calls.setdefault(spec.target, []).append((point.number, firsts, following))
        elif isinstance(spec, JumpToTask):
            point.edges.append(Edge(self.entries[("task", spec.target)]))
            self._calls.setdefault(spec.target, []).append((point.number, {}, EXIT))
        elif isinstance(spec, EndTask) and point.sequence.kind == "task":
            self._endings.setdefault(point.sequence.ref_id, []).append((point.number, spec.path))
        else:
            point.edges.append(Edge({"next turn": again, "leave loop": behind}.get(goes, EXIT)))

    def _link_calls(self) -> None:
        """Lead every end of a task back behind each of its calls, by the path it ends by."""
        for task, endings in self._endings.items():
            for number, path in endings:
                edges = self.points[number].edges
                for caller, firsts, following in self._calls.get(task, ()):
                    fallback = firsts.get("default", following)
                    target = firsts.get(path, following) if path else fallback
                    spec = self._action_at(caller).spec
                    writes = tuple(one for one, _ in spec.outputs) if isinstance(spec, CallTask) else ()
                    edges.append(Edge(target, path, writes, caller))
                if self.flow.error_handling.target == task:
                    edges.append(Edge(EXIT))

    def _action_at(self, number: int) -> Action:
        action = self.points[number].action
        if action is None:
            raise AssertionError(number)
        return action

    def _handlers(self) -> tuple[int, ...]:
        """Give where error handling leads."""
        handling = self.flow.error_handling
        kind = {"changeState": "state", "jumpToTask": "task"}.get(handling.kind, "")
        entry = self.entries.get((kind, handling.target))
        return () if entry is None else (entry,)

    # -- asking ------------------------------------------------------------------------------------------------

    def calls(self, task: str) -> list[tuple[int, dict[str, int], int]]:
        """Give the calls of a task: point, first point of each filled path, and the point behind."""
        return self._calls.get(task, [])

    def endings(self, task: str) -> list[tuple[int, str]]:
        """Give the points at which a task ends, with the path each ends by."""
        return self._endings.get(task, [])

    def edges_from(self, number: int, among: frozenset[int] | set[int]) -> list[Edge]:
        """Give the steps from a point; ways back from a task count only for calls that are `among` these points."""
        return [edge for edge in self.points[number].edges if edge.caller < 0 or edge.caller in among]

    def _reach(self, roots: Iterable[int]) -> frozenset[int]:
        seen: set[int] = set()
        size = -1
        while size != len(seen):
            size = len(seen)
            waiting = list(roots)
            visited: set[int] = set()
            while waiting:
                number = waiting.pop()
                if number in visited or number == EXIT:
                    continue
                visited.add(number)
                waiting.extend(edge.to for edge in self.edges_from(number, seen))
            seen |= visited
        return frozenset(seen)

    def leaving(self) -> frozenset[int]:
        """Give the reached points from which a run can still come to its end."""
        before: dict[int, list[int]] = {}
        for number in self.reached:
            for edge in self.edges_from(number, self.reached):
                before.setdefault(edge.to, []).append(number)
        leaving: set[int] = set()
        waiting = list(before.get(EXIT, ()))
        while waiting:
            number = waiting.pop()
            if number not in leaving:
                leaving.add(number)
                waiting.extend(before.get(number, ()))
        return frozenset(leaving)
