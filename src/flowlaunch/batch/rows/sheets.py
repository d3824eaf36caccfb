"""Rows of an XLSX workbook: typed cells become the text that a person would write for them."""

from __future__ import annotations

import datetime as dt
import re
import warnings
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from flowlaunch.batch.decisions import BadRow, InputRow, RowWarning
from flowlaunch.batch.rows.header import checked_header, clean_name
from flowlaunch.batch.rows.options import RAW_CHARS, Detected, ReadOptions
from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from flowlaunch.batch.rows.feed import Feed

MAX_SHEET_BYTES: Final = 8 << 30
"""A sheet of a million rows and forty columns unpacks to less."""
MAX_PART_BYTES: Final = 512 << 20
"""Texts, styles and the like, which are kept in memory while rows are read."""
MAX_RATIO: Final = 400
_SUSPICIOUS_BYTES: Final = 64 << 20
_SHEETS: Final = "xl/worksheets/"
_BROKEN: Final = (BadZipFile, ParseError, zlib.error, EOFError, ValueError, KeyError)
"""What a damaged archive, or damaged XML in it, raises while rows are read."""
_ZEROS: Final = re.compile("0{2,}")
_EXACT_BELOW: Final = 10**15
"""Spreadsheets keep 15 digits of a number; whatever came after them is lost."""


class SheetRows:
    """The records of one sheet, once; `line` is the row number that the spreadsheet shows."""

    def __init__(self, feed: Feed, options: ReadOptions) -> None:
        self.blank_rows = 0
        self.notices: list[RowWarning] = []
        self._name = feed.name
        self._book = _opened(feed)
        self._sheet = self._chosen(options.sheet)
        self._sheet.reset_dimensions()
        self._rows: Iterator[Sequence[Any]] = self._sheet.iter_rows()
        self._line = 0
        self.columns = self._header(options)

    @property
    def detected(self) -> Detected:
        """What the workbook turned out to be."""
        return Detected(format="xlsx", sheet=self._sheet.title)

    def __iter__(self) -> Iterator[InputRow | BadRow]:
        """Yield the records in the order of the sheet."""
        width = len(self.columns)
        for cells in self._checked():
            texts = [self._text(cell) for cell in cells]
            while len(texts) > width and not texts[-1]:
                texts.pop()
            if not any(texts):
                self.blank_rows += 1
            elif len(texts) > width:
                raw = ";".join(texts)[:RAW_CHARS]
                message = f"expected {width} cells as in the header, found {len(texts)}"
                yield BadRow(self._line, "ragged-row", raw, message)
            else:
                texts += [""] * (width - len(texts))
                yield InputRow(self._line, dict(zip(self.columns, texts, strict=True)))
        self._book.close()

    def _checked(self) -> Iterator[Sequence[Any]]:
        """Yield the rows of cells; a sheet that is broken half-way is an error that names its row."""
        try:
            for cells in self._rows:
                self._line += 1
                yield cells
        except _BROKEN as error:
            raise InputError(
                f"read {self._name}: the sheet {self._sheet.title!r} is broken after row {self._line} ({error})",
                code="rows-unreadable",
                hint="Open it with a spreadsheet program, save it again, and plan again.",
            ) from error

    def _header(self, options: ReadOptions) -> tuple[str, ...]:
        if not options.has_header:
            return checked_header(options.columns, self._name)
        for cells in self._checked():
            names = [clean_name(self._text(cell)) for cell in cells]
            while names and not names[-1]:
                names.pop()
            if names:
                return checked_header(options.columns or names, self._name)
        raise InputError(
            f"read {self._name}: the sheet {self._sheet.title!r} is empty",
            code="rows-empty",
            hint="Name another sheet with --sheet; the first row must name the columns.",
        )

    def _chosen(self, wanted: str | None) -> Any:
        names = self._book.sheetnames
        if wanted is None:
            if len(names) > 1:
                others = ", ".join(names[1:])
                message = f"the workbook has several sheets: {names[0]} is read, not {others}"
                self.notices.append(RowWarning("several-sheets", "", message))
            return self._book[names[0]]
        if wanted not in names:
            raise InputError(
                f"read {self._name}: it has no sheet {wanted!r}",
                code="rows-sheet",
                hint=f"Its sheets are {', '.join(names)}.",
            )
        return self._book[wanted]

    def _text(self, cell: Any) -> str:
        value = cell.value
        if isinstance(value, str):
            return value
        text = cell_text(value)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if is_number and _ZEROS.fullmatch(cell.number_format or ""):
            return text.zfill(len(cell.number_format))
        if is_number and abs(value) >= _EXACT_BELOW:
            message = f"{text} has more than the 15 digits that a spreadsheet keeps: its last digits may be lost"
            self.notices.append(RowWarning("digits-lost", "", message, line=self._line, value=text))
        return text


def cell_text(value: Any) -> str:
    """Return a typed cell as text: 4711.0 as 4711, dates as ISO 8601, truth as true or false, nothing as nothing."""
    return next((rule(value) for kind, rule in _TEXTS if isinstance(value, kind)), str(value))


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else format(value, ".15g")


def _instant(value: dt.datetime) -> str:
    return value.date().isoformat() if value.time() == dt.time() else value.isoformat(timespec="seconds")


def _duration(value: dt.timedelta) -> str:
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"


_TEXTS: Final[tuple[tuple[type, Callable[[Any], str]], ...]] = (
    (type(None), lambda _nothing: ""),
    (bool, lambda value: "true" if value else "false"),
    (float, _number),
    (dt.datetime, _instant),
    (dt.date, dt.date.isoformat),
    (dt.time, dt.time.isoformat),
    (dt.timedelta, _duration),
)


def _refuse_bombs(stream: BinaryIO, name: str) -> None:
    """Refuse a workbook that unpacks to what no workbook holds; sheets are streamed, all other parts stay in memory.

    Sizes are those that the archive states: what unpacks to more than is stated is an error of its reader.
    """
    with ZipFile(stream) as archive:
        parts = archive.infolist()
    for part in parts:
        is_streamed = part.filename.startswith(_SHEETS)
        limit = MAX_SHEET_BYTES if is_streamed else MAX_PART_BYTES
        is_bomb = part.file_size > _SUSPICIOUS_BYTES and part.file_size > MAX_RATIO * max(part.compress_size, 1)
        if part.file_size > limit or is_bomb:
            raise InputError(
                f"read {name}: its part {part.filename} unpacks {part.compress_size:,} bytes to {part.file_size:,}",
                code="rows-unreadable",
                hint="This is no common workbook. If you trust it, save the sheet as CSV UTF-8 and use that.",
            )
    stream.seek(0)


def _opened(feed: Feed) -> Any:
    from openpyxl import load_workbook  # noqa: PLC0415 - slow to load, needed for workbooks alone
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415 - as above

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about drawings and styles, which no row has
            stream = feed.seekable()
            _refuse_bombs(stream, feed.name)
            book = load_workbook(stream, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        raise InputError(
            f"read {feed.name}: it is no readable XLSX workbook ({error})",
            code="rows-unreadable",
            hint="Save it again as .xlsx, or as CSV UTF-8; .xls and protected workbooks are not read.",
        ) from error
    if not book.sheetnames:
        raise InputError(f"read {feed.name}: the workbook has no sheet", code="rows-empty", hint="Save it again.")
    return book
