"""callData, callDataSecure and callDecisionTable: ask a system outside, and bind what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.actions.bindings import Binding, bind, read_bindings, shown_inputs, wrong_answer
from flowlaunch.architect.codec import to_json
from flowlaunch.architect.effects import (
    Answer,
    CallDataAction,
    CallDecisionTable,
    DataActionFailure,
    DataActionSuccess,
    DataActionTimeout,
    Failed,
    Found,
    NotFound,
)
from flowlaunch.architect.flow import Need, Spec
from flowlaunch.architect.nodes import did_you_mean, table_of
from flowlaunch.architect.program import Link, Pending, Step
from flowlaunch.architect.reader import ActionReader, Kind
from flowlaunch.architect.types import ANY, DUR
from flowlaunch.architect.values import Duration
from flowlaunch.errors import FlowNameError

if TYPE_CHECKING:
    from flowlaunch.architect.given import Given
    from flowlaunch.architect.nodes import Node
    from flowlaunch.architect.run_state import Run

__all__ = ["FAILURE_OUTPUTS", "KINDS", "CallData", "CallTable"]

FAILURE_OUTPUTS: Final = (
    "errorCode", "status", "correlationId", "entityId", "entityName", "userMessage", "userParamsMessage",
    "userParams.key", "userParams.value", "details.errorCode", "details.fieldName", "details.entityId",
    "details.entityName",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CallData(Spec):
    """Call a data action; paths `success`, `failure` and `timeout`."""

    category: str
    action: str
    inputs: tuple[tuple[str, Given], ...]
    success: tuple[Binding, ...]
    failure: tuple[Binding, ...]
    timeout: Given
    is_secure: bool = False

    def compile(self, at: Link) -> Step:
        """Make its step."""
        ref, inputs, what = at.action.ref, self.inputs, f'data action "{self.action}"'
        success, failure, timed_out = at.path("success"), at.path("failure"), at.path("timeout")

        def call(run: Run) -> Pending:
            values = {name: run.value_of(given) for name, given in inputs}
            sent = {name: to_json(value) for name, value in values.items()}
            limit = run.value_of(self.timeout)
            timeout_s = limit.milliseconds / 1000 if isinstance(limit, Duration) else None
            effect = CallDataAction(ref, self.category, self.action, sent, timeout_s, self.is_secure)
            shown = shown_inputs(run, inputs, values)

            def resume(answer: Answer) -> int:
                match answer:
                    case DataActionSuccess(outputs=outputs):
                        run.note(shown, "success", bind(run, self.success, outputs, what))
                        return success
                    case DataActionFailure(fields=fields):
                        run.note(shown, "failure", bind(run, self.failure, dict(fields), what))
                        return failure
                    case DataActionTimeout():
                        run.note(shown, "timeout")
                        return timed_out
                    case _:
                        raise wrong_answer(effect, answer, "DataActionSuccess, DataActionFailure or DataActionTimeout")

            return Pending(effect, resume)

        return call

    def needs(self) -> tuple[Need, ...]:
        """Name what it calls for."""
        return (Need("data action", self.action, self.category),)


@dataclass(frozen=True, slots=True)
class CallTable(Spec):
    """Ask a decision table; paths `found`, `notFound` and `failure`."""

    table: str
    inputs: tuple[tuple[str, Given], ...]
    found: tuple[Binding, ...]
    failure: tuple[Binding, ...]

    def compile(self, at: Link) -> Step:
        """Make its step."""
        ref, what = at.action.ref, f'decision table "{self.table}"'
        found, not_found, failed = at.path("found"), at.path("notFound"), at.path("failure")

        def call(run: Run) -> Pending:
            values = {name: run.value_of(given) for name, given in self.inputs}
            effect = CallDecisionTable(ref, self.table, {name: to_json(value) for name, value in values.items()})
            shown = shown_inputs(run, self.inputs, values)

            def resume(answer: Answer) -> int:
                match answer:
                    case Found(value=row):
                        run.note(shown, "found", bind(run, self.found, row, what))
                        return found
                    case NotFound():
                        run.note(shown, "notFound")
                        return not_found
                    case Failed(error_type=kind, error_message=message):
                        problem = {"errorType": kind, "errorMessage": message}
                        run.note(shown, "failure", bind(run, self.failure, problem, what))
                        return failed
                    case _:
                        raise wrong_answer(effect, answer, "Found, NotFound or Failed")

            return Pending(effect, resume)

        return call

    def needs(self) -> tuple[Need, ...]:
        """Name what it calls for."""
        return (Need("decision table", self.table),)


def _parse_call_data(reader: ActionReader) -> CallData:
    category, body = reader.table("category").only(reader.what("category"))
    group = table_of(body, reader.what("category"), category.span)
    group.refuse_others(("dataAction",), reader.what("category"))
    action, body = table_of(
        group.require("dataAction", reader.what("category")), reader.what("dataAction"), category.span
    ).only(reader.what("dataAction"))
    fields = reader.optional_table(body, "dataAction")
    fields.refuse_others(("inputs", "successOutputs", "failureOutputs"), reader.what("dataAction"))
    return CallData(
        category=category.value,
        action=action.value,
        inputs=_inputs(reader, fields.get("inputs")),
        success=read_bindings(reader, fields.get("successOutputs"), "successOutputs"),
        failure=_failures(reader, fields.get("failureOutputs")),
        timeout=reader.given("timeout", DUR),
        is_secure=reader.key == "callDataSecure",
    )


def _inputs(reader: ActionReader, node: Node | None) -> tuple[tuple[str, Given], ...]:
    pairs = (
        (key.value, reader.given_in(item, ANY, f"inputs.{key.value}"))
        for key, item in reader.optional_table(node, "inputs")
    )
    return tuple((name, given) for name, given in pairs if not given.is_nothing)


def _failures(reader: ActionReader, node: Node | None) -> tuple[Binding, ...]:
    for key, _ in reader.optional_table(node, "failureOutputs"):
        if key.value not in FAILURE_OUTPUTS:
            raise FlowNameError(
                f"{reader.what()} has no failure output `{key.value[:80]}`",
                span=key.span,
                hint=did_you_mean(key.value, FAILURE_OUTPUTS),
            )
    return read_bindings(reader, node, "failureOutputs")


def _parse_call_table(reader: ActionReader) -> CallTable:
    name, body = reader.table("decisionTable").only(reader.what("decisionTable"))
    fields: Any = reader.optional_table(body, "decisionTable")
    fields.refuse_others(("inputs", "foundOutputs", "successOutputs", "failureOutputs"), reader.what("decisionTable"))
    found = fields.get("foundOutputs") or fields.get("successOutputs")
    return CallTable(
        table=name.value,
        inputs=_inputs(reader, fields.get("inputs")),
        found=read_bindings(reader, found, "foundOutputs"),
        failure=read_bindings(reader, fields.get("failureOutputs"), "failureOutputs"),
    )


_CALL: Final = Kind(_parse_call_data, ("category", "timeout", "processingPrompt"), ("success", "failure", "timeout"))
KINDS: Final = {
    "callData": _CALL,
    "callDataSecure": _CALL,
    "callDecisionTable": Kind(
        _parse_call_table, ("decisionTable", "processingPrompt"), ("found", "notFound", "failure")
    ),
}
