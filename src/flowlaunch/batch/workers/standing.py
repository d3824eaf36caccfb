"""How the workers of a ledger stand: for the command line and the page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from flowlaunch.batch.ledger import crew, handovers
from flowlaunch.batch.ledger.crew import STALE_S, HandStanding

if TYPE_CHECKING:
    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.batch.ledger.crew import Process

__all__ = ["BatchWaiting", "WorkerStanding", "WorkersStanding", "crew_of", "workers_standing", "workers_with"]


class WorkerStanding(msgspec.Struct, frozen=True, kw_only=True):
    """One worker process.

    Attributes:
        worker_id: short, unique among those listed; `drain` takes it.
        state: `working`, `idle`, `draining` or `silent`: no sign of life for so long that it is held for dead.
        profiles: profiles that it launches with.
        in_hand: rows taken and not ended, over all its batches.
        per_minute: rows that it launches a minute now; `launched` since it started.
        trouble: why it cannot work on something, or since when it is silent and what becomes of its rows; "" when well.
        hands: what it does now; of a silent one nothing, for others take that over.

    """

    worker_id: str
    host: str
    pid: int
    state: str
    batches: tuple[int, ...]
    profiles: tuple[str, ...]
    in_hand: int
    per_minute: float
    launched: int
    memory_mb: float
    started_us: int
    heartbeat_us: int
    silent_s: float
    trouble: str
    hands: tuple[HandStanding, ...] = ()


class BatchWaiting(msgspec.Struct, frozen=True, kw_only=True):
    """A batch of the workers, and how many live ones can work on it: 0 means that it waits for one with its client."""

    batch_id: int
    profile: str
    workers: int


class WorkersStanding(msgspec.Struct, frozen=True, kw_only=True):
    """Every worker of a ledger, and every batch that is theirs and has not ended."""

    workers: tuple[WorkerStanding, ...]
    batches: tuple[BatchWaiting, ...]


def workers_standing(ledger: Ledger) -> WorkersStanding:
    """Return how the workers of a ledger stand; two small reads."""
    store = ledger.store
    now_us = store.now_us()
    processes, held = crew.present(store), handovers.under_way(store)
    alive = [one for one in processes if _silent_s(one, now_us) <= STALE_S]
    return WorkersStanding(
        workers=tuple(_standing(one, now_us) for one in processes),
        batches=tuple(
            BatchWaiting(
                batch_id=one.batch_id, profile=one.profile,
                workers=sum(_has(process, one.client_key) for process in alive),
            )
            for one in held
            if one.is_open
        ),
    )  # fmt: skip


def workers_with(ledger: Ledger, client_key: str) -> int:
    """Return how many live workers, not about to leave, have this OAuth client."""
    now_us = ledger.store.now_us()
    return sum(
        _has(one, client_key) and not one.is_draining and _silent_s(one, now_us) <= STALE_S
        for one in crew.present(ledger.store)
    )


def crew_of(ledger: Ledger, stale_after_s: float) -> dict[str, list[str]]:
    """Return the live workers, not about to leave, that have each OAuth client, by its key."""
    now_us = ledger.store.now_us()
    found: dict[str, list[str]] = {}
    for one in crew.present(ledger.store):
        if not one.is_draining and _silent_s(one, now_us) <= stale_after_s:
            for key in {mine.client_key for mine in one.clients}:
                found.setdefault(key, []).append(one.process_id)
    return found


def _has(process: Process, client_key: str) -> bool:
    return any(one.client_key == client_key for one in process.clients)


def _silent_s(process: Process, now_us: int) -> float:
    return max(0.0, (now_us - process.heartbeat_us) / 1e6)


def _standing(one: Process, now_us: int) -> WorkerStanding:
    silent_s = _silent_s(one, now_us)
    if silent_s > STALE_S:
        one = msgspec.structs.replace(one, hands=(), trouble=_end_of(one))
    launching = [hand for hand in one.hands if hand.job == "launch"]
    states = (("silent", silent_s > STALE_S), ("draining", one.is_draining), ("working", bool(one.hands)))
    return WorkerStanding(
        worker_id=one.process_id[:8],
        host=one.host,
        pid=one.pid,
        state=next((name for name, holds in states if holds), "idle"),
        batches=tuple(sorted({hand.batch_id for hand in one.hands})),
        profiles=tuple(mine.profile for mine in one.clients),
        in_hand=sum(hand.in_hand for hand in launching),
        per_minute=round(sum(hand.per_minute for hand in launching), 1),
        launched=one.launched,
        memory_mb=round(one.memory_bytes / 1e6, 1),
        started_us=one.started_us,
        heartbeat_us=one.heartbeat_us,
        silent_s=round(silent_s, 1),
        trouble=one.trouble,
        hands=one.hands,
    )


def _end_of(silent: Process) -> str:
    """Say when a silent worker was last heard of, and what becomes of what it had in hand."""
    heard_at = datetime.fromtimestamp(silent.heartbeat_us / 1e6, UTC)
    batches = sorted({hand.batch_id for hand in silent.hands})
    of_batches = f"batch{'es' if len(batches) > 1 else ''} {', '.join(map(str, batches))}"
    after = f"others take over what it had in hand of {of_batches}" if batches else "it had nothing in hand"
    return f"last heard of {heard_at:%Y-%m-%d %H:%M:%S} UTC; {after}"
