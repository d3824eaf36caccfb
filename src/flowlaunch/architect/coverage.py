"""Which actions, output paths and switch cases of flows a set of runs took, computed from their traces.

What counts as a path: every filled one, and those that a run can take though nobody filled them: `yes` and `no` of
a decision, `default` of a switch, `success`, `failure` and `timeout` of a data action, `found` and `notFound` of a
lookup. A flow that ignores a timeout goes on without its data, and that is worth a case.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.actions.branch import DEFAULT, Decision, FirstMatch, FirstTrue
from flowlaunch.architect.actions.call_data import CallData, CallTable
from flowlaunch.architect.actions.conversation import GetAttributes
from flowlaunch.architect.actions.lookups import Find, FindRow, Schedule
from flowlaunch.architect.actions.perform import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowlaunch.architect.flow import Action, Flow, Spec
    from flowlaunch.architect.trace import Trace

__all__ = ["ActionCoverage", "Coverage", "FlowCoverage", "paths_of"]

_IMPLIED: Final[Mapping[type, tuple[str, ...]]] = {
    Decision: ("yes", "no"),
    CallData: ("success", "failure", "timeout"),
    CallTable: ("found", "notFound"),
    FindRow: ("found", "notFound"),
    Find: ("found", "notFound"),
    GetAttributes: ("found", "notFound"),
}
"""Paths that a run can take whether they are filled or not."""

_STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "schedule": ("active", "inactive"),
    "scheduleGroup": ("open", "closed"),
}


def paths_of(action: Action) -> tuple[str, ...]:
    """Give the output paths of an action that count."""
    spec: Spec = action.spec
    if isinstance(spec, Skipped):
        return ()
    if isinstance(spec, FirstMatch | FirstTrue):
        return (*(str(number) for number in range(1, len(spec.cases) + 1)), DEFAULT)
    implied = _STATES[spec.kind] if isinstance(spec, Schedule) else _IMPLIED.get(type(spec), ())
    filled = (path for path, actions in action.paths.items() if actions)
    return (*implied, *(path for path in filled if path not in implied))


@dataclass(frozen=True, slots=True)
class ActionCoverage:
    """How often an action ran, and how often it left by each of its paths."""

    action: Action
    hits: int
    paths: Mapping[str, int]

    @property
    def missed(self) -> tuple[str, ...]:
        """Give the paths that no run took."""
        return tuple(path for path, hits in self.paths.items() if not hits)

    def as_json(self) -> dict[str, Any]:
        """Render for scripts and drawings."""
        ref = self.action.ref
        return {
            "number": ref.number,
            "key": ref.key,
            "name": ref.name,
            "place": ref.place,
            "line": ref.line,
            "count": self.hits,
            "paths": dict(self.paths),
        }


@dataclass(frozen=True, slots=True)
class FlowCoverage:
    """What runs took of one flow."""

    flow: Flow
    actions: tuple[ActionCoverage, ...]

    @property
    def actions_hit(self) -> int:
        """Number of actions that ran."""
        return sum(bool(one.hits) for one in self.actions)

    @property
    def paths_total(self) -> int:
        """Number of paths that count."""
        return sum(len(one.paths) for one in self.actions)

    @property
    def paths_hit(self) -> int:
        """Number of paths that were taken."""
        return sum(bool(hits) for one in self.actions for hits in one.paths.values())

    @property
    def cases_total(self) -> int:
        """Number of switch cases, `default` included."""
        return sum(len(one.paths) for one in self.actions if one.action.key == "switch")

    @property
    def cases_hit(self) -> int:
        """Number of switch cases that were taken."""
        switches = (one for one in self.actions if one.action.key == "switch")
        return sum(bool(hits) for one in switches for hits in one.paths.values())

    @property
    def percent(self) -> float:
        """Share of actions and paths together, in percent; a flow without any is covered."""
        total = len(self.actions) + self.paths_total
        return 100.0 if not total else 100.0 * (self.actions_hit + self.paths_hit) / total

    def missing(self) -> list[str]:
        """Say what no run took, one line each, in the order of the text."""
        source = self.flow.source.name
        lines = []
        for one in self.actions:
            ref = one.action.ref
            where = f"{source}:{ref.line}" if ref.line else f"{source} ({ref.place})"
            name = f'{ref.key} "{ref.name}"'
            if not one.hits:
                lines.append(f"{where}: {name} never ran")
            elif one.missed:
                lines.append(f"{where}: {name} never left by {', '.join(one.missed)}")
        return lines

    def as_json(self) -> dict[str, Any]:
        """Render for scripts, and for `flow graph --coverage`."""
        return {
            "flow": self.flow.name,
            "source": self.flow.source.name,
            "percent": round(self.percent, 2),
            "totals": {
                "actions": {"hit": self.actions_hit, "of": len(self.actions)},
                "paths": {"hit": self.paths_hit, "of": self.paths_total},
                "switch_cases": {"hit": self.cases_hit, "of": self.cases_total},
            },
            "actions": [one.as_json() for one in self.actions],
        }


@dataclass(slots=True)
class Coverage:
    """Counts actions and paths over any number of runs; flows are known by their name."""

    flows: dict[str, Flow] = field(default_factory=dict)
    _counts: dict[tuple[str, int, str | None], int] = field(default_factory=dict)

    def know(self, flow: Flow) -> None:
        """Count a flow in even if it never runs."""
        self.flows.setdefault(flow.name, flow)

    def add(self, trace: Trace, flows: Iterable[Flow] = ()) -> None:
        """Add one run; `flows` are those that it went through."""
        for flow in flows:
            self.know(flow)
        self.add_counts(counts_of(trace))

    def add_counts(self, counts: Mapping[tuple[str, int, str | None], int]) -> None:
        """Add what `counts_of` gave, perhaps in another process."""
        for key, count in counts.items():
            self._counts[key] = self._counts.get(key, 0) + count

    def of(self, flow: Flow) -> FlowCoverage:
        """Give what was taken of one flow."""
        return FlowCoverage(flow, tuple(self._one(flow.name, action) for action in flow.actions()))

    def report(self) -> tuple[FlowCoverage, ...]:
        """Give what was taken of every flow, in the order in which they became known."""
        return tuple(self.of(flow) for flow in self.flows.values())

    def _one(self, name: str, action: Action) -> ActionCoverage:
        number = action.ref.number
        paths = {path: self._path(name, action, path) for path in paths_of(action)}
        return ActionCoverage(action, self._counts.get((name, number, None), 0), paths)

    def _path(self, name: str, action: Action, path: str) -> int:
        """Count a path; the one that a task came back by shows in the first action on it."""
        inner = action.paths.get(path, ())
        number, wanted = (
            (inner[0].ref.number, None) if action.key == "callTask" and inner else (action.ref.number, path)
        )
        return self._counts.get((name, number, wanted), 0)


def counts_of(trace: Trace) -> dict[tuple[str, int, str | None], int]:
    """Count actions (path None) and (action, path) pairs of one run."""
    counts: dict[tuple[str, int, str | None], int] = {}
    for entry in trace.entries:
        is_second = entry.note == "common module ended"  # of the action that called the module
        key = (entry.ref.flow, entry.ref.number)
        for path in {entry.path} if is_second else {None, entry.path}:
            if path is not None or not is_second:
                counts[*key, path] = counts.get((*key, path), 0) + 1
    return counts
