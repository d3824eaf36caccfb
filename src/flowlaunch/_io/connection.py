"""One HTTP/1.1 connection on asyncio, one exchange at a time."""

from __future__ import annotations

import asyncio
import select
import zlib
from typing import Final, cast

import httptools

from flowlaunch._core.messages import Lost, Response
from flowlaunch._io.network import kind_of, lost

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
MAX_PROXY_BYTES: Final = 64 * 1024
_PACKED: Final = frozenset({"gzip", "x-gzip", "deflate"})
_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32


class Connection(asyncio.Protocol):
    """A connection that carries one request after the other and tells at once when it is gone."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.transport: asyncio.Transport | None = None
        self.used_at_s = loop.time()
        self.is_reusable = True
        self._waiter: asyncio.Future[Response | Lost] | None = None
        self._tunnel: asyncio.Future[str] | None = None
        self._poll: select.poll | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._begin_answer()

    async def exchange(self, head: bytes, body: bytes, ends_s: float) -> Response | Lost:
        """Send one request and read its answer until `ends_s` on the loop's clock.

        From the first byte on, the service may have acted on it.
        """
        if self.transport is None or self.transport.is_closing():
            return lost("reset", "the connection was closed before the request was sent", left=False)
        waiter: asyncio.Future[Response | Lost] = self._loop.create_future()
        self._waiter = waiter
        self._begin_answer()
        self._parser = httptools.HttpResponseParser(self)
        bell = self._loop.call_at(ends_s, self._time_out)
        self.transport.write(head + body)
        try:
            return await waiter
        finally:
            bell.cancel()
            self._waiter = None
            self.used_at_s = self._loop.time()
            if not waiter.done() or waiter.cancelled():
                self.drop()

    async def open_tunnel(self, where: str, authorization: str) -> None:
        """Have a proxy connect this connection to `where`; raise ConnectionAbortedError when it does not.

        The caller bounds the time. The answer to CONNECT has no body, so it is read here and not by the parser.
        """
        assert self.transport is not None  # noqa: S101 - just connected
        lines = [f"CONNECT {where} HTTP/1.1", f"host: {where}"]
        lines += [f"proxy-authorization: {authorization}"] if authorization else []
        self._tunnel = self._loop.create_future()
        self.transport.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")
        try:
            status_line = await self._tunnel
        finally:
            self._tunnel = None
        words = status_line.split(" ", 2)
        if len(words) < 2 or words[1] != "200":
            raise ConnectionAbortedError(f"the proxy answered {status_line[:80]!r}")

    def drop(self) -> None:
        """Close the connection at once."""
        self.is_reusable = False
        if self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        if sock is not None and hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(sock.fileno(), select.POLLIN)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing has arrived that the loop has not seen yet, the connection's end above all.

        An idle connection has nothing to say; a launch sent over one that the server has closed is in doubt.
        """
        return self._poll is None or not self._poll.poll(0)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; bytes that nobody asked for end the connection."""
        if self._tunnel is not None:
            self._tunnel_answer(data)
            return
        if self._waiter is None or self._parser is None:
            self.drop()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._settle(lost("reset", f"the answer is not HTTP: {error}", left=True))
            self.drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Settle what is waited for: an answer without a length ends here, anything else is cut short."""
        self.is_reusable = False
        if self._tunnel is not None and not self._tunnel.done():
            self._tunnel.set_exception(ConnectionAbortedError("the proxy closed the connection"))
        if self._waiter is None:
            return
        if exc is None and self._is_delimited_by_end:
            self._settle(self._answer())
        elif self._headers_done:
            self._settle(lost("truncated", "the connection closed in the middle of the answer", left=True))
        else:
            kind = kind_of(exc) if exc is not None else "reset"
            reason = f"{type(exc).__name__}: {exc}" if exc is not None else "the connection closed without an answer"
            self._settle(lost("reset" if kind == "connect" else kind, reason, left=True))

    def on_message_begin(self) -> None:
        """Give up a connection that goes on talking after its answer: the next request would meet the rest of it."""
        if self._waiter is not None and self._waiter.done():
            self.is_reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, names in lower case."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Note the status."""
        if self._parser is not None:
            self._status = self._parser.get_status_code()
        self._headers_done = True

    def on_body(self, chunk: bytes) -> None:
        """Keep a piece of the body."""
        self._body += chunk
        if len(self._body) > MAX_ANSWER_BYTES:
            self._settle(lost("truncated", f"the answer has more than {MAX_ANSWER_BYTES:,} bytes", left=True))
            self.drop()

    def on_message_complete(self) -> None:
        """Hand the answer over; an interim one (1xx) is passed by."""
        if 100 <= self._status < 200:
            self._begin_answer()
            return
        self.is_reusable = self.is_reusable and self._parser is not None and self._parser.should_keep_alive()
        self._settle(self._answer())

    def _tunnel_answer(self, data: bytes) -> None:
        self._body += data
        head, found, _rest = bytes(self._body).partition(b"\r\n\r\n")
        if (found or len(self._body) > MAX_PROXY_BYTES) and self._tunnel is not None and not self._tunnel.done():
            self._tunnel.set_result(head.split(b"\r\n", 1)[0].decode("latin-1"))

    @property
    def _is_delimited_by_end(self) -> bool:
        names = self._headers
        return self._headers_done and "content-length" not in names and "transfer-encoding" not in names

    def _begin_answer(self) -> None:
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._headers_done = False

    def _answer(self) -> Response | Lost:
        """Make the answer of what was read; a gateway may have packed it unasked."""
        body = bytes(self._body)
        if body and self._headers.get("content-encoding", "").strip().lower() in _PACKED:
            unpacking = zlib.decompressobj(_GZIP_OR_ZLIB)
            try:
                body = unpacking.decompress(body, MAX_ANSWER_BYTES)
            except zlib.error as error:
                return lost("truncated", f"the packed answer cannot be read: {error}", left=True)
            if not unpacking.eof:
                return lost("truncated", "the packed answer does not end, or has too many bytes", left=True)
        return Response(self._status, self._headers, body)

    def _settle(self, reply: Response | Lost) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(reply)

    def _time_out(self) -> None:
        self._settle(lost("timeout", "no complete answer in time", left=True))
        self.drop()
