"""What can be laid on a drawing: how often each action and path ran, or one run with its values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.errors import FlowSyntaxError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.architect.flow import Action, Flow

__all__ = ["Overlay", "overlay_of_coverage", "overlay_of_trace"]

_MAX_VALUES: Final = 6


@dataclass(frozen=True, slots=True)
class Overlay:
    """Counts and values by the number of the action in the flow.

    Attributes:
        kind: `coverage` or `run`.
        title: one line for the top of the drawing.
        counts: how often each action ran; one that is missing never did.
        paths: how often each (action, path) was taken.
        order: for a run, at which steps an action ran, from 1.
        values: for a run, lines with inputs, variable changes and errors of an action's last turn.
        failed: actions that ended in a run-time error.

    """

    kind: str
    title: str
    counts: Mapping[int, int]
    paths: Mapping[tuple[int, str], int] = field(default_factory=dict)
    order: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    values: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    failed: frozenset[int] = frozenset()

    def ran(self, number: int) -> int:
        """Tell how often an action ran."""
        return self.counts.get(number, 0)

    def took(self, action: Action, path: str) -> int:
        """Tell how often a path was taken."""
        return self.paths.get((action.ref.number, path), 0)


def overlay_of_coverage(document: Any, flow: Flow) -> Overlay:
    """Read a coverage file, as `flow cover -o json` writes it.

    Args:
        document: `{"coverage": {"flows": [ITEM]}}`, what is inside, or one ITEM:
            `{"flow": name, "actions": [{"number": 0, "count": 3, "paths": {"yes": 2}}]}`.
        flow: the flow to draw; its name chooses the item when there are several.

    Raises:
        FlowSyntaxError: it has another shape, or nothing about this flow.

    """
    counts: dict[int, int] = {}
    paths: dict[tuple[int, str], int] = {}
    for one in _listed(_of_flow(document, flow).get("actions")):
        number = one.get("number")
        if not isinstance(number, int):
            raise _not_coverage()
        counts[number] = _count(one.get("count"))
        found = one.get("paths")
        for path, count in found.items() if isinstance(found, dict) else ():
            paths[(number, str(path))] = _count(count)
    total = [action.ref.number for action in flow.actions()]
    covered = sum(counts.get(number, 0) > 0 for number in total)
    taken = f", {sum(count > 0 for count in paths.values())} of {len(paths)} paths" if paths else ""
    return Overlay("coverage", f"Coverage: {covered} of {len(total)} actions{taken}", counts, paths)


def _of_flow(document: Any, flow: Flow) -> Mapping[str, Any]:
    if isinstance(document, dict) and isinstance(document.get("coverage"), dict):
        document = document["coverage"]
    items = document.get("flows") if isinstance(document, dict) and "flows" in document else [document]
    listed = _listed(items)
    found = next((item for item in listed if item.get("flow") == flow.name), None)
    if found is None and len(listed) == 1 and "flow" not in listed[0]:
        return listed[0]
    if found is None:
        raise FlowSyntaxError(
            f'the coverage file has nothing about flow "{flow.name}"', hint="Run `flowlaunch flow cover` again."
        )
    return found


def _listed(items: Any) -> list[Mapping[str, Any]]:
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise _not_coverage()
    return items


def _not_coverage() -> FlowSyntaxError:
    return FlowSyntaxError("this is no coverage file", hint="Write one with `flowlaunch flow cover -o json`.")


def _count(value: Any) -> int:
    return int(value) if isinstance(value, int) else 0


def overlay_of_trace(document: Any, flow: Flow) -> Overlay:
    """Read the trace of one run, as `Trace.as_json` writes it, alone or inside a run's result.

    Raises:
        FlowSyntaxError: it is no trace.

    """
    trace = document.get("trace", document) if isinstance(document, dict) else document
    entries = trace.get("entries") if isinstance(trace, dict) else trace
    if not isinstance(entries, list) or not all(isinstance(one, dict) and "action" in one for one in entries):
        raise FlowSyntaxError(
            "this is no trace of a run", hint="Write one with `flowlaunch flow run FILE --trace -o json`."
        )
    counts: dict[int, int] = {}
    paths: dict[tuple[int, str], int] = {}
    order: dict[int, list[int]] = {}
    values: dict[int, tuple[str, ...]] = {}
    failed: set[int] = set()
    own = [one for one in entries if one["action"].get("flow") == flow.name]
    for step, one in enumerate(own, 1):
        number = int(one["action"].get("number", -1))
        counts[number] = counts.get(number, 0) + 1
        order.setdefault(number, []).append(step)
        if one.get("path") is not None:
            key = (number, str(one["path"]))
            paths[key] = paths.get(key, 0) + 1
        values[number] = _values(one)
        if one.get("error"):
            failed.add(number)
    title = f"One run: {len(own)} steps" + (", failed" if failed else "")
    steps = {number: tuple(found) for number, found in order.items()}
    return Overlay("run", title, counts, paths, steps, values, frozenset(failed))


def _values(entry: Mapping[str, Any]) -> tuple[str, ...]:
    changes = [f"{one.get('variable')} = {_shown(one.get('value'))}" for one in entry.get("changes", ())]
    inputs = [f"{name}: {_shown(value)}" for name, value in dict(entry.get("inputs") or {}).items()]
    problem = [f"error: {entry['error']}"] if entry.get("error") else []
    lines = problem + (changes or inputs)
    return tuple(lines[:_MAX_VALUES]) + ((f"+{len(lines) - _MAX_VALUES} more",) if len(lines) > _MAX_VALUES else ())


def _shown(value: Any) -> str:
    if value is None:
        return "NOT_SET"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return str(value)
