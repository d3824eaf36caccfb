"""Millions of texts in little memory: 16 bytes an entry, by digest, each with a number kept beside it."""

from __future__ import annotations

import hashlib
from array import array
from typing import Final

_SMALLEST: Final = 1 << 10
_LOW: Final = (1 << 64) - 1


class DigestTable:
    """A mapping from texts to numbers from 1 to 4,294,967,295.

    A text is known by 96 bits of its digest; among ten million texts two look alike with a chance of 1 in 10**15.
    """

    def __init__(self) -> None:
        self._size = 0
        self._fresh(_SMALLEST)

    def __len__(self) -> int:
        return self._size

    def get(self, text: str) -> int:
        """Return the number kept for `text`, or 0."""
        low, high = _digest(text)
        return self._numbers[self._slot(low, high)]

    def put(self, text: str, number: int) -> None:
        """Keep `number` for `text`, in place of another."""
        low, high = _digest(text)
        slot = self._slot(low, high)
        if not self._numbers[slot]:
            if 3 * self._size >= 2 * self._mask:
                self._grow()
                slot = self._slot(low, high)
            self._size += 1
        self._lows[slot], self._highs[slot], self._numbers[slot] = low, high, number

    def _fresh(self, slots: int) -> None:
        self._mask = slots - 1
        self._lows = array("Q", bytes(8 * slots))
        self._highs = array("I", bytes(4 * slots))
        self._numbers = array("I", bytes(4 * slots))

    def _slot(self, low: int, high: int) -> int:
        """Return where the digest is, or the free place where it belongs."""
        slot = low & self._mask
        while self._numbers[slot] and (self._lows[slot] != low or self._highs[slot] != high):
            slot = (slot + 1) & self._mask
        return slot

    def _grow(self) -> None:
        old = zip(self._lows, self._highs, self._numbers, strict=True)
        self._fresh(2 * (self._mask + 1))
        for low, high, number in old:
            if number:
                slot = self._slot(low, high)
                self._lows[slot], self._highs[slot], self._numbers[slot] = low, high, number


def _digest(text: str) -> tuple[int, int]:
    whole = int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest(), "little")
    return whole & _LOW, whole >> 64
