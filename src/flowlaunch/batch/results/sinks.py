"""Files that joined rows are written to: CSV, NDJSON, Parquet."""

from __future__ import annotations

import csv
import io
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

import msgspec

from flowlaunch.batch.results.csv_cells import cell_for_csv, cell_text
from flowlaunch.batch.results.join import result_of
from flowlaunch.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

    from flowlaunch.batch.results.join import JoinedRow

__all__ = ["RESULT_TYPES", "SINKS", "Layout", "Sink"]

PREFIX: Final = "batch_"
OUTPUT_PREFIX: Final = "output."
RAW_COLUMN: Final = "batch_raw"
_BLOCK_ROWS: Final = 8_192

RESULT_TYPES: Final[Mapping[str, str]] = {
    "row": "int64",
    "line": "int64",
    "key": "string",
    "state": "string",
    "reason": "string",
    "message": "string",
    "attempts": "int64",
    "sent_at": "timestamp",
    "execution_id": "string",
    "execution_name": "string",
    "execution_status": "string",
    "completion_reason": "string",
    "error_code": "string",
    "error_message": "string",
    "http_status": "int64",
    "correlation_id": "string",
    "launched_at": "timestamp",
    "ended_at": "timestamp",
    "duration_s": "float64",
}
"""Column that an export adds -> its type where the format has types."""


class Layout:
    """The columns of a flat export: those of the source, then ours, then one for each output.

    Ours begin with `batch_`, outputs with `output.`; a name that the source has already gets a number.
    """

    def __init__(self, inputs: Sequence[str], outputs: Sequence[str], *, has_raw: bool = False) -> None:
        taken = set(inputs)
        self.inputs = tuple(inputs)
        self.results = {name: _free(PREFIX + name, taken) for name in RESULT_TYPES}
        self.outputs = {name: _free(OUTPUT_PREFIX + name, taken) for name in outputs}
        self.raw = _free(RAW_COLUMN, taken) if has_raw else None

    @property
    def names(self) -> list[str]:
        """The columns from left to right."""
        last = [self.raw] if self.raw else []
        return [*self.inputs, *self.results.values(), *self.outputs.values(), *last]

    def cells(self, row: JoinedRow) -> list[Any]:
        """Tell the values of one row in the order of `names`."""
        cells, outputs = row.cells or {}, row.outputs
        found = [cells.get(name) for name in self.inputs]
        found += result_of(row.record).values()
        found += [outputs.get(name) for name in self.outputs]
        return [*found, row.raw or None] if self.raw else found


class Sink(Protocol):
    """Takes joined rows one by one; `close` completes the file and leaves the stream open."""

    def write(self, row: JoinedRow) -> None:
        """Take one row."""
        ...

    def close(self) -> None:
        """Complete what was written."""
        ...


class CsvSink:
    """UTF-8 CSV with a header; no cell is run as a formula by a spreadsheet."""

    def __init__(self, stream: IO[bytes], layout: Layout) -> None:
        self._layout = layout
        self._text = io.TextIOWrapper(
            stream, encoding="utf-8", errors="backslashreplace", newline="", write_through=True
        )
        self._writer = csv.writer(self._text, lineterminator="\n")
        self._writer.writerow([cell_for_csv(name) for name in layout.names])

    def write(self, row: JoinedRow) -> None:
        """Write one line."""
        self._writer.writerow(list(map(cell_for_csv, self._layout.cells(row))))

    def close(self) -> None:
        """Let the stream go."""
        self._text.flush()
        self._text.detach()


class NdjsonSink:
    """One JSON object a line: `input` as read, `result`, `output`; every value exactly as it is."""

    def __init__(self, stream: IO[bytes], layout: Layout) -> None:
        del layout
        self._stream = stream

    def write(self, row: JoinedRow) -> None:
        """Write one line."""
        found: dict[str, Any] = {"input": row.cells, "result": result_of(row.record), "output": row.outputs}
        if row.raw:
            found["raw"] = row.raw
        self._stream.write(msgspec.json.encode(found, enc_hook=str) + b"\n")

    def close(self) -> None:
        """Do nothing: each line is complete."""


class ParquetSink:
    """Parquet with typed result columns; cells and outputs are text, as they are in CSV but unchanged."""

    def __init__(self, stream: IO[bytes], layout: Layout) -> None:
        pa = _pyarrow()
        import pyarrow.parquet as pq  # noqa: PLC0415 - the extra is loaded by those who ask for it

        types = {"int64": pa.int64(), "float64": pa.float64(), "timestamp": pa.timestamp("us", tz="UTC")}
        by_column = {layout.results[name]: types.get(kind, pa.string()) for name, kind in RESULT_TYPES.items()}
        self._schema: Any = pa.schema([(name, by_column.get(name, pa.string())) for name in layout.names])
        self._is_text = [name not in by_column for name in layout.names]
        self._pa, self._layout = pa, layout
        self._rows: list[list[Any]] = []
        self._writer: Any = pq.ParquetWriter(stream, self._schema, compression="zstd")

    def write(self, row: JoinedRow) -> None:
        """Keep one row until a block is full."""
        cells = self._layout.cells(row)
        self._rows.append(
            [None if cell is None else cell_text(cell) if text else cell
             for cell, text in zip(cells, self._is_text, strict=True)]
        )  # fmt: skip
        if len(self._rows) >= _BLOCK_ROWS:
            self._write_block()

    def _write_block(self) -> None:
        columns = list(zip(*self._rows, strict=True)) if self._rows else [()] * len(self._schema)
        arrays = [self._pa.array(column, type=field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._writer.write_table(self._pa.Table.from_arrays(arrays, schema=self._schema))
        self._rows.clear()

    def close(self) -> None:
        """Write the last block and the footer."""
        if self._rows:
            self._write_block()
        self._writer.close()


SINKS: Final[Mapping[str, Callable[[IO[bytes], Layout], Sink]]] = {
    "csv": CsvSink,
    "ndjson": NdjsonSink,
    "parquet": ParquetSink,
}
"""Format -> what writes it."""


def _pyarrow() -> ModuleType:
    try:
        import pyarrow as pa  # noqa: PLC0415 - the extra is loaded by those who ask for it
    except ImportError as error:
        raise SettingsError(
            "writing Parquet needs pyarrow, which is not installed",
            hint="Install it: pip install 'flowlaunch[parquet]'.",
        ) from error
    module: ModuleType = pa
    return module


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    taken.add(free)
    return free
