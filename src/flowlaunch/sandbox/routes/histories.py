"""Execution data of single runs: what each did, action by action, through the official instances endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from flowlaunch.sandbox.answers import BAD_JSON, Answer, Refusal, json_answer
from flowlaunch.sandbox.calls import Operation
from flowlaunch.sandbox.clock import iso
from flowlaunch.sandbox.identifiers import fixed_id
from flowlaunch.sandbox.permissions import INSTANCE_VIEW, reaches
from flowlaunch.sandbox.routes.instances import BASE, KEPT_S, check_switched_on

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flowlaunch.architect.trace import TraceEntry
    from flowlaunch.sandbox.calls import Call
    from flowlaunch.sandbox.runs import Execution
    from flowlaunch.sandbox.service import Service

__all__ = ["OPERATIONS", "history_json"]

MAX_IDS = 50
"""Instances of one job. A guess: the platform's number is not public."""


class Wanted(msgspec.Struct):
    """An ExecutionDataRequest."""

    ids: list[str]


_decode = msgspec.json.Decoder(Wanted).decode


def view(service: Service, call: Call) -> Answer:
    """Answer `GET /api/v2/flows/instances/{instanceId}`: where the run's history can be read."""
    check_switched_on(service)
    instance_id = call.params["instanceId"]
    call.execution_id = instance_id
    if _finished(service, call, instance_id) is None:
        raise Refusal(404, "not.found", "The requested resource was not found.")
    return json_answer(_result(service, call, instance_id, (instance_id,), f"{BASE}/{instance_id}"))


def start_job(service: Service, call: Call) -> Answer:
    """Answer `POST /api/v2/flows/instances/jobs`; the job is done at once."""
    check_switched_on(service)
    try:
        ids = tuple(_decode(call.body).ids)
    except msgspec.ValidationError as error:
        raise Refusal(400, "bad.request", f"The body does not fit ExecutionDataRequest: {error}") from error
    except BAD_JSON as error:
        raise Refusal(400, "bad.request", f"The request body is not valid JSON: {error}") from error
    if not 0 < len(ids) <= MAX_IDS:
        raise Refusal(400, "invalid.value", f"A job takes 1 to {MAX_IDS} ids, not {len(ids)}.")
    job_id = service.keep_history_job(ids)
    return json_answer(_result(service, call, job_id, ids, f"{BASE}/jobs/{job_id}"))


def get_job(service: Service, call: Call) -> Answer:
    """Answer `GET /api/v2/flows/instances/jobs/{jobId}`."""
    check_switched_on(service)
    job_id = call.params["jobId"]
    ids = service.history_jobs.get(job_id)
    if ids is None:
        raise Refusal(404, "not.found", "The requested resource was not found.")
    return json_answer(_result(service, call, job_id, ids, f"{BASE}/jobs/{job_id}"))


def _finished(service: Service, call: Call, instance_id: str) -> Execution | None:
    """Find a finished run that is still kept and that the caller may see."""
    run = service.execution(instance_id)
    if run is None or run.status == "RUNNING" or call.now - run.launched_at > KEPT_S:
        return None
    may_see = reaches(call.holder().rights, INSTANCE_VIEW, run.version.flow.division.id)
    return run if may_see and service.runs.trace(run) is not None else None


def _result(service: Service, call: Call, own_id: str, ids: Iterable[str], uri: str) -> dict[str, Any]:
    """Render a GetFlowExecutionDataJobResult."""
    base = f"{call.scheme}://{call.host.decode('latin-1')}"
    entities = [
        {"id": one, "failed": False, "statusCode": "200", "downloadUri": f"{base}/sandbox/executions/{one}/history"}
        if _finished(service, call, one) is not None
        else {"id": one, "failed": True, "statusCode": "404"}
        for one in ids
    ]
    return {"id": own_id, "jobState": "Success", "entities": entities, "selfUri": uri}


def history_json(service: Service, run: Execution) -> dict[str, Any]:
    """Render a finished run with the fields of the official flow execution history, and our trace beside them.

    The official fields are those of the notification topic; the platform's own download format is not public.
    """
    trace = service.runs.trace(run)
    entries = trace.entries if trace is not None else ()
    flow = run.version.flow
    errors = [_problem(number, flow.id, entry) for number, entry in enumerate(entries, 1) if entry.error]
    return {
        "executionId": run.id,
        "divisionId": flow.division.id,
        "flowId": flow.id,
        "flowType": flow.type.lower(),
        "flowVersion": run.version.number,
        "flowIsDebug": False,
        "startDateTime": iso(run.launched_at),
        "endDateTime": iso(run.completed_at),
        **({"flowExitReason": run.reason} if run.reason else {}),
        "errors": errors,
        "warnings": [],
        "execution": [_item(number, flow.id, entry) for number, entry in enumerate(entries, 1)],
        "executionItemsTruncated": bool(trace is not None and trace.left_out),
        "trace": [entry.as_json() for entry in entries],
    }


def _item(number: int, flow_id: str, entry: TraceEntry) -> dict[str, Any]:
    item = {
        "executionId": str(number),
        "objectType": entry.ref.key,
        "objectId": _object_id(flow_id, entry),
        "startDateTime": iso(entry.started_at.timestamp()),
    }
    item |= {"outputPathId": entry.path} if entry.path is not None else {}
    return {**item, "error": _problem(number, flow_id, entry)} if entry.error else item


def _problem(number: int, flow_id: str, entry: TraceEntry) -> dict[str, str]:
    return {"executionId": str(number), "objectId": _object_id(flow_id, entry), "reason": entry.error}


def _object_id(flow_id: str, entry: TraceEntry) -> str:
    """Give an action a stable id; the platform's own ids are not in Archy YAML."""
    return fixed_id(flow_id, entry.ref.flow, str(entry.ref.number))


OPERATIONS = (
    Operation("instances.get", "GET", f"{BASE}/{{instanceId}}", view, (INSTANCE_VIEW,)),
    Operation("instances.job", "POST", f"{BASE}/jobs", start_job, (INSTANCE_VIEW,), writes=True, reads_body=True),
    Operation("instances.job.get", "GET", f"{BASE}/jobs/{{jobId}}", get_job, (INSTANCE_VIEW,)),
)
