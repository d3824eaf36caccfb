"""Between the wire's JSON and our models; the only place where the client knows camelCase."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from flowlaunch._core.failures import UNREADABLE, shown_body
from flowlaunch.errors import DecodeError
from flowlaunch.models import (
    Division,
    Execution,
    ExecutionError,
    Flow,
    FlowInstance,
    FlowVersion,
    Identity,
    JsonObject,
    Launch,
    Limit,
)

if TYPE_CHECKING:
    from flowlaunch._core.messages import Call, Response
    from flowlaunch.contracts import Contract

S = TypeVar("S")


class _Ref(msgspec.Struct, rename="camel", gc=False):
    id: str = ""
    name: str | None = None


class _FlowWire(msgspec.Struct, rename="camel"):
    id: str
    name: str = ""
    type: str | None = None
    description: str | None = None
    division: _Ref | None = None
    published_version: _Ref | None = None
    active: bool | None = None
    deleted: bool | None = None
    input_schema: JsonObject | None = None
    output_schema: JsonObject | None = None


class FlowPage(msgspec.Struct, rename="camel"):
    """One page of a flow listing."""

    entities: list[_FlowWire] = []
    page_count: int | None = None
    next_uri: str | None = None


class _VersionWire(msgspec.Struct, rename="camel"):
    id: str = ""
    name: str | None = None
    input_schema: JsonObject | None = None
    output_schema: JsonObject | None = None


class _ErrorWire(msgspec.Struct, rename="camel"):
    message: str | None = None
    code: str | None = None
    message_params: dict[str, Any] | None = None


class _ExecutionWire(msgspec.Struct, rename="camel"):
    status: str
    id: str | None = None
    execution_id: str | None = None
    output_data: JsonObject | None = None
    data: JsonObject | None = None
    name: str | None = None
    flow_id: str | None = None
    flow_version: _Ref | None = None
    date_launched: str | None = None
    date_completed: str | None = None
    completion_reason: str | None = None
    flow_error_info: _ErrorWire | None = None
    conversation: _Ref | None = None


class _LaunchWire(msgspec.Struct, rename="camel"):
    id: str | None = None
    execution_id: str | None = None
    name: str | None = None
    flow_version: _Ref | None = None


class _InstanceWire(msgspec.Struct, rename="camel"):
    id: str
    flow_id: str | None = None
    flow_version: str | int | float | None = None
    start_date_time: str | None = None
    end_date_time: str | None = None
    flow_error_reason: str | None = None


class _InstancePage(msgspec.Struct, rename="camel"):
    entities: list[_InstanceWire] = []


class _Stats(msgspec.Struct):
    count: int | None = None


class _Metric(msgspec.Struct):
    metric: str | None = None
    stats: _Stats | None = None


class _Period(msgspec.Struct):
    metrics: list[_Metric] = []


class _Counted(msgspec.Struct):
    data: list[_Period] = []


class _CountsWire(msgspec.Struct):
    results: list[_Counted] | None = None


class _NamespacePage(msgspec.Struct, rename="camel"):
    entities: list[Any] = []


_LIST_DECODER = msgspec.json.Decoder(FlowPage)
_FLOW_DECODER = msgspec.json.Decoder(_FlowWire)
_VERSION_DECODER = msgspec.json.Decoder(_VersionWire)
_EXECUTION_DECODER = msgspec.json.Decoder(_ExecutionWire)
_LAUNCH_DECODER = msgspec.json.Decoder(_LaunchWire)
_INSTANCES_DECODER = msgspec.json.Decoder(_InstancePage)
_COUNTS_DECODER = msgspec.json.Decoder(_CountsWire)
_OBJECT_DECODER = msgspec.json.Decoder(dict[str, Any])
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def encode_json(value: Any) -> bytes:
    """Return `value`, which preflight has found to be JSON, as UTF-8 text."""
    return _ENCODER.encode(value)


def _decode(decoder: msgspec.json.Decoder[S], call: Call, response: Response) -> S:
    try:
        return decoder.decode(response.body)
    except UNREADABLE as error:
        raise DecodeError(
            f"could not {call.operation.title} {call.subject}".rstrip()
            + f": the answer has not the promised shape ({error}); found {shown_body(response)[:120]!r}",
            details={"correlation_id": response.correlation_id, "status": response.status},
        ) from error


def decode_launch(contract: Contract, call: Call, response: Response, flow_id: str, key: str | None) -> Launch:
    """Read a launch's positive answer."""
    wire = _decode(_LAUNCH_DECODER, call, response)
    execution_id = wire.id if contract.launch.execution_id == "id" else wire.execution_id
    if not execution_id:
        raise DecodeError(
            f"could not launch flow {call.subject}: $.{contract.launch.execution_id}: expected text, found nothing",
            details={"correlation_id": response.correlation_id, "status": response.status},
        )
    return Launch(
        id=execution_id,
        flow_id=flow_id,
        flow_version=_version(wire.flow_version),
        name=wire.name,
        key=key,
        correlation_id=response.correlation_id,
    )


def decode_execution(contract: Contract, call: Call, response: Response, execution_id: str) -> Execution:
    """Read one execution."""
    wire = _decode(_EXECUTION_DECODER, call, response)
    names = contract.execution
    return Execution(
        id=_first(wire, names.execution_id) or execution_id,
        status=wire.status,
        flow_id=wire.flow_id or "",
        flow_version=_version(wire.flow_version),
        name=wire.name,
        launched_at=_instant(wire.date_launched),
        completed_at=_instant(wire.date_completed),
        completion_reason=wire.completion_reason or "",
        error=_execution_error(wire.flow_error_info),
        output_data=_first(wire, names.output_data) or {},
        conversation_id=wire.conversation.id if wire.conversation else "",
        correlation_id=response.correlation_id,
    )


def decode_flow(call: Call, response: Response) -> Flow:
    """Read one flow."""
    return _flow(_decode(_FLOW_DECODER, call, response))


def decode_flow_page(call: Call, response: Response, number: int) -> tuple[list[Flow], bool]:
    """Read page `number` of a flow listing, and whether there is another."""
    page = _decode(_LIST_DECODER, call, response)
    has_more = number < page.page_count if page.page_count is not None else bool(page.next_uri)
    return [_flow(wire) for wire in page.entities], has_more and bool(page.entities)


def decode_version(call: Call, response: Response, flow: Flow) -> Flow:
    """Read one version of `flow`: the flow with that version's schemas."""
    wire = _decode(_VERSION_DECODER, call, response)
    version = FlowVersion(id=wire.id, name=wire.name or wire.id)
    return msgspec.structs.replace(
        flow, published_version=version, input_schema=wire.input_schema, output_schema=wire.output_schema
    )


def decode_instances(call: Call, response: Response) -> tuple[FlowInstance, ...]:
    """Read what an instances query found."""
    return tuple(
        FlowInstance(
            id=wire.id,
            flow_id=wire.flow_id or "",
            flow_version=str(wire.flow_version or ""),
            started_at=_instant(wire.start_date_time),
            ended_at=_instant(wire.end_date_time),
            error_reason=wire.flow_error_reason or "",
        )
        for wire in _decode(_INSTANCES_DECODER, call, response).entities
    )


def decode_count(call: Call, response: Response, metric: str) -> int:
    """Add up one metric of an aggregates query; where nothing was counted, the platform names no group."""
    return sum(
        one.stats.count or 0
        for group in _decode(_COUNTS_DECODER, call, response).results or ()
        for period in group.data
        for one in period.metrics
        if one.metric == metric and one.stats is not None
    )


def decode_identity(call: Call, response: Response) -> Identity:
    """Read who a token speaks for; every part may be missing."""
    whole = _decode(_OBJECT_DECODER, call, response)
    org = _dict(whole.get("organization"))
    client = _dict(whole.get("OAuthClient"))
    grants = [_dict(item).get("divisionId", "") for item in _list(client.get("roleDivisions"))]
    return Identity(
        organization_id=str(org.get("id") or ""),
        organization_name=str(org.get("name") or ""),
        client_id=str(client.get("id") or ""),
        client_name=str(client.get("name") or ""),
        grant_type=str(client.get("authorizedGrantType") or ""),
        scopes=tuple(str(scope) for scope in _list(whole.get("authorizedScope"))),
        divisions=tuple(dict.fromkeys(str(grant) for grant in grants if grant)),
        raw=whole,
    )


def decode_limits(call: Call, response: Response, namespace: str) -> list[Limit]:
    """Read the limits of one namespace."""
    listed = _decode(msgspec.json.Decoder(_NamespacePage), call, response).entities
    return [
        Limit(
            namespace=str(item.get("namespace") or namespace),
            key=str(item.get("key") or ""),
            value=item["value"] if isinstance(item.get("value"), (int, float)) else None,
            description=str(item.get("description") or ""),
        )
        for item in map(_dict, listed)
    ]


def _flow(wire: _FlowWire) -> Flow:
    division = wire.division
    return Flow(
        id=wire.id,
        name=wire.name,
        type=(wire.type or "").upper(),
        description=wire.description or "",
        division=Division(id=division.id, name=division.name or "") if division else None,
        published_version=_version(wire.published_version),
        active=wire.active,
        deleted=bool(wire.deleted),
        input_schema=wire.input_schema,
        output_schema=wire.output_schema,
    )


def _first(wire: msgspec.Struct, names: tuple[str, ...]) -> Any:
    """Return the first field of `wire` that is there; `names` are the wire's spellings."""
    attributes = dict(zip(wire.__struct_encode_fields__, wire.__struct_fields__, strict=True))
    return next((value for name in names if (value := getattr(wire, attributes[name])) is not None), None)


def _version(ref: _Ref | None) -> FlowVersion | None:
    return FlowVersion(id=ref.id, name=ref.name or ref.id) if ref is not None and ref.id else None


def _execution_error(wire: _ErrorWire | None) -> ExecutionError | None:
    if wire is None:
        return None
    params = {name: str(value) for name, value in (wire.message_params or {}).items()}
    return ExecutionError(message=wire.message or "", code=wire.code or "", params=params)


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
