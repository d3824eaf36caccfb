"""The published platform API.

Source: official Python SDK 269.0.0 and gc CLI 166.0.0 (paths, fields, permissions), checked 2026-11.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from flowlaunch.contracts.shape import Contract, ExecutionFields, LaunchFields, Operation, TokenEndpoint

READS: Final = (
    (
        "executions.get",
        "read execution",
        "/api/v2/flows/executions/{execution_id}",
        "architect:flowExecution:view",
    ),
    ("flows.list", "list flows", "/api/v2/flows", "architect:flow:view"),
    ("flows.get", "read flow", "/api/v2/flows/{flow_id}", "architect:flow:view"),
    (
        "flows.version",
        "read flow version",
        "/api/v2/flows/{flow_id}/versions/{version_id}",
        "architect:flow:view",
    ),
    ("flows.divisionviews", "search flows", "/api/v2/flows/divisionviews", "architect:flow:search"),
    ("tokens.me", "read token", "/api/v2/tokens/me", ""),
    ("limits.namespace", "read limits", "/api/v2/organizations/limits/namespaces/{namespace}", ""),
)
"""Name, title, path and permission of each read."""
QUERIES: Final = (
    (
        "instances.query",
        "find executions of flow",
        "/api/v2/flows/instances/query",
        "architect:flowInstance:search",
    ),
    (
        "aggregates.query",
        "count executions of flow",
        "/api/v2/analytics/flowexecutions/aggregates/query",
        "analytics:flowExecutionAggregate:view",
    ),
)
"""The same of each query."""


def read_operations() -> dict[str, Operation]:
    """Return the reads, by name; the queries are reads that are sent by POST."""
    return {
        name: Operation(name, title, method, path, right, is_repeatable=True, evidence="official")
        for method, reads in (("GET", READS), ("POST", QUERIES))
        for name, title, path, right in reads
    }


PLATFORM: Final = Contract(
    name="platform",
    token=TokenEndpoint("login", "/oauth/token", "basic", frozenset({400, 401}), "official"),
    launch=LaunchFields(
        flow="flowId",
        input_data="inputData",
        version="flowVersion",
        name="name",
        context=None,
        execution_id="id",
    ),
    execution=ExecutionFields(execution_id=("id",), output_data=("outputData",)),
    input_prefix="Flow.",
    schema_prefix="",
    takes_undeclared_keys=False,
    operations=MappingProxyType(
        {
            **read_operations(),
            "executions.launch": Operation(
                "executions.launch",
                "launch flow",
                "POST",
                "/api/v2/flows/executions",
                "architect:flow:launch",
                is_repeatable=False,
                evidence="official",
            ),
        }
    ),
)
