"""How wide texts are, near enough to fit them into cards without knowing the reader's fonts."""

from __future__ import annotations

import unicodedata
from typing import Final

__all__ = ["bold_width", "fit", "mono_width", "sans_width", "shorten", "wrap"]

_NARROW: Final = frozenset("iljtfrI.,:;'|!()[]{}/\\ ")
_BREAKS: Final = ".,()[]+"
_WIDE: Final = frozenset("mwMW@%&")


def shorten(text: str, chars: int) -> str:
    """Cut a text to so many characters, with an ellipsis."""
    flat = " ".join(text.split())
    return flat if len(flat) <= chars else flat[: chars - 1].rstrip() + "\u2026"


def _is_double(char: str) -> bool:
    return ord(char) > 0x2FF and unicodedata.east_asian_width(char) in {"W", "F"}


def sans_width(text: str, size: float) -> float:
    """Estimate the width of a text in a proportional font, on the wide side."""
    total = 0.0
    for char in text:
        if char in _NARROW:
            total += 0.36
        elif char in _WIDE:
            total += 0.92
        elif _is_double(char):
            total += 1.0
        else:
            total += 0.68 if char.isupper() else 0.58
    return total * size


def mono_width(text: str, size: float) -> float:
    """Estimate the width of a text in a font of fixed width."""
    return sum(1.0 if _is_double(char) else 0.605 for char in text) * size


def bold_width(text: str, size: float) -> float:
    """Estimate the width of a text in a bold proportional font."""
    return sans_width(text, size) * 1.16


def fit(text: str, width: float, size: float, *, mono: bool = False, bold: bool = False) -> str:
    """Cut a text to a width, with an ellipsis."""
    measure = mono_width if mono else bold_width if bold else sans_width
    if measure(text, size) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle] + "\u2026", size) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "\u2026"


def wrap(text: str, width: float, size: float, lines: int) -> list[str]:
    """Break a text in fixed width into so many lines at most, preferably at blanks; the last is cut."""
    room = max(4, int(width / (0.605 * size)))
    found: list[str] = []
    left = text
    while left and len(found) < lines - 1 and mono_width(left, size) > width:
        piece = left[:room]
        while mono_width(piece, size) > width:
            piece = piece[:-1]
        cut = max(piece.rfind(" "), *(piece.rfind(mark) + 1 for mark in _BREAKS))
        cut = cut if cut > len(piece) // 2 else len(piece)
        found.append(left[:cut].rstrip())
        left = left[cut:].lstrip()
    return [*found, fit(left, width, size, mono=True)] if left else found
