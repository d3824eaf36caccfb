"""The world of one offline run: answers each effect from stubs, keeps its own time and records what was asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect import effects as fx
from flowlaunch.architect.actions.lookups import FindRow
from flowlaunch.architect.codec import json_ready
from flowlaunch.architect.iso import date_time_text
from flowlaunch.architect.stubs.answers import answer_of, request_of
from flowlaunch.architect.stubs.choose import (
    choose_action,
    choose_data_action,
    choose_row,
    filled,
    within_limit,
)
from flowlaunch.architect.stubs.missing import missing_stub, spent_stub
from flowlaunch.architect.stubs.model import Ending
from flowlaunch.architect.stubs.rows import as_object, cells_for, find_row, find_rows
from flowlaunch.architect.values import NOT_SET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from flowlaunch.architect.effects import Answer, Effect
    from flowlaunch.architect.flow import Action, ActionRef, Flow
    from flowlaunch.architect.stubs.contracts import Contracts
    from flowlaunch.architect.stubs.model import ActionStub, DataActionStub, Stubs
    from flowlaunch.architect.values import NetworkObject, NotSet

__all__ = ["Call", "StubWorld"]

_KINDS_OF_TYPES: Final = {
    "usr": "user",
    "que": "queue",
    "skl": "skill",
    "lac": "languageSkill",
    "grp": "group",
    "wrc": "wrapupCode",
    "sch": "schedule",
    "scg": "scheduleGroup",
    "emg": "emergencyGroup",
    "cpx_external_contact": "externalContact",
    "cpx_external_organization": "externalOrganization",
}


_EMERGENCIES: Final = frozenset({"active", "emergency"})
_ENDINGS: Final[Mapping[type, str]] = {
    fx.CallDataAction: "_data_action",
    fx.CallDecisionTable: "_decision_table",
    fx.EvaluateSchedule: "_schedule",
    fx.FindModule: "_module",
    fx.Lookup: "_lookup",
    fx.Notify: "_done",
    fx.Perform: "_done",
    fx.ReadConversation: "_read",
    fx.TableLookup: "_table",
    fx.Wait: "_done",
    fx.WriteConversation: "_write",
}
"""Effect -> the method of `StubWorld` that says how it ends."""


@dataclass(frozen=True, slots=True)
class Call:
    """One thing that a run asked of the world.

    Attributes:
        ref: the action that asked.
        kind: what it asked for: `data action`, `table`, `lookup`, `wait`, `notification`...
        name: of the data action, table, kind of thing...
        request: what was sent, as JSON.
        path: how it was answered.
        answer: outputs, failure fields or thing found, as JSON; None when there are none.
        at_s: seconds since the run began.

    """

    ref: ActionRef
    kind: str
    name: str
    request: Mapping[str, Any]
    path: str
    answer: Any
    at_s: float

    def as_json(self) -> dict[str, Any]:
        """Render for pages and files."""
        answer = {} if self.answer is None else {"answer": self.answer}
        return {
            "action": self.ref.name,
            "line": self.ref.line,
            "kind": self.kind,
            "name": self.name,
            "request": dict(self.request),
            "path": self.path,
            **answer,
            "at_s": self.at_s,
        }


@dataclass(slots=True)
class StubWorld:
    """What one run sees; it is the host of expressions and the answerer of effects.

    Attributes:
        flows: the flow that runs and the modules it called, by name.
        pause: called with the seconds that pass, for runs in real time.
        problems: what contradicts a data action's contract.

    """

    stubs: Stubs
    start: datetime
    flows: dict[str, Flow]
    modules: Mapping[str, Flow] = field(default_factory=dict)
    contracts: Contracts | None = None
    pause: Callable[[float], None] | None = None
    calls: list[Call] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    time: datetime = field(init=False)
    attributes: dict[tuple[str, str], dict[str, str]] = field(init=False)
    _counts: dict[str, int] = field(default_factory=dict)
    _rolls: int = 0
    _actions: dict[str, tuple[Action, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.time = self.start
        held = self.stubs.conversations or {}
        self.attributes = {place: dict(attributes) for place, attributes in held.items()}

    # -- what expressions ask ----------------------------------------------------------------------------------

    def now(self) -> datetime:
        """Give the run's time, which only waits and delays move."""
        return self.time

    def random(self) -> float:
        """Give the next number of the stubs, or of a fixed series."""
        self._rolls += 1
        given = self.stubs.random
        if given:
            return given[(self._rolls - 1) % len(given)]
        mixed = self._rolls * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        return (mixed >> 11) / (1 << 53)

    def find(self, kind: str, key: str, by: str) -> NetworkObject | NotSet:
        """Look an object up for an expression; one that no stub names is NOT_SET."""
        row = find_row(self.stubs.kinds.get(_KINDS_OF_TYPES.get(kind, kind), ()), by, key)
        return NOT_SET if row is None else as_object(kind, row)

    # -- what actions ask --------------------------------------------------------------------------------------

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run began."""
        return (self.time - self.start).total_seconds()

    def answer(self, effect: Effect) -> Answer:
        """Answer one effect, let the time pass that it takes, and record both.

        Raises:
            FlowStubError: no stub answers it; the hint shows the stanza to add.

        """
        kind, name, request = request_of(effect)
        at_s = self.elapsed_s
        ending = self._ending(effect, request)
        self._pass_time(effect, ending)
        answer = answer_of(effect, ending)
        body = None if isinstance(effect, fx.FindModule) else json_ready(ending.body)
        self.calls.append(Call(effect.ref, kind, name, request, ending.path, body, at_s))
        return answer

    def action(self, ref: ActionRef) -> Action | None:
        """Find the action that asked, in whichever flow it stands."""
        flow = self.flows.get(ref.flow)
        if flow is None:
            return None
        if ref.flow not in self._actions:
            self._actions[ref.flow] = tuple(flow.actions())
        return next((one for one in self._actions[ref.flow] if one.ref.number == ref.number), None)

    def _ending(self, effect: Effect, request: Mapping[str, Any]) -> Ending:
        stub = choose_action(self.stubs.actions, effect.ref)
        if stub is not None:
            return self._filled(self._next(stub, effect), request)
        ending: Ending = getattr(self, _ENDINGS[type(effect)])(effect)
        return ending

    def _next(self, stub: ActionStub | DataActionStub, effect: Effect) -> Ending:
        number = self._counts.get(stub.place, 0)
        self._counts[stub.place] = number + 1
        ending = stub.ending(number)
        if ending is None:
            raise spent_stub(effect, stub.place, number, self.action(effect.ref))
        return ending

    def _filled(self, ending: Ending, request: Mapping[str, Any]) -> Ending:
        return filled(ending, request, date_time_text(self.time), len(self.calls) + 1)

    def _pass_time(self, effect: Effect, ending: Ending) -> None:
        seconds = ending.delay_s
        if isinstance(effect, fx.Wait) and ending.path != "failure":
            seconds += max(0.0, effect.duration_s)
        if seconds:
            self.time += timedelta(seconds=seconds)
            if self.pause is not None:
                self.pause(seconds)

    # -- one function for each kind of effect --------------------------------------------------------------------

    def _data_action(self, effect: fx.CallDataAction) -> Ending:
        stub = choose_data_action(self.stubs.data_actions, effect)
        self._check("inputs", effect, effect.inputs)
        if stub is None:
            raise missing_stub(effect, self.action(effect.ref), self.stubs)
        ending = within_limit(self._filled(self._next(stub, effect), effect.inputs), effect.timeout_s)
        if ending.path == "success":
            self._check("outputs", effect, ending.body)
        return ending

    def _check(self, what: str, effect: fx.CallDataAction, body: Any) -> None:
        if self.contracts is not None:
            self.problems += self.contracts.problems(what, effect.action, body)

    def _decision_table(self, effect: fx.CallDecisionTable) -> Ending:
        rows = self.stubs.decision_tables.get(effect.table)
        if rows is None:
            raise missing_stub(effect, self.action(effect.ref), self.stubs)
        row = choose_row(rows, effect.inputs)
        return Ending("notFound") if row is None else Ending("found", row.outputs)

    def _table(self, effect: fx.TableLookup) -> Ending:
        table = self.stubs.tables.get(effect.table)
        if table is None:
            raise missing_stub(effect, self.action(effect.ref), self.stubs)
        row = table.rows.get(effect.key)
        if row is None:
            return Ending("notFound")
        action = self.action(effect.ref) if table.is_text else None
        bindings = action.spec.found if action is not None and isinstance(action.spec, FindRow) else ()
        return Ending("found", cells_for(row, bindings))

    def _lookup(self, effect: fx.Lookup) -> Ending:
        rows = self.stubs.kinds.get(effect.kind)
        if rows is None:
            raise missing_stub(effect, self.action(effect.ref), self.stubs)
        found = find_rows(rows, effect.by, effect.key) if effect.many else find_row(rows, effect.by, effect.key)
        return Ending("found", found) if found else Ending("notFound")

    def _schedule(self, effect: fx.EvaluateSchedule) -> Ending:
        states = self.stubs.schedules
        if states.get(effect.emergency_group or "") in _EMERGENCIES:
            return Ending("emergency")
        state = states.get(effect.name)
        if state is None:
            raise missing_stub(effect, self.action(effect.ref), self.stubs)
        return Ending(state)

    def _read(self, effect: fx.ReadConversation) -> Ending:
        if self.stubs.conversations is None and not self.attributes:
            raise missing_stub(effect, self.action(effect.ref), self.stubs)
        held = self._held(effect)
        if held is None:
            return Ending("notFound")
        return Ending("found", {name: held[name] for name in effect.names if name in held})

    def _held(self, effect: fx.ReadConversation) -> Mapping[str, str] | None:
        """Find a participant's attributes; without a participant, those of any in the conversation."""
        wanted = effect.conversation_id or ""
        held = self.attributes.get((wanted, effect.participant_id or ""))
        if held is None and effect.participant_id is None:
            return next((found for (place, _), found in self.attributes.items() if place == wanted), None)
        return held

    def _write(self, effect: fx.WriteConversation) -> Ending:
        held = self.attributes.setdefault((effect.conversation_id or "", effect.participant_id or ""), {})
        for name, value in effect.attributes.items():
            if value is None:
                held.pop(name, None)
            else:
                held[name] = value
        return Ending("success")

    def _module(self, effect: fx.FindModule) -> Ending:
        module = self.modules.get(effect.name.casefold())
        if module is None:
            raise missing_stub(effect, self.action(effect.ref), self.stubs)
        self.flows[module.name] = module
        return Ending("found", module)

    def _done(self, _effect: Effect) -> Ending:
        return Ending("success")
