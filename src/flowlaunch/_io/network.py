"""How to reach the service: proxies, certificates and connection ages, the same for both transports."""

from __future__ import annotations

import ssl
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from flowlaunch._core.messages import LossKind, Lost
from flowlaunch._core.redact import redact_text
from flowlaunch.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IDLE_S: Final = 4.0
"""Age at which an idle connection is dropped. Common servers drop theirs after 5 s at the earliest; a launch that
meets a connection the server is just closing would be in doubt, and a new connection costs less than that."""
POOL_SIZE: Final = 256
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Network:
    """Network settings. With no `proxy` the environment's HTTPS_PROXY, HTTP_PROXY and NO_PROXY count."""

    proxy: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    client_cert_file: Path | None = None
    client_key_file: Path | None = None

    def proxy_for(self, url: str) -> str | None:
        """Return the proxy to use for `url`; the environment's is never used for this machine itself."""
        if self.proxy:
            return _usable_proxy(self.proxy)
        parts = urlsplit(url)
        if (parts.hostname or "") in _LOOPBACK:
            return None
        from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - dear to import, and seldom needed

        if proxy_bypass(parts.netloc.rpartition("@")[2]):
            return None
        proxies = getproxies()
        found = proxies.get(parts.scheme) or proxies.get("all")
        return _usable_proxy(found) if found else None

    def tls(self) -> ssl.SSLContext:
        """Build the TLS settings: verification is always on."""
        context = ssl.create_default_context()
        if self.ca_file is not None:
            self._load("CA file", self.ca_file, lambda: context.load_verify_locations(cafile=self.ca_file))
        if self.client_cert_file is not None:
            cert, key = self.client_cert_file, self.client_key_file
            self._load("client certificate", cert, lambda: context.load_cert_chain(cert, key, password=_no_password))
        return context

    @staticmethod
    def _load(what: str, path: Path, load: Callable[[], None]) -> None:
        try:
            load()
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise SettingsError(
                f"the {what} {path} cannot be used: {why}",
                code="tls-files",
                hint="Give a readable PEM file; keys must not have a password.",
            ) from error


def _usable_proxy(proxy: str) -> str:
    """Return a proxy's URL; raise SettingsError for kinds that are not spoken, without showing its password."""
    url = proxy if "://" in proxy else f"http://{proxy}"
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme == "http" and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise SettingsError(
            f"the proxy {redact_text(url)!r} cannot be used: only HTTP proxies are",
            code="proxy",
            hint="Give http://host:port (HTTPS_PROXY or the proxy setting); TLS to the service goes through it.",
        )
    return url


def _no_password() -> str:
    raise ValueError("the key has a password")


def lost(kind: LossKind, reason: object, *, left: bool) -> Lost:
    """Build a Lost whose reason may be shown."""
    return Lost(left, kind, redact_text(str(reason)) or kind)


def kind_of(error: BaseException) -> LossKind:
    """Say what sort of failure `error`, or one that caused it, is."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return "certificate"
        if isinstance(seen, ssl.SSLError):
            return "tls"
        if isinstance(seen, TimeoutError):
            return "timeout"
        if type(seen).__name__ in {"gaierror", "NameResolutionError", "ClientConnectorDNSError"}:
            return "dns"
        if isinstance(seen, ConnectionRefusedError):
            return "connect"
        seen = seen.__cause__ or seen.__context__ or _inner(seen)
    return "connect"


def _inner(error: BaseException) -> BaseException | None:
    inner = getattr(error, "reason", None) or getattr(error, "os_error", None) or getattr(error, "original_error", None)
    if isinstance(inner, BaseException):
        return inner
    first = error.args[-1] if error.args else None
    return first if isinstance(first, BaseException) else None


def proxy_authorization(proxy: str) -> str:
    """Return the Basic credentials that a proxy's URL carries, or `""`."""
    parts = urlsplit(proxy)
    if parts.username is None:
        return ""
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + b64encode(pair.encode()).decode()
