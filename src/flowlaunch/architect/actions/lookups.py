"""Finding things: data tables, queues, users, contacts, schedules and the rest, by one table of kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.actions.bindings import Binding, bind, read_bindings, wrong_answer
from flowlaunch.architect.codec import to_json
from flowlaunch.architect.effects import (
    Answer,
    EvaluateSchedule,
    Failed,
    Found,
    Lookup,
    NotFound,
    ScheduleState,
    TableLookup,
)
from flowlaunch.architect.flow import Need, Spec
from flowlaunch.architect.program import Link, Pending, Step
from flowlaunch.architect.reader import ActionReader, Kind
from flowlaunch.architect.types import ANY, DTM, STR, Type
from flowlaunch.architect.values import NOT_SET, NetworkObject

if TYPE_CHECKING:
    from flowlaunch.architect.given import Given, Target
    from flowlaunch.architect.run_state import Run

__all__ = ["KINDS", "LOOKUPS", "Find", "FindRow", "Schedule"]


@dataclass(frozen=True, slots=True)
class FindRow(Spec):
    """Look a row of a data table up by its key; paths `found`, `notFound` and `failure`."""

    table: str
    key: Given
    found: tuple[Binding, ...]
    failure: tuple[Binding, ...]

    def compile(self, at: Link) -> Step:
        """Make its step."""
        ref, what = at.action.ref, f'data table "{self.table}"'
        found, not_found, failed = at.path("found"), at.path("notFound"), at.path("failure")

        def look_up(run: Run) -> Pending:
            value = run.value_of(self.key)
            effect = TableLookup(ref, self.table, "" if value is NOT_SET else str(value))
            inputs = (("table", self.table), ("lookupValue", run.shown(self.key, value)))

            def resume(answer: Answer) -> int:
                match answer:
                    case Found(value=row):
                        run.note(inputs, "found", bind(run, self.found, dict(row), what))
                        return found
                    case NotFound():
                        run.note(inputs, "notFound")
                        return not_found
                    case Failed(error_type=kind, error_message=message):
                        problem = {"errorType": kind, "errorMessage": message}
                        run.note(inputs, "failure", bind(run, self.failure, problem, what))
                        return failed
                    case _:
                        raise wrong_answer(effect, answer, "Found, NotFound or Failed")

            return Pending(effect, resume)

        return look_up

    def needs(self) -> tuple[Need, ...]:
        """Name what it calls for."""
        return (Need("table", self.table),)


@dataclass(frozen=True, slots=True)
class Find(Spec):
    """Find one thing of the organization (or many); paths `found`, `notFound` and, for some, `failure`."""

    kind: str
    by: str
    key: Given
    result: Target | None
    extra: tuple[tuple[str, Target], ...] = ()
    failure: tuple[Binding, ...] = ()
    many: bool = False

    def compile(self, at: Link) -> Step:
        """Make its step."""
        ref = at.action.ref
        found, not_found = at.path("found"), at.path("notFound")
        failed = at.path("failure") if "failure" in at.action.paths else not_found

        def find(run: Run) -> Pending:
            value = run.value_of(self.key)
            effect = Lookup(ref, self.kind, self.by, to_json(value), self.many)
            inputs = ((self.by, run.shown(self.key, value)),)

            def resume(answer: Answer) -> int:
                if isinstance(answer, Found):
                    run.note(inputs, "found", self._receive(run, answer.value))
                    return found
                if isinstance(answer, NotFound):
                    run.note(inputs, "notFound")
                    return not_found
                if isinstance(answer, Failed):
                    problem = {"errorType": answer.error_type, "errorMessage": answer.error_message}
                    run.note(inputs, "failure", bind(run, self.failure, problem, ref.key))
                    return failed
                raise wrong_answer(effect, answer, "Found, NotFound or Failed")

            return Pending(effect, resume)

        return find

    def _receive(self, run: Run, value: Any) -> list[tuple[str, Any]]:
        changes = [] if self.result is None else [run.assign(self.result, _converted(self.result, value, self.kind))]
        for name, target in self.extra:
            part = value.get(name) if isinstance(value, dict) else None
            changes.append(run.assign(target, target.convert(part, f"{name} of the {self.kind} found")))
        return changes

    def needs(self) -> tuple[Need, ...]:
        """Name what it calls for."""
        if self.key.kind != "literal" or self.by != "name":
            return ()
        return (Need(self.kind, self.key.text),)


def _converted(target: Target, value: Any, kind: str) -> Any:
    if isinstance(value, NetworkObject):
        return value
    return target.convert(value, f"the {kind} found")


@dataclass(frozen=True, slots=True)
class Schedule(Spec):
    """Ask for the state of a schedule or schedule group; the answer names the path."""

    kind: str
    subject: Given
    moment: Given
    emergency: Given

    def compile(self, at: Link) -> Step:
        """Make its step."""
        ref, following = at.action.ref, at.next
        paths = at.paths()

        def ask(run: Run) -> Pending:
            moment, name = run.value_of(self.moment), _name(run.value_of(self.subject))
            emergency = _name(run.value_of(self.emergency)) or None
            effect = EvaluateSchedule(ref, self.kind, name, to_json(moment), emergency)
            inputs = ((self.kind, name), ("evaluationDateTime", moment))

            def resume(answer: Answer) -> int:
                if isinstance(answer, ScheduleState):
                    run.note(inputs, answer.path)
                    return paths.get(answer.path, following)
                if isinstance(answer, (Failed, NotFound)):
                    run.note(inputs, "failure")
                    return paths.get("failure", following)
                raise wrong_answer(effect, answer, "ScheduleState or Failed")

            return Pending(effect, resume)

        return ask

    def needs(self) -> tuple[Need, ...]:
        """Name what it calls for."""
        return (Need(self.kind, self.subject.text),) if self.subject.kind == "literal" else ()


def _name(value: Any) -> str:
    if isinstance(value, NetworkObject):
        return value.name or value.id
    return str(to_json(value) or "")


@dataclass(frozen=True, slots=True)
class LookupKind:
    """How one find action is spelt.

    Attributes:
        kind, by, many: as in the effect `Lookup`.
        key: field that says what to look for.
        result: field that names the variable.
        extra: further result fields, each with the property it takes.

    """

    kind: str
    by: str
    key: str = "findName"
    result: str = "findResult"
    many: bool = False
    key_type: Type = STR
    extra: tuple[tuple[str, str], ...] = ()
    also: tuple[str, ...] = ()


LOOKUPS: Final = {
    "findQueue": LookupKind("queue", "name"),
    "findQueueById": LookupKind("queue", "id", "findId"),
    "findUser": LookupKind("user", "name"),
    "findUserById": LookupKind("user", "id", "findId"),
    "findUsersById": LookupKind("user", "id", "findIds", "findResults", many=True, key_type=STR.collection),
    "findSkill": LookupKind("skill", "name"),
    "findLanguageSkill": LookupKind("languageSkill", "name"),
    "findGroup": LookupKind("group", "name"),
    "findSchedule": LookupKind("schedule", "name"),
    "findScheduleGroup": LookupKind("scheduleGroup", "name"),
    "findEmergencyGroup": LookupKind("emergencyGroup", "name"),
    "findUtilizationLabel": LookupKind("utilizationLabel", "name"),
    "findUserPrompt": LookupKind("userPrompt", "name"),
    "findSystemPrompt": LookupKind("systemPrompt", "name"),
    "getExternalContact": LookupKind("externalContact", "id", "externalId", "externalResult"),
    "getExternalOrganization": LookupKind("externalOrganization", "id", "externalId", "externalResult"),
    "searchExternalContacts": LookupKind(
        "externalContact",
        "search",
        "searchTerm",
        "searchResults",
        many=True,
        also=("searchField", "maxResults"),
    ),
    "getResponse": LookupKind(
        "response",
        "name",
        "response",
        "messageBody",
        key_type=ANY,
        extra=(("responseBody", "body"), ("subject", "subject")),
        also=("library", "substitutions"),
    ),
    "getJourneySession": LookupKind("journeySession", "id", "sessionId", "session", key_type=ANY),
}
"""Fields of `findQueue`, `findUserById` and `getExternalContact` are seen in real flows, those of the other find
actions in the documentation of the scripting SDK; `searchExternalContacts`, `getResponse`, `getJourneySession` and
`getExternalOrganization` are guesses."""

_PROBLEM: Final = ("failureOutputs",)


def _find_parser(spelling: LookupKind) -> Kind:
    def parse(reader: ActionReader) -> Find:
        extra = ((name, reader.target(field)) for field, name in spelling.extra)
        return Find(
            kind=spelling.kind,
            by=spelling.by,
            key=reader.given(spelling.key, spelling.key_type, required=True),
            result=reader.target(spelling.result),
            extra=tuple((name, target) for name, target in extra if target is not None),
            failure=read_bindings(reader, reader.fields.get("failureOutputs"), "failureOutputs"),
            many=spelling.many,
        )

    fields = (
        spelling.key,
        spelling.result,
        *(field for field, _ in spelling.extra),
        *spelling.also,
        *_PROBLEM,
    )
    return Kind(parse, fields, ("found", "notFound", "failure"))


def _parse_table(reader: ActionReader) -> FindRow:
    name, body = reader.table("dataTable").only(reader.what("dataTable"))
    fields = reader.optional_table(body, "dataTable")
    fields.refuse_others(("foundOutputs", "failureOutputs"), reader.what("dataTable"))
    return FindRow(
        table=name.value,
        key=reader.given("lookupValue", STR, required=True),
        found=read_bindings(reader, fields.get("foundOutputs"), "foundOutputs"),
        failure=read_bindings(reader, fields.get("failureOutputs"), "failureOutputs"),
    )


def _moment(reader: ActionReader) -> Given:
    """Read when to look: `evaluate: {now: true}` as published flows have it, or a moment under any other key."""
    node = reader.fields.get("evaluate")
    if node is None:
        return reader.given("evaluationDateTime", DTM)
    key, inner = reader.table("evaluate").only(reader.what("evaluate"))
    return reader.given_in(None if key.value == "now" else inner, DTM, f"evaluate.{key.value}")


def _schedule_parser(kind: str, of: Type, fields: tuple[str, ...], paths: tuple[str, ...]) -> Kind:
    def parse(reader: ActionReader) -> Schedule:
        return Schedule(
            kind,
            reader.given(kind, of, required=True),
            _moment(reader),
            reader.given("emergencyGroup", Type("emg")),
        )

    common = ("evaluate", "evaluateNow", "evaluationDateTime", "emergencyGroup")
    return Kind(parse, (kind, *common, *fields), (*paths, "failure"))


KINDS: Final = {
    "dataTableLookup": Kind(_parse_table, ("lookupValue", "dataTable"), ("found", "notFound", "failure")),
    "evaluateSchedule": _schedule_parser(
        "schedule", Type("sch"), ("evaluateEmergencyGroup", "scheduleTimeZone"), ("active", "inactive")
    ),
    "evaluateScheduleGroup": _schedule_parser(
        "scheduleGroup", Type("scg"), ("inServiceSchedules",), ("open", "closed", "holiday", "emergency")
    ),
    **{key: _find_parser(spelling) for key, spelling in LOOKUPS.items()},
}
