"""What every check looks at: one flow with its ways, its expressions and its uses of variables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flowlaunch.architect.lint.dataflow import Solution, solve
from flowlaunch.architect.lint.paths import Paths
from flowlaunch.architect.lint.repair import walk
from flowlaunch.architect.nodes import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flowlaunch.architect.flow import Action, Flow, Sequence, Variable
    from flowlaunch.architect.given import Given, Target
    from flowlaunch.architect.lint.contracts import Contract
    from flowlaunch.architect.lint.slots import Filled
    from flowlaunch.architect.nodes import Node
    from flowlaunch.architect.typed import Typed

__all__ = ["Declared", "Subject", "nodes_of"]

_MENTION: Final = re.compile(r"""\b(?:Flow|State|Task|Common)\.(?:"[^"\n]{1,200}"|\w{1,200})""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Declared:
    """A variable with the state or task that declares it, or None for the flow itself."""

    variable: Variable
    owner: Sequence | None

    @property
    def key(self) -> str:
        """Give its name in lower case."""
        return self.variable.name.lower()


class Subject:
    """One flow under lint.

    Attributes:
        paths, solution: the ways through it, and where NOT_SET can be.
        elsewhere: variables mentioned in texts that no field of an action explains; they count as read and set.

    """

    def __init__(
        self,
        flow: Flow,
        root: Node,
        filled: Filled,
        contracts: Mapping[str, Contract],
        modules: Mapping[str, Flow],
    ) -> None:
        self.flow = flow
        self.filled = filled
        self.contracts = contracts
        self.modules = modules
        self.actions = tuple(flow.actions())
        self.paths = Paths(flow)
        self.sequences = (*flow.states.values(), *flow.tasks.values())
        self.elsewhere = self._mentioned_elsewhere(root)
        self.solution: Solution = solve(self.paths, self.elsewhere)

    def declared(self) -> Iterator[Declared]:
        """Give every variable of the flow, its states and its tasks."""
        for variable in self.flow.variables:
            yield Declared(variable, None)
        for sequence in self.sequences:
            for variable in sequence.variables:
                yield Declared(variable, sequence)

    def givens(self) -> Iterator[tuple[Action | None, Given]]:
        """Give every value of the flow with its action; initial values have none."""
        for one in self.declared():
            yield None, one.variable.initial
        for point in self.paths.points:
            for given, _ in point.facts.steps:
                yield point.action, given

    def writes(self) -> Iterator[tuple[Action, Target]]:
        """Give every setting of a variable with its action."""
        for point in self.paths.points:
            if point.action is None:
                continue
            for _, target in point.facts.steps:
                if target is not None:
                    yield point.action, target
            targets = {(t.key, t.span): t for edge in point.edges if edge.caller < 0 for t in edge.writes}
            for target in targets.values():
                yield point.action, target
        for caller, target in self._task_results():
            yield caller, target

    def _task_results(self) -> Iterator[tuple[Action, Target]]:
        for action in self.actions:
            for target, _ in getattr(action.spec, "outputs", ()) if action.key == "callTask" else ():
                yield action, target

    def expressions(self) -> Iterator[tuple[Action | None, Typed]]:
        """Give the typed tree of every expression with its action."""
        for action, given in self.givens():
            if given.expression is not None:
                yield action, given.expression.root

    def _mentioned_elsewhere(self, root: Node) -> frozenset[str]:
        explained = {given.text.strip() for _, given in self.givens()}
        explained |= {text for _, target in self.writes() for text in (target.name.lower(), target.name)}
        names = {one.variable.name for one in self.declared()}
        found: set[str] = set()
        for _, node in walk(root):
            if not isinstance(node, Text) or "." not in node.value:
                continue
            text = node.value.strip()
            if text in names or text in explained or text.lower() in explained:
                continue
            found.update(match.lower().replace('"', "") for match in _MENTION.findall(text))
        return frozenset(found)


def nodes_of(root: Typed) -> Iterator[Typed]:
    """Give every node of a typed tree, in the order of the text as far as trees keep it."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.operands))
