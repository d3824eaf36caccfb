"""What the platform's objects look like to a caller: frozen, typed, with our names and aware UTC instants."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the annotations at run time
from typing import Any, Final

import msgspec

__all__ = [
    "CheckReport",
    "Division",
    "Execution",
    "ExecutionError",
    "Flow",
    "FlowInput",
    "FlowInputs",
    "FlowInstance",
    "FlowVersion",
    "Identity",
    "JsonObject",
    "Launch",
    "Limit",
    "Preview",
    "Problem",
]

JsonObject = dict[str, Any]

FINAL_STATUSES: Final = frozenset({"COMPLETED", "FAILED", "ERROR", "TERMINATED"})
"""Statuses after which an execution changes no more; any other, known or not, is treated as not final.

Source: enum of FlowRuntimeExecution.status in the official SDK 269.0.0 (official); which ones are final is
inferred (guess).
"""


class Division(msgspec.Struct, frozen=True, kw_only=True):
    """The access-control division that a flow belongs to."""

    id: str
    name: str = ""


class FlowVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a flow, as named in flows and executions."""

    id: str
    name: str = ""


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """One Architect flow.

    `type` is upper case as the platform sends it (`WORKFLOW`). `published_version` is None when the flow was
    never published. The schemas are JSON Schema documents, None when the answer did not carry them.
    """

    id: str
    name: str
    type: str = ""
    description: str = ""
    division: Division | None = None
    published_version: FlowVersion | None = None
    active: bool | None = None
    deleted: bool = False
    input_schema: JsonObject | None = None
    output_schema: JsonObject | None = None


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """A launch that the platform accepted; the flow has started and has not necessarily ended.

    `id` is the execution id: give this object, or the id, to `status` and `wait`.
    """

    id: str
    flow_id: str
    flow_version: FlowVersion | None = None
    name: str | None = None
    key: str | None = None
    correlation_id: str = ""
    launched_at: datetime | None = None


class ExecutionError(msgspec.Struct, frozen=True, kw_only=True):
    """Why an execution failed, in the platform's words."""

    message: str = ""
    code: str = ""
    params: dict[str, str] = {}


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a flow, as the platform last told.

    `status` is kept verbatim. `output_data` has the flow's output variables (`Flow.x` -> JSON value) and is
    empty unless the run completed.

    Source: GET /api/v2/flows/executions/{id}, model FlowRuntimeExecution (official).
    """

    id: str
    status: str
    flow_id: str = ""
    flow_version: FlowVersion | None = None
    name: str | None = None
    launched_at: datetime | None = None
    completed_at: datetime | None = None
    completion_reason: str = ""
    error: ExecutionError | None = None
    output_data: JsonObject = {}
    conversation_id: str = ""
    correlation_id: str = ""

    @property
    def is_final(self) -> bool:
        """Whether the execution has ended; an unknown status counts as not ended."""
        return self.status.upper() in FINAL_STATUSES

    @property
    def succeeded(self) -> bool:
        """Whether the flow ran to its end (`COMPLETED`)."""
        return self.status.upper() == "COMPLETED"


class FlowInput(msgspec.Struct, frozen=True, kw_only=True):
    """One input variable of a flow: its key as launches spell it, its JSON type and whether it must be given."""

    name: str
    type: str
    required: bool = False
    description: str = ""


class FlowInputs(msgspec.Struct, frozen=True, kw_only=True):
    """The inputs of a flow's version; `is_open` says that keys beside these are taken too."""

    flow_id: str
    flow_name: str
    version: FlowVersion | None
    inputs: tuple[FlowInput, ...]
    is_open: bool = False
    schema: JsonObject = {}

    def __iter__(self) -> Any:
        """Iterate over the inputs in the order in which the flow declares them."""
        return iter(self.inputs)


class FlowInstance(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a flow, as the platform's execution data tells of it afterwards.

    That `id` is the execution's id is likely and not stated (guess). `ended_at` is None while it runs.

    Source: POST /api/v2/flows/instances/query, model FlowExecutionDataQueryResult (official).
    """

    id: str
    flow_id: str = ""
    flow_version: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error_reason: str = ""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with input data.

    `kind` is one of `unknown-key`, `missing-input`, `wrong-type`, `not-json`, `too-large`, `not-an-object`;
    `key` is the input's key as given (`""` for the whole); `cure` says what to write instead.
    """

    kind: str
    key: str
    message: str
    cure: str = ""

    def __str__(self) -> str:
        return f"{self.message}; {self.cure}" if self.cure else self.message


class CheckReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a launch would send, and what is wrong with it. Nothing was launched.

    `input_data` has its keys as they would be sent. `is_ok` is true when a strict launch would be sent.
    """

    flow: Flow
    input_data: JsonObject
    problems: tuple[Problem, ...] = ()
    size_bytes: int = 0

    @property
    def is_ok(self) -> bool:
        """Whether there is no problem."""
        return not self.problems


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who the token speaks for.

    Source: GET /api/v2/tokens/me, which needs no permission (official).
    """

    organization_id: str = ""
    organization_name: str = ""
    client_id: str = ""
    client_name: str = ""
    grant_type: str = ""
    scopes: tuple[str, ...] = ()
    divisions: tuple[str, ...] = ()
    raw: JsonObject = {}


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """One limit of the organization, e.g. namespace `platform.api`, key `client.credentials.token.rate.per.minute`."""

    namespace: str
    key: str
    value: float | None
    description: str = ""


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """The request that a launch would send, with the token hidden. Nothing was sent."""

    method: str
    url: str
    headers: dict[str, str]
    body: str
    problems: tuple[Problem, ...] = ()
