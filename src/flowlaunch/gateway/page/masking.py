"""Which values of a payload the page shows: none, until somebody asks and is recorded; secrets never."""

from __future__ import annotations

import re
from typing import Any, Final

from flowlaunch.pages.formats import Hidden

__all__ = ["masked"]

SECRET_NAME: Final = re.compile(
    r"passw|secret|token|api.?key|authorization|credential|card.?(no|num)|\bcvv|\bcvc|\bpin\b|iban|\bssn\b",
    re.IGNORECASE,
)
DEEPEST: Final = 20


def masked(value: Any, *, reveal: bool, name: str = "", depth: int = 0) -> Any:
    """Return a payload for showing: names stay, values are described; with `reveal` only secrets are."""
    if depth > DEEPEST:
        return Hidden("nested too deep")
    if SECRET_NAME.search(name):
        return Hidden("hidden: its name is that of a secret")
    if isinstance(value, dict):
        return {key: masked(item, reveal=reveal, name=str(key), depth=depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(item, reveal=reveal, depth=depth + 1) for item in value]
    if reveal or value is None or isinstance(value, bool):
        return value
    return _described(value)


def _described(value: Any) -> Hidden:
    if not isinstance(value, str):
        return Hidden("number")
    return Hidden("text, 1 character" if len(value) == 1 else f"text, {len(value):,} characters")
