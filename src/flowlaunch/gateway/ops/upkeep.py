"""The work that nobody waits for: remove what is old, copy the ledger; now and then, in a thread, one at a time."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Final

from flowlaunch.errors import FlowlaunchError
from flowlaunch.gateway.ops.backups import Backups
from flowlaunch.gateway.ops.pruning import Pruning

if TYPE_CHECKING:
    from pathlib import Path

    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.gateway.ops.instruments import Instruments
    from flowlaunch.gateway.ops.options import OpsOptions

__all__ = ["Upkeep"]

logger = logging.getLogger("flowlaunch.gateway.upkeep")
FIRST_S: Final = 30.0
"""How long after the start the first pass begins: starting comes first."""
LONGEST_NAP_S: Final = 600.0


class Upkeep:
    """Runs until it is stopped. What fails is logged and tried again with the next pass."""

    def __init__(
        self, ledger: Ledger, options: OpsOptions, instruments: Instruments, *, uploads: Path | None = None
    ) -> None:
        self._ledger, self._every_s, self._instruments = ledger, options.upkeep_every_s, instruments
        self._stopping = threading.Event()
        self._backups = Backups(ledger, options.backups) if options.backups is not None else None
        self._pruning = Pruning(
            ledger,
            options.retention,
            uploads=uploads,
            on_removed=lambda what, count: instruments.removed.add(what, by=count),
            is_stopped=self._stopping.is_set,
            sleep=self._rest,
        )

    async def run(self) -> None:
        """Work until cancelled."""
        loop = asyncio.get_running_loop()
        prune_at_s = loop.time() + min(FIRST_S, self._every_s)
        while True:
            await asyncio.sleep(max(0.0, min(LONGEST_NAP_S, prune_at_s - loop.time())))
            if loop.time() >= prune_at_s:
                await asyncio.to_thread(self.prune)
                prune_at_s = loop.time() + self._every_s
            if self._backups is not None:
                await asyncio.to_thread(self.back_up, self._backups)

    def stop(self) -> None:
        """End a pass that is under way after its present step."""
        self._stopping.set()

    def prune(self) -> None:
        """Remove what is old."""
        try:
            removed = self._pruning.run()
        except FlowlaunchError as error:
            logger.warning("removing what is old: %s", error.message)
            return
        if removed:
            told = ", ".join(f"{count:,} {what}" for what, count in removed.items())
            logger.info("removed what is older than is kept: %s", told, extra={"removed": removed.total()})

    def back_up(self, backups: Backups) -> None:
        """Copy the ledger when it is time to."""
        if backups.next_due_us() > self._ledger.store.now_us():
            return
        try:
            made = backups.make()
        except (FlowlaunchError, OSError) as error:
            self._instruments.backup_failures.add()
            logger.error("the ledger was not backed up: %s", error)  # noqa: TRY400 - what is wrong, without a trace
            return
        self._instruments.backed_up_at_s = self._ledger.store.now_us() / 1e6
        logger.info("the ledger was backed up", extra={"file": made.name, "size_bytes": made.stat().st_size})

    def _rest(self, pause_s: float) -> None:
        self._stopping.wait(pause_s)
