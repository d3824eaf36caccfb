"""Operators and functions of the language, one module a family; importing this fills the catalogue."""

from __future__ import annotations

from flowlaunch.architect.functions import (
    collections,
    conversion,
    datetimes,
    directory,
    json_values,
    logic,
    mathematics,
    money,
    operators,
    text,
    voice,
)

FAMILIES = (
    operators,
    logic,
    text,
    mathematics,
    datetimes,
    collections,
    conversion,
    money,
    json_values,
    directory,
    voice,
)
"""The modules, so that nobody calls an import unused."""
