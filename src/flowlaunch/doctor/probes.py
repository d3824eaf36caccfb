"""Probe hosts below HTTP: name lookup, connection, TLS and the server's clock.

Standard library only; no token or secret passes through here.
"""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from flowlaunch.errors import NotSentError

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Endpoint", "Greeting", "connect", "endpoint_of", "lookup"]

_HEAD_BYTES: Final = 16_384
_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a URL leads to."""

    host: str
    port: int
    is_tls: bool

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a server showed when it was asked for nothing: TLS version, days its certificate still holds, its time."""

    elapsed_s: float
    tls_version: str = ""
    certificate_days: float | None = None
    server_time: datetime | None = None


def endpoint_of(url: str) -> Endpoint:
    """Tell the host and port that `url` leads to."""
    parts = urlsplit(url)
    return Endpoint(parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443), parts.scheme == "https")


def lookup(endpoint: Endpoint) -> list[str]:
    """Tell the addresses of the endpoint's host.

    Raises:
        NotSentError: the name cannot be resolved.

    """
    try:
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NotSentError(
            f"the name {endpoint.host} cannot be resolved: {error.strerror or error}",
            code="dns",
            hint="Check the region's spelling and this machine's name server.",
        ) from error
    return list(dict.fromkeys(str(address[4][0]) for address in found))


def connect(endpoint: Endpoint, context: ssl.SSLContext | None, timeout_s: float) -> Greeting:
    """Open a connection, TLS included, and read the time in the answer to a HEAD request.

    Raises:
        NotSentError: no connection, or TLS failed; the message names which.

    """
    started_s = time.monotonic()
    try:
        with socket.create_connection((endpoint.host, endpoint.port), timeout=timeout_s) as plain:
            if context is None:
                return Greeting(time.monotonic() - started_s, server_time=_server_time(plain, endpoint))
            with context.wrap_socket(plain, server_hostname=endpoint.host) as secured:
                elapsed_s = time.monotonic() - started_s
                days = _days_left(secured)
                return Greeting(elapsed_s, secured.version() or "", days, _server_time(secured, endpoint))
    except ssl.SSLCertVerificationError as error:
        raise NotSentError(
            f"the certificate of {endpoint} is not trusted: {error.verify_message}",
            code="certificate",
            hint="Give the CA that signed it (FLOWLAUNCH_CA_FILE); a proxy that reads TLS has its own.",
        ) from error
    except ssl.SSLError as error:
        raise NotSentError(
            f"TLS with {endpoint} failed: {error.reason or error}",
            code="tls",
            hint="Check that this port speaks TLS, and whether the server wants a client certificate.",
        ) from error
    except OSError as error:
        raise NotSentError(
            f"no connection to {endpoint}: {error.strerror or error}",
            code="connection",
            hint="Check port, firewall and proxy; is the sandbox running?",
        ) from error


def _days_left(secured: ssl.SSLSocket) -> float | None:
    ends = (secured.getpeercert() or {}).get("notAfter")
    return (ssl.cert_time_to_seconds(ends) - time.time()) / 86_400 if isinstance(ends, str) else None


def _server_time(connection: socket.socket, endpoint: Endpoint) -> datetime | None:
    """Read the Date header of whatever the server answers; None when it tells none."""
    request = f"HEAD / HTTP/1.1\r\nHost: {endpoint}\r\nUser-Agent: flowlaunch\r\nConnection: close\r\n\r\n"
    received = b""
    try:
        connection.sendall(request.encode("ascii"))
        while b"\r\n\r\n" not in received and len(received) < _HEAD_BYTES:
            chunk = connection.recv(4096)
            if not chunk:
                break
            received += chunk
        for line in received.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"date":
                return parsedate_to_datetime(value.decode("latin-1").strip())
    except (OSError, ValueError):
        return None
    return None
