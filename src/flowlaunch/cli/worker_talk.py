"""What a worker says at its terminal, and how workers are listed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.cli.batch_progress import events_as_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.batch.events import RunEvent
    from flowlaunch.batch.ledger.crew import Process
    from flowlaunch.batch.workers.standing import WorkersStanding, WorkerStanding
    from flowlaunch.cli.session import Session

__all__ = ["COLUMNS", "drained_text", "heard", "joined_text", "quiet_engine", "records", "troubles"]

SPOKEN: Final = frozenset(
    {"outage", "recovered", "pushed-back", "storage", "recovered-rows", "clock-jump", "changed", "cancelled", "paused"}
)
"""Kinds of events that a worker tells; what concerns single rows is in the ledger."""

COLUMNS: Final[Mapping[str, str]] = {
    "worker": "worker",
    "host": "host",
    "pid": "pid",
    "state": "state",
    "batches": "batches",
    "in_hand": "in hand",
    "per_minute": "a minute",
    "launched": "launched",
    "memory_mb": "MB",
    "seen": "seen",
    "profiles": "profiles",
}
"""Field of a record of `worker list` -> heading."""


_SPANS: Final = ((7_200.0, 3_600.0, "h"), (120.0, 60.0, "min"), (0.0, 1.0, "s"))
"""From how many seconds on a unit is told, the unit in seconds, its name."""


class _Talk(logging.Handler):
    """Says at the terminal what the worker logs."""

    def __init__(self, session: Session) -> None:
        super().__init__(logging.WARNING)
        self._session = session

    def emit(self, record: logging.LogRecord) -> None:
        """Say one record."""
        self._session.talk(record.getMessage())


def quiet_engine(session: Session) -> None:
    """Have the worker's own log spoken, and the job engine's left alone: what it tells, the worker tells better."""
    logger = logging.getLogger("flowlaunch.workers")
    logger.addHandler(_Talk(session))
    logger.propagate = False
    for name in ("procrastinate", "psycopg", "psycopg.pool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def heard(session: Session, batch_id: int, event: RunEvent) -> None:
    """Say what happened in a chunk."""
    if session.output == "jsonl" and not session.query:
        event.fields.setdefault("batch_id", batch_id)
        events_as_lines(event)
    elif event.kind in SPOKEN:
        session.talk(f"{event.at:%H:%M:%S} batch {batch_id}: {event.kind.replace('-', ' ')} {event.message}".rstrip())


def joined_text(me: Process) -> str:
    """Say that the worker is there, and what it can work on."""
    names = ", ".join(sorted({one.profile or "the settings at hand" for one in me.clients}))
    return f"worker {me.process_id[:8]} (process {me.pid} on {me.host}) works with {names}; Ctrl-C drains it"


def records(standing: WorkersStanding) -> list[dict[str, Any]]:
    """Return the workers as records to print."""
    return [_record(one) for one in standing.workers]


def _record(one: WorkerStanding) -> dict[str, Any]:
    return {
        "worker": one.worker_id,
        "host": one.host,
        "pid": one.pid,
        "state": one.state,
        "batches": ", ".join(map(str, one.batches)),
        "in_hand": one.in_hand,
        "per_minute": one.per_minute,
        "launched": one.launched,
        "memory_mb": one.memory_mb,
        "seen": _ago_text(one.silent_s),
        "profiles": ", ".join(filter(None, one.profiles)),
        "trouble": one.trouble,
    }


def drained_text(alive: int, silent: int) -> str:
    """Say how many workers were asked to leave, and when they will."""
    said = {
        f"{alive} worker was asked to leave; it notices within two seconds": alive == 1,
        f"{alive} workers were asked to leave; they notice within two seconds": alive > 1,
        f"{silent} that fell silent will leave if ever heard of again": silent > 0,
        "there is no worker": not alive + silent,
    }
    return "; ".join(text for text, holds in said.items() if holds)


def _ago_text(seconds: float) -> str:
    """Say how long ago, 7 s ago, 2 min ago, 3 h ago."""
    unit_s, name = next((unit_s, name) for from_s, unit_s, name in _SPANS if seconds >= from_s)
    return f"{seconds // unit_s:.0f} {name} ago"


def troubles(standing: WorkersStanding) -> list[str]:
    """Say what somebody should look at."""
    said = [
        f"batch {one.batch_id} waits: no live worker has the OAuth client of profile {one.profile or 'default'!r}."
        " Start one: flowlaunch worker run --ledger URL" + (f" --profile {one.profile}" if one.profile else "")
        for one in standing.batches
        if not one.workers
    ]
    return said + [f"worker {one.worker_id}: {one.trouble}" for one in standing.workers if one.trouble]
