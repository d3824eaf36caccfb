"""The transport for tasks, over aiohttp with one connection pool per event loop.

It answers the same question as the one for threads: can the service have seen the request?
"""

from __future__ import annotations

import asyncio
import ssl
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from yarl import URL

from flowlaunch._core.messages import Lost, Request, Response
from flowlaunch._io.network import IDLE_S, POOL_SIZE, kind_of, lost

if TYPE_CHECKING:
    from flowlaunch._io.network import Network


class _Attempt:
    """Whether the request of this task has begun to leave."""

    __slots__ = ("has_left",)

    def __init__(self) -> None:
        self.has_left = False


_attempt: ContextVar[_Attempt] = ContextVar("flowlaunch_attempt")
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)
_NO_HEADERS = frozenset({"User-Agent", "Accept-Encoding", "Accept"})


class _MarkedRequest(ClientRequest):
    """Notes the moment at which a connection is there and writing begins."""

    def send(self, conn: Any) -> Any:
        _attempt.get().has_left = True
        return super().send(conn)


class AsyncTransport:
    """Sends requests from any number of tasks of one event loop."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._abandoned: list[aiohttp.ClientSession] = []
        self._proxies: dict[str, str | None] = {}
        self._urls: dict[str, URL] = {}

    async def send(self, request: Request, timeout_s: float) -> Response | Lost:
        """Send `request` once and read the whole answer within `timeout_s`."""
        session = self._session
        if session is None or self._loop is not asyncio.get_running_loop():
            session = self._open()
        attempt = _Attempt()
        _attempt.set(attempt)
        call = request.call
        try:
            async with asyncio.timeout(timeout_s):
                answer = await session._request(  # noqa: SLF001 - the public wrapper adds an object per request
                    request.method,
                    self._url(call.url),
                    data=call.body,
                    headers=request.headers,
                    allow_redirects=False,
                    proxy=self._proxy(call.url),
                )
                try:
                    body = await answer.read()
                finally:
                    answer.release()
        except TimeoutError:
            left = attempt.has_left
            return lost(
                "timeout",
                f"no complete answer in {timeout_s:.3g} s" if left else "no connection in time",
                left=left,
            )
        except (aiohttp.ClientError, OSError, ssl.SSLError, ValueError, AssertionError) as error:
            return _lost(error, attempt)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status, headers, body)

    async def aclose(self) -> None:
        """Close every connection of the running loop."""
        session, self._session = self._session, None
        if session is not None and self._loop is asyncio.get_running_loop():
            await session.close()
            await asyncio.sleep(0)  # let the loop close the sockets: a warning is a failure

    def _open(self) -> aiohttp.ClientSession:
        if self._session is not None:
            # another loop's sockets cannot be closed from here, nor after a fork without harming the parent's
            self._abandoned.append(self._session)
        self._loop = asyncio.get_running_loop()
        connector = aiohttp.TCPConnector(
            limit=POOL_SIZE, keepalive_timeout=IDLE_S, ssl=self._network.tls(), ttl_dns_cache=60
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            request_class=_MarkedRequest,
            timeout=_NO_TIMEOUT,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
            skip_auto_headers=_NO_HEADERS,
        )
        return self._session

    def _proxy(self, url: str) -> str | None:
        origin = url[: url.find("/", 8)]
        try:
            return self._proxies[origin]
        except KeyError:
            return self._proxies.setdefault(origin, self._network.proxy_for(url))

    def _url(self, url: str) -> URL:
        found = self._urls.get(url)
        if found is None:
            if len(self._urls) > 512:
                self._urls.clear()
            found = self._urls[url] = URL(url, encoded=True)
        return found


def _lost(error: Exception, attempt: _Attempt) -> Lost:
    left = attempt.has_left
    if isinstance(error, (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError)):
        return lost("proxy", _reason(error), left=False)
    kind = kind_of(error)
    if isinstance(error, aiohttp.ClientPayloadError):
        kind = "truncated"
    elif left and kind in {"connect", "dns"}:
        kind = "reset"
    return lost(kind, _reason(error), left=left)


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{type(error.os_error).__name__}: {error.os_error}"
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
