"""Metrics that are read from the gateway's parts when someone asks, at most once a second."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter as Sums
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flowlaunch._version import __version__
from flowlaunch.batch.permits import client_key
from flowlaunch.gateway.launches.batches import route_name_of
from flowlaunch.gateway.ops.instruments import BATCHES
from flowlaunch.gateway.ops.registry import CounterElsewhere, Gauge, Metric
from flowlaunch.gateway.store.gauges import Glance, glance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from flowlaunch.gateway.ops.instruments import Instruments
    from flowlaunch.gateway.state import GatewayState

__all__ = ["Readings"]

FRESH_S: Final = 1.0
BEGAN_S: Final = time.time()


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the ledger, by route."""

    at_s: float
    rows: Mapping[tuple[str, ...], float]
    accepted: Mapping[tuple[str, ...], float]
    glance: Glance


class Readings:
    """Reads gauges. `refresh` waits for the ledger, so call it in a thread; the gauges then wait for nothing."""

    def __init__(
        self, state: GatewayState, instruments: Instruments, *, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._state, self._instruments, self._now_s = state, instruments, now_s
        self._routes: dict[int, str] = {}
        self._look = Look(float("-inf"), {}, {}, Glance(rows={}, callbacks={}, slots_used=0))
        instruments.route_of = self.route_of

    def route_of(self, batch_id: int) -> str:
        """Return the route of a batch that is worked on here, or was there at the last look; asks nobody."""
        return self._routes.get(batch_id) or self._state.batches.names.get(batch_id) or BATCHES

    def refresh(self) -> None:
        """Look at the ledger, unless that was done a moment ago."""
        now_s = self._now_s()
        if now_s - self._look.at_s < FRESH_S:
            return
        ledger = self._state.ledger
        accepted: Sums[tuple[str, ...]] = Sums()
        for batch in ledger.batches():
            route = self._routes[batch.batch_id] = route_name_of(batch) or BATCHES
            accepted[(route,)] += batch.last_number
        found = glance(ledger.store, client_key(self._state.client))
        rows: Sums[tuple[str, ...]] = Sums()
        for (batch_id, state), count in found.rows.items():
            rows[self._routes.get(batch_id, BATCHES), state] += count
        self._look = Look(now_s, rows, accepted, found)

    def gauges(self) -> Iterator[Metric]:
        """Yield every gauge."""
        state, instruments = self._state, self._instruments
        yield CounterElsewhere(
            "flowlaunch_launches_accepted_total",
            "Launches accepted since the ledger was made, by route.",
            lambda: self._look.accepted,
            ("route",),
        )
        yield Gauge(
            "flowlaunch_launches",
            "Launches in the ledger now, by route and state; pending is the queue.",
            lambda: self._look.rows,
            ("route", "state"),
        )
        yield Gauge(
            "flowlaunch_queue_limit",
            "Launches that may wait in a route; more are answered 429.",
            lambda: {(): state.options.max_waiting_rows},
        )
        yield Gauge(
            "flowlaunch_pace_budget_per_minute",
            "Requests that may be sent in a minute; absent without a pace.",
            lambda: {} if state.options.pace_per_minute is None else {(): state.options.pace_per_minute},
        )
        yield Gauge(
            "flowlaunch_pace_used_last_minute",
            "Slots of the pace taken in the last 60 s, by all processes on this ledger.",
            lambda: {(): self._look.glance.slots_used},
        )
        yield Gauge(
            "flowlaunch_callbacks",
            "Callbacks that wait to be delivered, or were given up (dead), counted up to 100,000.",
            lambda: {(name,): count for name, count in self._look.glance.callbacks.items()},
            ("state",),
        )
        yield Gauge(
            "flowlaunch_engine_troubles",
            "Batches that cannot be worked on now, by the error's code.",
            lambda: Sums((one.code,) for one in state.engine.troubles.values()),
            ("code",),
        )
        yield Gauge(
            "flowlaunch_routes_file_in_force",
            "1: the routes file is in force as it is now; 0: an earlier one is, or not all of it; absent without one.",
            lambda: {} if state.options.routes_file is None else {(): float(not state.routes.trouble)},
        )
        yield Gauge(
            "flowlaunch_routes_unfit",
            "Routes whose flow is gone or lacks what they name: their launches are refused.",
            lambda: {(): len(state.routes.unfit)},
        )
        yield Gauge(
            "flowlaunch_requests_in_flight", "Requests being answered.", lambda: {(): float(instruments.in_flight)}
        )
        yield Gauge(
            "flowlaunch_platform_silence_seconds",
            "Since the platform last answered anything; absent until it has.",
            lambda: {} if (silence_s := instruments.silence_s()) is None else {(): silence_s},
        )
        yield Gauge(
            "flowlaunch_backup_timestamp_seconds",
            "When this process last made a backup, in seconds since 1970.",
            lambda: {} if instruments.backed_up_at_s is None else {(): instruments.backed_up_at_s},
        )
        yield Gauge("flowlaunch_ledger_bytes", "Size of the ledger's files.", self._ledger_bytes, ("file",))
        yield Gauge("flowlaunch_build_info", "The version that runs.", lambda: {(__version__,): 1.0}, ("version",))
        yield from process_gauges()

    def _ledger_bytes(self) -> dict[tuple[str, ...], float]:
        path = self._state.ledger.store.path
        found: dict[tuple[str, ...], float] = {}
        for name, ending in (("ledger", ""), ("log", "-wal")):
            with contextlib.suppress(OSError):
                if path is not None:
                    found[(name,)] = Path(f"{path}{ending}").stat().st_size
        return found


def process_gauges() -> Iterator[Metric]:
    """Yield what the system tells of this process, under the names that are customary; nothing where it does not."""
    page_bytes = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096

    def resident() -> dict[tuple[str, ...], float]:
        try:
            return {(): int(Path("/proc/self/statm").read_text("ascii").split()[1]) * page_bytes}
        except (OSError, ValueError, IndexError):
            return {}

    def files() -> dict[tuple[str, ...], float]:
        try:
            return {(): len(os.listdir("/proc/self/fd"))}  # noqa: PTH208 - names are enough
        except OSError:
            return {}

    yield Gauge("process_resident_memory_bytes", "Memory that is in use.", resident)
    yield Gauge("process_open_fds", "Open files and sockets.", files)
    yield CounterElsewhere("process_cpu_seconds_total", "Processor time used.", lambda: {(): time.process_time()})
    yield Gauge("process_start_time_seconds", "When the process began, in seconds since 1970.", lambda: {(): BEGAN_S})
