"""The clock that tasks wait by; tests put in their own."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

from flowlaunch._core.steps import Moment


class AsyncClock(Protocol):
    """Time for tasks."""

    def now(self) -> Moment:
        """Read both clocks."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Return when `event` is set, or after `seconds`."""
        ...


class SystemAsyncClock:
    """The machine's clocks, for tasks."""

    def now(self) -> Moment:
        """Read both clocks."""
        return Moment(time.monotonic(), time.time())

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Return when `event` is set, or after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
