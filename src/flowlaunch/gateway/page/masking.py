"""Which values of a payload the page shows: none, until somebody asks and is recorded; secrets never."""

from __future__ import annotations

import re
from typing import Any, Final

from flowlaunch.pages.formats import Hidden

__all__ = ["masked"]

WORD: Final = re.compile(r"[A-Z]{2,}s?(?![a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]|\d+")
"""A word of a name: `customerSSN`, `OTPCode`, `card_no` and `Flow.userPin` have two each, the last one three."""
SECRET: Final = re.compile(
    r"passw|\bpass ?(code|phrase|key)|secret(?!ar)|token|\b(api|access|private) ?key|apikey|authorization|credential"
    r"|card ?(num|no\b|nr\b)|security code|iban|cvv|cvc|pwd|ssn\b|\b(pin|ssn|t?otp)s?\b"
)
"""What is secret, among the words of a name in lower case; short words count whole, or `shipping` had a `pin`."""
DEEPEST: Final = 20


def masked(value: Any, *, reveal: bool, name: str = "", depth: int = 0) -> Any:
    """Return a payload for showing: names stay, values are described; with `reveal` only secrets are."""
    if depth > DEEPEST:
        return Hidden("nested too deep")
    if _is_secret(name):
        return Hidden("hidden: its name is that of a secret")
    if isinstance(value, dict):
        return {key: masked(item, reveal=reveal, name=str(key), depth=depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(item, reveal=reveal, depth=depth + 1) for item in value]
    if reveal or value is None or isinstance(value, bool):
        return value
    return _described(value)


def _is_secret(name: str) -> bool:
    return SECRET.search(" ".join(WORD.findall(name)).lower()) is not None


def _described(value: Any) -> Hidden:
    if not isinstance(value, str):
        return Hidden("number")
    return Hidden("text, 1 character" if len(value) == 1 else f"text, {len(value):,} characters")
