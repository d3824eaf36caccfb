"""Slots in hand: asked of the ledger in small groups ahead, used on time or given back."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.batch.writer import Writer

__all__ = ["AHEAD_S", "SlotLane", "spend_slots"]

AHEAD_S: Final = 1.0
"""How far ahead slots are reserved: what is lost when the process dies. One further ahead is of a clock set back."""
LONGEST_WAIT_S: Final = 60.0
"""How long a few reads wait without asking again: the clock may have been set back meanwhile."""
LEAD_US: Final = 50_000
"""How long before its slot a row's intent may be written: the time of a slow disk."""


async def spend_slots(
    ledger: Ledger, client_key: str, budget_per_minute: float | None, requests: int, clock: AsyncClock
) -> None:
    """Return when `requests` may leave at once, with their slots taken: for the few reads beside rows and looks."""
    held: list[int] = []
    while budget_per_minute is not None and len(held) < requests:
        grant = await asyncio.to_thread(
            ledger.reserve_slots, client_key, requests - len(held), budget_per_minute=budget_per_minute, lane="beside"
        )
        held.extend(grant.at_us)
        until_us = held[-1] if len(held) >= requests else (grant.next_us or 0)
        await clock.sleep(min(LONGEST_WAIT_S, max(0.0, until_us / 1e6 - clock.now().unix_s)))


class SlotLane:
    """The slots of one purpose (`launch` or `look`). Instants are microseconds since 1970.

    Without a budget every instant is a slot.
    """

    def __init__(
        self, ledger: Ledger, writer: Writer, client_key: str, lane: str, budget_per_minute: float | None
    ) -> None:
        self._ledger = ledger
        self._writer = writer
        self._client_key = client_key
        self._lane = lane
        self.budget_per_minute = budget_per_minute
        self.rate_per_minute = budget_per_minute
        self._held: deque[int] = deque()
        self._late_us = 0
        self._ask_again_us = 0

    async def take(self, wanted: int, now_us: int) -> list[int]:
        """Return at most `wanted` slots that are due within LEAD_US; at the latest at `next_us` there are more."""
        if self.budget_per_minute is None:
            return [now_us] * wanted
        if wanted <= 0:
            return []
        await self._drop_late(now_us)
        if len(self._held) < wanted and now_us >= self._ask_again_us:
            await self._ask(max(wanted - len(self._held), self._group()), now_us)
        due: list[int] = []
        while self._held and len(due) < wanted and self._held[0] <= now_us + LEAD_US:
            due.append(self._held.popleft())
        return due

    def next_us(self, now_us: int) -> int:
        """Return when `take` may have something."""
        if self.budget_per_minute is None:
            return now_us
        if self._held:
            return min(self._held[0] - LEAD_US, max(self._ask_again_us, now_us + LEAD_US))
        return self._ask_again_us

    def is_late(self, slot_us: int, now_us: int) -> bool:
        """Whether a slot must not be used any more."""
        return self.budget_per_minute is not None and now_us > slot_us + self._late_us

    async def give_back(self, unused: list[int] | None = None) -> int:
        """Give slots back, those in hand when None; return how many."""
        if unused is None:
            unused = list(self._held)
            self._held.clear()
        if unused and self.budget_per_minute is not None:
            await self._writer.call(self._ledger.return_slots, self._client_key, unused, lane=self._lane)
        self._ask_again_us = 0
        return len(unused)

    async def push_back(self, seconds: float) -> None:
        """Have everybody on the OAuth client wait for `seconds`."""
        await self.give_back()
        await self._writer.call(self._ledger.push_back, self._client_key, seconds)

    def _group(self) -> int:
        """Return how many slots to ask for at once: those of half the time that is reserved ahead."""
        return int((self.rate_per_minute or 0.0) / 60.0 * AHEAD_S / 2)

    async def _drop_late(self, now_us: int) -> None:
        late: list[int] = []
        while self._held and self.is_late(self._held[0], now_us):
            late.append(self._held.popleft())
        if late:
            await self.give_back(late)

    async def _ask(self, wanted: int, now_us: int) -> None:
        assert self.budget_per_minute is not None  # noqa: S101 - `take` asks only with one
        grant = await self._writer.call(
            self._ledger.reserve_slots,
            self._client_key,
            wanted,
            budget_per_minute=self.budget_per_minute,
            rate_per_minute=self.rate_per_minute,
            lane=self._lane,
            horizon_s=AHEAD_S,
        )
        self._held.extend(grant.at_us)
        self._late_us = grant.late_us
        self._ask_again_us = grant.next_us if grant.next_us is not None else now_us
