"""Pages of a list, with the URIs that lead to the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flowlaunch.sandbox.answers import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flowlaunch.sandbox.calls import Call

__all__ = ["MAX_PAGE_SIZE", "flag", "listing", "page_numbers", "whole_number"]

MAX_PAGE_SIZE = 500
DEFAULT_PAGE_SIZE = 25
Query = dict[str, list[str]]


def whole_number(query: Query, name: str, default: int, *, least: int = 1, most: int | None = None) -> int:
    """Read a whole number of the query; refuses others with the official code."""
    text = query.get(name, [""])[-1]
    if not text:
        return default
    number = int(text) if text.isdecimal() and len(text) < 10 else least - 1
    if number < least or (most is not None and number > most):
        bounds = f"at least {least}" if most is None else f"between {least} and {most}"
        raise Refusal(400, "invalid.value", f"{name} must be a whole number {bounds}, not '{text}'.")
    return number


def flag(query: Query, name: str) -> bool | None:
    """Read a boolean of the query; None when it is not there."""
    text = query.get(name, [""])[-1].lower()
    if text not in {"", "true", "false"}:
        raise Refusal(400, "invalid.value", f"{name} must be true or false, not '{text}'.")
    return None if text == "" else text == "true"


def page_numbers(query: Query) -> tuple[int, int]:
    """Read pageNumber (from 1) and pageSize (1 to 500; official since 2025-09-01)."""
    size = whole_number(query, "pageSize", DEFAULT_PAGE_SIZE, most=MAX_PAGE_SIZE)
    return whole_number(query, "pageNumber", 1), size


def listing(call: Call, query: Query, rows: Sequence[Any], render: Callable[[Any], Any]) -> dict[str, Any]:
    """Render one page of an entity listing; next and previous are left out where there is none."""
    number, size = page_numbers(query)
    count = max(1, -(-len(rows) // size))
    start = (number - 1) * size

    def uri(page: int) -> str:
        fields = [(name, value) for name, values in query.items() if name != "pageNumber" for value in values]
        if "pageSize" not in query:
            fields.append(("pageSize", str(size)))
        return f"{call.path}?{urlencode([*fields, ('pageNumber', str(page))])}"

    document: dict[str, Any] = {
        "entities": [render(row) for row in rows[start : start + size]],
        "pageSize": size,
        "pageNumber": number,
        "total": len(rows),
        "pageCount": count,
        "firstUri": uri(1),
        "selfUri": uri(number),
        "lastUri": uri(count),
    }
    if number < count:
        document["nextUri"] = uri(number + 1)
    if number > 1:
        document["previousUri"] = uri(min(number - 1, count))
    return document
