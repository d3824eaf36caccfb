"""Callbacks: what was told to whom, what waits, what was given up, and sending one again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from flowlaunch.gateway.api.resources import instant, moment
from flowlaunch.gateway.page.entry import caller_of
from flowlaunch.gateway.store import delivery_views
from flowlaunch.pages.answers import Done, Page, PageError
from flowlaunch.pages.slices import Query, Slice

if TYPE_CHECKING:
    from starlette.requests import Request

    from flowlaunch.gateway.state import GatewayState
    from flowlaunch.pages.answers import Form

__all__ = ["CallbackPages"]

SIZE: Final = 50
TITLES: Final = {"waiting": "On its way", "delivered": "Delivered", "dead": "Given up"}


class CallbackPages:
    """The pages about callbacks."""

    def __init__(self, state: GatewayState) -> None:
        self._state = state

    async def index(self, request: Request) -> Page:
        """List callbacks, newest first."""
        query = Query.of(request, "state")
        before = int(query.after) if query.after.isdecimal() and len(query.after) < 16 else None
        state = query["state"] if query["state"] in TITLES else ""
        found = await asyncio.to_thread(
            delivery_views.read, self._state.ledger.store, state=state, before=before, limit=SIZE + 1
        )
        following = str(found[SIZE - 1].seq) if len(found) > SIZE else None
        values = {"query": query, "slice": Slice(found[:SIZE], following), "titles": TITLES}
        return Page("callbacks.html", values | {"instant": instant, "moment": moment})

    async def show(self, request: Request) -> Page:
        """Show one callback with its attempts."""
        delivery_id = request.path_params["delivery_id"]
        found = await asyncio.to_thread(delivery_views.find, self._state.ledger.store, delivery_id)
        if found is None:
            raise PageError(404, "There is no such callback", delivery_id)
        attempts = await asyncio.to_thread(delivery_views.attempts_of, self._state.ledger.store, found.seq)
        values = {"callback": found, "attempts": attempts, "titles": TITLES, "instant": instant, "moment": moment}
        return Page("callback.html", values)

    async def replay(self, request: Request, form: Form) -> Done:
        """Send one again, from the start of its schedule."""
        del form
        delivery_id = request.path_params["delivery_id"]
        done = await asyncio.to_thread(
            delivery_views.replay, self._state.ledger.store, delivery_id, who=caller_of(request)
        )
        if done is None:
            raise PageError(404, "There is no such callback", delivery_id)
        if self._state.callbacks is not None:
            self._state.callbacks.wake()
        return Done("replayed")
