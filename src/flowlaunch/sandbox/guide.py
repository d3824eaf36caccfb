"""The guides' contract: launch with `data`, 201 with `executionId`, scopes instead of permissions.

It is wrong about the real service and emulated so that the guides' own programs run unchanged. Everything here
is taken from the guides; their texts are quoted where a program may look for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from flowlaunch.sandbox.answers import BAD_JSON, Answer, Refusal, json_answer
from flowlaunch.sandbox.calls import Operation
from flowlaunch.sandbox.clock import iso
from flowlaunch.sandbox.permissions import GUIDE_EXECUTE, GUIDE_READ, GUIDE_WRITE
from flowlaunch.sandbox.routes.executions import NOT_FOUND, read_execution

if TYPE_CHECKING:
    from flowlaunch.sandbox.calls import Call
    from flowlaunch.sandbox.service import Service
    from flowlaunch.sandbox.world import FlowRecord, FlowVersion

__all__ = ["OPERATIONS"]

MISMATCH = "Flow start event data mismatch"
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def _need_scope(call: Call, scope: str) -> None:
    if scope not in call.holder().client.scopes:
        text = f"Forbidden: the client lacks the scope {scope}."
        raise Refusal(403, "missing.permissions", text, params={"permissions": scope})


def _body(call: Call) -> dict[str, Any]:
    try:
        return _decode(call.body)
    except BAD_JSON as error:
        raise Refusal(400, "bad.request", f"The request body is not a JSON object: {error}") from error


def _mapping(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refusal(400, "bad.request", f"{name} must be an object.")
    return value


def _find(service: Service, flow_id: Any) -> tuple[FlowRecord, FlowVersion]:
    if not isinstance(flow_id, str) or not flow_id:
        raise Refusal(400, "bad.request", "The request has no flowId.")
    service.refresh_flows()
    flow = service.world.flows.get(flow_id)
    if flow is None or flow.is_deleted or flow.current is None:
        raise Refusal(404, "not.found", f"Flow not found: {flow_id}")
    if flow.current.program is None:
        raise Refusal(400, "bad.request", f"A flow of type {flow.type} has no start event for other apps.")
    return flow, flow.current


def _fit(flow: FlowRecord, version: FlowVersion, given: dict[str, Any], what: str) -> dict[str, Any]:
    """Check bare keys against the declared inputs, and give them their scope.

    A generic start event takes any data; keys that are no input are dropped then.
    """
    declared = {name.partition(".")[2]: name for name in sorted(version.input_names)}
    if flow.start_event != "generic" or what != MISMATCH:
        wrong = [key for key in given if key not in declared]
        missing = [
            bare for bare, name in declared.items() if name in version.required and given.get(bare) in (None, "")
        ]
        problems = [
            *(f"'{key}' is not declared{_meant(key, declared)}" for key in wrong),
            *(f"'{key}' is missing" for key in missing),
        ]
        if problems:
            raise Refusal(400, "bad.request", f"{what}: {'; '.join(problems)}", entity=(flow.id, flow.name))
    return {declared[key]: value for key, value in given.items() if key in declared}


def _meant(key: str, declared: dict[str, str]) -> str:
    plain = key.replace("_", "").casefold()
    near = [name for name in declared if name.casefold() == plain]
    return f" (the flow declares '{near[0]}')" if near else ""


def _accept(service: Service, call: Call, version: FlowVersion, inputs: dict[str, Any], given: Any) -> str:
    execution_id = service.ids.next_id()
    call.execution_id = execution_id
    execution = service.runs.accept(
        execution_id, version, msgspec.json.encode(inputs), None, call.holder().client.id, call.now,
        call.correlation_id,
    )  # fmt: skip
    execution.sent = msgspec.json.encode(given)
    if service.store is not None:
        service.store.keep_launch(execution)
    return execution_id


def launch(service: Service, call: Call) -> Answer:
    """Answer `POST /api/v2/flows/executions` as the guides say: 201 with `executionId`."""
    _need_scope(call, GUIDE_WRITE)
    body = _body(call)
    if "inputData" in body:
        call.note("body field 'inputData' belongs to the platform contract; the guides send 'data'")
    flow, version = _find(service, body.get("flowId"))
    given = _mapping(body, "data")
    _mapping(body, "executionContext")
    inputs = _fit(flow, version, given, MISMATCH)
    return json_answer({"executionId": _accept(service, call, version, inputs, given)}, 201)


def get(service: Service, call: Call) -> Answer:
    """Answer `GET /api/v2/flows/executions/{id}` as the guides say: with `status`, `flowId` and `data`."""
    _need_scope(call, GUIDE_READ)
    execution = read_execution(service, call)
    flow = execution.version.flow
    document: dict[str, Any] = {
        "executionId": execution.id,
        "id": execution.id,
        "flowId": flow.id,
        "status": execution.status,
        "data": msgspec.Raw(execution.sent or b"{}"),
        "startTime": iso(execution.launched_at),
    }
    if execution.status != "RUNNING":
        document["endTime"] = iso(execution.completed_at)
    if execution.status == "COMPLETED":
        document["outputs"] = msgspec.Raw(execution.outputs)
    elif execution.status == "FAILED":
        document["error"] = msgspec.Raw(execution.error)
    return json_answer(document)


def execute_shared(service: Service, call: Call) -> Answer:
    """Answer `POST /api/v2/architect/flows/{flowId}/execute`: shared flows only, `flowType` must say so."""
    _need_scope(call, GUIDE_EXECUTE)
    body = _body(call)
    flow, version = _find(service, call.params["flowId"])
    kind = body.get("flowType")
    if kind != "shared":
        said = "is missing" if kind is None else f"is '{kind}'"
        raise Refusal(400, "bad.request", f"Cannot resolve the execution context: flowType {said}; send 'shared'.")
    if not flow.is_shared:
        raise Refusal(404, "not.found", f"{NOT_FOUND} Flow '{flow.name}' is not a shared flow.")
    given = _mapping(body, "inputs")
    metadata = _mapping(body, "metadata")
    inputs = _fit(flow, version, given, "Input parameters do not fit the shared flow")
    document = {"executionId": _accept(service, call, version, inputs, given), "flowId": flow.id, "flowType": "shared"}
    if metadata.get("correlationId") is not None:
        document["correlationId"] = str(metadata["correlationId"])
    return json_answer(document, 201)


OPERATIONS = (
    Operation("executions.launch", "POST", "/api/v2/flows/executions", launch, reads_body=True),
    Operation("executions.get", "GET", "/api/v2/flows/executions/{flowExecutionId}", get),
    Operation("shared.execute", "POST", "/api/v2/architect/flows/{flowId}/execute", execute_shared, reads_body=True),
)
