"""Whether routes fit their flows: asked of the platform beside everything else, as nothing waits for the answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from flowlaunch.errors import FlowlaunchError, InputError
from flowlaunch.gateway.api.problems import Problem
from flowlaunch.gateway.routing.mapping import mapper_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.gateway.launches.flows import FlowBook
    from flowlaunch.gateway.routing.book import RouteBook
    from flowlaunch.gateway.routing.routes import Route, Routes

__all__ = ["Fitting"]

LOOK_S: Final = 1.0
AGAIN_S: Final = 60.0
"""How soon a route that did not fit, or whose flow could not be read, is looked at again."""
log = logging.getLogger("flowlaunch.gateway.routes")


class Fitting:
    """Keeps `unfit` of a book of routes: flows that are gone, versions, and inputs that they do not have."""

    def __init__(self, book: RouteBook, flows: FlowBook, clock: AsyncClock) -> None:
        self._book, self._flows, self._clock = book, flows, clock
        self._open: set[str] = set()
        """Names of routes that are to be looked at again."""

    async def run(self) -> None:
        """Look at every route once, whenever other routes come into force, until cancelled."""
        seen: Routes | None = None
        next_s = 0.0
        while True:
            routes, now_s = self._book.current, self._clock.now().mono_s
            if routes is not seen:
                self._open = set(routes.by_name)
                self._book.unfit = {name: why for name, why in self._book.unfit.items() if name in routes.by_name}
            if self._open and (routes is not seen or now_s >= next_s):
                seen = routes
                await self._look([routes.by_name[name] for name in sorted(self._open)])
                next_s = self._clock.now().mono_s + AGAIN_S
            seen = routes
            await self._clock.sleep(LOOK_S)

    async def _look(self, routes: Iterable[Route]) -> None:
        for route in routes:
            try:
                why = await self._misfit(route)
            except (FlowlaunchError, Problem):  # the platform is away: nothing is known of the route
                continue
            except Exception:
                log.exception("holding the route %s against its flow failed", route.name)
                continue
            if why and why != self._book.unfit.get(route.name):
                log.warning("route %s: %s", route.name, why)
            others = {name: told for name, told in self._book.unfit.items() if name != route.name}
            self._book.unfit = others | ({route.name: why} if why else {})
            if not why:
                self._open.discard(route.name)

    async def _misfit(self, route: Route) -> str:
        """Return why every launch by a route would be refused, or "".

        Raises:
            FlowlaunchError: the flow cannot be read now. Problem: too many others are being read.

        """
        try:
            flow = await self._flows.flow(route.spec.flow)
            mapper_of(route, await self._flows.inputs(flow, route.spec.version))
        except InputError as error:
            return error.message
        return ""
