"""Accept launches in groups, and look up those that are there already: an fsync and a query serve many under load."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from flowlaunch.gateway.api.problems import Problem
from flowlaunch.gateway.launches.grouping import Groups
from flowlaunch.gateway.store import launches

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.gateway.store.launches import Answer, LaunchRecord, Order

__all__ = ["Accepter"]

MOST_WAITING: Final = 10_000
"""Launches that wait for the disk: more come only while it stands still."""
SOON_S: Final = 5


class Accepter:
    """Records launches durably; `on_rows` hears of the batches that have new rows."""

    def __init__(self, ledger: Ledger, on_rows: Callable[[int], None]) -> None:
        self._on_rows = on_rows
        self._records: Groups[Order, Answer] = Groups(partial(launches.append, ledger.store), self._tell)
        self._finds: Groups[tuple[str, str], LaunchRecord | None] = Groups(partial(launches.find_keyed, ledger.store))

    async def accept(self, order: Order) -> Answer:
        """Return once the launch is on the disk, or why it is not.

        Raises:
            LedgerError: the disk does not take it.
            Problem: too many wait for the disk.

        """
        if self._records.waiting >= MOST_WAITING:
            raise _busy()
        return await self._records.ask(order)

    async def find(self, caller: str, idempotency_key: str) -> LaunchRecord | None:
        """Return the launch that a caller asked for under a key, also when the key was erased since.

        Raises:
            LedgerError: the ledger does not answer.
            Problem: too many wait for it.

        """
        if self._finds.waiting >= MOST_WAITING:
            raise _busy()
        return await self._finds.ask((caller, idempotency_key))

    async def close(self) -> None:
        """Write what is waiting, then end the threads."""
        await self._finds.close()
        await self._records.close()

    def _tell(self, orders: list[Order]) -> None:
        for batch_id in {order.batch_id for order in orders}:
            self._on_rows(batch_id)


def _busy() -> Problem:
    return Problem(
        503, "storage-busy", "The gateway's ledger is in use",
        f"{MOST_WAITING:,} launches wait to be written already. Nothing was recorded; ask again soon.",
        retry_after_s=SOON_S,
    )  # fmt: skip
