"""Rows of a Parquet file, a piece of a row group at a time (extra `parquet`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flowlaunch.batch.decisions import BadRow, InputRow, RowWarning
from flowlaunch.batch.rows.header import checked_header
from flowlaunch.batch.rows.options import Detected
from flowlaunch.batch.rows.plain import plain_cells
from flowlaunch.errors import InputError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowlaunch.batch.rows.feed import Feed

_ROWS_AT_ONCE: Final = 4_096


class ParquetRows:
    """The records of one file, once; `line` is the number of the record."""

    def __init__(self, feed: Feed) -> None:
        self.blank_rows = 0
        self.notices: list[RowWarning] = []
        self._name = feed.name
        self._file = _opened(feed)
        self.columns = checked_header(self._file.schema_arrow.names, feed.name)

    @property
    def detected(self) -> Detected:
        """What the file turned out to be."""
        return Detected(format="parquet", notes=(f"{self._file.metadata.num_row_groups} row groups",))

    def __iter__(self) -> Iterator[InputRow | BadRow]:
        """Yield the records in the order of the file."""
        line = 0
        for records in self._pieces():
            for record in records:
                line += 1
                yield InputRow(line, plain_cells(record))

    def _pieces(self) -> Iterator[list[dict[str, Any]]]:
        try:
            for piece in self._file.iter_batches(batch_size=_ROWS_AT_ONCE):
                yield piece.to_pylist()
        except (OSError, ValueError) as error:
            raise InputError(
                f"read {self._name}: {error}", code="rows-unreadable", hint="Write the Parquet file again."
            ) from error


def _opened(feed: Feed) -> Any:
    try:
        from pyarrow import parquet  # noqa: PLC0415 - heavy, and an extra
    except ImportError as error:
        raise SettingsError(
            f"read {feed.name}: Parquet files need pyarrow, which is not installed",
            hint="Install it with: pip install 'flowlaunch[parquet]'",
        ) from error
    try:
        return parquet.ParquetFile(feed.seekable())
    except (OSError, ValueError) as error:
        raise InputError(
            f"read {feed.name}: it is no readable Parquet file ({error})",
            code="rows-unreadable",
            hint="Check the file, or name its format with --format.",
        ) from error
