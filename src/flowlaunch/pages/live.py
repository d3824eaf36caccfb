"""Telling open pages that something changed, by server-sent events."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from flowlaunch.errors import FlowlaunchError
from flowlaunch.pages.answers import PageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Hashable

__all__ = ["EVENT_HEADERS", "Changes"]

MAX_READERS: Final = 64
EVERY_S: Final = 0.5
HEARTBEAT_S: Final = 15.0
EVENT_HEADERS: Final = {"cache-control": "no-store", "x-accel-buffering": "no"}
_NEVER: Final = object()


class Changes:
    """Watches one value and tells every reader when it is another; asks only while somebody reads.

    The event says *that* something changed, not what: a page then fetches itself, so that filters and paging are
    written once, on the server.
    """

    def __init__(self, version: Callable[[], Awaitable[Hashable]], *, every_s: float = EVERY_S) -> None:
        self._version = version
        self._every_s = every_s
        self._stopping = asyncio.Event()
        self._turn = asyncio.Lock()
        self._readers = 0
        self._seen: object = _NEVER
        self._asked_at = float("-inf")

    def stop(self) -> None:
        """End every stream, so that a server can stop; to be called in its thread."""
        self._stopping.set()

    def admit(self) -> None:
        """Refuse a reader beyond the limit with PageError 503."""
        if self._readers >= MAX_READERS:
            raise PageError(503, "Too many pages are open", f"{MAX_READERS} pages are live already.")

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield an event whenever the value changed, and a heartbeat when it did not."""
        self._readers += 1
        try:
            seen = await self._now()
            yield b"retry: 1000\nevent: ready\ndata: \n\n"
            quiet_s = 0.0
            while not await self._stopped_within(self._every_s):
                quiet_s += self._every_s
                now = await self._now()
                if now != seen:
                    seen = now
                    yield b"event: changed\ndata: \n\n"
                elif quiet_s >= HEARTBEAT_S:
                    yield b": still here\n\n"
                else:
                    continue
                quiet_s = 0.0
        finally:
            self._readers -= 1

    async def _now(self) -> object:
        """Ask for the value, at most once per interval for all readers together; while it cannot be told it stays."""
        loop = asyncio.get_running_loop()
        async with self._turn:
            if loop.time() - self._asked_at >= self._every_s * 0.9:
                with suppress(FlowlaunchError):
                    self._seen = await self._version()
                self._asked_at = loop.time()
        return self._seen

    async def _stopped_within(self, wait_s: float) -> bool:
        try:
            async with asyncio.timeout(wait_s):
                return await self._stopping.wait()
        except TimeoutError:
            return False
