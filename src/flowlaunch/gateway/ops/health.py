"""Whether the gateway lives, and whether it is of use: one check for each thing that it cannot do without."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import msgspec

from flowlaunch.errors import FlowlaunchError, LedgerError
from flowlaunch.gateway.store.gauges import probe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from flowlaunch.gateway.ops.instruments import Instruments
    from flowlaunch.gateway.state import GatewayState

__all__ = ["Check", "Health", "watch_platform"]

logger = logging.getLogger("flowlaunch.gateway.health")
FRESH_S: Final = 1.0
"""How long a look counts: however often it is asked for, the ledger is written once in this time."""
WRITE_S: Final = 5.0
PROBES: Final = 3
"""Requests of our own within the time that the platform may be silent."""
AGAIN_S: Final = 15.0
"""Pause between requests to a platform that does not answer."""
NO_CREDENTIALS: Final = 401


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """How one thing is; `says` tells what is wrong, without paths and names of machines."""

    name: str
    is_well: bool
    says: str = ""


class Health:
    """Looks at the parts of a gateway; what a note says makes it no less ready."""

    def __init__(self, state: GatewayState, instruments: Instruments, *, org_silence_s: float | None) -> None:
        self._state, self._instruments, self._org_silence_s = state, instruments, org_silence_s
        self._checks: Mapping[str, Callable[[], Awaitable[str]]] = {
            "serving": self._serving,
            "ledger": self._ledger,
            "engine": self._engine,
            "platform": self._platform,
        }
        self._notes: Mapping[str, Callable[[], str]] = {"routes": self._routes}
        self._looking: asyncio.Task[tuple[Check, ...]] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._seen: tuple[float, tuple[Check, ...]] | None = None

    async def look(self) -> tuple[Check, ...]:
        """Return how everything is; who asks at once shares one look."""
        now_s = asyncio.get_running_loop().time()
        if self._seen is not None and now_s - self._seen[0] < FRESH_S and not self._state.is_stopping:
            return self._seen[1]
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(self._looking)

    async def _look(self) -> tuple[Check, ...]:
        says = [(name, await check()) for name, check in self._checks.items()]
        judged = [Check(name=name, is_well=not text, says=text) for name, text in says]
        noted = [Check(name=name, is_well=True, says=note()) for name, note in self._notes.items()]
        found = (*judged, *noted)
        self._seen = (asyncio.get_running_loop().time(), found)
        return found

    async def _serving(self) -> str:
        return "the gateway is stopping" if self._state.is_stopping else ""

    async def _ledger(self) -> str:
        """Write to the ledger; a write that hangs is waited for by nobody and not repeated beside itself."""
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(asyncio.to_thread(probe, self._state.ledger.store))
        try:
            await asyncio.wait_for(asyncio.shield(self._writing), WRITE_S)
        except TimeoutError:
            return f"it took no write within {WRITE_S:g} s"
        except LedgerError as error:
            logger.warning("the ledger cannot be written: %s", error.message)
            return f"it cannot be written ({error.code})"
        return ""

    async def _engine(self) -> str:
        if not self._state.options.works or self._state.engine.is_running:
            return ""
        return "it is not running: launches are accepted and not sent"

    def _routes(self) -> str:
        """Tell that routes stand still or are not as the file says, without their names: anybody may ask this."""
        routes, troubles = self._state.routes, self._state.engine.troubles.values()
        codes = ", ".join(sorted({one.code for one in troubles}))
        says = {
            "the routes file as it is now is not in force": bool(routes.trouble),
            f"routes that do not fit their flows: {len(routes.unfit)}": bool(routes.unfit),
            f"batches of launches that stand still: {len(troubles)} ({codes})": bool(troubles),
        }
        told = "; ".join(text for text, holds in says.items() if holds)
        return f"{told}. GET /v1/routes says why" if told else ""

    async def _platform(self) -> str:
        silence_s, trouble = self._instruments.silence_s(), self._instruments.trouble
        if self._org_silence_s is None:
            return ""
        if self._instruments.answer == NO_CREDENTIALS:
            return "the platform refuses the gateway's credentials"
        because = f": {trouble}" if trouble else ""
        if silence_s is None:
            return f"it has not answered yet{because}"
        return f"it has not answered for {silence_s:.0f} s{because}" if silence_s > self._org_silence_s else ""


async def watch_platform(
    ask: Callable[[], Awaitable[object]],
    instruments: Instruments,
    *,
    org_silence_s: float,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Ask the platform something when nothing else was asked for a while, until cancelled."""
    every_s, is_silent = org_silence_s / PROBES, False
    while True:
        silence_s = instruments.silence_s()
        if silence_s is None or silence_s >= every_s:
            try:
                await ask()
            except FlowlaunchError as error:
                instruments.trouble = error.code
            silence_s = instruments.silence_s()
        was_silent, is_silent = is_silent, silence_s is None or silence_s >= every_s
        if is_silent and not was_silent:
            logger.warning("the platform does not answer: %s", instruments.trouble)
        elif was_silent and not is_silent:
            logger.info("the platform answers again")
        await sleep(min(every_s, AGAIN_S) if is_silent else every_s - (silence_s or 0.0))
