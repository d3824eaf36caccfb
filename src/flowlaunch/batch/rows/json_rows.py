"""Rows of JSON: one object a line (NDJSON), or one array of objects, read piece by piece."""

from __future__ import annotations

import itertools
import json
import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

import msgspec

from flowlaunch.batch.decisions import BadRow, InputRow, RowWarning
from flowlaunch.batch.rows.encodings import detect_encoding
from flowlaunch.batch.rows.options import RAW_CHARS, Detected, ReadOptions
from flowlaunch.batch.rows.text import TextBlocks, damage_of, printable
from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowlaunch.batch.rows.feed import Feed

_PEEKED: Final = 100
_BLANK: Final = re.compile(r"[\s,]*")
_decode: Final = msgspec.json.Decoder().decode


class _JsonRows(ABC):
    """What both kinds share: the first records are read ahead, since their names are the columns."""

    format_name: Final = "json"

    def __init__(self, feed: Feed, options: ReadOptions) -> None:
        self.blank_rows = 0
        self.notices: list[RowWarning] = []
        self._feed = feed
        self._options = options
        self._encoding = detect_encoding(feed, options.encoding)
        self._blocks = TextBlocks(feed, self._encoding.name, options.max_record_chars)
        self._records = self._read()
        self._ahead = list(itertools.islice(self._records, _PEEKED))
        names = (name for row in self._ahead if isinstance(row, InputRow) for name in row.cells)
        self.columns = tuple(dict.fromkeys(names))
        if not self._ahead:
            raise InputError(
                f"read {feed.name}: it holds no JSON records",
                code="rows-empty",
                hint="Give one JSON object a line, or an array of objects.",
            )

    def __iter__(self) -> Iterator[InputRow | BadRow]:
        """Yield the records in the order of the file."""
        ahead, self._ahead = self._ahead, []
        yield from ahead
        yield from self._records

    @abstractmethod
    def _read(self) -> Iterator[InputRow | BadRow]:
        """Yield the records as the format has them."""


class NdjsonRows(_JsonRows):
    """The records of a file with one JSON object a line."""

    @property
    def detected(self) -> Detected:
        """What the file turned out to be."""
        return Detected(
            format="ndjson",
            encoding=self._encoding.name.removesuffix("-sig"),
            has_bom=self._encoding.has_bom,
            newline=" and ".join(sorted(self._blocks.newlines)),
        )

    def _read(self) -> Iterator[InputRow | BadRow]:
        line = 0
        for lines in self._blocks.lines():
            for text in lines:
                line += 1
                try:
                    cells = _decode(text)
                except (msgspec.DecodeError, UnicodeEncodeError) as error:
                    if text.isspace():
                        self.blank_rows += 1
                        continue
                    yield self._bad(line, text, error)
                    continue
                if type(cells) is dict:
                    yield InputRow(line, cells)
                else:
                    yield _no_object(line, text, cells)

    def _bad(self, line: int, text: str, error: Exception) -> BadRow:
        reason = damage_of(text) or "not-json"
        if line == 1 and text.strip() == "{":
            raise InputError(
                f"read {self._feed.name}: its JSON objects span several lines",
                code="rows-unreadable",
                hint="Put each object on a line of its own: jq -c . FILE.",
            )
        return BadRow(line, reason, printable(text.strip()[:RAW_CHARS]), str(error) if reason == "not-json" else "")


class JsonArrayRows(_JsonRows):
    """The records of one JSON array of objects, one element in memory."""

    @property
    def detected(self) -> Detected:
        """What the file turned out to be."""
        return Detected(
            format="json", encoding=self._encoding.name.removesuffix("-sig"), has_bom=self._encoding.has_bom
        )

    def _read(self) -> Iterator[InputRow | BadRow]:
        """Yield the elements; `line` is the line on which the element ends."""
        window = _Window(self._texts())
        window.skip(re.compile(r"\s*"))
        if not window.take("["):
            self._give_up(window, "it does not begin with [")
        count = 0
        while True:
            window.skip(_BLANK)
            if window.take("]"):
                return
            if window.is_at_end():
                self._give_up(window, "the array is not closed")
            count += 1
            value = self._element(window, count)
            line = window.line
            if type(value) is dict:
                yield InputRow(line, value)
            else:
                yield _no_object(line, json.dumps(value)[:RAW_CHARS], value)

    def _texts(self) -> Iterator[str]:
        for lines in self._blocks.lines():
            yield "".join(lines)

    def _element(self, window: _Window, count: int) -> Any:
        try:
            return window.value(self._options.max_record_chars)
        except ValueError as error:
            self._give_up(window, f"element {count} is no JSON ({error})")

    def _give_up(self, window: _Window, why: str) -> Any:
        raise InputError(
            f"read {self._feed.name}, line {window.line}: {why}",
            code="rows-unreadable",
            hint="Mend the JSON there: nothing after this place can be read, so no row was taken for launching.",
        )


class _Window:
    """A moving piece of a long JSON text; `line` is the line of its place."""

    _scan: Final = staticmethod(json.JSONDecoder().raw_decode)

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts
        self._text = ""
        self._place = 0
        self._counted = 0
        self._line = 1

    @property
    def line(self) -> int:
        self._line += self._text.count("\n", self._counted, self._place)
        self._counted = self._place
        return self._line

    def skip(self, pattern: re.Pattern[str]) -> None:
        """Move over what `pattern` matches, reading on as needed."""
        while True:
            found = pattern.match(self._text, self._place)
            self._place = found.end() if found else self._place
            if self._place < len(self._text) or not self._more():
                return

    def take(self, char: str) -> bool:
        if self._text.startswith(char, self._place):
            self._place += 1
            return True
        return False

    def is_at_end(self) -> bool:
        return self._place >= len(self._text)

    def value(self, max_chars: int) -> Any:
        """Read one JSON value; ValueError when there is none or it is longer than `max_chars`."""
        while True:
            try:
                value, end = self._scan(self._text, self._place)
            except ValueError:
                if len(self._text) - self._place > max_chars or not self._more():
                    raise
                continue
            if end < len(self._text) or not self._more():  # a number may go on in the next block
                self._place = end
                return value

    def _more(self) -> bool:
        text = next(self._texts, None)
        if text is None:
            return False
        self._line = self.line
        self._text = self._text[self._place :] + text
        self._place = self._counted = 0
        return True


def _no_object(line: int, text: str, value: Any) -> BadRow:
    kind = type(value).__name__
    return BadRow(
        line, "not-an-object", printable(text.strip()[:RAW_CHARS]), f"a {kind}, not an object of names and values"
    )
