"""sendNotification: e-mail to users of the organization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flowlaunch.architect.actions.bindings import Binding, bind, read_bindings, wrong_answer
from flowlaunch.architect.codec import to_json
from flowlaunch.architect.effects import Answer, Done, Failed, Notify
from flowlaunch.architect.flow import Spec
from flowlaunch.architect.nodes import Table, plain
from flowlaunch.architect.program import Link, Pending, Step
from flowlaunch.architect.reader import ActionReader, Kind
from flowlaunch.architect.types import ANY, STR, Type
from flowlaunch.architect.values import NOT_SET

if TYPE_CHECKING:
    from flowlaunch.architect.given import Given
    from flowlaunch.architect.nodes import Node
    from flowlaunch.architect.run_state import Run

__all__ = ["KINDS", "SendNotification"]

_USERS: Final = Type("usr", is_collection=True)


@dataclass(frozen=True, slots=True)
class SendNotification(Spec):
    """Send a notification; paths `success` and `failure`."""

    kind: str
    style: str
    subject: Given
    body: Given
    users: Given
    sender: Given
    failure: tuple[Binding, ...]

    def compile(self, at: Link) -> Step:
        """Make its step."""
        ref, success, failure = at.action.ref, at.path("success"), at.path("failure")

        def send(run: Run) -> Pending:
            effect = Notify(
                ref,
                self.kind,
                subject=_text(run, self.subject) or "",
                body=_text(run, self.body) or "",
                users=tuple(to_json(run.value_of(self.users)) or ()),
                sender=_text(run, self.sender),
                style=self.style or None,
            )
            inputs = (("type", self.kind), ("subject", effect.subject), ("users", len(effect.users)))

            def resume(answer: Answer) -> int:
                if isinstance(answer, Done):
                    run.note(inputs, "success")
                    return success
                if isinstance(answer, Failed):
                    problem = {"errorType": answer.error_type, "errorMessage": answer.error_message}
                    run.note(inputs, "failure", bind(run, self.failure, problem, "sendNotification"))
                    return failure
                raise wrong_answer(effect, answer, "Done or Failed")

            return Pending(effect, resume)

        return send


def _text(run: Run, given: Given) -> str | None:
    value = run.value_of(given)
    return None if value is NOT_SET else str(to_json(value))


def _word(node: Node | None) -> str:
    """Read a choice: a bare word, `lit: word`, or a mapping whose only key is the word."""
    if node is None:
        return ""
    if isinstance(node, Table) and node.entries:
        key, inner = node.entries[0]
        return key.value if key.value != "lit" else str(plain(inner))
    return str(plain(node) or "")


def _parse(reader: ActionReader) -> SendNotification:
    return SendNotification(
        kind=_word(reader.fields.get("notificationType")),
        style=_word(reader.fields.get("emailNotificationStyle")),
        subject=reader.given("subject", STR),
        body=reader.given("body", STR),
        users=reader.given("sendToUsers", _USERS),
        sender=reader.given("emailFrom", ANY),
        failure=read_bindings(reader, reader.fields.get("failureOutputs"), "failureOutputs"),
    )


_FIELDS: Final = (
    "notificationType",
    "emailNotificationStyle",
    "subject",
    "body",
    "sendToUsers",
    "emailFrom",
    "failureOutputs",
)
KINDS: Final = {"sendNotification": Kind(_parse, _FIELDS, ("success", "failure"))}
