"""Rows of a CSV or TSV file: one record in memory, a bad one is a value with its line."""

from __future__ import annotations

import codecs
import csv
import itertools
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.batch.decisions import BadRow, InputRow, RowWarning
from flowlaunch.batch.rows.dialect import Dialect, detect_dialect, quoting
from flowlaunch.batch.rows.encodings import Encoding, detect_encoding
from flowlaunch.batch.rows.header import checked_header, looks_like_values
from flowlaunch.batch.rows.options import RAW_CHARS, SAMPLE_BYTES, Detected, ReadOptions
from flowlaunch.batch.rows.text import TextBlocks, damage_of, printable
from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flowlaunch.batch.rows.feed import Feed

_FAULTS: Final = (
    ("unexpected end of data", "unclosed-quote"),
    ("field larger than field limit", "line-too-long"),
    ("expected after", "bad-quote"),
)
_ADVICE: Final = {
    "line-too-long": "it is longer than {limit:,} characters",
    "nul-byte": "it holds a NUL byte",
    "bad-encoding": "it is no text in {encoding}; name the file's encoding if that was guessed wrongly",
    "bad-quote": "text follows a closing quote; double the quotes inside a cell",
    "unclosed-quote": "a quote is opened and not closed before the end of the file",
}


class DelimitedRows:
    """The records of one delimited file, once; `blank_rows` counts those without any text."""

    def __init__(self, feed: Feed, options: ReadOptions, suffix: str = "") -> None:
        self.blank_rows = 0
        self.notices: list[RowWarning] = []
        self._feed = feed
        self._options = options
        self._encoding = detect_encoding(feed, options.encoding)
        self._dialect = self._detected_dialect(suffix)
        self._blocks = TextBlocks(feed, self._encoding.name, options.max_record_chars)
        lines = itertools.chain.from_iterable(self._blocks.lines())
        self._reader = csv.reader(
            lines, strict=True, delimiter=self._dialect.separator, **quoting(self._dialect.quote, options.escape)
        )
        if self._dialect.has_hint:
            next(self._reader, None)
        self.columns = self._header()
        self._note_guesses()

    @property
    def detected(self) -> Detected:
        """What the file turned out to be."""
        return Detected(
            format="csv",
            encoding=self._encoding.name.removesuffix("-sig"),
            has_bom=self._encoding.has_bom,
            separator=self._dialect.separator if len(self.columns) > 1 else "",
            quote=self._dialect.quote,
            newline=" and ".join(sorted(self._blocks.newlines)),
            is_encoding_guessed=self._encoding.is_guessed,
            notes=self._notes(self._encoding, self._dialect),
        )

    def __iter__(self) -> Iterator[InputRow | BadRow]:
        """Yield the records in the order of the file."""
        columns, reader, blocks = self.columns, self._reader, self._blocks
        width = len(columns)
        last_line = reader.line_num
        while True:
            try:
                for cells in reader:
                    line = reader.line_num
                    if len(cells) == width and not blocks.is_damaged and (cells[0].strip() or _has_text(cells)):
                        yield InputRow(line, dict(zip(columns, cells, strict=False)))
                    elif (slow := self._looked_at(cells, last_line + 1, line)) is not None:
                        yield slow
                    last_line = line
            except csv.Error as error:
                yield self._fault(error, last_line + 1, reader.line_num)
                last_line = reader.line_num
            else:
                return

    def _looked_at(self, cells: list[str], first: int, line: int) -> InputRow | BadRow | None:
        if not _has_text(cells):
            self.blank_rows += 1
            return None
        if self._blocks.is_damaged:
            text = "".join(cells)
            reason = damage_of(text)
            if reason is not None:
                return BadRow(line, reason, printable(self._raw(cells)), self._advice(reason))
        if len(cells) != len(self.columns):
            return BadRow(line, "ragged-row", printable(self._raw(cells)), self._ragged(cells, first, line))
        return InputRow(line, dict(zip(self.columns, cells, strict=True)))

    def _ragged(self, cells: list[str], first: int, line: int) -> str:
        message = f"expected {len(self.columns)} cells as in the header, found {len(cells)}"
        if line > first:
            return f"{message}; the record spans lines {first} to {line}: is a quote on line {first} not closed?"
        more = len(cells) > len(self.columns)
        return message + (f"; quote cells that hold {self._dialect.separator!r}" if more else "")

    def _fault(self, error: csv.Error, first: int, line: int) -> BadRow:
        reason = next((slug for text, slug in _FAULTS if text in str(error)), "bad-quote")
        message = self._advice(reason, csv.field_size_limit())
        if line > first:
            message += f"; lines {first} to {line} were passed over with it: a quote on line {first} may not be closed"
        return BadRow(line, reason, "", message)

    def _advice(self, reason: str, limit: int = 0) -> str:
        limit = limit or self._options.max_record_chars
        return _ADVICE[reason].format(limit=limit, encoding=self._encoding.name)

    def _raw(self, cells: Sequence[str]) -> str:
        return self._dialect.separator.join(cells)[:RAW_CHARS]

    def _header(self) -> tuple[str, ...]:
        if self._options.columns and not self._options.has_header:
            return checked_header(self._options.columns, self._feed.name)
        try:
            cells = next((cells for cells in self._reader if _has_text(cells)), None)
        except csv.Error as error:
            raise InputError(
                f"read the header of {self._feed.name}: {error}",
                code="rows-header",
                hint="Check the quotes in the first line, and whether this is a text file at all.",
            ) from error
        if cells is None:
            raise InputError(
                f"read {self._feed.name}: the file is empty",
                code="rows-empty",
                hint="The first line must name the columns, and each line after it is a row.",
            )
        if any(damage_of(cell) == "line-too-long" for cell in cells):
            raise InputError(
                f"read the header of {self._feed.name}: {self._advice('line-too-long')}",
                code="rows-header",
                hint="Is this a text file with line ends? A JSON or binary file needs --format.",
            )
        if not self._options.has_header:
            raise InputError(
                f"read {self._feed.name} without a header: no names of columns were given",
                code="rows-header",
                hint="Name the columns of a file without a header: columns=customer,phone,zone.",
            )
        return checked_header(self._options.columns or cells, self._feed.name)

    def _detected_dialect(self, suffix: str) -> Dialect:
        decoder = codecs.getincrementaldecoder(self._encoding.name)("replace")
        sample = decoder.decode(self._feed.sample()[:SAMPLE_BYTES]).replace("\0", "")
        return detect_dialect(sample[: 1 << 16], self._options.separator, self._options.quote, suffix)

    def _note_guesses(self) -> None:
        if self._encoding.is_guessed:
            message = f"the encoding was guessed as {self._encoding.name}: is this text right? {self._encoding.example}"
            self.notices.append(RowWarning("encoding-guessed", "", message, value=self._encoding.example))
        value = looks_like_values(self.columns)
        if value is not None and self._options.has_header:
            message = f"the first line was taken as the header, and its {value!r} looks like a value, not like a name"
            self.notices.append(RowWarning("header-looks-like-row", value, message, line=1, value=value))

    @staticmethod
    def _notes(encoding: Encoding, dialect: Dialect) -> tuple[str, ...]:
        notes = ("encoding guessed" if encoding.is_guessed else "", "sep= line" if dialect.has_hint else "")
        return tuple(note for note in notes if note)


def _has_text(cells: Sequence[Any]) -> bool:
    return any(cells) and bool("".join(cells).strip())
