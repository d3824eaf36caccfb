"""The connections of one event loop: opened when needed, reused while young, never more than a bound."""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohappyeyeballs import start_connection

from flowlaunch._io.connection import Connection
from flowlaunch._io.network import IDLE_S, POOL_SIZE, proxy_authorization

if TYPE_CHECKING:
    import ssl

HAPPY_EYEBALLS_S = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """Where requests go: a host and port, over TLS or not, through a proxy or not; one object for each such place."""

    host: str
    port: int
    netloc: str
    tls: ssl.SSLContext | None = field(repr=False)
    proxy: str | None = field(repr=False)


class Pool:
    """Connections by origin."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._idle: dict[Origin, list[Connection]] = defaultdict(list)
        self._open: dict[Origin, set[Connection]] = defaultdict(set)
        self._opening: dict[Origin, int] = defaultdict(int)
        self._queue: dict[Origin, deque[asyncio.Future[None]]] = defaultdict(deque)

    def idle(self, origin: Origin) -> Connection | None:
        """Return a connection that is free, young and alive; drop those that are not."""
        free = self._idle[origin]
        oldest_s = self._loop.time() - IDLE_S
        while free:
            connection = free.pop()
            if connection.is_reusable and connection.used_at_s > oldest_s and connection.is_quiet:
                return connection
            self._forget(origin, connection)
        return None

    async def take(self, origin: Origin) -> Connection:
        """Return a connection, opening one where the bound allows, else when another is given back."""
        while True:
            connection = self.idle(origin)
            if connection is not None:
                return connection
            if len(self._open[origin]) + self._opening[origin] < POOL_SIZE:
                return await self._new(origin)
            turn = self._loop.create_future()
            self._queue[origin].append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._call_next(origin)  # the turn came too late for this task: pass it on
                raise

    def give_back(self, origin: Origin, connection: Connection) -> None:
        """Take a connection back after an exchange."""
        if connection.is_reusable:
            self._idle[origin].append(connection)
        else:
            self._forget(origin, connection)
        self._call_next(origin)

    async def close(self) -> None:
        """Close every connection and let the loop finish with the sockets."""
        for connections in self._open.values():
            for connection in connections:
                connection.drop()
        self._idle.clear()
        self._open.clear()
        for _ in range(2):  # one turn to close the sockets, one to tell the protocols
            await asyncio.sleep(0)

    async def _new(self, origin: Origin) -> Connection:
        self._opening[origin] += 1
        try:
            connection = await (self._connect(origin) if origin.proxy is None else self._tunnel(origin, origin.proxy))
        except BaseException:
            self._opening[origin] -= 1
            self._call_next(origin)
            raise
        self._opening[origin] -= 1
        self._open[origin].add(connection)
        return connection

    async def _connect(self, origin: Origin) -> Connection:
        sock = await self._dial(origin.host, origin.port)
        _, connection = await self._loop.create_connection(
            lambda: Connection(self._loop),
            sock=sock,
            ssl=origin.tls,
            server_hostname=origin.host if origin.tls is not None else None,
        )
        return connection

    async def _dial(self, host: str, port: int) -> socket.socket:
        """Connect to whichever of the host's addresses answers first (happy eyeballs)."""
        addresses = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        sock = await start_connection(addresses, happy_eyeballs_delay=HAPPY_EYEBALLS_S, loop=self._loop)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    async def _tunnel(self, origin: Origin, proxy: str) -> Connection:
        """Connect to the proxy and, for TLS, have it open a tunnel; ConnectionAbortedError when it refuses."""
        parts = urlsplit(proxy)
        where = parts.hostname or ""
        sock = await self._dial(where, parts.port or 80)
        _, connection = await self._loop.create_connection(lambda: Connection(self._loop), sock=sock)
        if origin.tls is None:
            return connection
        try:
            await connection.open_tunnel(f"{origin.host}:{origin.port}", proxy_authorization(proxy))
            assert connection.transport is not None  # noqa: S101 - it answered just now
            secured = await self._loop.start_tls(
                connection.transport, connection, origin.tls, server_hostname=origin.host
            )
        except BaseException:
            connection.drop()
            raise
        connection.transport = secured
        return connection

    def _forget(self, origin: Origin, connection: Connection) -> None:
        connection.drop()
        self._open[origin].discard(connection)

    def _call_next(self, origin: Origin) -> None:
        queue = self._queue[origin]
        while queue:
            turn = queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
