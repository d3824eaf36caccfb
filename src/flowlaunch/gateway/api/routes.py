"""Operations on routes: which there are, how each stands, and steering one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from flowlaunch.batch.ledger import Change
from flowlaunch.batch.work import row_counts
from flowlaunch.gateway.api.operation import Answer, Call, Operation
from flowlaunch.gateway.api.problems import Problem
from flowlaunch.gateway.api.resources import PLAIN, ControlsNow, controls_of
from flowlaunch.gateway.launches.batches import route_name_of

if TYPE_CHECKING:
    from flowlaunch.gateway.state import GatewayState

__all__ = ["OPERATIONS", "Pace", "Pause", "change_of"]


class RouteShown(msgspec.Struct, frozen=True, kw_only=True):
    """A route.

    Attributes:
        in_file: whether the routes file has it now; a route by flow, or one taken out of the file, has launches only.
        batch_ids: the batches that hold its launches, the newest last.
        counts: launches by state.
        trouble: why its launches are not sent now, or are all refused, or null.

    """

    name: str
    flow: str
    version: str | None
    priority: int
    in_file: bool
    callers: tuple[str, ...] | None
    batch_ids: tuple[int, ...]
    counts: dict[str, int]
    controls: ControlsNow | None
    trouble: str | None


class RoutesShown(msgspec.Struct, frozen=True, kw_only=True):
    """All routes; `trouble` says why the routes file as it is now is not in force, or is null."""

    routes: tuple[RouteShown, ...]
    any_flow: bool
    trouble: str | None


class Pause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it is paused."""

    reason: Annotated[str, Meta(max_length=500, pattern=PLAIN)] = ""


class Pace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How fast to go: what is left out stays as it is, null is what it began with."""

    rate_per_minute: Annotated[float, Meta(gt=0, le=1_000_000)] | msgspec.UnsetType | None = msgspec.UNSET
    concurrency: Annotated[int, Meta(ge=1, le=1000)] | msgspec.UnsetType | None = msgspec.UNSET


def change_of(pace: Pace) -> Change:
    """Return the change of controls that a body asks for."""
    return Change(rate_per_minute=pace.rate_per_minute, concurrency=pace.concurrency)


def shown_routes(state: GatewayState) -> dict[str, RouteShown]:
    """Return every route that is in the file or has launches."""
    routes = state.routes.current
    held: dict[str, list[int]] = {name: [] for name in routes.by_name}
    flows: dict[str, str] = {}
    for batch in state.ledger.batches():
        name = route_name_of(batch)
        if name is not None:
            held.setdefault(name, []).append(batch.batch_id)
            flows[name] = batch.spec.flow_name or batch.spec.flow_id
    return {name: _shown(state, name, batch_ids, flows.get(name, "")) for name, batch_ids in held.items()}


def _shown(state: GatewayState, name: str, batch_ids: list[int], flow: str) -> RouteShown:
    route = state.routes.current.by_name.get(name)
    counts: dict[str, int] = {}
    for batch_id in batch_ids:
        for key, rows in row_counts(state.ledger, batch_id).items():
            counts[key] = counts.get(key, 0) + rows
    troubles = [state.engine.troubles[one].message for one in batch_ids if one in state.engine.troubles]
    return RouteShown(
        name=name,
        flow=route.spec.flow if route is not None else flow,
        version=route.spec.version if route is not None else None,
        priority=route.spec.priority if route is not None else 5,
        in_file=route is not None,
        callers=route.spec.callers if route is not None else None,
        batch_ids=tuple(batch_ids),
        counts=counts,
        controls=controls_of(state.ledger.controls(batch_ids[-1])) if batch_ids else None,
        trouble=troubles[-1] if troubles else state.routes.unfit.get(name),
    )


async def index(call: Call) -> Answer:
    """Return every route that the key may take or, with `read`, every route."""
    routes = await asyncio.to_thread(shown_routes, call.state)
    current = call.state.routes.current

    def is_open(name: str) -> bool:
        return name in current.by_name and current.by_name[name].takes(call.caller.name)

    seen = [one for one in routes.values() if call.caller.may("read") or is_open(one.name)]
    return Answer(RoutesShown(routes=tuple(seen), any_flow=current.any_flow, trouble=call.state.routes.trouble or None))


async def show(call: Call) -> Answer:
    """Return one route."""
    return Answer(await _route(call))


async def _route(call: Call) -> RouteShown:
    routes = await asyncio.to_thread(shown_routes, call.state)
    found = routes.get(call.path["route"])
    if found is None:
        raise Problem(
            404, "route-unknown", "There is no such route", f"There is no route {call.path['route']!r}.",
            candidates=list(routes)[:20],
        )  # fmt: skip
    return found


async def pause(call: Call) -> Answer:
    """Launch nothing more by a route."""
    for batch_id in await _batches(call):
        await call.state.actions.pause(batch_id, call.caller, call.body.reason if call.body else "")
    return await show(call)


async def resume(call: Call) -> Answer:
    """Let a paused route go on."""
    for batch_id in await _batches(call):
        await call.state.actions.resume(batch_id, call.caller)
    return await show(call)


async def pace(call: Call) -> Answer:
    """Change how fast a route goes."""
    for batch_id in await _batches(call):
        await call.state.actions.set_rate(batch_id, call.caller, change_of(call.body))
    return await show(call)


async def _batches(call: Call) -> tuple[int, ...]:
    route = await _route(call)
    if not route.batch_ids:
        raise Problem(
            409, "route-unused", "The route has no launches yet",
            f"Nothing was launched by {route.name} so far, so there is nothing to steer.",
        )  # fmt: skip
    return route.batch_ids


_ONE: Final = "/v1/routes/{route}"

OPERATIONS: Final = (
    Operation(
        name="listRoutes", method="GET", path="/v1/routes", scope="launch|read", handler=index, tag="routes",
        summary="List the routes", answers={200: RoutesShown},
    ),
    Operation(
        name="showRoute", method="GET", path=_ONE, scope="read", handler=show, tag="routes",
        summary="Tell how a route stands", answers={200: RouteShown}, problems=(404,),
    ),
    Operation(
        name="pauseRoute", method="POST", path=f"{_ONE}/pause", scope="operate", handler=pause, tag="routes",
        summary="Send nothing more by a route; launches are still accepted", body=Pause, is_body_optional=True,
        answers={200: RouteShown}, problems=(404, 409),
    ),
    Operation(
        name="resumeRoute", method="POST", path=f"{_ONE}/resume", scope="operate", handler=resume, tag="routes",
        summary="Let a paused route go on", answers={200: RouteShown}, problems=(404, 409),
    ),
    Operation(
        name="paceRoute", method="POST", path=f"{_ONE}/pace", scope="operate", handler=pace, tag="routes",
        summary="Change how fast a route goes", body=Pace, answers={200: RouteShown}, problems=(404, 409),
    ),
)  # fmt: skip
