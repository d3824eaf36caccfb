"""Operating one gateway: the layer around its app, the endpoints for machines, and the work in the background."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from flowlaunch.batch.permits import client_key
from flowlaunch.batch.slots import spend_slots
from flowlaunch.gateway.ops.deliveries import CallbackWatch
from flowlaunch.gateway.ops.endpoints import ops_routes
from flowlaunch.gateway.ops.health import Health, watch_platform
from flowlaunch.gateway.ops.lag import watch_lag
from flowlaunch.gateway.ops.readings import Readings
from flowlaunch.gateway.ops.requests import RequestWatch
from flowlaunch.gateway.ops.upkeep import Upkeep
from flowlaunch.gateway.store import launches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.routing import Route
    from starlette.types import ASGIApp

    from flowlaunch.gateway.launches.reading import LaunchView
    from flowlaunch.gateway.ops.instruments import Instruments
    from flowlaunch.gateway.ops.tracing import Tracing
    from flowlaunch.gateway.state import GatewayState

__all__ = ["Ops"]

logger = logging.getLogger("flowlaunch.gateway")


class Ops:
    """What is around a gateway. Make it when the gateway is put together; start it when it starts."""

    def __init__(self, state: GatewayState, instruments: Instruments, *, tracing: Tracing | None = None) -> None:
        options = state.options.ops
        self._state, self._instruments, self._tracing, self._options = state, instruments, tracing, options
        self.readings = Readings(state, instruments)
        self.registry = instruments.registry()
        self.registry.metrics += self.readings.gauges()
        self.health = Health(state, instruments, org_silence_s=options.org_silence_s)
        self.upkeep = Upkeep(state.ledger, options, instruments, uploads=state.options.uploads)
        self.routes: list[Route] = ops_routes(state, self.health, self.readings, self.registry)
        self._spans = None
        self._tasks: list[asyncio.Task[None]] = []
        instruments.listen(state.client)
        state.endings.watches.append(instruments)
        state.callbacks.observer = CallbackWatch(instruments, tracing)
        if tracing is not None:
            from flowlaunch.gateway.ops.spans import LaunchSpans  # noqa: PLC0415 - only who traces

            self._spans = LaunchSpans(tracing, self._views)
            state.endings.watches.append(self._spans)

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Return the app with every request watched."""
        return RequestWatch(app, self._instruments, logs=self._options.access_log, tracing=self._tracing)

    def start(self) -> None:
        """Begin the work in the background."""
        work = [watch_lag(self._instruments.lag_seconds), self.upkeep.run()]
        if self._options.org_silence_s is not None:
            work.append(watch_platform(self._ask, self._instruments, org_silence_s=self._options.org_silence_s))
        if self._spans is not None:
            work.append(self._spans.run())
        logger.info("the gateway starts", extra={"url": self._state.base_url})
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(one) for one in work]
        for task in self._tasks:
            task.add_done_callback(_tell_failure)

    async def stop(self) -> None:
        """End it, with a pass of the upkeep that is under way cut after its present step."""
        self.upkeep.stop()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
        if self._spans is not None and self._tracing is not None:
            await asyncio.to_thread(self._spans.flush)
            await asyncio.to_thread(self._tracing.close)
        logger.info("the gateway has stopped")

    async def _ask(self) -> None:
        """Ask the platform who we are, on the shared pace."""
        state = self._state
        await spend_slots(state.ledger, client_key(state.client), state.options.pace_per_minute, 1, state.clock)
        await state.client.whoami()

    def _views(self, row_ids: Sequence[int]) -> Sequence[LaunchView]:
        found = launches.of_rows(self._state.ledger.store, row_ids)
        return self._state.reader.views(list(found.values()))


def _tell_failure(task: asyncio.Task[None]) -> None:
    """Log what ended a task that is to run for ever; launches do not depend on any of them."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("a task of the upkeep ended", exc_info=error)
