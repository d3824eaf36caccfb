"""Launch: find the flow, check the input data, send once, and know what came of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from flowlaunch._core.calls import in_doubt, sent_plan
from flowlaunch._core.flows import NEVER_STALE_S, WORKFLOW, find_plan, is_flow_id, launchable, stripped, version_plan
from flowlaunch._core.preflight import Inputs, check_input, too_large
from flowlaunch._core.redact import redact_headers
from flowlaunch._core.steps import Once, Plan, Warn, begin
from flowlaunch._core.wire import decode_launch, encode_json
from flowlaunch.errors import DecodeError, PreflightError, SettingsError
from flowlaunch.models import CheckReport, Flow, FlowInputs, JsonObject, Launch, Preview, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowlaunch._core.api import Api, PreflightMode
    from flowlaunch._core.messages import Call
    from flowlaunch._core.steps import Deadline

_PLAIN: Final = re.compile(r"[A-Za-z0-9._~-]+")


@dataclass(frozen=True, slots=True)
class Order:
    """One launch as the caller asks for it."""

    flow: str | Flow
    input_data: object = None
    version: str | None = None
    name: str | None = None
    key: str | None = None


def flow_of(api: Api, ref: str | Flow, deadline: Deadline) -> Plan[Flow]:
    """Return `ref` itself if it is a flow that carries its schema, else the flow that it names."""
    if isinstance(ref, Flow):
        if ref.input_schema is not None:
            return ref
        ref = ref.id
    return (yield from find_plan(api, ref, deadline))


def check_plan(api: Api, order: Order, timeout_s: float) -> Plan[CheckReport]:
    """Say what a launch would send and what is wrong with it."""
    deadline = yield from begin(timeout_s)
    report, _body_bytes = yield from _checked(api, order, deadline)
    return report


def _checked(api: Api, order: Order, deadline: Deadline) -> Plan[tuple[CheckReport, bytes]]:
    found = yield from flow_of(api, order.flow, deadline)
    flow = yield from version_plan(api, launchable(found, order.version), order.version, deadline)
    inputs = (yield from inputs_of(api, flow)) if flow.input_schema is not None else None
    data, problems = check_input(inputs, order.input_data)
    body = _body(api, order, flow.id, data) if _is_sendable(problems) else b""
    if large := too_large(len(body)):
        problems.append(large)
    return CheckReport(flow=flow, input_data=data, problems=tuple(problems), size_bytes=len(body)), body


def inputs_plan(api: Api, ref: str | Flow, version: str | None, timeout_s: float) -> Plan[FlowInputs]:
    """Return the inputs of a flow."""
    deadline = yield from begin(timeout_s)
    found = yield from flow_of(api, ref, deadline)
    flow = yield from version_plan(api, found, version, deadline)
    inputs = yield from inputs_of(api, flow)
    return FlowInputs(
        flow_id=flow.id,
        flow_name=flow.name,
        version=flow.published_version,
        inputs=inputs.listed(),
        is_open=inputs.is_open,
        schema=dict(inputs.schema),
    )


def inputs_of(api: Api, flow: Flow) -> Plan[Inputs]:
    """Return the inputs of `flow`'s version, made ready once."""

    def make() -> Plan[Inputs]:
        yield from ()
        return Inputs(api.contract, flow.input_schema or {})

    version = flow.published_version.id if flow.published_version is not None else ""
    inputs: Inputs = yield Once(("inputs", flow.id, version), make, NEVER_STALE_S, float("inf"))
    return inputs


def launch_plan(api: Api, order: Order, preflight: PreflightMode | None, timeout_s: float) -> Plan[Launch]:
    """Launch `order` and return as soon as the platform has accepted it."""
    deadline = yield from begin(timeout_s)
    flow_id, body, subject = yield from _prepared(api, order, api.mode(preflight), deadline)
    call = launch_call(api, order, body, subject)
    return (yield from _send_launch(api, call, flow_id, order.key, deadline))


def ready_plan(api: Api, flow_id: str, body: bytes, subject: str, key: str | None, timeout_s: float) -> Plan[Launch]:
    """Launch with a body that was checked and encoded before, as a batch has its rows' bodies."""
    deadline = yield from begin(timeout_s)
    call = launch_call(api, Order(flow_id, key=key), body, subject)
    return (yield from _send_launch(api, call, flow_id, key, deadline))


def ready_body(api: Api, flow_id: str, version: str | None, name: str | None, key: str | None, data: bytes) -> bytes:
    """Return the body of a launch whose input data is JSON text already."""
    frame = _body(api, Order(flow_id, None, version, name, key), flow_id, {})
    marker = b'"' + api.contract.launch.input_data.encode() + b'":'
    head, _, tail = frame.partition(marker + b"{}")
    return head + marker + data + tail


def preview_plan(api: Api, order: Order, preflight: PreflightMode | None, timeout_s: float) -> Plan[Preview]:
    """Return the request that a launch would send, with its secrets hidden; problems are told, not raised."""
    deadline = yield from begin(timeout_s)
    if api.mode(preflight) == "off" and isinstance(order.flow, str) and is_flow_id(order.flow):
        data, found = check_input(None, order.input_data)
        problems, body = tuple(found), b"" if found else _body(api, order, stripped(order.flow), data)
    else:
        report, body = yield from _checked(api, order, deadline)
        problems = report.problems
    call = launch_call(api, order, body, "")
    headers = {"authorization": "Bearer …", "content-type": "application/json", "accept": "application/json"}
    return Preview(
        method=call.operation.method,
        url=call.url,
        headers=redact_headers(headers | {"user-agent": api.user_agent} | dict(call.headers)),
        body=msgspec.json.format(body or b"{}", indent=2).decode(),
        problems=problems,
    )


def shared_plan(
    api: Api, flow: str | Flow, inputs: object, correlation_id: str | None, timeout_s: float
) -> Plan[Launch]:
    """Execute a shared flow, as the guides describe it."""
    if "shared.execute" not in api.contract.operations:
        raise SettingsError(
            f"the {api.contract.name} contract has no call that executes a shared flow",
            code="no-such-operation",
            hint="Use launch(), which starts any workflow; only contract='guide' speaks execute_shared.",
        )
    deadline = yield from begin(timeout_s)
    ref = flow.id if isinstance(flow, Flow) else stripped(flow)
    flow_id = ref if is_flow_id(ref) else (yield from find_plan(api, ref, deadline)).id
    data, problems = check_input(None, inputs)
    _reject(problems, ref)
    body: JsonObject = {"flowType": "shared", "inputs": data}
    if correlation_id is not None:
        body["metadata"] = {"correlationId": correlation_id}
    call = api.call("shared.execute", flow_id=flow_id, body=encode_json(body), subject=ref)
    return (yield from _send_launch(api, call, flow_id, correlation_id, deadline))


def launch_call(api: Api, order: Order, body: bytes, subject: str) -> Call:
    """Build the call that launches with `body`."""
    headers = {"idempotency-key": _header_text(order.key)} if order.key and api.sends_idempotency_key else {}
    return api.call("executions.launch", body=body, headers=headers, subject=subject)


def _header_text(text: str) -> str:
    """Return any text as a header can hold it: what is not visible ASCII is percent-encoded."""
    return text if _PLAIN.fullmatch(text) else quote(text, safe="!#$&'()*+,/:;=?@[]~", errors="replace")


def _prepared(api: Api, order: Order, mode: PreflightMode, deadline: Deadline) -> Plan[tuple[str, bytes, str]]:
    """Return the flow's id, the body as it goes out, and what to call the flow in messages."""
    if mode == "off":
        ref = order.flow.id if isinstance(order.flow, Flow) else stripped(order.flow)
        data, problems = check_input(None, order.input_data)
        _reject(problems, ref)
        flow_id = ref if is_flow_id(ref) else (yield from find_plan(api, ref, deadline)).id
        return flow_id, _body(api, order, flow_id, data), repr(ref)
    report, body = yield from _checked(api, order, deadline)
    flow = report.flow
    if report.problems and (mode == "strict" or not _is_sendable(report.problems)):
        _reject(list(report.problems), flow.name)
    for problem in report.problems:
        yield Warn(f"launch of {flow.name!r}: {_without_value(problem)}")
    if flow.type not in {"", WORKFLOW}:
        yield Warn(f"{flow.name!r} is of type {flow.type.lower()}; only workflows are known to be launchable")
    return flow.id, body, repr(flow.name)


def _without_value(problem: Problem) -> str:
    """Tell a problem to the log, which gets no input data; only a wrong type's message holds the value."""
    return f"{problem.key} has a value that its type does not take" if problem.kind == "wrong-type" else str(problem)


def _is_sendable(problems: Sequence[Problem]) -> bool:
    return not any(problem.kind in {"not-json", "not-an-object"} for problem in problems)


def _reject(problems: list[Problem], flow: str) -> None:
    if not problems:
        return
    lines = "".join(f"\n  - {problem}" for problem in problems)
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    raise PreflightError(
        f"nothing was sent: the input data of {flow!r} has {count}{lines}",
        problems=problems,
        hint="`flowlaunch flows inputs FLOW` shows what the flow takes.",
    )


def _body(api: Api, order: Order, flow_id: str, data: JsonObject) -> bytes:
    fields = api.contract.launch
    body: dict[str, Any] = {fields.flow: flow_id, fields.input_data: data}
    if fields.version and order.version:
        body[fields.version] = order.version
    if fields.name and order.name:
        body[fields.name] = order.name
    if fields.context and (order.name or order.key):
        named = (("name", order.name), ("requestId", order.key))
        body[fields.context] = {name: text for name, text in named if text}
    return encode_json(body)


def _send_launch(api: Api, call: Call, flow_id: str, key: str | None, deadline: Deadline) -> Plan[Launch]:
    response, sent_at = yield from sent_plan(api, call, deadline, flow_id=flow_id, key=key)
    try:
        return decode_launch(api.contract, call, response, flow_id, key)
    except DecodeError as error:
        raise in_doubt(call, response, sent_at, flow_id, key) from error
