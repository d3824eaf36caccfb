"""Connections that can be dropped, cut and reset: uvicorn's protocol with its transport in reach.

An application cannot end a connection without an answer through ASGI, so the protocol below puts itself into
the scope, and `Connection` acts on the socket.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

if TYPE_CHECKING:
    from flowlaunch.sandbox.answers import Answer

__all__ = ["SCOPE_KEY", "Connection", "SandboxProtocol"]

SCOPE_KEY = "flowlaunch.connection"
_LINGER_RESET = struct.pack("ii", 1, 0)
FLUSH_S = 0.02


class Connection:
    """The connection under one request."""

    __slots__ = ("_transport",)

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    @property
    def is_closing(self) -> bool:
        """Whether the connection has ended, on either side."""
        return self._transport.is_closing()

    def drop(self) -> None:
        """Close without a word: the client sees the end of the stream."""
        self._transport.abort()

    def reset(self) -> None:
        """Close with a reset: the client sees ECONNRESET."""
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        self._transport.abort()

    async def send_half(self, answer: Answer, headers: list[tuple[bytes, bytes]]) -> None:
        """Send the head and half of the body of an answer, then reset."""
        head = b"".join([STATUS_LINE[answer.status], *(b"%b: %b\r\n" % pair for pair in headers), b"\r\n"])
        self._transport.write(head + answer.body[: len(answer.body) // 2])
        await asyncio.sleep(FLUSH_S)
        self.reset()


class SandboxProtocol(HttpToolsProtocol):
    """uvicorn's protocol; the scope of each request leads to its connection."""

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]  # a TypedDict is a dict; ours adds a key
        scope[SCOPE_KEY] = self.transport
