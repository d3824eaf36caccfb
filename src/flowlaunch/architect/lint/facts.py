"""What each kind of action reads, sets and can lead to: one row a class of spec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.actions.branch import Decision, FirstMatch, FirstTrue
from flowlaunch.architect.actions.call_data import CallData, CallTable
from flowlaunch.architect.actions.control import (
    CallTask,
    ChangeState,
    EndState,
    EndTask,
    EndWorkflow,
    JumpToTask,
    WaitAction,
)
from flowlaunch.architect.actions.conversation import GetAttributes, SetAttributes
from flowlaunch.architect.actions.data import UpdateData
from flowlaunch.architect.actions.lookups import Find, FindRow, Schedule
from flowlaunch.architect.actions.loops import Loop, LoopJump
from flowlaunch.architect.actions.modules import CallModule
from flowlaunch.architect.actions.notify import SendNotification
from flowlaunch.architect.actions.perform import Performed, Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flowlaunch.architect.actions.bindings import Binding
    from flowlaunch.architect.flow import Action
    from flowlaunch.architect.given import Given, Target

__all__ = ["FACTS", "Facts", "facts_of"]


@dataclass(frozen=True, slots=True)
class Facts:
    """One action, as far as paths and variables go.

    Attributes:
        steps: what happens before a path is chosen, in order: a value is read, and set to a variable if there is one.
        outcomes: the paths it can lead to, each with the variables that are set on it. A path without actions, and
            the outcome `""`, go on behind the action.
        must_be_set: values that may not be NOT_SET as a whole, with what they are.
        goes: `on` through its outcomes, or `end`, `state`, `task`, `end task`, `end state`, `next turn`, `leave loop`.

    """

    steps: tuple[tuple[Given, Target | None], ...] = ()
    outcomes: tuple[tuple[str, tuple[Target, ...]], ...] = (("", ()),)
    must_be_set: tuple[tuple[Given, str], ...] = ()
    goes: str = "on"


def _reads(*values: Given | None) -> tuple[tuple[Given, Target | None], ...]:
    return tuple((value, None) for value in values if value is not None)


def _named(pairs: Iterable[tuple[str, Given]]) -> tuple[tuple[Given, Target | None], ...]:
    return tuple((value, None) for _, value in pairs)


def _targets(bindings: Iterable[Binding]) -> tuple[Target, ...]:
    return tuple(binding.target for binding in bindings)


def _cases(count: int) -> tuple[tuple[str, tuple[Target, ...]], ...]:
    return tuple((path, ()) for path in (*map(str, range(1, count + 1)), "default"))


def _call_data(spec: CallData, _action: Action) -> Facts:
    outcomes = (("success", _targets(spec.success)), ("failure", _targets(spec.failure)), ("timeout", ()))
    return Facts((*_named(spec.inputs), *_reads(spec.timeout)), outcomes)


def _looked_up(found: Iterable[Target], failure: Iterable[Binding]) -> tuple[tuple[str, tuple[Target, ...]], ...]:
    return (("found", tuple(found)), ("notFound", ()), ("failure", _targets(failure)))


def _find(spec: Find, action: Action) -> Facts:
    found = (*(() if spec.result is None else (spec.result,)), *(target for _, target in spec.extra))
    outcomes = _looked_up(found, spec.failure)
    return Facts(_reads(spec.key), outcomes if "failure" in action.paths else outcomes[:2])


def _loop(spec: Loop, _action: Action) -> Facts:
    index = () if spec.index is None else (spec.index,)
    return Facts(_reads(spec.count), (("loop", index), ("", ())), ((spec.count, "the count of the loop"),))


def _call_task(spec: CallTask, _action: Action) -> Facts:
    return Facts(_named(spec.inputs), (), goes="task")


def _call_module(spec: CallModule, action: Action) -> Facts:
    targets = _targets(spec.outputs)
    return Facts(_named(spec.inputs), tuple((path, targets) for path in (*action.paths, "")))


def _performed(spec: Performed, action: Action) -> Facts:
    results, failure = _targets(spec.results), _targets(spec.failure)
    paths = tuple((path, failure if path == "failure" else results) for path in action.paths)
    if spec.ends:
        return Facts(_named(spec.given), (*paths, ("end", ())))
    return Facts(_named(spec.given), (*paths, ("", results)))


def _get_attributes(spec: GetAttributes, _action: Action) -> Facts:
    found = tuple(target for _, target in spec.attributes if target is not None)
    reads = _reads(spec.conversation, spec.participant, *(name for name, _ in spec.attributes))
    return Facts(reads, (("found", found), ("notFound", ())))


def _set_attributes(spec: SetAttributes, _action: Action) -> Facts:
    values = (value for pair in spec.attributes for value in pair)
    return Facts(_reads(spec.conversation, spec.participant, *values), (("success", ()), ("failure", ())))


def _first_true(spec: FirstTrue, _action: Action) -> Facts:
    needed: tuple[tuple[Given, str], ...] = tuple(
        (case, f"case {number} of the switch") for number, case in enumerate(spec.cases, 1)
    )
    return Facts(_reads(*spec.cases), _cases(len(spec.cases)), needed)


def _first_match(spec: FirstMatch, _action: Action) -> Facts:
    return Facts(_reads(spec.value, *spec.cases), _cases(len(spec.cases)))


def _send(spec: SendNotification, _action: Action) -> Facts:
    reads = _reads(spec.subject, spec.body, *spec.users, spec.sender)
    return Facts(reads, (("success", ()), ("failure", _targets(spec.failure))))


def _decision(spec: Decision, _action: Action) -> Facts:
    return Facts(
        _reads(spec.condition), (("yes", ()), ("no", ())), ((spec.condition, "the condition of the decision"),)
    )


def _schedule(spec: Schedule, action: Action) -> Facts:
    outcomes = tuple((path, ()) for path in (*action.paths, ""))
    return Facts(_reads(spec.subject, spec.moment, spec.emergency), outcomes)


FACTS: Final[Mapping[type, Callable[[Any, Action], Facts]]] = {
    UpdateData: lambda spec, _: Facts(tuple((given, target) for target, given in spec.statements)),
    Decision: _decision,
    FirstMatch: _first_match,
    FirstTrue: _first_true,
    Loop: _loop,
    LoopJump: lambda spec, _: Facts(goes="leave loop" if spec.leave else "next turn"),
    CallData: _call_data,
    CallTable: lambda spec, _: Facts(_named(spec.inputs), _looked_up(_targets(spec.found), spec.failure)),
    FindRow: lambda spec, _: Facts(_reads(spec.key), _looked_up(_targets(spec.found), spec.failure)),
    Find: _find,
    Schedule: _schedule,
    CallTask: _call_task,
    JumpToTask: lambda _spec, _: Facts(goes="jump"),
    ChangeState: lambda _spec, _: Facts(goes="state"),
    EndTask: lambda _spec, _: Facts(goes="end task"),
    EndState: lambda _spec, _: Facts(goes="end state"),
    EndWorkflow: lambda spec, _: Facts(_reads(spec.reason), goes="end"),
    WaitAction: lambda spec, _: Facts(
        _reads(spec.duration, spec.trim), must_be_set=((spec.duration, "the duration of the wait"),)
    ),
    GetAttributes: _get_attributes,
    SetAttributes: _set_attributes,
    SendNotification: _send,
    CallModule: _call_module,
    Performed: _performed,
    Skipped: lambda _spec, action: Facts(outcomes=tuple((path, ()) for path in (*action.paths, ""))),
}


def facts_of(action: Action) -> Facts:
    """Give the facts of one action; a kind that has no row only goes on."""
    rule = FACTS.get(type(action.spec))
    return Facts() if rule is None else rule(action.spec, action)
