"""Chance for spreading requests: the system's, which no application seeds and no fork repeats.

Python's own generator belongs to the application. Were jitter drawn from it, workers that seed it alike, or forks of
one process, would all wait the same time and meet again; and its own seeded series would change with the weather.
"""

from __future__ import annotations

from random import SystemRandom
from typing import Final

__all__ = ["CHANCE"]

CHANCE: Final = SystemRandom()
