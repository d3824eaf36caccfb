"""Values as text, as ToString writes them."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.codec import currency_text
from flowlaunch.architect.iso import date_time_text, duration_text, time_text
from flowlaunch.architect.numbers import decimal_text
from flowlaunch.architect.values import (
    NOT_SET,
    PARTS,
    Currency,
    Duration,
    Json,
    NetworkObject,
    NotSet,
    Opaque,
    PhoneNumber,
    Value,
)
from flowlaunch.errors import FlowRuntimeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["MAX_TEXT_CHARS", "joined", "json_text", "text_of"]

MAX_TEXT_CHARS: Final = 10_000_000
"""Longest string a run may build; a guard of ours, the platform's own limit is not public."""


def joined(parts: Iterable[str], between: str = "") -> str:
    """Join texts, within the limit on length."""
    text = between.join(parts)
    if len(text) > MAX_TEXT_CHARS:
        raise FlowRuntimeError(f"the result would have {len(text):,} characters; the limit is {MAX_TEXT_CHARS:,}")
    return text


def json_text(document: Any) -> str:
    """Write a JSON document compactly, every digit of its decimals kept."""
    if isinstance(document, dict):
        return (
            "{"
            + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{json_text(item)}" for key, item in document.items())
            + "}"
        )
    if isinstance(document, list):
        return "[" + ",".join(map(json_text, document)) + "]"
    if isinstance(document, Decimal):
        return format(document, "f")
    return json.dumps(document, ensure_ascii=False)


def _json_as_text(value: Json) -> str | NotSet:
    if value.value is None:
        return NOT_SET
    return value.value if isinstance(value.value, str) else joined((json_text(value.value),))


_NAMED_BY: Final[Mapping[str, str]] = {
    "usr": "username",
    "cpx_email_address": "id",
    "cpx_external_contact": "id",
    "cpx_external_phone": "display",
}
_BY_ID: Final = frozenset({"con", "cpx_email", "cpx_email_attachment", "cpx_short_message"})


def _object_as_text(value: NetworkObject) -> str:
    if value.kind in _BY_ID:
        return value.id
    wanted = _NAMED_BY.get(value.kind)
    if wanted and wanted != "id":
        found = value.properties.get(wanted)
        return found if isinstance(found, str) else value.name or ("" if value.kind in PARTS else value.id)
    return value.id if wanted else value.name or value.id


_WRITERS: Final[Mapping[type, Callable[[Any], str | NotSet]]] = {
    str: lambda value: value,
    bool: lambda value: "true" if value else "false",
    int: str,
    Decimal: decimal_text,
    datetime: date_time_text,
    date: lambda value: value.isoformat(),
    time: time_text,
    Duration: duration_text,
    Currency: currency_text,
    PhoneNumber: lambda value: value.uri,
    Json: _json_as_text,
    NetworkObject: _object_as_text,
    Opaque: lambda value: value.text,
    NotSet: lambda value: value,
}


def text_of(value: Value, between: str = "\n") -> str | NotSet:
    """Give the text of a value; a collection's items are joined, NOT_SET items as empty text."""
    if isinstance(value, tuple):
        texts = (text_of(item) for item in value)
        return joined(("" if text is NOT_SET else text for text in texts), between)
    return _WRITERS[type(value)](value)
