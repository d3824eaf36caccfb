"""What is counted and timed while the gateway works; what can be read from its parts at any time is in `readings`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.states import Event
from flowlaunch.gateway.ops.commits import CommitTimer
from flowlaunch.gateway.ops.registry import Counter, Histogram, Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowlaunch.aclient import AsyncClient
    from flowlaunch.batch.ledger import Outcome, Result
    from flowlaunch.hooks import Event as ClientEvent

__all__ = ["BATCHES", "Instruments"]

BATCHES: Final = "(batches)"
"""Stands for the route of rows that came in with an uploaded batch."""
OUTCOMES: Final = {
    Event.ACCEPTED: "launched",
    Event.REFUSED: "refused",
    Event.LOST: "in_doubt",
    Event.NOT_SENT: "not_sent",
    Event.COMPLETED: "completed",
    Event.FAILED: "failed",
}
"""What is counted of a launch's way -> its name in the metrics."""


class Instruments:
    """Everything that is counted, made before the parts that it is given to.

    Attributes:
        boundary: for `open_ledger`, times its commits.
        route_of: batch id -> route; set once the ledger is open.
        reached_s: when the platform last answered anything, on the monotonic clock; None: not yet.
        answer: what it answered then, as a status.

    """

    def __init__(self, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self.requests = Counter(
            "flowlaunch_requests_total", "Requests answered, by operation and status.", ("operation", "status")
        )
        self.request_seconds = Histogram(
            "flowlaunch_request_duration_seconds", "From a request's head to the end of its answer.", ("operation",)
        )
        self.outcomes = Counter(
            "flowlaunch_launch_outcomes_total",
            "What came of launches here: sent (launched, refused, in_doubt, not_sent), ended (completed, failed).",
            ("route", "outcome"),
        )
        self.platform = Counter(
            "flowlaunch_platform_requests_total",
            "Requests to the platform, by operation and status (none: no answer came).",
            ("operation", "status"),
        )
        self.platform_seconds = Histogram(
            "flowlaunch_platform_request_duration_seconds", "How long the platform took.", ("operation",)
        )
        self.commit_seconds = Histogram(
            "flowlaunch_ledger_commit_duration_seconds", "How long commits of the ledger took.", ("transaction",)
        )
        self.callbacks = Counter(
            "flowlaunch_callback_attempts_total", "Attempts to deliver a callback, by what became of it.", ("outcome",)
        )
        self.callback_seconds = Histogram("flowlaunch_callback_duration_seconds", "How long receivers took.")
        self.lag_seconds = Histogram(
            "flowlaunch_event_loop_lag_seconds", "How much later than due the event loop came round."
        )
        self.removed = Counter(
            "flowlaunch_retention_removed_total", "What was removed because it was older than is kept.", ("what",)
        )
        self.backup_failures = Counter("flowlaunch_backup_failures_total", "Backups that could not be made.")
        self.in_flight = 0
        self.boundary = CommitTimer(self.commit_seconds)
        self.route_of: Callable[[int], str] = lambda _batch_id: BATCHES
        self.reached_s: float | None = None
        self.answer: int | None = None
        self.trouble = ""
        self.backed_up_at_s: float | None = None

    def registry(self) -> Registry:
        """Return a registry of all that is counted, to add gauges to."""
        return Registry(one for one in vars(self).values() if isinstance(one, Counter | Histogram))

    def listen(self, client: AsyncClient) -> None:
        """Take in what a client tells, beside whoever hears it already."""
        client._driver.shared.teller.also(self.hear)  # noqa: SLF001 - as the pace of batches has it

    def hear(self, event: ClientEvent) -> None:
        """Take in one attempt of the client."""
        if event.kind != "attempt":
            return
        self.platform.add(event.operation, "none" if event.status is None else str(event.status))
        self.platform_seconds.observe(event.elapsed_s, event.operation)
        if event.status is None:
            self.trouble = event.outcome
        else:
            self.reached_s, self.answer, self.trouble = self._now_s(), event.status, ""

    def silence_s(self) -> float | None:
        """Return how long ago the platform last answered; None when it never did."""
        return None if self.reached_s is None else self._now_s() - self.reached_s

    # the batch code's Watch -----------------------------------------------------------------------------------

    def written(self, results: Sequence[Outcome]) -> None:
        """Count what came of launches."""
        for one in results:
            if one.event in OUTCOMES:
                self.outcomes.add(self.route_of(one.row_id >> 32), OUTCOMES[one.event])

    def ended(self, results: Sequence[Result]) -> None:
        """Count how executions ended."""
        for one in results:
            if one.event in OUTCOMES:
                self.outcomes.add(self.route_of(one.row_id >> 32), OUTCOMES[one.event])
