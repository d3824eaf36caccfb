"""Values of typed sources as JSON holds them: instants and decimals as text, the rest as it is."""

from __future__ import annotations

import base64
import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_AS_IS: Final = frozenset({str, int, float, bool, type(None)})


def plain_cells(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with every value as JSON holds it."""
    return {str(name): value if type(value) in _AS_IS else plain(value) for name, value in record.items()}


def plain(value: Any) -> Any:
    """Return `value` as JSON holds it; what JSON has no form for becomes its text."""
    if type(value) in _AS_IS:
        return value
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    rule = next((rule for kind, rule in _RULES if isinstance(value, kind)), str)
    return rule(value)


def _instant(value: dt.datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


def _decimal(value: Decimal) -> str:
    return format(value, "f")


def _bytes(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


_RULES: Final[tuple[tuple[type, Callable[[Any], str]], ...]] = (
    (dt.datetime, _instant),
    (dt.date, dt.date.isoformat),
    (dt.time, dt.time.isoformat),
    (Decimal, _decimal),
    (UUID, str),
    (bytes, _bytes),
)
