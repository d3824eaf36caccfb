"""Operations on flows: what can be launched, and what each takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from flowlaunch.errors import FlowLookupError
from flowlaunch.gateway.api.operation import Answer, Call, Operation
from flowlaunch.gateway.api.problems import Problem, problem_of
from flowlaunch.gateway.routing.routes import DIRECT

if TYPE_CHECKING:
    from flowlaunch.models import Flow

__all__ = ["OPERATIONS"]


class FlowShown(msgspec.Struct, frozen=True, kw_only=True):
    """A flow; `version` is the published one, null when it was never published. `routes` lead to it."""

    id: str
    name: str
    type: str
    description: str
    division: str | None
    version: str | None
    routes: tuple[str, ...] = ()


class Flows(msgspec.Struct, frozen=True, kw_only=True):
    """The workflows that the gateway sees, as they were within the last minute."""

    flows: tuple[FlowShown, ...]


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """One input of a flow, by the name that a launch gives it."""

    name: str
    type: str
    required: bool
    description: str


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """The inputs of a flow's published version; `schema` is the platform's own JSON Schema of them."""

    flow_id: str
    flow_name: str
    version: str | None
    inputs: tuple[Input, ...]
    schema: dict[str, Any]


async def index(call: Call) -> Answer:
    """Return every workflow."""
    flows = await call.state.flows.all()
    routes = call.state.routes.current.by_name.values()
    shown = [
        FlowShown(
            id=flow.id,
            name=flow.name,
            type=flow.type,
            description=flow.description,
            division=flow.division.name or flow.division.id if flow.division is not None else None,
            version=flow.published_version.id if flow.published_version is not None else None,
            routes=tuple(one.name for one in routes if one.spec.flow in {flow.id, flow.name}),
        )
        for flow in flows
    ]
    return Answer(Flows(flows=tuple(shown)))


async def inputs(call: Call) -> Answer:
    """Return what a flow takes."""
    flow = await _flow(call)
    found = await call.state.flows.inputs(flow)
    listed = [
        Input(name=one.name, type=one.type, required=one.required, description=one.description) for one in found.inputs
    ]
    version = found.version.id if found.version is not None else None
    return Answer(
        Inputs(flow_id=flow.id, flow_name=flow.name, version=version, inputs=tuple(listed), schema=found.schema)
    )


async def _flow(call: Call) -> Flow:
    ref = call.path["flow"].removeprefix(DIRECT)
    try:
        return await call.state.flows.flow(ref)
    except FlowLookupError as error:
        raise Problem(
            404, "flow-unknown", "There is no such flow", problem_of(error).detail,
            candidates=list(error.candidates),
        ) from error  # fmt: skip


OPERATIONS: Final = (
    Operation(
        name="listFlows", method="GET", path="/v1/flows", scope="launch|read", handler=index, tag="flows",
        summary="List the flows that can be launched", answers={200: Flows}, problems=(502, 503),
    ),
    Operation(
        name="showInputs", method="GET", path="/v1/flows/{flow}/inputs", scope="launch|read", handler=inputs,
        tag="flows", summary="Tell what a flow takes", description="`flow` is the flow's id or exact name.",
        answers={200: Inputs}, problems=(404, 502, 503),
    ),
)  # fmt: skip
