"""Finding rows of stubbed things, and cells of CSV tables as values of the variables they fill."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.values import NetworkObject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowlaunch.architect.actions.bindings import Binding
    from flowlaunch.architect.types import Type

__all__ = ["as_object", "cells_for", "find_row", "find_rows"]

_NUMBER: Final = re.compile(r"-?\d{1,15}")
_FRACTION: Final = re.compile(r"-?\d{1,15}\.\d{1,15}")


def _same(held: Any, wanted: Any) -> bool:
    if isinstance(held, str) and isinstance(wanted, str):
        return held.casefold() == wanted.casefold()
    return bool(held == wanted)


def _plain_key(key: Any, by: str) -> Any:
    """Take the id or name out of an object that was given for a key."""
    return key.get(by, key.get("id", key.get("name"))) if isinstance(key, dict) else key


def find_row(rows: Iterable[Mapping[str, Any]], by: str, key: Any) -> dict[str, Any] | None:
    """Find the first row whose field `by` is `key`, in any letter case."""
    wanted = _plain_key(key, by)
    return next((dict(row) for row in rows if _same(row.get(by), wanted)), None)


def find_rows(rows: Iterable[Mapping[str, Any]], by: str, key: Any) -> list[dict[str, Any]]:
    """Find rows for a list of keys, in its order; a search finds the rows that hold its text in any field."""
    if isinstance(key, list):
        found = (find_row(rows, by, each) for each in key)
        return [row for row in found if row is not None]
    if by != "search":
        return [dict(row) for row in rows if _same(row.get(by), key)]
    text = str(key or "").casefold()
    return [
        dict(row) for row in rows if any(isinstance(value, str) and text in value.casefold() for value in row.values())
    ]


def as_object(kind: str, row: Mapping[str, Any]) -> NetworkObject:
    """Make an object of the expression language; nested values are left out."""
    exact = {name: Decimal(repr(value)) if isinstance(value, float) else value for name, value in row.items()}
    kept = {name: value for name, value in exact.items() if isinstance(value, str | bool | int | Decimal)}
    return NetworkObject(kind, str(row["id"]), str(row.get("name") or ""), kept)


def cells_for(row: Mapping[str, Any], bindings: Iterable[Binding]) -> dict[str, Any]:
    """Give a row whose texts are typed as the variables that they fill: CSV has no types of its own."""
    wanted = {binding.name: binding.target.type for binding in bindings}
    return {name: _typed(value, wanted[name]) if name in wanted else value for name, value in row.items()}


def _typed(value: Any, of: Type) -> Any:
    if not isinstance(value, str) or of.is_collection or of.name in {"str", "jsn", "any"}:
        return value
    text = value.strip()
    if not text:
        return None
    if of.name == "bln" and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if of.name in {"int", "dec", "dur"} and _NUMBER.fullmatch(text):
        return int(text)
    return float(text) if of.name == "dec" and _FRACTION.fullmatch(text) else text
