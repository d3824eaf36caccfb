"""Order of texts as people expect it: letters by letter first, then by accent, then lower case before upper."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

__all__ = ["compare_text", "fold"]

_MAX_KEY_CHARS: Final = 2_000
"""How much of a text decides its place; equal beginnings longer than this are passed over."""

_GROUPS: Final = {"Z": 0, "C": 0, "P": 1, "S": 2, "N": 3, "L": 4, "M": 5}


def compare_text(left: str, right: str) -> int:
    """Give -1, 0 or 1; "hello" comes before "Hello", "2" after "10" and after punctuation."""
    if left == right:
        return 0
    at = _first_difference(left, right)
    at = at if at > _MAX_KEY_CHARS else 0
    left_key, right_key = _key(left[at : at + _MAX_KEY_CHARS]), _key(right[at : at + _MAX_KEY_CHARS])
    if left_key == right_key:
        return -1 if left < right else 1
    return -1 if left_key < right_key else 1


def _first_difference(left: str, right: str) -> int:
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


@lru_cache(maxsize=256)
def _key(text: str) -> tuple[list[tuple[int, str]], list[str], list[int]]:
    letters: list[tuple[int, str]] = []
    accents: list[str] = []
    cases: list[int] = []
    for char in unicodedata.normalize("NFD", text):
        group = _GROUPS[unicodedata.category(char)[0]]
        if group == _GROUPS["M"]:
            if accents:
                accents[-1] += char
            continue
        letters.append((group, char.casefold()))
        accents.append("")
        cases.append(int(char.isupper()))
    return letters, accents, cases


def fold(text: str) -> str:
    """Give the text in one letter case, character by character, so that positions stay."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)
