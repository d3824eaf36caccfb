"""One door to rows of every kind: open, see what was detected, iterate once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, Self

from flowlaunch.batch.rows.damage import DamageDetector
from flowlaunch.batch.rows.feed import STDIN, Feed, open_feed
from flowlaunch.batch.rows.options import Detected, FormatName, ReadOptions
from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flowlaunch.batch.decisions import BadRow, InputRow, RowWarning

_SUFFIXES: Final[dict[str, FormatName]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_MAGIC: Final[tuple[tuple[bytes, FormatName | None, str], ...]] = (
    (b"PK\x03\x04", "xlsx", ""),
    (b"PAR1", "parquet", ""),
    (b"\x1f\x8b", None, "it is compressed (gzip): gunzip -c FILE, and read standard input"),
    (b"\xd0\xcf\x11\xe0", None, "it is an old .xls or a protected workbook: save it as .xlsx or CSV UTF-8"),
    (b"%PDF", None, "it is a PDF"),
)
_DAMAGED_BY_SPREADSHEETS: Final = frozenset({"csv", "xlsx"})


class _Reader(Protocol):
    columns: tuple[str, ...]
    blank_rows: int
    notices: list[RowWarning]

    @property
    def detected(self) -> Detected: ...

    def __iter__(self) -> Iterator[InputRow | BadRow]: ...


class RowSource:
    """The rows of one source, to be iterated once.

    Attributes:
        name: what people call the source; a database's URL without its password.
        columns: names in order; for NDJSON and JSON those of the first hundred records.

    """

    def __init__(
        self, name: str, reader: _Reader, hashed: Callable[[], str], close: Callable[[], None], *, is_watched: bool
    ) -> None:
        self.name = name
        self.columns = reader.columns
        self._reader = reader
        self._hashed = hashed
        self._close = close
        self._watch = DamageDetector(reader.columns) if is_watched else None
        self._is_read = False

    @property
    def format(self) -> Detected:
        """What the source turned out to be; line ends are known after the rows have passed."""
        return self._reader.detected

    @property
    def blank_rows(self) -> int:
        """How many records without any text were passed over until now."""
        return self._reader.blank_rows

    def __iter__(self) -> Iterator[InputRow | BadRow]:
        """Yield the records in order, bad ones too."""
        if self._is_read:
            raise InputError(
                f"read {self.name}: its rows were read before", code="rows-read-twice", hint="Open the source again."
            )
        self._is_read = True
        return iter(self._reader) if self._watch is None else self._watch.watch(self._reader)

    def warnings(self) -> tuple[RowWarning, ...]:
        """Return what is suspicious; complete when the rows have passed."""
        return (*self._reader.notices, *(self._watch.warnings() if self._watch is not None else ()))

    def sha256(self) -> str:
        """Return the hash of the whole source; what was not read yet is read now and its rows are lost."""
        return self._hashed()

    def close(self) -> None:
        """Close the file or the connection."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def open_rows(source: Path | str, options: ReadOptions | None = None) -> RowSource:
    """Open a file, standard input (`-`) or a database (a SQLAlchemy URL with `options.query`) as rows.

    Raises InputError when the source cannot be read or its header is wrong: nothing can be launched from it as it
    is. A bad record is no error but a BadRow among the rows.
    """
    options = options or ReadOptions()
    if "://" in str(source) or options.format == "sql":
        return _open_query(str(source), options)
    feed = open_feed(source, options.stdin)
    try:
        return _open_feed(feed, Path(source).suffix.lower(), options)
    except BaseException:
        feed.close()
        raise


def _open_query(url: str, options: ReadOptions) -> RowSource:
    from flowlaunch.batch.rows.sql import QueryRows  # noqa: PLC0415 - SQLAlchemy is slow to load

    rows = QueryRows(url, options.query)
    return RowSource(rows.name, rows, rows.sha256, rows.close, is_watched=False)


def _open_feed(feed: Feed, suffix: str, options: ReadOptions) -> RowSource:
    found = options.format or _format_of(feed, suffix)
    reader = _READERS[found](feed, options, suffix)
    is_watched = options.detect_damage and found in _DAMAGED_BY_SPREADSHEETS
    return RowSource(feed.name, reader, feed.sha256, feed.close, is_watched=is_watched)


def _format_of(feed: Feed, suffix: str) -> FormatName:
    """Return the format by content where that is sure, else by the file's suffix, else by its first character."""
    head = feed.sample()
    for magic, found, why in _MAGIC:
        if head.startswith(magic):
            if found is None:
                raise InputError(f"read {feed.name}: {why}", code="rows-unreadable", hint="Give a file of rows.")
            return found
    if suffix in _SUFFIXES and _SUFFIXES[suffix] not in {"xlsx", "parquet"}:
        return _SUFFIXES[suffix]
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return "json" if first == b"[" else "ndjson" if first == b"{" else "csv"


def _delimited(feed: Feed, options: ReadOptions, suffix: str) -> _Reader:
    from flowlaunch.batch.rows.delimited import DelimitedRows  # noqa: PLC0415 - one format is loaded, not all

    return DelimitedRows(feed, options, suffix)


def _ndjson(feed: Feed, options: ReadOptions, _suffix: str) -> _Reader:
    from flowlaunch.batch.rows.json_rows import NdjsonRows  # noqa: PLC0415 - one format is loaded, not all

    return NdjsonRows(feed, options)


def _json(feed: Feed, options: ReadOptions, _suffix: str) -> _Reader:
    from flowlaunch.batch.rows.json_rows import JsonArrayRows  # noqa: PLC0415 - one format is loaded, not all

    return JsonArrayRows(feed, options)


def _sheet(feed: Feed, options: ReadOptions, _suffix: str) -> _Reader:
    from flowlaunch.batch.rows.sheets import SheetRows  # noqa: PLC0415 - one format is loaded, not all

    return SheetRows(feed, options)


def _parquet(feed: Feed, _options: ReadOptions, _suffix: str) -> _Reader:
    from flowlaunch.batch.rows.parquet import ParquetRows  # noqa: PLC0415 - one format is loaded, not all

    return ParquetRows(feed)


_READERS: Final[dict[FormatName, Callable[[Feed, ReadOptions, str], _Reader]]] = {
    "csv": _delimited,
    "ndjson": _ndjson,
    "json": _json,
    "xlsx": _sheet,
    "parquet": _parquet,
}

__all__ = ["STDIN", "RowSource", "open_rows"]
