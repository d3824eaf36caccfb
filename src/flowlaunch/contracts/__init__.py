"""The two wire contracts as data: the published platform API, and the one that the popular guides describe.

A contract says where an operation lives, what its fields are called and what right it needs. Plans read it;
no plan asks which contract it is given.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from flowlaunch.contracts.guide import GUIDE
from flowlaunch.contracts.platform import PLATFORM
from flowlaunch.contracts.shape import Contract, ExecutionFields, LaunchFields, Operation, TokenEndpoint
from flowlaunch.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CONTRACTS",
    "GUIDE",
    "PLATFORM",
    "Contract",
    "ExecutionFields",
    "LaunchFields",
    "Operation",
    "TokenEndpoint",
    "contract_named",
]

CONTRACTS: Final[Mapping[str, Contract]] = MappingProxyType({PLATFORM.name: PLATFORM, GUIDE.name: GUIDE})


def contract_named(name: str) -> Contract:
    """Return the contract called `name`; raise SettingsError for any other name."""
    try:
        return CONTRACTS[name]
    except KeyError:
        raise SettingsError(
            f"unknown contract {name!r}", hint=f"Use one of: {', '.join(CONTRACTS)}.", code="unknown-contract"
        ) from None
