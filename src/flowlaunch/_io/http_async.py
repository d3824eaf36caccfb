"""The transport for tasks: HTTP/1.1 on asyncio's own protocols, parsed by httptools.

It answers the question that decides whether a launch may be repeated: can the service have seen the request?
Why it is ours and not a library's is measured in docs/explanation/decisions/0002-async-transport.md.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flowlaunch._core.messages import Lost, Request, Response
from flowlaunch._io.network import kind_of, lost, proxy_authorization
from flowlaunch._io.pool import Origin, Pool

if TYPE_CHECKING:
    import ssl

    from flowlaunch._io.connection import Connection
    from flowlaunch._io.network import Network

MAX_KNOWN_URLS = 512


class AsyncTransport:
    """Sends requests from any number of tasks of one event loop at a time."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pool: Pool | None = None
        self._abandoned: list[Pool] = []
        self._targets: dict[str, tuple[Origin, str]] = {}
        self._origins: dict[tuple[str, bool, str | None], Origin] = {}
        self._tls: ssl.SSLContext | None = None

    async def send(self, request: Request, timeout_s: float) -> Response | Lost:
        """Send `request` once and read the whole answer within `timeout_s`."""
        loop = asyncio.get_running_loop()
        pool = self._pool if self._loop is loop and self._pool is not None else self._new_pool(loop)
        call = request.call
        origin, target = self._targets.get(call.url) or self._target(call.url)
        ends_s = loop.time() + timeout_s
        connection = pool.idle(origin)
        if connection is None:
            opened = await self._open(pool, origin, timeout_s)
            if isinstance(opened, Lost):
                return opened
            connection = opened
        try:
            return await connection.exchange(_head(request, origin, target), call.body or b"", ends_s)
        finally:
            pool.give_back(origin, connection)  # a cancelled exchange has dropped it, which frees its place

    async def close(self) -> None:
        """Close every connection of the running loop."""
        pool, self._pool = self._pool, None
        if pool is not None and self._loop is asyncio.get_running_loop():
            await pool.close()

    async def _open(self, pool: Pool, origin: Origin, timeout_s: float) -> Connection | Lost:
        try:
            async with asyncio.timeout(timeout_s):
                return await pool.take(origin)
        except TimeoutError:
            return lost("timeout", f"no connection in {timeout_s:.3g} s", left=False)
        except ConnectionAbortedError as error:  # the pool's word for what a proxy refused
            return lost("proxy", error, left=False)
        except (OSError, ValueError) as error:
            is_proxy = origin.proxy is not None and kind_of(error) in {"connect", "dns"}
            return lost("proxy" if is_proxy else kind_of(error), f"{type(error).__name__}: {error}", left=False)

    def _new_pool(self, loop: asyncio.AbstractEventLoop) -> Pool:
        if self._pool is not None:
            # another loop's sockets cannot be closed from here, nor a parent process's after a fork
            self._abandoned.append(self._pool)
        self._loop = loop
        self._pool = Pool(loop)
        return self._pool

    def _target(self, url: str) -> tuple[Origin, str]:
        """Split `url` into where to connect and what to ask for there."""
        if len(self._targets) >= MAX_KNOWN_URLS:
            self._targets.clear()
        parts = urlsplit(url)
        is_tls = parts.scheme == "https"
        if is_tls and self._tls is None:
            self._tls = self._network.tls()
        proxy = self._network.proxy_for(url)
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        place = (parts.netloc, is_tls, proxy)
        origin = self._origins.get(place)
        if origin is None:
            port = parts.port or (443 if is_tls else 80)
            tls = self._tls if is_tls else None
            origin = self._origins[place] = Origin(parts.hostname or "", port, parts.netloc, tls, proxy)
        target = f"{parts.scheme}://{parts.netloc}{path}" if proxy and not is_tls else path
        self._targets[url] = (origin, target)
        return origin, target


def _head(request: Request, origin: Origin, target: str) -> bytes:
    """Write the request's head; header values were made or checked by us and hold no line break."""
    lines = [f"{request.method} {target} HTTP/1.1", f"host: {origin.netloc}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    if request.call.body is not None:
        lines.append(f"content-length: {len(request.call.body)}")
    if origin.proxy and origin.tls is None and (basic := proxy_authorization(origin.proxy)):
        lines.append(f"proxy-authorization: {basic}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
