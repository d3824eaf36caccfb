"""What a card says: kind, name and a few lines of an action, short to see and full to read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.actions.branch import Decision, FirstMatch, FirstTrue
from flowlaunch.architect.actions.call_data import CallData, CallTable
from flowlaunch.architect.actions.control import (
    CallTask,
    ChangeState,
    EndTask,
    EndWorkflow,
    JumpToTask,
    WaitAction,
)
from flowlaunch.architect.actions.conversation import GetAttributes, SetAttributes
from flowlaunch.architect.actions.data import UpdateData
from flowlaunch.architect.actions.lookups import Find, FindRow, Schedule
from flowlaunch.architect.actions.loops import Loop
from flowlaunch.architect.actions.modules import CallModule
from flowlaunch.architect.actions.notify import SendNotification
from flowlaunch.architect.actions.perform import Performed, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flowlaunch.architect.actions.bindings import Binding
    from flowlaunch.architect.flow import Action, Flow
    from flowlaunch.architect.given import Given

__all__ = ["Words", "kind_title", "path_label", "words_of"]

_CATEGORIES: Final[Mapping[str, str]] = {
    "updateData": "set",
    "decision": "branch",
    "switch": "branch",
    "loop": "loop",
    "loopNext": "loop",
    "loopExit": "loop",
    "wait": "wait",
    "changeState": "jump",
    "callTask": "jump",
    "jumpToTask": "jump",
    "callCommonModule": "jump",
    "endWorkflow": "end",
    "endTask": "end",
    "endState": "end",
    "disconnect": "end",
    "callData": "call",
    "callDataSecure": "call",
    "callDecisionTable": "call",
}
_CATEGORY_OF_SPEC: Final[Mapping[type, str]] = {
    Find: "find",
    FindRow: "find",
    Schedule: "find",
    GetAttributes: "talk",
    SetAttributes: "talk",
    SendNotification: "talk",
    Performed: "talk",
    Skipped: "unknown",
}
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BLANKS: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one card.

    Attributes:
        kind: kind of action for people, e.g. `Call Data`.
        category: groups kinds by colour: set, branch, loop, wait, jump, end, call, find, talk, unknown.
        lines: what it does, one thing a line, not yet shortened.
        target: refId of the state or task it goes to, with its kind; None when it goes to none.

    """

    kind: str
    name: str
    category: str
    lines: tuple[str, ...]
    target: tuple[str, str] | None = None

    @property
    def full(self) -> str:
        """Give everything as text of several lines."""
        return "\n".join((f"{self.kind}: {self.name}", *self.lines))


def kind_title(key: str) -> str:
    """Spell the key of an action for people: `callData` -> `Call Data`."""
    words = _HUMP.sub(" ", key)
    return words[:1].upper() + words[1:]


def words_of(action: Action, flow: Flow) -> Words:
    """Give the texts of an action's card."""
    spec = action.spec
    describe = _LINES.get(type(spec))
    lines = tuple(_flat(line) for line in describe(spec)) if describe else ()
    target = _target(spec)
    if target is not None:
        sequence = (flow.states if target[0] == "state" else flow.tasks).get(target[1])
        lines = (f"\u2192 {target[0]} {sequence.name if sequence else target[1]}", *lines)
    category = _CATEGORIES.get(action.key) or _CATEGORY_OF_SPEC.get(type(spec), "unknown")
    return Words(kind_title(action.key), _flat(action.name), category, lines, target)


def path_label(action: Action, path: str) -> str:
    """Name an output path: a case of a switch by its value, others by their name."""
    spec = action.spec
    if isinstance(spec, FirstMatch | FirstTrue) and path.isdigit() and int(path) <= len(spec.cases):
        return _text(spec.cases[int(path) - 1])
    if action.key == "loop":
        return "each turn" if path == "loop" else "done"
    return path


def _target(spec: Any) -> tuple[str, str] | None:
    if isinstance(spec, ChangeState):
        return ("state", spec.target)
    if isinstance(spec, CallTask | JumpToTask):
        return ("task", spec.target)
    return None


def _flat(text: str) -> str:
    return _BLANKS.sub(" ", text).strip()


def _text(given: Given) -> str:
    if given.is_nothing:
        return "(no value)"
    if given.kind == "literal" and given.type.name == "str" and not given.type.is_collection:
        return f'"{given.text}"'
    return given.text


def _named(pairs: Iterable[tuple[str, Given]]) -> list[str]:
    return [f"{name}: {_text(given)}" for name, given in pairs]


def _bound(bindings: Iterable[Binding]) -> list[str]:
    return [f"{binding.target.name} \u2190 {binding.name}" for binding in bindings]


def _if_given(label: str, *values: Given) -> list[str]:
    return [f"{label}{_text(value)}" for value in values if not value.is_nothing]


def _call_data(spec: CallData) -> list[str]:
    return [f"{spec.action} ({spec.category})", *_named(spec.inputs), *_bound(spec.success), *_bound(spec.failure)]


def _get_attributes(spec: GetAttributes) -> list[str]:
    return [f"{target.name if target else '(unused)'} \u2190 {_text(name)}" for name, target in spec.attributes]


def _find(spec: Find) -> list[str]:
    result = [] if spec.result is None else [f"\u2192 {spec.result.name}"]
    return [f"{spec.kind} by {spec.by}: {_text(spec.key)}", *result]


def _loop(spec: Loop) -> list[str]:
    index = [] if spec.index is None else [f"index: {spec.index.name}"]
    return [f"{_text(spec.count)} times", *index]


def _notify(spec: SendNotification) -> list[str]:
    return [*_if_given("subject: ", spec.subject), *_if_given("to: ", *spec.users), *_if_given("body: ", spec.body)]


def _call_task(spec: CallTask) -> list[str]:
    return [*_named(spec.inputs), *(f"{target.name} \u2190 {name}" for target, name in spec.outputs)]


_LINES: Final[Mapping[type, Callable[[Any], Iterable[str]]]] = {
    UpdateData: lambda spec: (f"{target.name} = {_text(given)}" for target, given in spec.statements),
    Decision: lambda spec: [_text(spec.condition)],
    FirstMatch: lambda spec: [_text(spec.value)],
    FirstTrue: lambda _spec: ["first case that is true"],
    Loop: _loop,
    CallData: _call_data,
    CallTable: lambda spec: [spec.table, *_named(spec.inputs), *_bound(spec.found)],
    FindRow: lambda spec: [f"{spec.table} [{_text(spec.key)}]", *_bound(spec.found)],
    Find: _find,
    Schedule: lambda spec: [f"{spec.kind}: {_text(spec.subject)}"],
    CallTask: _call_task,
    CallModule: lambda spec: [f"{spec.name} ({spec.version})", *_named(spec.inputs), *_bound(spec.outputs)],
    EndTask: lambda spec: [spec.path] if spec.path else [],
    EndWorkflow: lambda spec: _if_given("", spec.reason),
    WaitAction: lambda spec: [_text(spec.duration)],
    GetAttributes: _get_attributes,
    SetAttributes: lambda spec: [f"{_text(name)}: {_text(value)}" for name, value in spec.attributes],
    SendNotification: _notify,
    Performed: lambda spec: [*_named(spec.given), *_bound(spec.results)],
    Skipped: lambda spec: [f"not emulated: {spec.why}"],
}
