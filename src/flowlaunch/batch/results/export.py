"""Exports: the rows of a source with what became of each, as a file that is there whole or not at all."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

import msgspec

from flowlaunch.batch.results.join import joined_rows
from flowlaunch.batch.results.sinks import SINKS, Layout
from flowlaunch.batch.states import RowState
from flowlaunch.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from flowlaunch.batch.decisions import BadRow, InputRow
    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.batch.ledger.shapes import RowFilter
    from flowlaunch.batch.results.join import JoinedRow

__all__ = ["MENDABLE_STATES", "Export", "format_of", "whole_file"]

MENDABLE_STATES: Final = (RowState.REJECTED, RowState.HELD, RowState.REFUSED)
"""Rows that somebody has to mend: the rejects file holds these."""

_MOST_COLUMNS: Final = 2_000
_FORMAT_BY_SUFFIX: Final = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet"}


def format_of(path: Path) -> str:
    """Tell the format that a file's name asks for.

    Raises:
        SettingsError: the name asks for none.

    """
    found = _FORMAT_BY_SUFFIX.get(path.suffix.lower())
    if found is None:
        raise SettingsError(
            f"write {path}: the name does not tell the format",
            hint=f"Name the format, or end the file's name with one of {', '.join(_FORMAT_BY_SUFFIX)}.",
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What to export.

    Attributes:
        open_source: opens the rows of the source anew, from its first row on; None takes the inputs that the
            ledger kept.
        columns: the source's columns in their order; empty finds them out with one more pass.

    """

    ledger: Ledger
    batch_id: int
    where: RowFilter | None = None
    open_source: Callable[[], Iterable[InputRow | BadRow]] | None = None
    columns: tuple[str, ...] = ()

    def rows(self) -> Iterator[JoinedRow]:
        """Yield the joined rows."""
        records = self.ledger.rows(self.batch_id, self.where)
        return joined_rows(records, self.open_source() if self.open_source else None)

    def write(self, stream: IO[bytes], file_format: str) -> int:
        """Write all rows and tell how many; `file_format` is csv, ndjson or parquet."""
        sink = SINKS[file_format](stream, self._layout(file_format))
        written = 0
        for row in self.rows():
            sink.write(row)
            written += 1
        sink.close()
        return written

    def _layout(self, file_format: str) -> Layout:
        """Find the columns: flat formats must know them all before the first row."""
        if file_format == "ndjson":
            return Layout((), ())
        inputs, outputs = dict.fromkeys(self.columns), dict[str, None]()
        if self.columns:
            for record in self.ledger.rows(self.batch_id, self.where):
                _learn(outputs, _names(record.outputs))
            return Layout(tuple(inputs), tuple(outputs), has_raw=self._has_bad_rows())
        has_raw = False
        for row in self.rows():
            _learn(inputs, row.cells or ())
            _learn(outputs, row.outputs)
            has_raw = has_raw or bool(row.raw)
        return Layout(tuple(inputs), tuple(outputs), has_raw=has_raw)

    def _has_bad_rows(self) -> bool:
        asked = self.where.states if self.where else ()
        counts = {count.state: count.rows for count in self.ledger.counts(self.batch_id)}
        return bool(counts.get(RowState.REJECTED)) and (not asked or RowState.REJECTED in asked)


def _names(encoded: bytes | None) -> Iterable[str]:
    if not encoded:
        return ()
    try:
        return msgspec.json.decode(encoded, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ()


def _learn(known: dict[str, None], names: Iterable[str]) -> None:
    for name in names:
        if name not in known and len(known) < _MOST_COLUMNS:
            known[name] = None


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write that takes its name only when all of it is written.

    Raises:
        SettingsError: it cannot be written.

    """
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as stream:
            yield stream
        part.replace(path)
    except OSError as error:
        raise SettingsError(
            f"write {path}: {error.strerror or error}", hint="Name another file, or make room for this one."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
