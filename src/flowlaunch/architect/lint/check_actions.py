"""Checks of single actions: loops, waits, decisions and switches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flowlaunch.architect.actions.branch import Decision, FirstMatch, FirstTrue
from flowlaunch.architect.actions.control import WaitAction
from flowlaunch.architect.actions.loops import Loop
from flowlaunch.architect.lint.check_paths import named
from flowlaunch.architect.lint.finding import Hit
from flowlaunch.architect.lint.subject import nodes_of
from flowlaunch.architect.standalone import StillHost
from flowlaunch.architect.values import NOT_SET, Duration
from flowlaunch.errors import FlowError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowlaunch.architect.flow import Action
    from flowlaunch.architect.given import Given
    from flowlaunch.architect.lint.subject import Subject
    from flowlaunch.architect.values import Value

__all__ = ["decisions", "foreign", "loops", "switches", "waits"]

MAX_ACTIONS: Final = 10_000
_WORLDLY: Final = frozenset({"Random", "RandomInt", "GetCurrentDateTimeUtc"})
_LIVE: Final = frozenset(
    """
    playAudio playAudioOnSilence setLanguage collectInput disconnect createCallback transferToVoicemail setUUIData
    setScreenPop flushAudio detectSilence enableParticipantRecord setParticipantData getParticipantData
    """.split()  # noqa: SIM905 - a list of names reads better as words
)


def foreign(subject: Subject) -> Iterator[Hit]:
    """Find actions on a live interaction in a flow that has none."""
    if subject.flow.type != "workflow":
        return
    for action in subject.actions:
        if action.key in _LIVE:
            message = f"{named(action)} acts on a live interaction, and a workflow has none"
            hint = "Leave it out, or move it to a common module that call flows use."
            yield Hit("FL010", message, hint, action.span, action.ref)


def constant_of(given: Given) -> Value:
    """Compute a value that depends on nothing; NOT_SET when it depends on something, or has none."""
    if given.kind == "nothing":
        return NOT_SET
    expression = given.expression
    if expression is not None:
        worldly = any(node.overload is not None and node.overload.needs_host for node in nodes_of(expression.root))
        if expression.variables or worldly or not _WORLDLY.isdisjoint(expression.functions):
            return NOT_SET
    try:
        return given.evaluate({}, StillHost())
    except FlowError:
        return NOT_SET


def loops(subject: Subject) -> Iterator[Hit]:
    """Find loops that never turn, turn once, or turn too often."""
    for point in subject.paths.points:
        action = point.action
        if action is None or not isinstance(action.spec, Loop):
            continue
        count = constant_of(action.spec.count)
        has_count = isinstance(count, int) and not isinstance(count, bool)
        if has_count and isinstance(count, int) and count <= 0:
            message = f"{named(action)} has the count {count}, so its body never runs"
            yield Hit("FL110", message, "Give it a count of at least 1.", action.spec.count.span, action.ref)
            continue
        body = action.paths.get("loop", ())
        shortest, exits = _body(subject, point.number)
        if body and shortest is None:
            message = f"{named(action)} never gets to a second turn: every way through its body leaves it"
            yield Hit("FL113", message, "Let one path run on to the end of the body.", action.span, action.ref)
        if has_count and isinstance(count, int) and count * (1 + (shortest or 0)) > MAX_ACTIONS:
            code = "FL112" if exits else "FL111"
            used = count * (1 + (shortest or 0))
            message = (
                f"{named(action)} turns {count:,} times and so uses {used:,} actions or more;"
                f" a run may have {MAX_ACTIONS:,}"
            )
            hint = "Work on fewer items a run, or split the work over several executions."
            yield Hit(code, message, hint, action.spec.count.span, action.ref)


def _body(subject: Subject, loop: int) -> tuple[int | None, bool]:
    """Give the number of actions of a loop's shortest turn (None: no turn comes back) and whether one can leave."""
    paths = subject.paths
    first = next((edge.to for edge in paths.points[loop].edges if edge.path == "loop"), loop)
    if first == loop:
        return 0, False
    distance = {first: 1}
    waiting = [first]
    shortest: int | None = None
    exits = False
    for number in waiting:
        for edge in paths.edges_from(number, paths.reached):
            if edge.to == loop:
                shortest = distance[number] if shortest is None else min(shortest, distance[number])
            elif edge.to >= 0 and _is_inside(subject, loop, edge.to):
                if edge.to not in distance:
                    distance[edge.to] = distance[number] + 1
                    waiting.append(edge.to)
            else:
                exits = True
    return shortest, exits


def _is_inside(subject: Subject, loop: int, number: int) -> bool:
    """Tell whether a point belongs to a loop's body, or to a task that was called from it."""
    points = subject.paths.points
    return loop in points[number].loops or points[number].sequence is not points[loop].sequence


def waits(subject: Subject) -> Iterator[Hit]:
    """Find waits that do not wait."""
    for action in subject.actions:
        if isinstance(action.spec, WaitAction):
            length = constant_of(action.spec.duration)
            if isinstance(length, Duration) and length.milliseconds <= 0:
                word = "zero" if length.milliseconds == 0 else "negative"
                message = f"{named(action)} has a duration that is {word}"
                yield Hit("FL114", message, "Give it a positive duration.", action.spec.duration.span, action.ref)


def decisions(subject: Subject) -> Iterator[Hit]:
    """Find decisions that decide nothing."""
    for action in subject.actions:
        if not isinstance(action.spec, Decision):
            continue
        value = constant_of(action.spec.condition)
        if isinstance(value, bool):
            message = f"the condition of {named(action)} is always {str(value).lower()}"
            hint = f"Its path `{'no' if value else 'yes'}` is never taken; compare with a variable."
            yield Hit("FL115", message, hint, action.spec.condition.span, action.ref)
        if not any(action.paths.values()):
            message = f"{named(action)} has actions on neither path"
            yield Hit("FL116", message, "Give `yes` or `no` some actions, or remove it.", action.span, action.ref)


def switches(subject: Subject) -> Iterator[Hit]:
    """Find switches without a default, and cases that can never match."""
    for action in subject.actions:
        if isinstance(action.spec, FirstMatch | FirstTrue):
            if "default" not in action.paths:
                hint = "Add `default:` beside `cases:`, if only to end with a reason."
                yield Hit("FL117", f"{named(action)} has no default path", hint, action.span, action.ref)
            yield from _repeated_cases(action, action.spec.cases)


def _repeated_cases(action: Action, cases: tuple[Given, ...]) -> Iterator[Hit]:
    seen: dict[str, int] = {}
    for number, case in enumerate(cases, 1):
        text = case.expression.canonical if case.expression is not None else f'"{case.text}"'
        first = seen.setdefault(text, number)
        if first != number:
            message = f"case {number} of {named(action)} repeats case {first}, so it is never taken"
            yield Hit("FL118", message, "Correct its value, or remove it.", case.span, action.ref)
