"""Watch the flows of the workers' batches: one worker at a time, for each OAuth client, tells of one published anew."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.events import event_at
from flowlaunch.batch.job import recorded_options
from flowlaunch.batch.ledger import crew, handovers
from flowlaunch.batch.slots import spend_slots
from flowlaunch.batch.work import WATCH_FLOW_S
from flowlaunch.errors import FlowlaunchError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.aclient import AsyncClient
    from flowlaunch.batch.events import RunEvent
    from flowlaunch.batch.ledger import Batch, Ledger
    from flowlaunch.batch.ledger.handovers import Handover

__all__ = ["FlowWatch"]

DUTY_S: Final = WATCH_FLOW_S * 2.5
KIND: Final = "flow-republished"
log = logging.getLogger("flowlaunch.workers")


class FlowWatch:
    """Reads the published version of every flow that workers launch, and tells when it is no longer a batch's own."""

    def __init__(
        self,
        ledger: Ledger,
        clients: Mapping[str, AsyncClient],
        me: str,
        clock: AsyncClock,
        *,
        on_event: Callable[[int, RunEvent], None] | None = None,
    ) -> None:
        self._ledger, self._clients, self._me, self._clock, self._on_event = ledger, clients, me, clock, on_event

    async def run(self) -> None:
        """Look about once a minute, until cancelled; a batch keeps to its version, so there is no hurry."""
        while True:
            await self._clock.sleep(WATCH_FLOW_S)
            try:
                await self.look()
            except FlowlaunchError as error:
                log.info("looking whether flows were published anew: %s", error.message)

    async def look(self) -> None:
        """Look at the flows of every OAuth client whose turn is this process's."""
        held = [one for one in await asyncio.to_thread(handovers.under_way, self._ledger.store) if one.is_open]
        for key, client in self._clients.items():
            theirs = [one for one in held if one.client_key == key]
            if theirs and await self._is_my_turn(key):
                await self._look_with(client, key, theirs)

    async def _is_my_turn(self, key: str) -> bool:
        duty = f"flows {hashlib.sha256(key.encode()).hexdigest()[:32]}"
        return await asyncio.to_thread(crew.hold_duty, self._ledger.store, duty, self._me, DUTY_S)

    async def _look_with(self, client: AsyncClient, key: str, held: list[Handover]) -> None:
        published: dict[str, str] = {}
        for one in held:
            batch = await asyncio.to_thread(self._ledger.batch, one.batch_id)
            spec = batch.spec
            if not spec.flow_version:
                continue
            if spec.flow_id not in published:
                published[spec.flow_id] = await self._published(client, key, batch, one)
            now = published[spec.flow_id]
            if now and now != spec.flow_version:
                await asyncio.to_thread(self._tell, batch, now)

    async def _published(self, client: AsyncClient, key: str, batch: Batch, held: Handover) -> str:
        """Return the version of a batch's flow that is published; "" when there is none, or it cannot be read now."""
        options = recorded_options(batch, None, held.overrides)
        budget = None if options.pace_per_minute is None else options.pace_per_minute * options.pace_share
        try:
            await spend_slots(self._ledger, key, budget, 1, self._clock)
            flow = await client.find_flow(batch.spec.flow_id)
        except FlowlaunchError as error:
            log.info("batch %d: its flow was not read: %s", batch.batch_id, error.message)
            return ""
        return flow.published_version.id if flow.published_version is not None else ""

    def _tell(self, batch: Batch, published: str) -> None:
        """Tell of a version once, whichever worker saw it first."""
        told = self._ledger.last_event(batch.batch_id, KIND)
        if told is not None and told.facts.get("published") == published:
            return
        pinned = batch.spec.flow_version
        text = f"version {published} was published; the batch goes on with version {pinned}"
        self._ledger.add_event(batch.batch_id, KIND, message=text, published=published, pinned=pinned)
        log.warning("batch %d: %s", batch.batch_id, text)
        if self._on_event is not None:
            self._on_event(batch.batch_id, event_at(KIND, self._ledger.store.now_us(), text, published=published))
