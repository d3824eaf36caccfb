"""Following NOT_SET along the ways of a flow until nothing changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flowlaunch.architect.actions.branch import Decision, FirstMatch, FirstTrue
from flowlaunch.architect.actions.control import CallTask
from flowlaunch.architect.lint.nullness import SET, UNSET, Env, Violation, ignore, join, refine, value_of
from flowlaunch.architect.lint.paths import EXIT, Edge, Paths, Point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flowlaunch.architect.flow import Variable
    from flowlaunch.architect.given import Given

    Report = Callable[[Violation], None]

__all__ = ["Solution", "solve"]


@dataclass(slots=True)
class Solution:
    """What is known before each point, and wherever a run ends.

    Attributes:
        before: point -> what is known there; a point that is missing is never reached.
        ends: (point, what is known) of each way that ends a run.
        violations: (point, violation), each place once.
        unset: (point, value that may not be NOT_SET as a whole, what it is, whether it certainly is NOT_SET).

    """

    before: dict[int, Env] = field(default_factory=dict)
    ends: list[tuple[int, Env]] = field(default_factory=list)
    violations: list[tuple[int, Violation]] = field(default_factory=list)
    unset: list[tuple[int, Given, str, bool]] = field(default_factory=list)


def solve(paths: Paths, known_set: frozenset[str]) -> Solution:
    """Follow every way; `known_set` are variables that something unknown may set."""
    return _Solver(paths, known_set).solve()


class _Solver:
    def __init__(self, paths: Paths, known_set: frozenset[str]) -> None:
        self.paths = paths
        self.known_set = known_set
        self.given_to_tasks = {
            f"task.{name.lower().removeprefix('task.')}"
            for point in paths.points
            if point.action is not None and isinstance(point.action.spec, CallTask)
            for name, _ in point.action.spec.inputs
        }

    def solve(self) -> Solution:
        solution = Solution()
        first = self._declared({}, self.paths.flow.variables)
        unknown = dict.fromkeys(first, SET)
        waiting = []
        for root in self.paths.roots:
            solution.before[root] = first if root == self.paths.start else unknown
            waiting.append(root)
        while waiting:
            number = waiting.pop()
            for edge, env in self._follow(number, solution.before[number]):
                if edge.to == EXIT:
                    continue
                known = solution.before.get(edge.to)
                after = env if known is None else join(known, env)
                if after != known:
                    solution.before[edge.to] = after
                    waiting.append(edge.to)
        self._report(solution)
        return solution

    def _report(self, solution: Solution) -> None:
        for number in sorted(solution.before):
            found: list[Violation] = []
            point = self.paths.points[number]
            env = dict(solution.before[number])
            for given, what in point.facts.must_be_set:
                mask = value_of(given, dict(env))
                if mask & UNSET:
                    solution.unset.append((number, given, what, mask == UNSET))
            for edge, after in self._follow(number, solution.before[number], found.append):
                if edge.to == EXIT:
                    solution.ends.append((number, after))
            solution.violations.extend((number, one) for one in found)

    def _follow(self, number: int, before: Env, report: Report = ignore) -> Iterable[tuple[Edge, Env]]:
        """Give the steps from a point that can be taken, with what is known after each."""
        point = self.paths.points[number]
        env = dict(before)
        if point.kind == "entry":
            env = self._declared(env, point.sequence.variables)
        for given, target in point.facts.steps:
            mask = value_of(given, env, report)
            if target is not None and not target.type.is_collection and target.key not in self.known_set:
                env[target.key] = mask
        for edge in self.paths.edges_from(number, self.paths.reached):
            after = _refined(point, edge, env)
            if after is not None:
                for target in edge.writes:
                    after[target.key] = SET
                yield edge, after

    def _declared(self, env: Env, variables: Iterable[Variable]) -> Env:
        for variable in variables:
            key = variable.name.lower()
            if variable.type.is_collection:
                continue
            is_given = variable.is_input or key in self.known_set or key in self.given_to_tasks
            env[key] = SET if is_given else value_of(variable.initial, dict(env))
        return env


def _refined(point: Point, edge: Edge, env: Env) -> Env | None:
    """Give what is known on one path, given that it was chosen."""
    spec = None if point.action is None else point.action.spec
    if isinstance(spec, Decision):
        return _chosen(spec.condition, env, holds=edge.path == "yes")
    if isinstance(spec, FirstTrue) and edge.path.isdigit():
        after: Env | None = dict(env)
        for case in spec.cases[: int(edge.path) - 1]:
            after = None if after is None else _chosen(case, after, holds=False)
        return None if after is None else _chosen(spec.cases[int(edge.path) - 1], after, holds=True)
    if isinstance(spec, FirstMatch) and edge.path.isdigit():
        return _matched(spec, int(edge.path) - 1, env)
    return dict(env)


def _chosen(condition: Given, env: Env, *, holds: bool) -> Env | None:
    return dict(env) if condition.expression is None else refine(condition.expression.root, env, holds=holds)


def _matched(spec: FirstMatch, index: int, env: Env) -> Env:
    """Learn that a value which equals something set is set."""
    after = dict(env)
    case = spec.cases[index]
    is_literal = case.kind == "literal" or (case.expression is not None and case.expression.root.kind == "lit")
    value = spec.value.expression
    if is_literal and value is not None and value.root.key == "ref":
        after[value.root.lookup] = SET
    return after
