"""sendNotification: e-mail to users of the organization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.actions.bindings import Binding, bind, read_bindings, wrong_answer
from flowlaunch.architect.codec import to_json
from flowlaunch.architect.effects import Answer, Done, Failed, Notify
from flowlaunch.architect.flow import Spec
from flowlaunch.architect.nodes import Listing, Table, plain
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
    users: tuple[Given, ...]
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
                users=tuple(user for given in self.users for user in _listed(run, given)),
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


def _listed(run: Run, given: Given) -> list[Any]:
    value = to_json(run.value_of(given))
    return value if isinstance(value, list) else [] if value is None else [value]


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


def _users(reader: ActionReader) -> tuple[Given, ...]:
    """Read the users: one value that is a collection, or a list of single users (`- user: ...` or `- lit: ...`)."""
    node = reader.fields.get("sendToUsers")
    if not isinstance(node, Listing):
        return (reader.given("sendToUsers", _USERS),)
    return tuple(reader.given_in(_single(item), _USERS.item, "sendToUsers") for item in node.items)


def _single(node: Node) -> Node:
    if isinstance(node, Table) and len(node.entries) == 1 and node.entries[0][0].value not in {"lit", "exp", "noValue"}:
        return node.entries[0][1]
    return node


def _parse(reader: ActionReader) -> SendNotification:
    return SendNotification(
        kind=_word(reader.fields.get("notificationType")),
        style=_word(reader.fields.get("emailNotificationStyle")),
        subject=reader.given("subject", STR),
        body=reader.given("body", STR),
        users=_users(reader),
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
