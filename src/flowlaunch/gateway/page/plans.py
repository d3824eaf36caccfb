"""The plan of a batch that nobody has started: what its rows were decided to become, with the first of them.

The rows were decided by the code of `batch plan` as they were read in, so what is shown is what will be sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from flowlaunch.batch.ledger import RowFilter
from flowlaunch.batch.states import RowState
from flowlaunch.gateway.launches.uploads import NOT_STARTED
from flowlaunch.gateway.page.masking import masked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.batch.ledger import Ledger, Row
    from flowlaunch.gateway.api.batches import BatchShown

__all__ = ["Plan", "PlannedRow", "is_not_started", "plan_of"]

FIRST: Final = 3
MENDABLE: Final = (RowState.REJECTED, RowState.HELD)
TO_LAUNCH: Final = RowFilter(states=(RowState.PENDING,))
TO_MEND: Final = RowFilter(states=MENDABLE)


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """One of the first launches; `payload` is None where the ledger keeps none."""

    number: int
    key: str
    name: str
    payload: Any


@dataclass(frozen=True, slots=True)
class Plan:
    """What a batch would do once it is started.

    Attributes:
        launches: rows that would be launched, now or when their window opens; the others are left out or wait for a
            person.
        first: the first launches. `mend`: the first rows that somebody has to look at.
        lasts_s: the launches at the pace, if no row waits; None without a pace.

    """

    rows: int
    launches: int
    held: int
    rejected: int
    skipped: int
    first: tuple[PlannedRow, ...]
    mend: tuple[Row, ...]
    lasts_s: float | None
    per_minute: float | None
    is_revealed: bool


def is_not_started(batch: BatchShown) -> bool:
    """Tell whether nobody has started a batch yet."""
    return batch.controls.paused and batch.controls.pause_reason == NOT_STARTED


def plan_of(ledger: Ledger, batch: BatchShown, per_minute: float | None, *, reveal: bool) -> Plan | None:
    """Return the plan of a batch; None once it was started, or while its file is read."""
    if batch.phase == "loading" or not is_not_started(batch):
        return None
    counts: Mapping[str, int] = batch.counts
    launches = counts.get(RowState.PENDING, 0)
    pace = min((one for one in (per_minute, batch.controls.rate_per_minute) if one), default=None)
    return Plan(
        rows=batch.rows,
        launches=launches,
        held=counts.get(RowState.HELD, 0),
        rejected=counts.get(RowState.REJECTED, 0),
        skipped=counts.get(RowState.SKIPPED, 0),
        first=tuple(_planned(row, reveal=reveal) for row in ledger.rows(batch.id, TO_LAUNCH, limit=FIRST)),
        mend=tuple(ledger.rows(batch.id, TO_MEND, limit=FIRST)),
        lasts_s=launches * 60 / pace if pace else None,
        per_minute=pace,
        is_revealed=reveal,
    )


def _planned(row: Row, *, reveal: bool) -> PlannedRow:
    try:
        payload = masked(msgspec.json.decode(row.payload), reveal=reveal) if row.payload else None
    except msgspec.DecodeError:  # only a hash of it is kept
        payload = None
    return PlannedRow(row.number, row.key, row.name or "", payload)
