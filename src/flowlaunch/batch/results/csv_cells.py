"""Cells of CSV files that no spreadsheet runs as a formula."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

import msgspec

__all__ = ["cell_for_csv", "cell_text"]

_FORMULA_STARTS: Final = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet takes for a formula, the full-width signs of East Asian keyboards included."""
_HARMLESS: Final = re.compile(r"\+[0-9]{4,15}|[+-]?[0-9]+([.,][0-9]+)?")


def cell_text(value: Any) -> str:
    """Spell a value as the text of one cell; what is no text, number, boolean or instant becomes JSON."""
    kind = type(value)
    if kind is str:
        return str(value)
    if value is None:
        return ""
    if kind is bool:
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, dict | list):
        return msgspec.json.encode(value, enc_hook=str).decode() if value else ""
    return str(value)


def cell_for_csv(value: Any) -> str:
    """Spell one cell so that no spreadsheet runs it: `=1+1` becomes `'=1+1`; numbers and E.164 stay."""
    text = cell_text(value)
    if text[:1] in _FORMULA_STARTS and not _HARMLESS.fullmatch(text):
        return f"'{text}"
    return text
