"""Reading and writing participant attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flowlaunch.architect.actions.bindings import wrong_answer
from flowlaunch.architect.effects import (
    Answer,
    Done,
    Failed,
    Found,
    NotFound,
    ReadConversation,
    WriteConversation,
)
from flowlaunch.architect.flow import Spec
from flowlaunch.architect.nodes import Table, table_of
from flowlaunch.architect.program import Link, Pending, Step
from flowlaunch.architect.reader import ActionReader, Kind
from flowlaunch.architect.types import STR
from flowlaunch.architect.values import NOT_SET

if TYPE_CHECKING:
    from flowlaunch.architect.given import Given, Target
    from flowlaunch.architect.run_state import Run

__all__ = ["KINDS", "GetAttributes", "SetAttributes"]


@dataclass(frozen=True, slots=True)
class GetAttributes(Spec):
    """Read attributes into variables; paths `found` and `notFound`. An attribute that is absent gives NOT_SET."""

    conversation: Given | None
    participant: Given | None
    attributes: tuple[tuple[Given, Target | None], ...]

    def compile(self, at: Link) -> Step:
        """Make its step."""
        ref, found, not_found = at.action.ref, at.path("found"), at.path("notFound")

        def read(run: Run) -> Pending:
            names = tuple(_text(run, name) or "" for name, _ in self.attributes)
            effect = ReadConversation(ref, _text(run, self.conversation), _text(run, self.participant), names)
            inputs = (
                ("conversationId", effect.conversation_id),
                ("participantId", effect.participant_id),
                ("names", names),
            )

            def resume(answer: Answer) -> int:
                if isinstance(answer, Found):
                    values = dict(answer.value)
                    changes = [
                        run.assign(target, target.convert(values.get(name), f"attribute {name}"))
                        for name, (_, target) in zip(names, self.attributes, strict=True)
                        if target is not None
                    ]
                    run.note(inputs, "found", changes)
                    return found
                if isinstance(answer, (NotFound, Failed)):
                    run.note(inputs, "notFound")
                    return not_found
                raise wrong_answer(effect, answer, "Found, NotFound or Failed")

            return Pending(effect, resume)

        return read


@dataclass(frozen=True, slots=True)
class SetAttributes(Spec):
    """Write attributes; paths `success` and `failure`."""

    conversation: Given | None
    participant: Given | None
    attributes: tuple[tuple[Given, Given], ...]

    def compile(self, at: Link) -> Step:
        """Make its step."""
        ref, success, failure = at.action.ref, at.path("success"), at.path("failure")

        def write(run: Run) -> Pending:
            values = {_text(run, name) or "": _text(run, value) for name, value in self.attributes}
            effect = WriteConversation(ref, _text(run, self.conversation), _text(run, self.participant), values)
            inputs = (
                ("conversationId", effect.conversation_id),
                ("participantId", effect.participant_id),
                *(
                    (f"attribute {_text(run, name)}", run.shown(value, run.value_of(value)))
                    for name, value in self.attributes
                ),
            )

            def resume(answer: Answer) -> int:
                if isinstance(answer, Done):
                    run.note(inputs, "success")
                    return success
                if isinstance(answer, (Failed, NotFound)):
                    run.note(inputs, "failure")
                    return failure
                raise wrong_answer(effect, answer, "Done or Failed")

            return Pending(effect, resume)

        return write


def _text(run: Run, given: Given | None) -> str | None:
    if given is None:
        return None
    value = run.value_of(given)
    return None if value is NOT_SET else str(value)


def _attributes(reader: ActionReader, field: str) -> list[Table]:
    tables = []
    for number, item in enumerate(reader.items(reader.fields.get("attributes"), "attributes"), 1):
        where = reader.what(f"attribute {number}")
        _, body = table_of(item, where).only(where)
        table = table_of(body, where)
        table.refuse_others(("name", field), where)
        tables.append(table)
    return tables


def _parse_get(reader: ActionReader) -> GetAttributes:
    pairs = tuple(
        (
            reader.given_in(table.require("name", reader.what("attributes")), STR, "attribute name"),
            reader.target_in(table.get("variable"), "attribute variable"),
        )
        for table in _attributes(reader, "variable")
    )
    return GetAttributes(*_whose(reader), pairs)


def _parse_set(reader: ActionReader) -> SetAttributes:
    pairs = tuple(
        (
            reader.given_in(table.require("name", reader.what("attributes")), STR, "attribute name"),
            reader.given_in(table.require("value", reader.what("attributes")), STR, "attribute value"),
        )
        for table in _attributes(reader, "value")
    )
    return SetAttributes(*_whose(reader), pairs)


def _whose(reader: ActionReader) -> tuple[Given | None, Given | None]:
    if reader.key.endswith("ParticipantData"):
        return None, None
    return reader.given("conversationId", STR, required=True), reader.given("participantId", STR)


_IDS: Final = ("conversationId", "participantId")
KINDS: Final = {
    "getConversationData": Kind(_parse_get, (*_IDS, "attributes"), ("found", "notFound")),
    "setConversationData": Kind(_parse_set, (*_IDS, "attributes"), ("success", "failure")),
    "getParticipantData": Kind(_parse_get, ("attributes",), ("found", "notFound")),
    "setParticipantData": Kind(_parse_set, ("attributes",), ("success", "failure")),
}
