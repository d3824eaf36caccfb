"""When a callback is tried again, and when it is given up."""

from __future__ import annotations

import email.utils
import re
from typing import Final

__all__ = ["DELAYS_S", "next_delay_s", "retry_after_s"]

DELAYS_S: Final = (5, 30, 120, 600, 1_800, 3_600, 2 * 3_600, 4 * 3_600, 6 * 3_600, 8 * 3_600)
"""Waits between attempts: eleven attempts within a day, close together at first and far apart later."""

JITTER: Final = 0.1
DAY_S: Final = 86_400
_SECONDS: Final = re.compile(r"\d{1,6}")


def next_delay_s(tries: int, chance: float, *, asked_s: float | None = None) -> float | None:
    """Return the wait after so many attempts; None when it is given up.

    `chance` in [0, 1) spreads receivers that failed together. `asked_s` is what the receiver's Retry-After asked for:
    it makes a wait longer, never shorter, and never longer than the longest of ours.
    """
    if tries > len(DELAYS_S):
        return None
    delay_s = DELAYS_S[tries - 1] * (1 + JITTER * (2 * chance - 1))
    return max(delay_s, min(asked_s or 0.0, float(DELAYS_S[-1])))


def retry_after_s(header: str | None, now_s: float) -> float | None:
    """Read the header Retry-After: seconds or a date; None when it is absent or neither."""
    if not header:
        return None
    text = header.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now_s)
    except (TypeError, ValueError, OverflowError):
        return None
