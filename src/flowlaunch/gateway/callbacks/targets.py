"""Where a callback goes: its address taken apart, and checked against the operator's rules before anything is sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from flowlaunch.errors import InputError, SettingsError
from flowlaunch.gateway.callbacks.addresses import kind_of, refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from urllib.parse import SplitResult

    from flowlaunch.gateway.callbacks.addresses import Address, Network

__all__ = ["Rules", "Target", "origin_of", "read_rules", "target_of"]

LONGEST_URL: Final = 2048
PORTS: Final = {"https": 443, "http": 80}
_PLAIN: Final = re.compile(r"[!-~]+")
_HOST: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator allows beside public https addresses.

    Attributes:
        origins: `http://localhost:9000`: exactly these, whatever their addresses.
        networks: private networks that https callbacks may reach.
        hosts: when there are any, only these hosts (`hooks.example.com`, `.example.com` for all below) are called.

    """

    origins: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """An address to call, in its parts; `path` holds the query, too, and may hold secrets of the receiver."""

    scheme: str
    host: str
    port: int
    path: str
    is_listed: bool = False

    @property
    def origin(self) -> str:
        """Scheme, host and port, as they may be shown."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == PORTS[self.scheme] else f":{self.port}")

    @property
    def host_header(self) -> str:
        """What the header Host says."""
        return self.origin.partition("://")[2]

    def problem_of(self, addresses: Sequence[Address], rules: Rules) -> str:
        """Say why these addresses, to which the host resolved, may not be reached; empty when they may."""
        if not addresses:
            return f"{self.host} has no address"
        bad = refused(addresses, rules.networks, is_listed=self.is_listed)
        return "" if bad is None else f"{self.host} resolves to {bad[0]}, a {bad[1]} address"


def target_of(url: str, rules: Rules) -> Target:
    """Take a callback's address apart and check it, without a network.

    Raises:
        InputError: it is no address that may be called; the message shows no more of it than its origin.

    """
    parts = _split(url)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").rstrip(".").lower()
    target = Target(
        scheme, host, parts.port or PORTS[scheme], (parts.path or "/") + (f"?{parts.query}" * bool(parts.query))
    )
    if target.origin in rules.origins:
        return Target(scheme, host, target.port, target.path, is_listed=True)
    if scheme != "https":
        raise _refused(f"{target.origin} is not https", f"Use https, or have the operator list {target.origin}.")
    if rules.hosts and not any(_is_host(host, allowed) for allowed in rules.hosts):
        raise _refused(f"{host} is not one of the hosts that callbacks may reach", "Have the operator list it.")
    _check_literal(target, rules)
    return target


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address that was checked before."""
    parts = urlsplit(url)
    scheme = parts.scheme if parts.scheme in PORTS else "https"
    return Target(scheme, (parts.hostname or "").rstrip("."), parts.port or PORTS[scheme], "/").origin


def read_rules(allow: Iterable[str] = (), hosts: Iterable[str] = ()) -> Rules:
    """Read the operator's rules: `allow` holds origins and networks (`http://localhost:9000`, `10.1.0.0/16`).

    Raises:
        SettingsError: an entry is neither.

    """
    origins, networks = set(), []
    for entry in allow:
        if "://" in entry:
            origins.add(_listed_origin(entry))
            continue
        try:
            networks.append(ip_network(entry))
        except ValueError as error:
            raise SettingsError(
                f"callbacks may not be allowed to reach {entry!r}: {error}",
                code="callback-rules",
                hint="List origins such as http://localhost:9000 and networks such as 10.1.0.0/16.",
            ) from error
    return Rules(frozenset(origins), tuple(networks), tuple(host.strip().lower() for host in hosts))


def _listed_origin(entry: str) -> str:
    try:
        parts = _split(entry)
    except InputError as error:
        raise SettingsError(f"the callback origin {entry!r}: {error.message}", code="callback-rules") from error
    if parts.path not in {"", "/"} or parts.query:
        raise SettingsError(
            f"the callback origin {entry!r} has a path", code="callback-rules", hint="Give scheme, host and port."
        )
    return origin_of(f"{parts.scheme.lower()}://{parts.netloc.lower()}")


def _split(url: str) -> SplitResult:
    """Split an address that has nothing in it that two readers might read differently."""
    if len(url) > LONGEST_URL:
        raise _refused(f"the address has {len(url)} characters", f"Keep it below {LONGEST_URL}.")
    if not _PLAIN.fullmatch(url) or "\\" in url:
        raise _refused(
            "the address has characters that no address has", "Percent-encode them; write IDN hosts as xn--."
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refused("the address cannot be read", "Give it as https://host/path.") from error
    host = parts.hostname or ""
    if parts.scheme.lower() not in PORTS or not host or port == 0 or not _is_host_name(host):
        raise _refused("the address is not of the form https://host/path", "Give scheme, host and path.")
    if parts.username is not None or parts.password is not None:
        raise _refused("the address holds a user name or password", "Check the signature instead.")
    if parts.fragment:
        raise _refused("the address has a fragment", "Leave out what follows the #.")
    return parts


def _is_host_name(host: str) -> bool:
    if ":" in host:
        try:
            return "%" not in host and ip_address(host).version == 6
        except ValueError:
            return False
    return _HOST.fullmatch(host) is not None


def _is_host(host: str, allowed: str) -> bool:
    return host.endswith(allowed) if allowed.startswith(".") else host == allowed


def _check_literal(target: Target, rules: Rules) -> None:
    """Refuse at once an address that is written as a number and may not be reached; names are resolved when called."""
    try:
        address = ip_address(target.host)
    except ValueError:
        return
    if refused([address], rules.networks, is_listed=False):
        raise _refused(
            f"{target.host} is a {kind_of(address)} address", "Give a public address, or have the operator list it."
        )


def _refused(why: str, cure: str) -> InputError:
    return InputError(f"this callback cannot be called: {why}", code="callback-refused", hint=cure)
