"""Order of texts as people expect it: letters by letter first, then by accent, then lower case before upper."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

__all__ = ["compare_text", "fold"]

_GROUPS: Final = {"Z": 0, "C": 0, "P": 1, "S": 2, "N": 3, "L": 4, "M": 5}


def compare_text(left: str, right: str) -> int:
    """Give -1, 0 or 1; "hello" comes before "Hello", "2" after "10" and after punctuation."""
    if left == right:
        return 0
    left_key, right_key = _key(left), _key(right)
    if left_key == right_key:
        return -1 if left < right else 1
    return -1 if left_key < right_key else 1


@lru_cache(maxsize=1024)
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
