"""Filling the slots of a flow for lint: those without a value get a placeholder, and places are found again.

A value holds no line break, so every line of the filled text is the same line of the file, only longer or shorter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowlaunch.architect.lint.finding import Location
from flowlaunch.architect.templates import fill_slots, slot_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.architect.source import Source, Span

__all__ = ["Filled", "fill"]

_SHOWN_CHARS = 110


def placeholder(slot: str) -> str:
    """Make a value for a slot that was given none: a plain word that is a valid key, name and text."""
    return f"slot_{slot}".replace("-", "_").replace(".", "_")


@dataclass(frozen=True, slots=True)
class Filled:
    """A flow's text with every slot filled.

    Attributes:
        original: as the file has it.
        source: with all slots filled.
        unfilled: slots that got a placeholder.

    """

    original: Source
    source: Source
    unfilled: tuple[str, ...]

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Give the words that stand for unknown values."""
        return tuple(placeholder(slot) for slot in self.unfilled)

    def mentions_placeholder(self, text: str) -> bool:
        """Tell whether a text depends on a slot that was given no value."""
        return any(word in text for word in self.placeholders)

    def locate(self, span: Span) -> Location:
        """Give the place of a span in the file."""
        if span.source is self.source or span.source is self.original:
            return self._in_file(span)
        line = span.source.name.removeprefix(f"{self.source.name}:")
        excerpt, caret = _excerpt(span.source.text, span.start, span.end)
        if line.isdigit():
            return Location(int(line), 1, 1, excerpt, caret)
        return Location(0, 0, 0, excerpt, caret) if len(span.source.text) > 1 and span.end else Location()

    def _in_file(self, span: Span) -> Location:
        number = span.line
        column, width = span.column, max(1, span.end - span.start)
        line = _line_at(span.source.text, span.start)
        before = line_number(self.original.text, number)
        start, end = column - 1, min(column - 1 + width, max(len(line), column))
        if before != line:
            start, end = _moved(line, before, start, end)
        excerpt, caret = _excerpt(before, start, end)
        return Location(number, start + 1, max(start + 2, end + 1), excerpt, caret)


def fill(original: Source, slots: Mapping[str, str]) -> Filled:
    """Fill the slots of a text; raises as `fill_slots` does when a given value has a control character."""
    names = slot_names(original.text)
    unfilled = tuple(name for name in names if name not in slots)
    values = {name: placeholder(name) for name in unfilled} | {name: slots[name] for name in names if name in slots}
    return Filled(original, fill_slots(original, values), unfilled)


def line_number(text: str, number: int) -> str:
    """Give one line of a text, counted from 1, without its line break."""
    start = 0
    for _ in range(number - 1):
        start = text.find("\n", start) + 1
        if not start:
            return ""
    end = text.find("\n", start)
    return text[start : len(text) if end < 0 else end].rstrip("\r")


def _line_at(text: str, position: int) -> str:
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    return text[start : len(text) if end < 0 else end].rstrip("\r")


def _moved(line: str, before: str, start: int, end: int) -> tuple[int, int]:
    """Move columns of a filled line to the line as written: outside the slots exactly, inside to the slots' ends."""
    shorter = min(len(line), len(before))
    same = next((i for i in range(shorter) if line[i] != before[i]), shorter)
    tail = next((i for i in range(shorter - same) if line[-1 - i] != before[-1 - i]), shorter - same)
    shift = len(before) - len(line)

    def move(column: int, *, is_end: bool) -> int:
        if column <= same:
            return column
        if column >= len(line) - tail:
            return column + shift
        return len(before) - tail if is_end else same

    return move(start, is_end=False), move(end, is_end=True)


def _excerpt(text: str, start: int, end: int) -> tuple[str, str]:
    """Cut the line around a place and draw carets below it."""
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    line, start, end = text[line_start:line_end], start - line_start, min(end, line_end) - line_start
    indent = len(line) - len(line.lstrip())
    left = indent if start - indent < _SHOWN_CHARS - 30 else start - _SHOWN_CHARS // 2
    shown = line[left : left + _SHOWN_CHARS]
    before, after = ("..." if left > indent else ""), ("..." if left + _SHOWN_CHARS < len(line) else "")
    width = max(1, min(end, left + _SHOWN_CHARS) - start)
    text = f"{before}{shown}{after}".replace("\t", " ").rstrip()
    return text, " " * (len(before) + start - left) + "^" * width
