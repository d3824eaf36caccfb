"""A worker's signs of life, and what they tell it: whether its database is there, and since when it is not."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from flowlaunch.errors import LedgerError, LedgerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from flowlaunch._io.clock_async import AsyncClock

__all__ = ["GIVE_UP_AFTER_S", "Presence"]

BEAT_S: Final = 2.0
AWAY_S: Final = 12.0
"""A sign of life that takes longer is one that could not be given."""
TOLD_S: Final = 60.0
"""How often it is said that the database is still away."""
HUNG_S: Final = 30.0
"""Silence after which connections are broken: a server that hangs would hold whoever asks it for ever."""
GIVE_UP_AFTER_S: Final = 900.0
"""Longer than a failover, a restart with recovery or an upgrade; a supervisor starts the worker again."""
log = logging.getLogger("flowlaunch.workers")


class Presence:
    """Gives signs of life for as long as it runs.

    Attributes:
        there: set while the database answers.

    """

    def __init__(
        self,
        give_sign: Callable[[], Awaitable[None]],
        break_off: Callable[[], None],
        clock: AsyncClock,
        *,
        on_return: Callable[[], None],
        give_up_after_s: float | None = GIVE_UP_AFTER_S,
    ) -> None:
        self._give_sign, self._break_off, self._clock, self._on_return = give_sign, break_off, clock, on_return
        self._give_up_after_s = give_up_after_s
        self._answered_s = self._broken_s = clock.now().mono_s
        self._told_s = float("-inf")
        self._why = "it does not answer"
        self.there = asyncio.Event()
        self.there.set()

    async def run(self) -> None:
        """Give signs of life until cancelled.

        Raises:
            LedgerUnreachableError: none could be given for so long that the worker gives up.

        """
        while True:
            await self._beat()
            await self._clock.sleep(BEAT_S)

    async def _beat(self) -> None:
        ended = asyncio.Event()
        signing = asyncio.get_running_loop().create_task(self._sign(ended))
        try:
            while not ended.is_set():
                await self._clock.wait(ended, BEAT_S)
                self._judge()
        finally:
            signing.cancel()
        await signing

    async def _sign(self, ended: asyncio.Event) -> None:
        try:
            await self._give_sign()
        except LedgerError as error:
            self._why = error.message
            self._is_away()
        else:
            self._is_back()
        finally:
            ended.set()

    def _judge(self) -> None:
        """Look at how long it has been away, and do what that asks for."""
        away_s = self._away_s()
        if away_s < AWAY_S:
            return
        self._is_away()
        now_s = self._clock.now().mono_s
        if away_s >= HUNG_S and now_s - self._broken_s >= HUNG_S:
            self._broken_s = now_s
            self._break_off()
        if self._give_up_after_s is not None and away_s >= self._give_up_after_s:
            raise LedgerUnreachableError(
                f"work on: no sign of life could be given for {away_s / 60:.0f} min: {self._why}",
                hint="Check that the server runs and can be reached, and start the worker again.",
            )

    def _is_away(self) -> None:
        self.there.clear()
        now_s = self._clock.now().mono_s
        if now_s - self._told_s >= TOLD_S:
            self._told_s = now_s
            log.warning("no sign of life can be given since %.0f s: %s; trying again", self._away_s(), self._why)

    def _is_back(self) -> None:
        away_s, self._answered_s = self._away_s(), self._clock.now().mono_s
        if self.there.is_set():
            return
        self.there.set()
        self._told_s, self._why = float("-inf"), "it does not answer"
        log.warning("the database is back after %.0f s", away_s)
        self._on_return()

    def _away_s(self) -> float:
        return self._clock.now().mono_s - self._answered_s
