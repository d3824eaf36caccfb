"""Which network addresses a callback may reach: the public ones, and what the operator lists.

An app chooses the address of its callback. Without this guard it could have the gateway knock at machines that only
the gateway can reach, above all at the cloud's metadata service, which hands out credentials.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["METADATA", "Address", "Network", "kind_of", "refused"]

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

METADATA: Final[frozenset[Address]] = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",  # AWS, Azure, Google, Oracle, OpenStack …
            "169.254.170.2",  # AWS: credentials of containers
            "169.254.170.23",  # AWS: credentials of pods
            "fd00:ec2::254",  # AWS over IPv6
            "fd00:ec2::23",
            "fd20:ce::254",  # Google over IPv6
            "100.100.100.200",  # Alibaba
            "192.0.0.192",  # Oracle
            "168.63.129.16",  # Azure's agent: a public address that only Azure answers at
        ),
    )
)
"""Where clouds hand out credentials. Refused whatever is listed."""

NAT64: Final[tuple[IPv6Network, ...]] = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
COMPATIBLE: Final = IPv6Network("::/96")
"""An abandoned way to write IPv4 addresses."""

KINDS: Final[tuple[tuple[str, tuple[Network, ...]], ...]] = (
    ("unspecified", (ip_network("0.0.0.0/8"), ip_network("::/128"))),
    ("loopback", (ip_network("127.0.0.0/8"), ip_network("::1/128"))),
    ("link-local", (ip_network("169.254.0.0/16"), ip_network("fe80::/10"))),
    (
        "private",
        (
            ip_network("10.0.0.0/8"),
            ip_network("172.16.0.0/12"),
            ip_network("192.168.0.0/16"),
            ip_network("100.64.0.0/10"),
            ip_network("fc00::/7"),
            ip_network("fec0::/10"),
        ),
    ),
    ("multicast", (ip_network("224.0.0.0/4"), ip_network("ff00::/8"))),
)


def kind_of(address: Address) -> str:
    """Return `metadata`, `loopback`, `link-local`, `private`, `multicast`, `unspecified`, `reserved` or `public`.

    An IPv6 address that leads to an IPv4 one (mapped, NAT64, 6to4, Teredo) is of that one's kind.
    """
    inner = _carried(address)
    if inner is not None:
        kind = kind_of(inner)
        if kind != "public" or _is_translated(address):
            return kind
    if address in METADATA:
        return "metadata"
    for kind, networks in KINDS:
        if any(address in network for network in networks if network.version == address.version):
            return kind
    return "public" if address.is_global and not address.is_reserved and address not in COMPATIBLE else "reserved"


def refused(addresses: Sequence[Address], allowed: Iterable[Network], *, is_listed: bool) -> tuple[Address, str] | None:
    """Return the first address that may not be reached, with its kind; None when all may be.

    One bad address refuses the name: a name that answers with a public and a private address is an attack or a
    mistake. `is_listed` says that the operator listed the callback's very origin.
    """
    networks = tuple(allowed)
    for address in addresses:
        kind = kind_of(address)
        if kind == "public":
            continue
        may = is_listed or any(address in network for network in networks if network.version == address.version)
        if kind == "metadata" or not may:
            return address, kind
    return None


def _carried(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 one stands for."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in NAT64) or (address in COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


def _is_translated(address: Address) -> bool:
    return isinstance(address, IPv6Address) and (
        address.ipv4_mapped is not None or any(address in network for network in NAT64)
    )
