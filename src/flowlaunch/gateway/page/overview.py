"""The overview: how much goes out against the budget, what waits, how it ended, and what needs a person."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.batch.states import RowState
from flowlaunch.gateway.launches.batches import route_name_of
from flowlaunch.gateway.page.words import outcome_parts, title_of
from flowlaunch.gateway.store.listing import LaunchFilter
from flowlaunch.pages.answers import Page
from flowlaunch.pages.charts import bars, share

if TYPE_CHECKING:
    from starlette.requests import Request

    from flowlaunch.gateway.page.pulse import Pulse
    from flowlaunch.gateway.state import GatewayState

__all__ = ["Overview"]

LATEST: Final = 8
CAUSES: Final = 8
OF_SANDBOX: Final = '{"flow": "Order follow-up", "input": {"customerName": "Jane", "orderId": "ORD-1"}}'
OF_ORG: Final = '{"flow": "NAME OR ID", "input": {"INPUT": "VALUE"}}'
WRONG: Final = (RowState.FAILED, RowState.REFUSED, RowState.IN_DOUBT, RowState.HELD, RowState.REJECTED)


class Overview:
    """The first page."""

    def __init__(self, state: GatewayState, pulse: Pulse) -> None:
        self._state = state
        self._pulse = pulse

    async def show(self, request: Request) -> Page:
        """Show how everything stands."""
        del request
        return Page("overview.html", await asyncio.to_thread(self._values))

    def _values(self) -> dict[str, Any]:
        state, now_us = self._state, self._state.now_us()
        seen = self._pulse.look()
        counts: Counter[str] = Counter()
        for (_batch_id, name), rows in seen.rows.items():
            counts[name] += rows
        columns = self._pulse.bars(now_us)
        budget = state.options.pace_per_minute
        parts = outcome_parts(counts)
        sent = sum(column.total for column in columns)
        latest, _ = state.reader.page(LaunchFilter(), limit=LATEST)
        return {
            "counts": counts,
            "total": counts.total(),
            "budget": budget,
            "used": seen.slots_used,
            "chart": bars(columns, f"{sent:,.0f} launches in the last 30 minutes, a bar for each minute", limit=budget),
            "sent": sent,
            "parts": parts,
            "share": share(parts, ", ".join(f"{part.value:,.0f} {part.name.lower()}" for part in parts)),
            "causes": self._causes(),
            "latest": latest,
            "callbacks": seen.callbacks,
            "troubles": self._troubles(),
            "route_trouble": state.routes.trouble,
            "base_url": state.base_url,
            "example": OF_SANDBOX if state.drawings is not None else OF_ORG,
        }

    def _causes(self) -> list[tuple[str, str, int]]:
        """Give (state, reason, rows) of what went wrong, most frequent first."""
        found: Counter[tuple[str, str]] = Counter()
        for batch in self._state.ledger.batches():
            for one in self._state.ledger.counts(batch.batch_id):
                if one.state in WRONG:
                    found[one.state.value, one.reason or title_of(one.state)] += one.rows
        return [(state, reason, rows) for (state, reason), rows in found.most_common(CAUSES) if rows]

    def _troubles(self) -> list[tuple[str, str]]:
        """Give (name, message) of batches that cannot be worked on now."""
        ledger = self._state.ledger
        listed = []
        for batch_id, trouble in list(self._state.engine.troubles.items()):
            batch = ledger.batch(batch_id)
            listed.append((route_name_of(batch) or batch.spec.name or f"batch {batch_id}", trouble.message))
        return listed
