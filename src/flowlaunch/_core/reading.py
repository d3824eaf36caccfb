"""Read executions, identity and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowlaunch._core.calls import call_plan
from flowlaunch._core.steps import Plan, begin
from flowlaunch._core.wire import (
    decode_count,
    decode_execution,
    decode_identity,
    decode_instances,
    decode_limits,
    encode_json,
)

if TYPE_CHECKING:
    from datetime import datetime

    from flowlaunch._core.api import Api
    from flowlaunch._core.messages import Call, Response
    from flowlaunch.models import Execution, FlowInstance, Identity, Limit

DEFAULT_NAMESPACE = "platform.api"
EXECUTIONS = "nFlowExecutions"
"""The one metric of the aggregates query. Source: FlowExecutionAggregationView.target (official)."""


def status_plan(api: Api, execution_id: str, timeout_s: float) -> Plan[Execution]:
    """Read one execution as it is now."""
    call = api.call("executions.get", execution_id=execution_id, subject=execution_id)
    response = yield from _read(api, call, timeout_s)
    return decode_execution(api.contract, call, response, execution_id)


def whoami_plan(api: Api, timeout_s: float) -> Plan[Identity]:
    """Read who the token speaks for."""
    call = api.call("tokens.me")
    response = yield from _read(api, call, timeout_s)
    return decode_identity(call, response)


def limits_plan(api: Api, namespace: str | None, timeout_s: float) -> Plan[tuple[Limit, ...]]:
    """Read the org's limits in `namespace` (that of the platform API when None)."""
    wanted = namespace or DEFAULT_NAMESPACE
    call = api.call("limits.namespace", namespace=wanted, subject=wanted)
    response = yield from _read(api, call, timeout_s)
    return tuple(decode_limits(call, response, wanted))


def instances_plan(
    api: Api, flow_id: str, after: datetime, before: datetime, page_size: int, timeout_s: float
) -> Plan[tuple[FlowInstance, ...]]:
    """Find the runs of one flow that started between two instants."""
    wanted = (("FlowId", "eq", flow_id), ("FlowStartDateTime", "gte", after.isoformat()),
              ("FlowStartDateTime", "lte", before.isoformat()))  # fmt: skip
    groups = [{"criteria": {"key": key, "operator": operator, "value": value}} for key, operator, value in wanted]
    body = encode_json({"query": groups})
    call = api.call("instances.query", subject=flow_id, query={"pageSize": page_size}, body=body)
    response = yield from _read(api, call, timeout_s)
    return decode_instances(call, response)


def count_plan(api: Api, flow_id: str, after: datetime, before: datetime, timeout_s: float) -> Plan[int]:
    """Count the runs of one flow that started between two instants."""
    only = {"type": "and", "predicates": [{"type": "dimension", "dimension": "flowId", "value": flow_id}]}
    interval = f"{after.isoformat()}/{before.isoformat()}"
    body = encode_json({"interval": interval, "groupBy": ["flowId"], "metrics": [EXECUTIONS], "filter": only})
    call = api.call("aggregates.query", subject=flow_id, body=body)
    response = yield from _read(api, call, timeout_s)
    return decode_count(call, response, EXECUTIONS)


def _read(api: Api, call: Call, timeout_s: float) -> Plan[Response]:
    deadline = yield from begin(timeout_s)
    return (yield from call_plan(api, call, deadline))
