"""Figures of the overview: executions by status, and requests over the last minutes."""

from __future__ import annotations

from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING, Final

from flowlaunch.pages.charts import Bar

if TYPE_CHECKING:
    from flowlaunch.sandbox.journal import Journal
    from flowlaunch.sandbox.runs import Execution, Runs

__all__ = ["Standing", "requests_over_time"]

COLUMNS: Final = 40
COLUMN_S: Final = 15.0
TONES: Final = (("run", "answered"), ("wait", "refused"), ("bad", "failed or not answered"))


class Standing:
    """Counts executions by status, looking only at what is new or was still running the last time."""

    def __init__(self) -> None:
        self._ended: Counter[str] = Counter()
        self._open: list[Execution] = []
        self._last: Execution | None = None

    def count(self, runs: Runs) -> dict[str, int]:
        """Give RUNNING, COMPLETED and FAILED."""
        last = self._last
        if last is not None and runs.executions.get(last.id) is not last:  # a reset or a restore
            self._ended.clear()
            self._open, last = [], None
        fresh: list[Execution] = []
        for one in reversed(runs.executions.values()):
            if one is last:
                break
            fresh.append(one)
        self._last = fresh[0] if fresh else last
        still_open = []
        for one in (*self._open, *fresh):
            if one.status == "RUNNING":
                still_open.append(one)
            else:
                self._ended[one.status] += 1
        self._open = still_open
        ended = {name: self._ended[name] for name in ("COMPLETED", "FAILED")}
        return {"RUNNING": len(still_open), **ended}


def requests_over_time(journal: Journal) -> list[Bar]:
    """Count the requests of the last ten minutes of real time, oldest first."""
    now = monotonic()
    columns = [Counter[str]() for _ in range(COLUMNS)]
    for _, note in journal.newest():
        index = int((now - note.monotonic_s) // COLUMN_S)
        if index >= COLUMNS:
            break
        columns[index][_tone(note.status)] += 1
    return [
        Bar(_label(index, column), tuple((tone, column[tone]) for tone, _ in TONES))
        for index, column in reversed(list(enumerate(columns)))
    ]


def _tone(status: int) -> str:
    if status == 0 or status >= 500:
        return "bad"
    return "wait" if status >= 400 else "run"


def _label(index: int, column: Counter[str]) -> str:
    from_s, to_s = (index + 1) * COLUMN_S, index * COLUMN_S
    parts = [f"{column[tone]} {name}" for tone, name in TONES if column[tone]]
    return f"{from_s:g} to {to_s:g} s ago: {', '.join(parts) or 'no requests'}"
