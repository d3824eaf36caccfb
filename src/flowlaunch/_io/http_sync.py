"""The transport for threads, over urllib3 with its own retries off.

It answers one question that a plain client leaves open: can the service have seen the request? Everything up to
the last byte handed to the network is "not sent"; everything after is "may have been acted on".
"""

from __future__ import annotations

import io
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, ProxyError

from flowlaunch._core.messages import Lost, Request, Response
from flowlaunch._io.forks import renew_after_fork
from flowlaunch._io.network import IDLE_S, POOL_SIZE, kind_of, lost, proxy_authorization

if TYPE_CHECKING:
    import socket

    from flowlaunch._io.network import Network


class _Attempt(threading.local):
    """The attempt that this thread is making: urllib3 offers no way to hand it to the connection."""

    ends_s: float = 0.0
    has_left: bool = False


_attempt = _Attempt()


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket until the attempt's end, however slowly the bytes drip in.

    It reads through the socket's own file: that keeps the socket open when the connection is closed before the
    answer is read to its end, as http.client does for an answer that ends with its connection.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._file = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = _attempt.ends_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the answer was not complete in time")
        self._sock.settimeout(left_s)
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


class _DeadlineSocket:
    """A socket whose reader keeps to the attempt's end; everything else is the socket's own."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def makefile(self, mode: str, *_args: Any, **_kwargs: Any) -> io.BufferedReader:
        del mode  # http.client only ever reads through it
        return io.BufferedReader(_DeadlineReader(self._sock))


class _Watched:
    """What both connection classes add: age, the attempt's end, and whether the request has left."""

    used_at_s: float = float("inf")
    sock: Any

    @property
    def is_connected(self) -> bool:
        is_young = time.monotonic() - self.used_at_s < IDLE_S or self.used_at_s == float("inf")
        return is_young and bool(super().is_connected)  # type: ignore[misc] # a mixin: the base has it

    def request(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().request(*args, **kwargs)  # type: ignore[misc] # a mixin: the base has it
        except OSError:
            # over TLS an interrupted write may have flushed the whole record
            _attempt.has_left = self.sock is not None and hasattr(self.sock, "cipher")
            raise
        _attempt.has_left = True

    def getresponse(self) -> Any:
        real = self.sock
        self.sock = _DeadlineSocket(real)
        try:
            return super().getresponse()  # type: ignore[misc] # a mixin: the base has it
        finally:
            self.used_at_s = time.monotonic()
            if self.sock is not None:
                self.sock = real


class _Connection(_Watched, HTTPConnection):
    pass


class _TlsConnection(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS: Final = {"http": _Pool, "https": _TlsPool}


class SyncTransport:
    """Sends requests from any number of threads, each on a connection of its own."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._managers: dict[tuple[str | None, bool], urllib3.PoolManager] = {}
        self._inherited: dict[tuple[str | None, bool], urllib3.PoolManager] = {}
        self._lock = threading.Lock()
        renew_after_fork(self)

    def send(self, request: Request, timeout_s: float) -> Response | Lost:
        """Send `request` once and read the whole answer within `timeout_s`."""
        url = request.call.url
        manager = self._manager(url)
        _attempt.ends_s, _attempt.has_left = time.monotonic() + timeout_s, False
        try:
            answer = manager.request(
                request.method,
                url,
                body=request.call.body,
                headers=dict(request.headers),
                timeout=urllib3.Timeout(total=timeout_s),
                retries=False,
                redirect=False,
            )
        except (HTTPError, OSError, ValueError) as error:  # ValueError: what urllib3 makes of a broken status line
            return _lost(error, timeout_s, is_proxied=manager.proxy is not None)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status, headers, answer.data)

    def begin_process(self) -> None:
        """Leave the connections to the parent process after a fork: two cannot share one."""
        self._inherited = self._managers
        self._managers = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for manager in self._managers.values():
                manager.clear()
            self._managers = {}

    def _manager(self, url: str) -> urllib3.PoolManager:
        proxy = self._network.proxy_for(url)
        key = (proxy, url.startswith("https:"))
        found = self._managers.get(key)
        if found is None:
            with self._lock:
                found = self._managers.get(key) or self._new_manager(*key)
                self._managers[key] = found
        return found

    def _new_manager(self, proxy: str | None, is_tls: bool) -> urllib3.PoolManager:
        settings: dict[str, Any] = {"maxsize": POOL_SIZE, "block": False}
        if is_tls:  # loading the system's CAs takes longer than a launch
            settings["ssl_context"] = self._network.tls()
        if proxy is None:
            manager = urllib3.PoolManager(**settings)
        else:
            parts = urllib3.util.parse_url(proxy)
            basic = proxy_authorization(proxy)
            headers = {"proxy-authorization": basic} if basic else None
            bare = parts._replace(auth=None).url
            manager = urllib3.ProxyManager(bare, proxy_headers=headers, **settings)
        manager.pool_classes_by_scheme = dict(_POOLS)
        return manager


def _lost(error: Exception, timeout_s: float, *, is_proxied: bool) -> Lost:
    left = _attempt.has_left
    kind = kind_of(error)
    if not left and (isinstance(error, ProxyError) or (is_proxied and kind in {"connect", "dns"})):
        return lost("proxy", _reason(error), left=False)
    if kind == "timeout":
        return lost(kind, f"no complete answer in {timeout_s:.3g} s" if left else "no connection in time", left=left)
    if left and kind in {"connect", "dns"}:
        kind = "reset"
    return lost(kind, _reason(error), left=left)


def _reason(error: Exception) -> str:
    """Return the innermost reason: urllib3 wraps what the operating system said in several layers."""
    inner: BaseException = error
    while (below := inner.__cause__ or (inner.args[-1] if inner.args else None)) is not None:
        if not isinstance(below, BaseException):
            break
        inner = below
    text = str(inner).strip()
    return f"{type(inner).__name__}: {text}" if text else type(inner).__name__
