"""The contract that widely copied guides describe.

It is not the real service's: a real org refuses or misreads it. It is here so that what was written after those
guides can be run against the sandbox, and so that a system built to them can be called.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from flowlaunch.contracts.platform import read_operations
from flowlaunch.contracts.shape import Contract, ExecutionFields, LaunchFields, Operation, TokenEndpoint


def _operations() -> dict[str, Operation]:
    reads = read_operations()  # the guides say nothing of listing flows: those paths are taken from the platform
    reads["executions.get"] = replace(reads["executions.get"], right="flow:execution:read", evidence="observed")
    launches = {
        "executions.launch": ("launch flow", "/api/v2/flows/executions", "flow:execution:write"),
        "shared.execute": (
            "execute shared flow",
            "/api/v2/architect/flows/{flow_id}/execute",
            "architect:flow:execute",
        ),
    }
    return reads | {
        name: Operation(name, title, "POST", path, right, is_repeatable=False, evidence="observed")
        for name, (title, path, right) in launches.items()
    }


GUIDE: Final = Contract(
    name="guide",
    token=TokenEndpoint("api", "/oauth/token", "form", frozenset({400, 401}), "observed"),
    launch=LaunchFields(
        flow="flowId",
        input_data="data",
        version=None,
        name=None,
        context="executionContext",
        execution_id="executionId",
    ),
    execution=ExecutionFields(execution_id=("executionId", "id"), output_data=("data", "outputData")),
    input_prefix="",
    schema_prefix="Flow.",
    takes_undeclared_keys=True,
    operations=MappingProxyType(_operations()),
)
