"""Connections with bounds: uvicorn's protocol, which itself waits for ever and takes heads of any size.

A client that sends its head or body by drops, sends a head without an end, or does not read its answer is given up;
so is one connection too many. What it costs to hold a socket open is then bounded by the numbers in ConnectionLimits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from flowlaunch.gateway.ops.options import ConnectionLimits

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

__all__ = ["BoundedProtocol", "bounded_protocol"]

LOOK_S: Final = 5.0
"""How often the speed of a body is judged."""
REFUSALS: Final = {
    400: ("Bad Request", "malformed", "The request is no HTTP"),
    408: ("Request Timeout", "too-slow", "The request came too slowly"),
    431: ("Request Header Fields Too Large", "head-too-large", "The request's head is too large"),
    503: ("Service Unavailable", "connections", "The gateway has too many connections"),
}


def bounded_protocol(limits: ConnectionLimits) -> type[BoundedProtocol]:
    """Return the protocol with these limits, for uvicorn's `http`."""
    return type("BoundedProtocol", (BoundedProtocol,), {"limits": limits})


class HeadTooLargeError(Exception):
    """Ends the parsing of a request; the parser turns it into its own error."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with bounds."""

    limits: ClassVar[ConnectionLimits] = ConnectionLimits()

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._is_in_head = True
        self._is_head_large = False
        self._head_bytes = 0
        self._body_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a connection, or refuse it when there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.most:
            self._refuse(503)
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._set_timer(None)
        self._stop_stall()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in, as long as they are within bounds."""
        if self.transport.is_closing():
            return
        if self._is_in_head:
            if self._timer is None:
                self._await_head()
            self._head_bytes += len(data)
        else:
            self._body_bytes += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_bytes > self.limits.head_bytes:  # all that came since it began is head
            self._refuse(431)

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._is_in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """End a head: from now on the body is timed."""
        size_bytes = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size_bytes > self.limits.head_bytes:
            self._is_head_large = True
            raise HeadTooLargeError
        self._is_in_head, self._head_bytes, self._body_bytes = False, 0, 0
        super().on_headers_complete()
        self._set_timer(self._judge_body, LOOK_S)

    def on_message_complete(self) -> None:
        """End a body."""
        self._is_in_head = True
        self._set_timer(None)
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - ours says it in the form of the API
        """Refuse what is no HTTP, or a head that is too large."""
        self._refuse(431 if self._is_head_large else 400)

    def pause_writing(self) -> None:
        """Time a client that does not read."""
        super().pause_writing()
        self._stop_stall()
        self._stall = self.loop.call_later(self.limits.stalled_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Let a client that reads again go on."""
        self._stop_stall()
        super().resume_writing()

    def _await_head(self) -> None:
        self._head_bytes = 0
        self._set_timer(lambda: self._refuse(408), self.limits.head_s)

    def _judge_body(self) -> None:
        """Give up a body that came too slowly since the last look; one that the app does not read now has time."""
        is_asked_for = not self.flow.read_paused and not self.cycle.waiting_for_100_continue
        if is_asked_for and self._body_bytes < self.limits.body_bytes_per_s * LOOK_S:
            self._refuse(408)
            return
        self._body_bytes = 0
        self._set_timer(self._judge_body, LOOK_S)

    def _refuse(self, status: int) -> None:
        """Answer and close; where an answer is under way, or was given already, the connection is cut."""
        self._set_timer(None)
        if self.transport.is_closing():
            return
        cycle = self.cycle
        is_free = cycle is None or (cycle.response_complete if self._is_in_head else not cycle.response_started)
        if not is_free:
            self.transport.abort()
            return
        self.transport.write(_refusal(status))
        self.transport.close()

    def _set_timer(self, act: Callable[[], None] | None, wait_s: float = 0.0) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if act is None else self.loop.call_later(wait_s, act)

    def _stop_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None


def _refusal(status: int) -> bytes:
    phrase, slug, title = REFUSALS[status]
    body = f'{{"type":"urn:flowlaunch:problem:{slug}","title":"{title}","status":{status},"detail":"{title}."}}'
    head = (
        f"HTTP/1.1 {status} {phrase}\r\ncontent-type: application/problem+json\r\ncontent-length: {len(body)}\r\n"
        "connection: close\r\n\r\n"
    )
    return (head + body).encode("ascii")
