"""What the overview draws over time: launches by minute and outcome, taken from the ledger's own counts."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.ledger import crew
from flowlaunch.batch.permits import client_key
from flowlaunch.batch.states import SENT_STATES, RowState
from flowlaunch.errors import FlowlaunchError
from flowlaunch.gateway.store import audit, messages
from flowlaunch.gateway.store.gauges import Glance, glance, launched_since
from flowlaunch.pages.charts import Bar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from flowlaunch.gateway.state import GatewayState

__all__ = ["Pulse"]

EVERY_S: Final = 5.0
MINUTES: Final = 30
MINUTE_US: Final = 60_000_000
LOST: Final = RowState.IN_DOUBT
TONES: Final = (
    ("run", "launched", SENT_STATES - {LOST, RowState.LAUNCHING}),
    ("wait", "refused", frozenset({RowState.REFUSED})),
    ("doubt", "in doubt", frozenset({LOST})),
)
"""Tone, name and states of what a minute's launches came to."""
log = logging.getLogger("flowlaunch.gateway")


@dataclass(slots=True)
class Minute:
    """The launches of one minute by tone."""

    number: int
    amounts: Counter[str]


class Pulse:
    """Looks at the counts every few seconds, whoever launched, and keeps the last half hour by minute.

    It begins with what the ledger says of the launches through the door before the process began.
    A count that falls (a retry, a doubt settled) takes nothing away from what was seen.
    """

    def __init__(self, state: GatewayState) -> None:
        self._state = state
        self._before: Counter[str] | None = None
        self._minutes: deque[Minute] = deque(maxlen=MINUTES)

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        since_us = self._state.now_us() - MINUTES * MINUTE_US
        is_begun = False
        while True:
            try:
                if not is_begun:
                    self.begin_with(await asyncio.to_thread(launched_since, self._state.ledger.store, since_us))
                    is_begun = True
                self.take(await asyncio.to_thread(self.look), self._state.now_us())
            except FlowlaunchError as error:
                log.warning("the page's figures wait: %s", error.message)
            await self._state.clock.sleep(EVERY_S)

    def begin_with(self, launched: Iterable[tuple[int, str]]) -> None:
        """Take in launches of the time before: when each left, and how it stands."""
        held: dict[int, Counter[str]] = {}
        for at_us, state in launched:
            held.setdefault(at_us // MINUTE_US, Counter()).update(tone for tone, _, states in TONES if state in states)
        self._minutes.extend(Minute(number, amounts) for number, amounts in sorted(held.items()))

    def look(self) -> Glance:
        """Read the ledger's counts."""
        return glance(self._state.ledger.store, client_key(self._state.client))

    def take(self, seen: Glance, now_us: int) -> None:
        """Count what is new since the look before into the present minute."""
        now: Counter[str] = Counter()
        for (_batch_id, state), rows in seen.rows.items():
            now.update({tone: rows for tone, _, states in TONES if state in states})
        number = now_us // MINUTE_US
        if not self._minutes or self._minutes[-1].number != number:
            self._minutes.append(Minute(number, Counter()))
        if self._before is not None:
            self._minutes[-1].amounts.update(now - self._before)
        self._before = now

    def bars(self, now_us: int) -> list[Bar]:
        """Give the last half hour, a bar for each minute, oldest first."""
        last = now_us // MINUTE_US
        held = {one.number: one.amounts for one in self._minutes}
        return [_bar(last - number, held.get(number, Counter())) for number in range(last - MINUTES + 1, last + 1)]

    async def version(self) -> Hashable:
        """Give what changes whenever a page would show something else."""
        state = self._state
        seen, last, workers = await asyncio.to_thread(self._marks)
        activity = self._minutes[-1].amounts.total() if self._minutes else 0
        troubles = tuple((key, one.code) for key, one in state.engine.troubles.items())
        return (tuple(seen.rows.items()), tuple(seen.callbacks.items()), last, activity, troubles, state.routes.trouble,
                workers, state.uploads.reading)  # fmt: skip

    def _marks(self) -> tuple[Glance, int, Hashable]:
        store = self._state.ledger.store
        newest = audit.read(store, limit=1)
        message = tuple((one.id, one.times, one.launch_id) for one in messages.read(store, limit=1))
        workers = tuple((one.process_id, one.launched, one.hands, one.is_draining) for one in crew.present(store))
        return self.look(), newest[0].audit_id if newest else 0, (workers, message)


def _bar(ago: int, amounts: Counter[str]) -> Bar:
    parts = [f"{amounts[tone]:,} {name}" for tone, name, _ in TONES if amounts[tone]]
    place = "this minute" if ago == 0 else f"{ago} min ago"
    return Bar(
        f"{place}: {', '.join(parts) or 'nothing launched'}", tuple((tone, amounts[tone]) for tone, _, _ in TONES)
    )
