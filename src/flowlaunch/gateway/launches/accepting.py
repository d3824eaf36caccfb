"""Accept launches in groups: what came in while the disk was busy is one transaction, and answered once it is there.

One group is being written while the next one gathers, so that under load a fsync serves many launches and alone
one launch waits for no other.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.writer import Writer
from flowlaunch.gateway.api.problems import Problem
from flowlaunch.gateway.store import launches

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.gateway.store.launches import Answer, Order

__all__ = ["Accepter"]

MOST_IN_GROUP: Final = 500
MOST_WAITING: Final = 10_000
"""Launches that wait to be written: more come only while the disk stands still."""
SOON_S: Final = 5

Answered = asyncio.Future["Answer"]


class Accepter:
    """Records launches durably; `on_rows` hears of the batches that have new rows."""

    def __init__(self, ledger: Ledger, on_rows: Callable[[int], None]) -> None:
        self._ledger = ledger
        self._on_rows = on_rows
        self._writer = Writer()
        self._waiting: list[tuple[Order, Answered]] = []
        self._task: asyncio.Task[None] | None = None

    async def accept(self, order: Order) -> Answer:
        """Return once the launch is on the disk, or why it is not.

        Raises:
            LedgerError: the disk does not take it.
            Problem: too many wait for the disk.

        """
        if len(self._waiting) >= MOST_WAITING:
            raise Problem(
                503, "storage-busy", "The gateway's ledger is in use",
                f"{MOST_WAITING:,} launches wait to be written already. Nothing was recorded; ask again soon.",
                retry_after_s=SOON_S,
            )  # fmt: skip
        answered: Answered = asyncio.get_running_loop().create_future()
        self._waiting.append((order, answered))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._write_all())
        return await answered

    async def close(self) -> None:
        """Write what is waiting, then end the thread."""
        while self._task is not None:
            await asyncio.wait([self._task])
        await asyncio.to_thread(self._writer.close)

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:MOST_IN_GROUP], self._waiting[MOST_IN_GROUP:]
                await self._write(group)
        finally:
            self._task = None

    async def _write(self, group: list[tuple[Order, Answered]]) -> None:
        orders = [order for order, _answered in group]
        try:
            answers = await self._writer.call(launches.append, self._ledger.store, orders)
        except Exception as error:  # noqa: BLE001 - every waiting request hears of it, each by itself
            for _order, answered in group:
                if not answered.done():
                    answered.set_exception(error)
            return
        for (_order, answered), answer in zip(group, answers, strict=True):
            if not answered.done():  # whoever asked may have hung up; the launch is recorded all the same
                answered.set_result(answer)
        for batch_id in {order.batch_id for order in orders}:
            self._on_rows(batch_id)
