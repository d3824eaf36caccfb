"""Texts and places in them, so that every message can point at the character it is about."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Source", "Span"]

_SHOWN_CHARS = 100
"""How much of a long line is shown around the place."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file or one expression.

    Attributes:
        name: how messages call it, e.g. a file name or `expression`.
        text: the whole text.

    """

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` (inclusive) to `end` (exclusive) of a source."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        """Line of the first character, counted from 1."""
        return self.source.text.count("\n", 0, self.start) + 1

    @property
    def column(self) -> int:
        """Column of the first character in its line, counted from 1."""
        return self.start - self.source.text.rfind("\n", 0, self.start)

    @property
    def text(self) -> str:
        """Give the characters of this span."""
        return self.source.text[self.start : self.end]

    @property
    def place(self) -> str:
        """Give `name:line:column`."""
        return f"{self.source.name}:{self.line}:{self.column}"

    def render(self) -> str:
        """Show the place, its line and a caret under the characters meant."""
        text = self.source.text
        line_start = text.rfind("\n", 0, self.start) + 1
        line_end = text.find("\n", self.start)
        line_end = len(text) if line_end < 0 else line_end
        shown_from = max(line_start, self.start - _SHOWN_CHARS // 2)
        shown_to = min(line_end, max(shown_from + _SHOWN_CHARS, self.start + 1))
        before = "..." if shown_from > line_start else ""
        after = "..." if shown_to < line_end else ""
        line = before + text[shown_from:shown_to].replace("\t", " ").rstrip("\r") + after
        indent = len(before) + self.start - shown_from
        width = max(1, min(self.end, shown_to) - self.start)
        return f"{self.place}\n  {line}\n  {' ' * indent}{'^' * width}"
