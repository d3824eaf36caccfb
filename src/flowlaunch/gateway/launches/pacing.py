"""Reads beside rows and looks, each on a slot of the shared pace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowlaunch.batch.permits import client_key, govern
from flowlaunch.batch.slots import spend_slots
from flowlaunch.errors import FlowlaunchError, RateLimitedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.aclient import AsyncClient
    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.models import Execution, Flow, FlowInstance

__all__ = ["PacedReads"]

PAGE: int = 500
"""Flows a page of a list, as many as the platform gives."""
MOST_REQUESTS: int = 16
"""For one flow that is looked up; a name that so many pages do not settle is not found."""


class PacedReads:
    """What reconciling and the list of flows ask of a client; every request first waits for its slot."""

    def __init__(self, client: AsyncClient, ledger: Ledger, per_minute: float | None, clock: AsyncClock) -> None:
        self._client, self._ledger, self._per_minute, self._clock = client, ledger, per_minute, clock

    async def spend(self, requests: int = 1) -> None:
        """Return when so many requests may leave."""
        await spend_slots(self._ledger, client_key(self._client), self._per_minute, requests, self._clock)

    async def find_instances(self, flow_id: str, **options: Any) -> tuple[FlowInstance, ...]:
        """Do as the client's own."""
        await self.spend()
        return await self._client.find_instances(flow_id, **options)

    async def count_executions(self, flow_id: str, **options: Any) -> int:
        """Do as the client's own."""
        await self.spend()
        return await self._client.count_executions(flow_id, **options)

    async def status(self, execution_id: str) -> Execution:
        """Do as the client's own."""
        await self.spend()
        return await self._client.status(execution_id)

    async def find_flow(self, ref: str) -> Flow:
        """Do as the client's own: with one request, and if that is not enough (near names, pages) again with more."""
        requests = 1
        while True:
            await self.spend(requests)
            permit = govern(self._client).grant(requests)
            try:
                return await self._client.find_flow(ref)
            except FlowlaunchError as error:
                if not permit.is_short or requests >= MOST_REQUESTS or isinstance(error, RateLimitedError):
                    raise
            requests *= 2

    async def flows(self) -> AsyncIterator[Flow]:
        """Yield every workflow that the client sees."""
        await self.spend()
        read = 0
        async for flow in self._client.flows(page_size=PAGE):
            yield flow
            read += 1
            if read % PAGE == 0:
                await self.spend()
