"""What a plan decided, as files: the rows that somebody has to mend as they came in, and the decision about each."""

from __future__ import annotations

import csv
import io
import tempfile
from typing import IO, TYPE_CHECKING, Any, Final, Self

import msgspec

from flowlaunch.batch.decisions import REASONS
from flowlaunch.batch.results.csv_cells import cell_for_csv
from flowlaunch.batch.results.summary import instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from flowlaunch.batch.decisions import RowPlan

__all__ = ["DECISION_COLUMNS", "REJECT_COLUMNS", "Decisions", "Rejects"]

REJECT_COLUMNS: Final = ("reject_line", "reject_kind", "reject_reason", "reject_message", "reject_raw")
DECISION_COLUMNS: Final = ("row", "line", "key", "decision", "reason", "message", "not_before")
_MENDABLE: Final = frozenset({"reject", "hold"})
_IN_MEMORY_BYTES: Final = 1 << 20


class _Spooled(msgspec.Struct, array_like=True):
    line: int
    kind: str
    reason: str
    message: str
    raw: str
    cells: dict[str, Any]


class Rejects:
    """Collects rejected and held rows while a batch is planned, then writes them under the source's columns.

    They wait in a temporary file: the columns are known for sure only when the source was read.
    """

    def __init__(self) -> None:
        self._spool: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - closed by us
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._spool.close()

    def add(self, plan: RowPlan) -> None:
        """Keep a row if somebody can mend it; skipped rows are as they should be."""
        decision = plan.decision
        if decision.kind not in _MENDABLE:
            return
        said = "; ".join(map(str, decision.problems)) or decision.message
        cells = dict(plan.cells) or (dict(plan.prepared.cells) if plan.prepared else {})
        kept = _Spooled(plan.line, decision.kind, decision.reason, said, plan.raw, cells)
        self._spool.write(msgspec.json.encode(kept, enc_hook=str) + b"\n")
        self.rows += 1

    def write(self, stream: IO[bytes], columns: Sequence[str]) -> int:
        """Write the rows as CSV and tell how many; the stream stays open."""
        names = list(dict.fromkeys(columns))
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="", errors="backslashreplace", write_through=True)
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([cell_for_csv(name) for name in (*names, *REJECT_COLUMNS)])
        self._spool.seek(0)
        for line in self._spool:
            row = msgspec.json.decode(line, type=_Spooled)
            said = (row.line, row.kind, row.reason, row.message, row.raw)
            writer.writerow([cell_for_csv(cell) for cell in (*(row.cells.get(name) for name in names), *said)])
        text.flush()
        text.detach()
        return self.rows


class Decisions:
    """Writes one line of CSV for each planned row, in the order of the source."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._write(*DECISION_COLUMNS)

    def add(self, plan: RowPlan) -> None:
        """Write the decision about one row, with all of its problems."""
        decision, prepared = plan.decision, plan.prepared
        said = "; ".join(map(str, decision.problems)) or decision.message or REASONS.get(decision.reason, "")
        not_before = instant(decision.not_before_us) if decision.not_before_us else None
        key = prepared.key if prepared else ""
        self._write(plan.row_number, plan.line, key, decision.kind, decision.reason, said, not_before)

    def _write(self, *cells: Any) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow([cell_for_csv(cell) for cell in cells])
        self._stream.write(text.getvalue().encode("utf-8", "backslashreplace"))
