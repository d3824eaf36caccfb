"""The HTTP API under /v1: operations as a table, from which routing and the OpenAPI document are made."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flowlaunch.gateway.api.operation import Operation

__all__ = ["MODULES", "operations"]

MODULES: Final = ("launches", "batches", "flows", "routes", "callbacks", "hooks", "keys", "audit", "document")
"""Modules with an `OPERATIONS` each, in the order of the reference page."""


def operations() -> tuple[Operation, ...]:
    """Return every operation of the API."""
    found: list[Operation] = []
    for name in MODULES:
        found += import_module(f"flowlaunch.gateway.api.{name}").OPERATIONS
    return tuple(found)
