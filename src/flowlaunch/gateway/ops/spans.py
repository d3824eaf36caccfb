"""Spans of what happens to a launch after its request was answered: in the queue, sent, run, told."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.states import Event, RowState
from flowlaunch.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowlaunch.batch.ledger import Outcome, Result
    from flowlaunch.gateway.launches.reading import LaunchView
    from flowlaunch.gateway.ops.tracing import Tracing
    from flowlaunch.gateway.store.launches import LaunchRecord

__all__ = ["LaunchSpans"]

logger = logging.getLogger("flowlaunch.gateway.traces")
MOST_WAITING: Final = 10_000
"""Ends that wait to become spans; beyond, the oldest are dropped: a trace may have a gap, a launch may not."""
AT_ONCE: Final = 200
SENT: Final = frozenset({Event.ACCEPTED, Event.REFUSED, Event.LOST})
PROBLEMS: Final = {RowState.REFUSED: "refused", RowState.IN_DOUBT: "in doubt", RowState.FAILED: "failed"}


class LaunchSpans:
    """Makes spans of launches whose request belonged to a trace; implements the batch code's `Watch`.

    `look` reads the launches of rows; it is called in a thread.
    """

    def __init__(self, tracing: Tracing, look: Callable[[Sequence[int]], Sequence[LaunchView]]) -> None:
        self._tracing, self._look = tracing, look
        self._waiting: deque[tuple[str, int]] = deque(maxlen=MOST_WAITING)
        self._bell = asyncio.Event()

    def written(self, results: Sequence[Outcome]) -> None:
        """Take in what came of launches."""
        self._take([("sent", one.row_id) for one in results if one.event in SENT])

    def ended(self, results: Sequence[Result]) -> None:
        """Take in how executions ended."""
        self._take([("ran", one.row_id) for one in results if one.event is not None])

    def _take(self, found: list[tuple[str, int]]) -> None:
        if found:
            self._waiting.extend(found)
            self._bell.set()

    async def run(self) -> None:
        """Make spans of what was taken in, until cancelled."""
        while True:
            await self._bell.wait()
            self._bell.clear()
            while self._waiting:
                part = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
                try:
                    await asyncio.to_thread(self._tell, part)
                except LedgerError as error:
                    logger.warning("%d spans of launches are missing: %s", len(part), error.message)

    def flush(self) -> None:
        """Make spans of what is left."""
        if self._waiting:
            part, self._waiting = list(self._waiting), deque(maxlen=MOST_WAITING)
            self._tell(part)

    def _tell(self, part: Sequence[tuple[str, int]]) -> None:
        views = {one.row.row_id: one for one in self._look([row_id for _kind, row_id in part])}
        for kind, row_id in part:
            view = views.get(row_id)
            if view is not None and view.launch.trace:
                _TELL[kind](self._tracing, view)


def _tell_sent(tracing: Tracing, view: LaunchView) -> None:
    """Make two spans: from the acceptance to the intent, and from the intent to the platform's answer."""
    launch, row = view.launch, view.row
    began_us = row.intent_us or launch.created_us
    queued = tracing.linked(
        "launch.queue", launch.trace, "CONSUMER", attributes=_named(view), began_us=launch.created_us
    )
    queued.end(ended_us=max(began_us, launch.created_us))
    sent = tracing.linked("launch.send", launch.trace, "CLIENT", attributes=_named(view), began_us=began_us)
    problem = PROBLEMS.get(row.state, "") if row.state is not RowState.FAILED else ""
    sent.end(
        ended_us=row.launched_us or row.ended_us,
        problem=problem,
        flowlaunch__state="launched" if row.launched_us is not None else row.state.value,
        flowlaunch__execution_id=row.execution_id,
        genesys__correlation_id=row.correlation_id,
        http__response__status_code=row.http_status,
        error__type=row.error_code,
    )


def _tell_ran(tracing: Tracing, view: LaunchView) -> None:
    """Make a span of the execution."""
    launch, row = view.launch, view.row
    began_us = row.result_started_us or row.launched_us or launch.created_us
    ran = tracing.linked("launch.run", launch.trace, attributes=_named(view), began_us=began_us)
    ran.end(
        ended_us=max(began_us, row.result_ended_us or row.ended_us or began_us),
        problem=PROBLEMS.get(row.state, ""),
        flowlaunch__state=row.state.value,
        flowlaunch__execution_id=row.execution_id,
        error__type=row.result_error_code,
    )


_TELL: Final = {"sent": _tell_sent, "ran": _tell_ran}


def _named(view: LaunchView) -> dict[str, str | int]:
    launch: LaunchRecord = view.launch
    return {"flowlaunch.launch_id": launch.id, "flowlaunch.route": view.route, "flowlaunch.attempt": view.row.attempts}
