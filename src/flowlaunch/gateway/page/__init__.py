"""The gateway's live page: what goes on, and the handles to act on it; see `docs/how-to/watch-the-page.md`."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from starlette.routing import Match, Mount

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

    from flowlaunch.gateway.state import GatewayState

__all__ = ["PageApp", "PageRoute"]


class PageApp:
    """The page of a gateway as an ASGI app, with what it does between requests."""

    def __init__(self, state: GatewayState) -> None:
        from flowlaunch.gateway.page.pulse import Pulse  # noqa: PLC0415 - templates come with them
        from flowlaunch.gateway.page.site import gateway_site  # noqa: PLC0415

        self._pulse = Pulse(state)
        self._site = gateway_site(state, self._pulse)
        self._app = self._site.app()
        paths = [view.path for view in self._site.views] + [action.path for action in self._site.actions]
        self._names = {path.split("/")[1] for path in paths} | {"assets", "events"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._app(scope, receive, send)

    @property
    def route(self) -> PageRoute:
        """Give the route to put behind all others."""
        return PageRoute(self)

    def owns(self, path: str) -> bool:
        """Tell whether a path is the page's; the rest of the gateway answers for the others."""
        return path.split("/", 2)[1] in self._names if path.startswith("/") else False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take the figures that the overview draws over time, meanwhile."""
        task = asyncio.create_task(self._pulse.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def stop(self) -> None:
        """End the event streams of open pages, so that the server can stop; in the serving thread."""
        self._site.stop()


class PageRoute(Mount):
    """Leads to the page, for the page's own paths only: what is unknown below /v1 stays a problem of the API."""

    def __init__(self, page: PageApp) -> None:
        super().__init__("", app=page)
        self._page = page

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether a request is for the page."""
        if scope["type"] != "http" or not self._page.owns(scope["path"]):
            return Match.NONE, {}
        return super().matches(scope)
