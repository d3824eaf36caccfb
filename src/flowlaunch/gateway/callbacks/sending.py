"""Send one callback: resolve once, connect to the address that was checked, read the status and nothing else.

The receiver is not trusted. It gets one connection for a bounded time; its redirects are not followed, its body is not
read (a body kept for people to see would turn a callback into a way to read other machines), no proxy is asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flowlaunch.gateway.callbacks.addresses import Address
    from flowlaunch.gateway.callbacks.targets import Rules, Target

__all__ = ["Answered", "Resolver", "Sender", "SystemResolver"]

TIMEOUT_S: Final = 15.0
MOST_HEAD_BYTES: Final = 16 * 1024
MOST_INTERIM: Final = 3
DNS_THREADS: Final = 8
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")
_RETRY_AFTER: Final = re.compile(rb"\r\nretry-after:[ \t]*([!-~][ -~]{0,60})\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one attempt: a status, or the problem that there is none; `problem` never shows the path."""

    status: int | None = None
    retry_after: str | None = None
    problem: str = ""


class Resolver(Protocol):
    """Looks a host name up."""

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """Return the addresses of a host; OSError when it has none."""
        ...


class SystemResolver:
    """Looks names up as the system does, in threads of its own: a silent name server holds up nothing else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(DNS_THREADS, thread_name_prefix="callback-dns")

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        """Return the addresses of a host."""
        look_up = functools.partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        return [ip_address(str(one[4][0]).partition("%")[0]) for one in found]


class Sender:
    """Sends callbacks within the operator's rules."""

    def __init__(
        self, rules: Rules, *, timeout_s: float = TIMEOUT_S, resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self.rules = rules
        self._timeout_s = timeout_s
        self._resolve = resolver or SystemResolver()
        self._tls = tls or ssl.create_default_context()

    async def send(self, target: Target, headers: Mapping[str, str], body: bytes) -> Answered:
        """Post a body to a target and return what came of it, within the time given for all of it."""
        try:
            async with asyncio.timeout(self._timeout_s):
                addresses = await self._resolve(target.host, target.port)
                problem = target.problem_of(addresses, self.rules)
                if problem:
                    return Answered(problem=f"refused by the gateway: {problem}")
                return await self._exchange(target, addresses, _request(target, headers, body))
        except (OSError, UnicodeError, asyncio.LimitOverrunError, asyncio.IncompleteReadError) as error:
            why = next(text for kind, text in _PROBLEMS if isinstance(error, kind))
            return Answered(problem=why.format(host=target.host, timeout_s=self._timeout_s, why=_plain(error)))

    async def _exchange(self, target: Target, addresses: Sequence[Address], request: bytes) -> Answered:
        reader, writer = await self._connect(target, addresses)
        try:
            writer.write(request)
            with contextlib.suppress(ConnectionError):  # it may answer and close before it has read all
                await writer.drain()
            return await _read_answer(reader)
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _connect(
        self, target: Target, addresses: Sequence[Address]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the first of the checked addresses that answers; the name is not looked up again."""
        secure = {"ssl": self._tls, "server_hostname": target.host} if target.scheme == "https" else {}
        failed: OSError | None = None
        for address in addresses:
            try:
                return await asyncio.open_connection(str(address), target.port, limit=MOST_HEAD_BYTES, **secure)  # type: ignore[arg-type] # typeshed wants each keyword by name
            except ssl.SSLError:
                raise
            except OSError as error:
                failed = error
        raise failed or OSError("no address")


def _request(target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [
        f"POST {target.path} HTTP/1.1",
        f"host: {target.host_header}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        "user-agent: flowlaunch-gateway",
        "connection: close",
        *(f"{name}: {value}" for name, value in headers.items() if value.isascii() and value.isprintable()),
    ]
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body


async def _read_answer(reader: asyncio.StreamReader) -> Answered:
    for _ in range(MOST_INTERIM):
        head = await reader.readuntil(b"\r\n\r\n")
        found = _STATUS.match(head)
        if found is None:
            return Answered(problem="the answer is not HTTP")
        status = int(found[1])
        if status >= 200:
            later = _RETRY_AFTER.search(head)
            return Answered(status, later[1].decode("ascii") if later else None, _told(status))
    return Answered(problem="too many interim answers")


def _told(status: int) -> str:
    if 200 <= status < 300:
        return ""
    return f"answered {status}" + (": redirects are not followed" if 300 <= status < 400 else "")


_PROBLEMS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (TimeoutError, "no answer within {timeout_s:g} s"),
    (ssl.SSLCertVerificationError, "the certificate was refused: {why}"),
    (socket.gaierror, "the name {host} cannot be resolved"),
    (UnicodeError, "the name {host} cannot be resolved"),
    (asyncio.LimitOverrunError, "the head of the answer is too long"),
    (asyncio.IncompleteReadError, "the connection closed before an answer"),
    (OSError, "the connection failed: {why}"),
)


def _plain(error: Exception) -> str:
    """Name an error without the address that the system's text may repeat."""
    told = getattr(error, "verify_message", None) or getattr(error, "strerror", None) or type(error).__name__
    return str(told)[:120]
