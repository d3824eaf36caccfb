"""The ledger: one SQLite file that knows of every row whether it was sent, and what came of it.

The only part of flowlaunch that contains SQL. Nothing heavy is imported before `open_ledger` is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowlaunch.batch.ledger.opening import open_ledger
from flowlaunch.batch.ledger.shapes import (
    Batch,
    BatchSpec,
    Change,
    Chunk,
    ChunkRow,
    Controls,
    Count,
    EventRecord,
    Evidence,
    Forgotten,
    LaunchedRow,
    Outcome,
    Payloads,
    Result,
    RowFilter,
    RowRecord,
    SlotGrant,
    Verdict,
    Worker,
    WorkerStanding,
    place_of,
    row_id_of,
)

if TYPE_CHECKING:
    from flowlaunch.batch.ledger.ledger import Ledger

__all__ = [
    "Batch",
    "BatchSpec",
    "Change",
    "Chunk",
    "ChunkRow",
    "Controls",
    "Count",
    "EventRecord",
    "Evidence",
    "Forgotten",
    "LaunchedRow",
    "Ledger",
    "Outcome",
    "Payloads",
    "Result",
    "RowFilter",
    "RowRecord",
    "SlotGrant",
    "Verdict",
    "Worker",
    "WorkerStanding",
    "open_ledger",
    "place_of",
    "row_id_of",
]


def __getattr__(name: str) -> Any:
    if name == "Ledger":
        from flowlaunch.batch.ledger.ledger import Ledger  # noqa: PLC0415 - the database library loads on first use

        return Ledger
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
