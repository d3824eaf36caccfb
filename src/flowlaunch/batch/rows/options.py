"""How to read a source of rows, and what was found out about it."""

from __future__ import annotations

from typing import BinaryIO, Final, Literal

import msgspec

FormatName = Literal["csv", "ndjson", "json", "xlsx", "parquet", "sql"]

BLOCK_BYTES: Final = 1 << 18
SAMPLE_BYTES: Final = 1 << 18
MAX_RECORD_CHARS: Final = 4_000_000
"""Longest record that is read; a launch takes at most 512,000 bytes, so anything longer is a slip."""
RAW_CHARS: Final = 2_000
"""How much of a bad record is kept."""


class ReadOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller says about a source; None and the empty text mean: find out.

    Attributes:
        separator: one character between cells; quote: the character around cells, `""` for none.
        escape: the character that takes a quote's meaning inside a quoted cell, such as a backslash; a doubled
            quote is always understood.
        columns: names to use; with `has_header` false they name the cells of a file without a header.
        sheet: name of the sheet of a workbook; the first one otherwise.
        query: the SQL query whose records are the rows.
        detect_damage: look for what spreadsheets do to numbers, dates and ids.
        stdin: what `-` reads; standard input otherwise.

    """

    format: FormatName | None = None
    encoding: str | None = None
    separator: str | None = None
    quote: str | None = None
    escape: str | None = None
    has_header: bool = True
    columns: tuple[str, ...] = ()
    sheet: str | None = None
    query: str | None = None
    max_record_chars: int = MAX_RECORD_CHARS
    detect_damage: bool = True
    stdin: BinaryIO | None = None


class Detected(msgspec.Struct, frozen=True, kw_only=True):
    """What a source turned out to be; `notes` says how it was found out, for people."""

    format: FormatName
    encoding: str = ""
    has_bom: bool = False
    separator: str = ""
    quote: str = ""
    newline: str = ""
    sheet: str = ""
    is_encoding_guessed: bool = False
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        names = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar", " ": "blank"}
        parts = [
            self.format.upper(),
            f"separator {names.get(self.separator, self.separator)}" if self.separator else "",
            f"quote {self.quote}" if self.quote else "",
            (self.encoding + (" with a byte order mark" if self.has_bom else "")) if self.encoding else "",
            f"{self.newline} line ends" if self.newline else "",
            f"sheet {self.sheet}" if self.sheet else "",
            *self.notes,
        ]
        return ", ".join(part for part in parts if part)
