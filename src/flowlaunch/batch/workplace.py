"""What one run of a batch works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.batch.calendar import Calendar
    from flowlaunch.batch.dispatch import Dispatcher
    from flowlaunch.batch.ledger import Ledger, Worker
    from flowlaunch.batch.slots import SlotLane
    from flowlaunch.batch.stop import Stop
    from flowlaunch.batch.writer import Writer

__all__ = ["Workplace"]


@dataclass(slots=True)
class Workplace:
    """The ledger and who speaks to it, the way out, the clock and the wish to stop.

    `concurrency` and the lane's rate change while the batch runs.
    """

    ledger: Ledger
    writer: Writer
    worker: Worker
    batch_id: int
    clock: AsyncClock
    lane: SlotLane
    dispatcher: Dispatcher
    calendar: Calendar
    stop: Stop
    concurrency: int
    ends_when: Literal["through", "idle", "never"] = "through"
    most_rows: int | None = None
    outlasts_outages: bool = False

    @property
    def is_unpaced(self) -> bool:
        """Whether nothing bounds the rate but the concurrency."""
        return self.lane.budget_per_minute is None

    @property
    def is_patient(self) -> bool:
        """Whether there is time to write each outcome as it comes."""
        return not self.is_unpaced
