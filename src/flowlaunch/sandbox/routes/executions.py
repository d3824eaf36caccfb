"""Launching a flow and reading its execution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from flowlaunch.sandbox.answers import BAD_JSON, Answer, Refusal, json_answer, missing_permissions
from flowlaunch.sandbox.calls import Operation
from flowlaunch.sandbox.clock import iso
from flowlaunch.sandbox.inputs import check_inputs
from flowlaunch.sandbox.permissions import EXECUTION_VIEW, FLOW_LAUNCH, reaches
from flowlaunch.sandbox.routes.flows import version_json

if TYPE_CHECKING:
    from flowlaunch.sandbox.calls import Call
    from flowlaunch.sandbox.runs import Execution
    from flowlaunch.sandbox.service import Service
    from flowlaunch.sandbox.world import FlowRecord, FlowVersion

__all__ = ["OPERATIONS", "find_launchable", "read_execution", "runtime_json"]

FLOW_NOT_FOUND = "Could not find flow with specified ID."
NOT_FOUND = "The requested resource was not found."


class LaunchRequest(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """FlowExecutionLaunchRequest; nothing else is in the official model."""

    flowId: str | None = None  # noqa: N815 - the API's name
    flowVersion: str | int | float | None = None  # noqa: N815
    inputData: msgspec.Raw = msgspec.Raw()  # noqa: N815
    name: str | None = None


class LooseLaunchRequest(LaunchRequest, gc=False, forbid_unknown_fields=False):
    """The same, letting fields through that the platform drops."""


_decode = msgspec.json.Decoder(LaunchRequest).decode
_decode_loosely = msgspec.json.Decoder(LooseLaunchRequest).decode
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def launch(service: Service, call: Call) -> Answer:
    """Answer `POST /api/v2/flows/executions`: 200 as soon as the launch is accepted; never deduplicated."""
    request = _read(call)
    if not request.flowId:
        raise Refusal(400, "bad.request", "The launch request has no flowId.")
    service.refresh_flows()
    wanted = request.flowVersion
    version = find_launchable(service, call, request.flowId, str(wanted) if wanted not in (None, "") else None)
    inputs = check_inputs(service.options, call, version, bytes(request.inputData))
    execution_id = service.ids.next_id()
    call.execution_id = execution_id
    execution = service.runs.accept(
        execution_id, version, inputs, request.name, call.holder().client.id, call.now, call.correlation_id
    )
    if service.store is not None:
        service.store.keep_launch(execution)
    label = b"" if request.name is None else b'","name":' + _encode(request.name)
    identifier = execution_id.encode("ascii")
    if label:
        head = b'{"id":"' + identifier + label + version.launch_tail[1:]
    else:
        head = b'{"id":"' + identifier + version.launch_tail
    return Answer(200, head + identifier + b'"}')


def _read(call: Call) -> LaunchRequest:
    try:
        return _decode(call.body)
    except msgspec.ValidationError:
        return _read_loosely(call)
    except BAD_JSON as error:
        raise Refusal(400, "bad.request", f"The request body is not valid JSON: {error}") from error


def _read_loosely(call: Call) -> LaunchRequest:
    try:
        request = _decode_loosely(call.body)
    except msgspec.ValidationError as error:
        raise Refusal(400, "bad.request", f"The request body does not fit the launch request: {error}") from error
    except BAD_JSON as error:
        raise Refusal(400, "bad.request", f"The request body is not valid JSON: {error}") from error
    for field in _decode_any(call.body):
        if field not in LaunchRequest.__struct_fields__:
            call.note(f"dropped body field '{field}'")
    return request


def find_launchable(service: Service, call: Call, flow_id: str, number: str | None) -> FlowVersion:
    """Find the version to launch, checking rights, type and state; refuses in official codes where one is known."""
    flow = service.world.flows.get(flow_id)
    if flow is None:
        raise Refusal(404, "architect.flow.not.found", FLOW_NOT_FOUND)
    if not reaches(call.holder().rights, FLOW_LAUNCH, flow.division.id):
        raise _out_of_reach(service, FLOW_LAUNCH)
    if flow.is_deleted:
        raise Refusal(410, "architect.flow.deleted", "The flow has been deleted.", entity=(flow.id, flow.name))
    version = flow.current if number is None else flow.version(number)
    if version is None:
        raise _no_version(flow, number)
    if flow.type != "WORKFLOW":
        raise Refusal(
            400, "bad.request", f"A flow of type {flow.type} cannot be launched.", entity=(flow.id, flow.name)
        )
    if version.program is None:
        raise Refusal(400, "sandbox.flow.not.loaded", f"The sandbox has no content for version {version.number} of "
                      f"flow '{flow.name}'.", entity=(flow.id, flow.name))  # fmt: skip
    return version


def _no_version(flow: FlowRecord, number: str | None) -> Refusal:
    if flow.problem is not None:
        text = f"The sandbox cannot load the flow '{flow.name}': {flow.problem}"
        return Refusal(400, "sandbox.flow.not.loaded", text, entity=(flow.id, flow.name))
    text = "The flow has no published version." if number is None else f"The flow has no version {number}."
    return Refusal(404, "architect.flow.version.missing", text, entity=(flow.id, flow.name))


def _out_of_reach(service: Service, permission: str) -> Refusal:
    if service.options.other_division == "not_found":
        return Refusal(404, "architect.flow.not.found", FLOW_NOT_FOUND)
    return missing_permissions((permission,))


def read_execution(service: Service, call: Call) -> Execution:
    """Find the execution of the path, as far as the caller may see it."""
    execution_id = call.params["flowExecutionId"]
    call.execution_id = execution_id
    execution = service.execution(execution_id)
    if execution is None:
        raise Refusal(404, "not.found", NOT_FOUND)
    if execution.hidden_polls > 0 or execution.hidden_until > call.now:
        execution.hidden_polls = max(0, execution.hidden_polls - 1)
        call.note("hidden by a fault: not found after launch")
        raise Refusal(404, "not.found", NOT_FOUND)
    return execution


def get(service: Service, call: Call) -> Answer:
    """Answer `GET /api/v2/flows/executions/{flowExecutionId}`."""
    execution = read_execution(service, call)
    if not reaches(call.holder().rights, EXECUTION_VIEW, execution.version.flow.division.id):
        raise _out_of_reach(service, EXECUTION_VIEW)
    return json_answer(runtime_json(execution))


def runtime_json(execution: Execution) -> dict[str, Any]:
    """Render a FlowRuntimeExecution; `outputData` only when COMPLETED, `flowErrorInfo` only when FAILED."""
    document: dict[str, Any] = {"id": execution.id}
    if execution.label is not None:
        document["name"] = execution.label
    document["flowVersion"] = version_json(execution.version)
    document["dateLaunched"] = iso(execution.launched_at)
    document["status"] = execution.status
    if execution.status != "RUNNING":
        document["dateCompleted"] = iso(execution.completed_at)
        document["completionReason"] = execution.reason
    if execution.status == "COMPLETED":
        document["outputData"] = msgspec.Raw(execution.outputs)
    elif execution.status == "FAILED":
        document["flowErrorInfo"] = msgspec.Raw(execution.error)
    document["selfUri"] = f"/api/v2/flows/executions/{execution.id}"
    return document


OPERATIONS = (
    Operation(
        "executions.launch", "POST", "/api/v2/flows/executions", launch, (FLOW_LAUNCH,), writes=True, reads_body=True
    ),
    Operation("executions.get", "GET", "/api/v2/flows/executions/{flowExecutionId}", get, (EXECUTION_VIEW,)),
)
