"""Callbacks as they are sent: counted, timed, and a part of the launch's trace."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.gateway.callbacks.sending import Answered
    from flowlaunch.gateway.ops.instruments import Instruments
    from flowlaunch.gateway.ops.tracing import Span, Tracing
    from flowlaunch.gateway.store.deliveries import Leased

__all__ = ["CallbackWatch"]


class CallbackWatch:
    """Watches the outbox; implements its `Observer`."""

    def __init__(self, instruments: Instruments, tracing: Tracing | None = None) -> None:
        self._instruments, self._tracing = instruments, tracing

    def begin(self, one: Leased, traceparent: str) -> Sending:
        """Take in that a callback is being sent, of a launch that belongs to this trace."""
        span = None
        if self._tracing is not None and traceparent:
            named = {
                "flowlaunch.launch_id": one.launch_id, "flowlaunch.route": one.route,
                "flowlaunch.callback_id": one.id, "flowlaunch.attempt": one.tries_before + one.tries + 1,
            }  # fmt: skip
            span = self._tracing.linked("launch.callback", traceparent, "PRODUCER", attributes=named)
        return Sending(self._instruments, span, traceparent if span is None else span.traceparent)


class Sending:
    """One attempt that is under way; `headers` let the receiver go on with the trace."""

    def __init__(self, instruments: Instruments, span: Span | None, traceparent: str) -> None:
        self._instruments, self._span, self._began_s = instruments, span, time.perf_counter()
        self.headers: Mapping[str, str] = {"traceparent": traceparent} if traceparent else {}

    def end(self, answered: Answered) -> None:
        """Take in what came of it."""
        failed = "no_answer" if answered.status is None else "refused"
        self._instruments.callbacks.add(failed if answered.problem else "delivered")
        self._instruments.callback_seconds.observe(time.perf_counter() - self._began_s)
        if self._span is not None:
            problem = failed.replace("_", " ") if answered.problem else ""
            self._span.end(problem=problem, http__response__status_code=answered.status)
