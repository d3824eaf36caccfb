"""Checks of the ways through a flow: what is never reached, never ends, or goes on by accident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flowlaunch.architect.actions.control import CallTask, ChangeState, JumpToTask, WaitAction
from flowlaunch.architect.lint.finding import Hit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from flowlaunch.architect.flow import Action, Sequence
    from flowlaunch.architect.lint.paths import Point
    from flowlaunch.architect.lint.subject import Subject

__all__ = ["circles", "ends_of_lists", "named", "task_paths", "unreachable"]

_MISSING: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "callData": (("failure", "FL119"), ("timeout", "FL120")),
    "callDataSecure": (("failure", "FL119"), ("timeout", "FL120")),
    "callDecisionTable": (("failure", "FL119"), ("notFound", "FL121")),
    "dataTableLookup": (("failure", "FL119"), ("notFound", "FL121")),
    "sendNotification": (("failure", "FL119"),),
    "setConversationData": (("failure", "FL119"),),
    "setParticipantData": (("failure", "FL119"),),
    "createCallback": (("failure", "FL119"),),
    "getConversationData": (("notFound", "FL121"),),
    "getExternalContact": (("notFound", "FL121"),),
    "searchExternalContacts": (("notFound", "FL121"),),
}


def named(action: Action) -> str:
    """Name an action in a message."""
    return f'{action.key} "{action.name}"'


def unreachable(subject: Subject) -> Iterator[Hit]:
    """Find states and tasks that are never entered, and actions that no path leads to."""
    paths = subject.paths
    for (kind, ref_id), entry in paths.entries.items():
        sequence = paths.points[entry].sequence
        if entry in paths.reached:
            yield from _unreachable_in(subject, sequence.actions)
        elif kind == "state":
            hint = f"Go there with changeState, or remove it. Its refId is `{ref_id}`."
            yield Hit("FL102", f'state "{sequence.name}" is never entered', hint, sequence.span)
        else:
            hint = f"Call it with callTask, or remove it. Its refId is `{ref_id}`."
            yield Hit("FL103", f'task "{sequence.name}" is never called', hint, sequence.span)


def _unreachable_in(subject: Subject, actions: Iterable[Action]) -> Iterator[Hit]:
    """Report the first unreachable action of each list; what follows and what is inside it goes without saying."""
    before: Action | None = None
    for action in actions:
        if subject.paths.of_action[action.ref.number] not in subject.paths.reached:
            why = f"{named(before)} never goes on to it" if before else "no path leads to it"
            hint = "Move it before what ends the path, or remove it."
            yield Hit("FL101", f"{named(action)} is never reached: {why}", hint, action.span, action.ref)
            return
        for inner in action.paths.values():
            yield from _unreachable_in(subject, inner)
        before = action


def ends_of_lists(subject: Subject) -> Iterator[Hit]:
    """Find states and tasks whose list of actions can run out."""
    paths = subject.paths
    for (kind, ref_id), end in paths.ends.items():
        sequence = paths.points[end].sequence
        if end not in paths.reached:
            continue
        last = [point for point in paths.points if any(edge.to == end for edge in point.edges)]
        last = [point for point in last if point.number in paths.reached]
        if kind == "state":
            message = f'state "{sequence.name}" can run out of actions without an end: {_ways(last)}'
            action = _nearest(last, sequence)
            hint = "End it on purpose with endWorkflow or changeState."
            yield Hit("FL104", message, hint, action.span if action else sequence.span, action.ref if action else None)
        elif ref_id != subject.flow.start and sequence.actions and _has_named_ends(subject, ref_id):
            action = _nearest(last, sequence)
            message = f'task "{sequence.name}" can run out of actions, although it ends by named paths elsewhere'
            hint = "End it on purpose with endTask and an outputPath."
            yield Hit("FL104", message, hint, action.span if action else sequence.span, action.ref if action else None)


def _nearest(points: list[Point], sequence: Sequence) -> Action | None:
    listed = [point.action for point in points if point.action is not None]
    return listed[-1] if listed else (sequence.actions[-1] if sequence.actions else None)


def _ways(points: list[Point]) -> str:
    shown = [f"behind {named(point.action)}" for point in points if point.action is not None]
    return ", ".join(shown[:3]) + (", ..." if len(shown) > 3 else "") if shown else "it has no actions"


def _has_named_ends(subject: Subject, task: str) -> bool:
    return any(path for _, path in subject.paths.endings(task))


def missing_paths(subject: Subject) -> Iterator[Hit]:
    """Find actions that can fail, time out or find nothing without a path for it."""
    for action in subject.actions:
        for path, code in _MISSING.get(action.key, ()):
            if path not in action.paths:
                hint = f"Add `{path}:` to its outputs, if only to end with a reason. {_goes_on(subject, action, path)}"
                yield Hit(code, f"{named(action)} has no {path} path", hint, action.span, action.ref)


def _goes_on(subject: Subject, action: Action, path: str) -> str:
    """Say where the run goes when the path is absent."""
    points = subject.paths.points
    point = points[subject.paths.of_action[action.ref.number]]
    edge = next((one for one in point.edges if one.path == path), None)
    if edge is None or edge.to < 0:
        return ""
    following = points[edge.to]
    if following.action is None:
        return "Now the list just ends there."
    return f"Now the run goes on with {named(following.action)}."


def task_paths(subject: Subject) -> Iterator[Hit]:
    """Compare the paths by which a task ends with those that its callers handle."""
    for action in subject.actions:
        if not isinstance(action.spec, CallTask):
            continue
        task = subject.flow.tasks[action.spec.target]
        ends = {path for _, path in subject.paths.endings(action.spec.target)}
        for path in action.paths:
            if path not in ends and path != "default":
                shown = ", ".join(f"`{end}`" for end in sorted(ends) if end) or "none with a name"
                message = f'{named(action)} handles the path `{path}`, by which task "{task.name}" never ends'
                yield Hit("FL122", message, f"The task ends by: {shown}.", action.span, action.ref)
        for path in sorted(end for end in ends - {"", "default"} if end not in action.paths):
            message = f'{named(action)} does not handle the path `{path}`, by which task "{task.name}" can end'
            yield Hit("FL123", message, f"Add `{path}:` to its outputs.", action.span, action.ref)


def circles(subject: Subject) -> Iterator[Hit]:
    """Find states and tasks that lead to one another in a circle, and what is wrong with it."""
    links = _links(subject)
    leaving = subject.paths.leaving()
    for circle in _components(links):
        members = [link for link in links if link[0] in circle and link[1] in circle]
        if members:
            yield from _circle(subject, circle, [action for _, _, action in members], leaving)


def _circle(subject: Subject, circle: set[int], jumps: list[Action], leaving: frozenset[int]) -> Iterator[Hit]:
    points = [
        point
        for point in subject.paths.points
        if point.number in subject.paths.reached and _entry_of(subject, point.sequence) in circle
    ]
    waits = any(point.action is not None and isinstance(point.action.spec, WaitAction) for point in points)
    first = jumps[0]
    names = " -> ".join(dict.fromkeys(f'"{subject.paths.points[entry].sequence.name}"' for entry in sorted(circle)))
    calls = all(isinstance(action.spec, CallTask) for action in jumps)
    if not any(point.number in leaving for point in points):
        code = "FL107" if waits else "FL105"
        message = f"{names} goes round and round: nothing in it leads to an end"
        yield Hit(code, message, "Give one of its paths an endWorkflow or endTask.", first.span, first.ref)
    elif calls:
        yield Hit("FL108", f"tasks call one another in a circle: {names}", "Use a loop instead.", first.span, first.ref)
    elif not waits:
        message = f"{names} goes round without a wait"
        yield Hit("FL106", message, "Wait in each turn, and count the turns.", first.span, first.ref)


def _entry_of(subject: Subject, sequence: Sequence) -> int:
    kind = "state" if sequence.kind == "state" else "task"
    return subject.paths.entries[(kind, sequence.ref_id)]


def _links(subject: Subject) -> list[tuple[int, int, Action]]:
    """Give the reachable jumps and calls between states and tasks as (from, to, action)."""
    links = []
    for number in sorted(subject.paths.reached):
        point = subject.paths.points[number]
        spec = None if point.action is None else point.action.spec
        if point.action is None or not isinstance(spec, ChangeState | CallTask | JumpToTask):
            continue
        kind = "state" if isinstance(spec, ChangeState) else "task"
        target = subject.paths.entries[(kind, spec.target)]
        links.append((_entry_of(subject, point.sequence), target, point.action))
    return links


def _components(links: list[tuple[int, int, Action]]) -> list[set[int]]:
    """Group what lies on common circles: two belong together when each can be reached from the other."""
    after: dict[int, set[int]] = {}
    for start, end, _ in links:
        after.setdefault(start, set()).add(end)
    reach = {start: _closure(start, after) for start in after}
    groups: list[set[int]] = []
    for start, reached in reach.items():
        if start in reached and not any(start in group for group in groups):
            groups.append({start} | {other for other in reached if start in reach.get(other, ())})
    return groups


def _closure(start: int, after: dict[int, set[int]]) -> set[int]:
    seen: set[int] = set()
    waiting = list(after.get(start, ()))
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting.extend(after.get(one, ()))
    return seen
