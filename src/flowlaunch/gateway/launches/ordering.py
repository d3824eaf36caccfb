"""From what an app asks for to a launch that can be recorded, or to everything that is wrong with it."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from flowlaunch.batch.decisions import Decision, InputRow, Prepared, RowPlan
from flowlaunch.errors import FlowLookupError, InputError, PreflightError
from flowlaunch.gateway.api.problems import Problem
from flowlaunch.gateway.routing.mapping import mapper_of, spellings
from flowlaunch.gateway.store.launches import Order, new_launch_id
from flowlaunch.models import Flow, FlowInputs, Problem as InputProblem

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.batch.mapping import RowMapper
    from flowlaunch.gateway.access import Caller
    from flowlaunch.gateway.launches.batches import RouteBatches
    from flowlaunch.gateway.launches.flows import FlowBook
    from flowlaunch.gateway.options import GatewayOptions
    from flowlaunch.gateway.routing.routes import Route, Routes

__all__ = ["Ask", "Orders"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A launch as asked for: by a route or by a flow.

    Attributes:
        key: the caller's idempotency key.
        not_before_us: launch at this instant at the earliest.
        callback_url: whom to tell when it has ended.
        trace: W3C traceparent of the request, or "".

    """

    route: str | None = None
    flow: str | None = None
    input: Any = None
    name: str | None = None
    key: str | None = None
    not_before_us: int | None = None
    callback_url: str | None = None
    trace: str = ""

    def fingerprint(self) -> str:
        """Return a hash of what is asked for; the order of an object's members is no part of it."""
        told = (self.route, self.flow, self.input, self.name, self.not_before_us, self.callback_url)
        return hashlib.sha256(msgspec.json.encode(told, order="sorted")).hexdigest()


class Orders:
    """Makes orders: finds route and flow, maps and checks the input, and decides by the rules."""

    def __init__(
        self,
        ledger: Ledger,
        flows: FlowBook,
        batches: RouteBatches,
        options: GatewayOptions,
        routes: Callable[[], Routes],
    ) -> None:
        self._ledger, self._flows, self._batches, self._options, self._routes = ledger, flows, batches, options, routes
        self._mappers: dict[str, tuple[Route, str, RowMapper | None]] = {}

    def route_of(self, ask: Ask, caller: Caller) -> Route | None:
        """Return the route that a launch names, None when it names a flow; Problem when it may not be taken."""
        routes = self._routes()
        if (ask.route is None) == (ask.flow is None):
            raise Problem(
                422, "route-or-flow", "Name a route or a flow", "Give either `route` or `flow`, and not both."
            )
        if ask.route is None:
            if not routes.any_flow:
                raise Problem(
                    403, "flow-not-open", "Launches name a route here",
                    "This gateway launches by its routes alone: give `route`. GET /v1/routes lists them.",
                )  # fmt: skip
            return None
        route = routes.by_name.get(ask.route)
        if route is None:
            raise Problem(
                422, "route-unknown", "There is no such route", f"There is no route {ask.route!r}.",
                candidates=[name for name, one in routes.by_name.items() if one.takes(caller.name)][:20],
            )  # fmt: skip
        if not route.takes(caller.name):
            raise Problem(
                403, "route-not-open", "The key may not launch by this route",
                f"The route {route.name} does not take the key {caller.name}.",
            )  # fmt: skip
        return route

    async def order(self, ask: Ask, route: Route | None, caller: Caller, now_us: int) -> Order:
        """Return the launch to record.

        Raises:
            FlowLookupError: the flow is unknown, ambiguous or not published.
            PreflightError: the input does not fit.

        """
        flow = await self._flows.flow(route.spec.flow if route is not None else str(ask.flow))
        if route is None:
            route = self._routes().direct(flow.id)
        batch_id = await self._batches.of(route, flow)
        launch_id = new_launch_id(now_us)
        prepared = await self._prepared(ask, route, flow, launch_id)
        decision = await self._decided(route, prepared, now_us)

        def make(number: int) -> RowPlan:
            placed = msgspec.structs.replace(prepared, row_number=number, line=number)
            return RowPlan(row_number=number, line=number, decision=decision, prepared=placed)

        return Order(
            launch_id=launch_id,
            batch_id=batch_id,
            make=make,
            caller=caller.key_id,
            idempotency_key=ask.key,
            fingerprint=ask.fingerprint(),
            route=route.name,
            callback_url=ask.callback_url,
            trace=ask.trace,
            most_waiting=route.spec.max_waiting or self._options.max_waiting_rows,
        )

    async def _prepared(self, ask: Ask, route: Route, flow: Flow, launch_id: str) -> Prepared:
        mapped = await self._mapped(ask, route, flow, launch_id) if route.mapping is not None else None
        plain = Prepared(row_number=0, line=0, key="", input_data={}, token=launch_id)
        prepared = mapped or plain
        given: Any = mapped.input_data if mapped is not None else {} if ask.input is None else ask.input
        token = prepared.token if prepared.name and not ask.name else launch_id  # whichever the name shows
        token_input = route.spec.token_input
        if token_input is not None and isinstance(given, dict):
            taken = spellings(token_input)
            given = {name: value for name, value in given.items() if name not in taken} | {token_input: token}
        input_data, problems = await self._flows.check(flow, given, route.spec.version)
        if problems:
            raise PreflightError(f"the input of {flow.name!r} does not fit", problems=problems, hint="")
        has_own_key = route.mapping is not None and route.mapping.row.key is not None
        return msgspec.structs.replace(
            prepared,
            key=prepared.key if has_own_key else ask.key or launch_id,
            input_data=input_data,
            name=ask.name or prepared.name or launch_id,
            not_before_us=max(filter(None, (ask.not_before_us, prepared.not_before_us)), default=None),
            token=token,
        )

    async def _mapped(self, ask: Ask, route: Route, flow: Flow, launch_id: str) -> Prepared:
        """Return the request's input as the route's mapping makes launches of it."""
        if not isinstance(ask.input, dict):
            what = InputProblem(kind="not-an-object", key="", message="input is no object", cure="give an object")
            raise PreflightError("the input cannot be mapped", problems=(what,), hint="")
        mapper = await self._mapper_of(route, flow)
        assert mapper is not None  # noqa: S101 - asked for only with a mapping
        prepared = mapper.prepare(InputRow(0, ask.input), int.from_bytes(launch_id.encode()[-8:]))
        if isinstance(prepared, Decision):
            problems = [
                InputProblem(kind=one.reason, key=one.input_name or one.column, message=one.message, cure=one.cure)
                for one in prepared.problems
            ]
            raise PreflightError("the input cannot be mapped", problems=problems, hint="")
        return prepared

    async def _mapper_of(self, route: Route, flow: Flow) -> RowMapper | None:
        """Return the mapper of a route as it is now for a flow as it is now; the last one of each route is kept."""
        version_id = flow.published_version.id if flow.published_version is not None else ""
        held = self._mappers.get(route.name)
        if held is None or held[0] is not route or held[1] != version_id:
            mapper = _mapper(route, await self._flows.inputs(flow, route.spec.version))
            held = self._mappers[route.name] = (route, version_id, mapper)
        return held[2]

    async def _decided(self, route: Route, prepared: Prepared, now_us: int) -> Decision:
        if route.rules is not None and route.rules.asks_history:
            return await asyncio.to_thread(self._decide_by_history, route, prepared, now_us)
        if route.rules is not None:
            return route.rules.fresh(now_us).decide(prepared, None, now_us)
        later = prepared.not_before_us is not None and prepared.not_before_us > now_us
        return Decision(
            kind="launch",
            reason="waits-for-not-before" if later else "ready",
            not_before_us=prepared.not_before_us if later else None,
            not_after_us=prepared.not_after_us,
        )

    def _decide_by_history(self, route: Route, prepared: Prepared, now_us: int) -> Decision:
        assert route.rules is not None  # noqa: S101 - asked for only then
        return route.rules.fresh(now_us).decide(prepared, self._ledger.history(), now_us)


def _mapper(route: Route, inputs: FlowInputs) -> RowMapper | None:
    """Return what maps requests; a route that does not fit its flow is told as the flow's fault to the app."""
    try:
        return mapper_of(route, inputs)
    except InputError as error:
        raise FlowLookupError(
            f"the mapping of route {route.name} does not fit the flow {inputs.flow_name!r}: {error.message}",
            code="route-mapping",
            hint="Tell the gateway's operator: the routes file needs mending.",
        ) from error
