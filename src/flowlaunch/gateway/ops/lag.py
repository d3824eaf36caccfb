"""How late the event loop comes round: the first thing to look at when answers are slow."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flowlaunch.gateway.ops.registry import Histogram

__all__ = ["watch_lag"]

EVERY_S: Final = 0.25


async def watch_lag(seconds: Histogram) -> None:
    """Observe, until cancelled, how much later than asked for the loop wakes this task."""
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + EVERY_S
        await asyncio.sleep(EVERY_S)
        seconds.observe(max(0.0, loop.time() - due_s))
