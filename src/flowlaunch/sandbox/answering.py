"""How the world answers what running flows ask for: one function for each kind of effect."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flowlaunch.architect import effects
from flowlaunch.architect.actions.lookups import FindRow
from flowlaunch.architect.stubs.answers import answer_of, request_of
from flowlaunch.architect.stubs.choose import (
    choose_action,
    choose_data_action,
    choose_row,
    filled,
    within_limit,
)
from flowlaunch.architect.stubs.rows import cells_for
from flowlaunch.architect.values import NOT_SET, NetworkObject
from flowlaunch.errors import FlowStubError
from flowlaunch.sandbox.clock import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flowlaunch.architect.actions.bindings import Binding
    from flowlaunch.architect.effects import Answer, Effect
    from flowlaunch.architect.flow import ActionRef
    from flowlaunch.architect.stubs.model import ActionStub, DataActionStub, Ending
    from flowlaunch.architect.values import NotSet
    from flowlaunch.sandbox.world import World

__all__ = ["Later", "Unanswerable", "WorldHost", "answer_effect"]

EMERGENCIES = frozenset({"active", "emergency"})
KINDS_OF_TYPES = {
    "usr": "user",
    "que": "queue",
    "skl": "skill",
    "lac": "languageSkill",
    "grp": "group",
    "wrc": "wrapupCode",
    "sch": "schedule",
    "scg": "scheduleGroup",
    "emg": "emergencyGroup",
}


class Unanswerable(Exception):  # noqa: N818 - it ends a run, by name
    """The world has no answer: the run fails with this as its error, which only a sandbox gives."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Later:
    """An answer that comes after `delay_s` seconds of the sandbox's time."""

    delay_s: float
    answer: Answer


class WorldHost:
    """What expressions of one run see of the world: its own time, its own dice, the directory."""

    __slots__ = ("_dice", "_seed", "_world", "at")

    def __init__(self, world: World, at: float, seed: str) -> None:
        self._world = world
        self.at = at
        self._seed = seed
        self._dice: random.Random | None = None

    def now(self) -> datetime:
        """Give the run's time."""
        return datetime.fromtimestamp(self.at, UTC)

    def random(self) -> float:
        """Roll the run's own dice: the same run gives the same numbers."""
        if self._dice is None:
            self._dice = random.Random(self._seed)  # noqa: S311 - replayable on purpose
        return self._dice.random()

    def find(self, kind: str, key: str, by: str) -> NetworkObject | NotSet:
        """Look an object of the directory up."""
        row = _find(self._world, KINDS_OF_TYPES.get(kind, kind), by, key)
        if row is None:
            return NOT_SET
        return NetworkObject(kind, str(row["id"]), str(row.get("name", "")), _properties(row))


def _properties(row: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a row into values of the expression language; nested values are left out."""
    exact = {name: Decimal(str(value)) if isinstance(value, float) else value for name, value in row.items()}
    return {name: value for name, value in exact.items() if isinstance(value, (str, bool, int, Decimal))}


def answer_effect(world: World, effect: Effect, at: float) -> Answer | Later:
    """Answer one effect of a run whose time is `at`.

    Raises:
        Unanswerable: the world does not say; the message names what is missing and how to add it.

    """
    stub = choose_action(world.action_stubs, effect.ref)
    if stub is None:
        return ANSWERS[type(effect)](world, effect, at)
    _, _, request = request_of(effect)
    ending = _next(world, stub, effect, request, at)
    waited_s = effect.duration_s if isinstance(effect, effects.Wait) and ending.path != "failure" else 0.0
    return _after(max(0.0, waited_s) + ending.delay_s, answer_of(effect, ending))


def _after(delay_s: float, answer: Answer) -> Answer | Later:
    return Later(delay_s, answer) if delay_s else answer


def _next(
    world: World, stub: DataActionStub | ActionStub, effect: Effect, request: Mapping[str, Any], at: float
) -> Ending:
    """Take a stub's next answer; sequences go on over all executions until the world is reset."""
    number = world.things.stub_calls.get(stub.place, 0)
    world.things.stub_calls[stub.place] = number + 1
    ending = stub.ending(number)
    if ending is None:
        raise Unanswerable(
            "sandbox.stub.spent",
            f"The sequence of answers at {stub.place} has {number}, and '{effect.ref.name}' asks once more; add one, "
            "or write `after: last` or `after: cycle`.",
        )
    try:
        return filled(ending, request, iso(at), number + 1)
    except FlowStubError as error:
        raise Unanswerable("sandbox.stub.unusable", error.message) from error


def _data_action(world: World, effect: effects.CallDataAction, at: float) -> Answer | Later:
    try:
        stub = choose_data_action(world.stubs, effect)
    except FlowStubError as error:
        raise Unanswerable("sandbox.stub.unusable", error.message) from error
    if stub is None:
        raise Unanswerable(
            "sandbox.data.action.not.stubbed",
            f"The data action '{effect.action}' of '{effect.category}' has no stub in the world for inputs "
            f"{dict(effect.inputs)}; add it under `data_actions` of the world file.",
        )
    ending = within_limit(_next(world, stub, effect, effect.inputs, at), effect.timeout_s)
    return _after(ending.delay_s, answer_of(effect, ending))


def _table(world: World, effect: effects.TableLookup, at: float) -> Answer:
    del at
    table = world.things.tables.get(effect.table)
    if table is None:
        raise Unanswerable(
            "sandbox.table.missing",
            f"The world has no data table '{effect.table}'; add it under `tables` of the world file.",
        )
    row = table.rows.get(effect.key)
    if row is None:
        return effects.NotFound()
    return effects.Found(cells_for(row, _bindings(world, effect.ref)) if table.is_text else dict(row))


def _bindings(world: World, ref: ActionRef) -> Iterable[Binding]:
    """Find what a lookup fills, for the types of CSV cells."""
    for flow in world.visible_flows():
        program = flow.current.program if flow.current else None
        if program is not None and program.name == ref.flow:
            for action in program.actions():
                if action.ref.number == ref.number and isinstance(action.spec, FindRow):
                    return action.spec.found
    return ()


def _decision_table(world: World, effect: effects.CallDecisionTable, at: float) -> Answer:
    del at
    rows = world.things.decision_tables.get(effect.table)
    if rows is None:
        raise Unanswerable(
            "sandbox.table.missing",
            f"The world has no decision table '{effect.table}'; add it under `decision_tables` of the world file.",
        )
    row = choose_row(rows, effect.inputs)
    return effects.NotFound() if row is None else effects.Found(dict(row.outputs))


def _place(effect: effects.ReadConversation | effects.WriteConversation) -> tuple[str, str]:
    return effect.conversation_id or "", effect.participant_id or ""


def _read_conversation(world: World, effect: effects.ReadConversation, at: float) -> Answer:
    del at
    conversations = world.things.conversations
    attributes = conversations.get(_place(effect))
    if attributes is None and effect.participant_id is None:
        wanted = effect.conversation_id or ""
        attributes = next((held for (found, _), held in conversations.items() if found == wanted), None)
    if attributes is None:
        return effects.NotFound()
    return effects.Found({name: attributes[name] for name in effect.names if name in attributes})


def _write_conversation(world: World, effect: effects.WriteConversation, at: float) -> Answer:
    del at
    attributes = world.things.conversations.setdefault(_place(effect), {})
    for name, value in effect.attributes.items():
        if value is None:
            attributes.pop(name, None)
        else:
            attributes[name] = value
    return effects.Done()


def _lookup(world: World, effect: effects.Lookup, at: float) -> Answer:
    del at
    if effect.many:
        rows = [row for row in world.things.kinds.get(effect.kind, []) if _same(row.get(effect.by), effect.key)]
        return effects.Found(rows) if rows else effects.NotFound()
    found = _find(world, effect.kind, effect.by, effect.key)
    return effects.NotFound() if found is None else effects.Found(found)


def _find(world: World, kind: str, by: str, key: Any) -> dict[str, Any] | None:
    return next((row for row in world.things.kinds.get(kind, []) if _same(row.get(by), key)), None)


def _same(held: Any, wanted: Any) -> bool:
    if isinstance(held, str) and isinstance(wanted, str):
        return held.casefold() == wanted.casefold()
    return bool(held == wanted)


def _schedule(world: World, effect: effects.EvaluateSchedule, at: float) -> Answer:
    del at
    schedules = world.things.schedules
    if effect.emergency_group is not None and schedules.get(effect.emergency_group) in EMERGENCIES:
        return effects.ScheduleState("emergency")
    state = schedules.get(effect.name)
    if state is None:
        raise Unanswerable(
            "sandbox.schedule.missing",
            f"The world does not say the state of {effect.kind} '{effect.name}'; add it under `schedules`.",
        )
    return effects.ScheduleState(state)


def _notify(world: World, effect: effects.Notify, at: float) -> Answer:
    world.things.outbox.append(
        {
            "at": iso(at),
            "kind": effect.kind,
            "subject": effect.subject,
            "body": effect.body,
            "users": [_user_name(user) for user in effect.users],
            "flow": effect.ref.flow,
        }
    )
    return effects.Done()


def _user_name(user: Any) -> Any:
    return getattr(user, "name", user)


def _module(world: World, effect: effects.FindModule, at: float) -> Answer:
    del at
    wanted = effect.version.removeprefix("ver_")
    for flow in world.visible_flows():
        if flow.type == "COMMONMODULE" and flow.name.casefold() == effect.name.casefold():
            version = flow.current if wanted == "latestPublished" else flow.version(wanted)
            if version is not None and version.program is not None:
                return effects.Found(version.program)
    return effects.NotFound()


def _perform(world: World, effect: effects.Perform, at: float) -> Answer:
    world.things.events.append(
        {"at": iso(at), "verb": effect.verb, "flow": effect.ref.flow, "inputs": dict(effect.inputs)}
    )
    return effects.Done()


def _wait(world: World, effect: effects.Wait, at: float) -> Later:
    del world, at
    return Later(max(0.0, effect.duration_s), None)


ANSWERS: Mapping[type[Any], Callable[[World, Any, float], Answer | Later]] = {
    effects.CallDataAction: _data_action,
    effects.CallDecisionTable: _decision_table,
    effects.EvaluateSchedule: _schedule,
    effects.FindModule: _module,
    effects.Lookup: _lookup,
    effects.Notify: _notify,
    effects.Perform: _perform,
    effects.ReadConversation: _read_conversation,
    effects.TableLookup: _table,
    effects.Wait: _wait,
    effects.WriteConversation: _write_conversation,
}
