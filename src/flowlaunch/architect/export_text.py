"""Decoding an Architect export: base64 of percent-encoded JSON, or that JSON itself."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from flowlaunch.errors import FlowSyntaxError

if TYPE_CHECKING:
    from flowlaunch.architect.source import Source

__all__ = ["decode_export"]

_SIGN: Final = "flowSequenceItemList"
_MAX_DEPTH: Final = 200


def decode_export(source: Source) -> dict[str, Any] | None:
    """Decode an export, or give None when the text is none.

    Raises:
        FlowSyntaxError: it is one, but damaged.

    """
    text = source.text.strip()
    decoded = text if text.startswith("{") else _from_base64(text)
    if decoded is None or not decoded.lstrip().startswith("{"):
        return None
    try:
        document = json.loads(decoded, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        if text.startswith("{"):
            return None
        raise FlowSyntaxError(
            f"{source.name} looks like an Architect export, but its JSON is damaged: {str(error)[:120]}",
            hint="Export the flow from Architect again.",
        ) from error
    if not isinstance(document, dict) or _SIGN not in document:
        return None
    if _depth(document) > _MAX_DEPTH:
        raise FlowSyntaxError(f"{source.name} nests deeper than {_MAX_DEPTH} levels")
    return document


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _from_base64(text: str) -> str | None:
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
        return unquote_to_bytes(raw).decode("utf-8")
    except (binascii.Error, ValueError):
        return None


def _depth(document: Any) -> int:
    """Measure nesting without recursion."""
    deepest = 0
    pending = [(document, 1)]
    while pending:
        value, level = pending.pop()
        deepest = max(deepest, level)
        if isinstance(value, dict):
            pending += [(item, level + 1) for item in value.values() if isinstance(item, (dict, list))]
        elif isinstance(value, list):
            pending += [(item, level + 1) for item in value if isinstance(item, (dict, list))]
    return deepest
