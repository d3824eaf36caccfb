"""What a batch needs of its workers now: judged from what the ledger counts over all of them, without any I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.batch.budget import ErrorBudget, Tally
from flowlaunch.batch.ledger.handovers import Baseline
from flowlaunch.batch.ramp import Ramp, stage_sizes
from flowlaunch.batch.states import FINAL_STATES, RowState

if TYPE_CHECKING:
    from collections.abc import Sequence, Set as AbstractSet

    from flowlaunch.batch.ledger.handovers import Handover
    from flowlaunch.batch.work import WorkOptions

__all__ = ["ANY", "OPENING", "Chunks", "Judgement", "chunks_of", "judge", "may_leave", "seen_of", "share_of"]

CHUNK_S: Final = 15.0
"""A chunk is about what leaves in so many seconds: how long a rate set too high, or a draining worker, has its way."""
LEAST_ROWS: Final = 20
MOST_ROWS: Final = 10_000
SOON_US: Final = 1_000_000
ANY: Final = "any"
OPENING: Final = "opening"
NOT_SENDABLE: Final = (FINAL_STATES - {RowState.COMPLETED, RowState.FAILED, RowState.REFUSED}) | {RowState.HELD}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found out about a batch.

    Attributes:
        pause: why it has to pause, or "".
        until_left: how many of its rows may have left in its present stage; None: all of them.
        ramped: what to tell of a new stage of its ramp, or "".
        changed: what to note of it in the ledger.

    """

    pause: str = ""
    until_left: int | None = None
    ramped: str = ""
    changed: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chunks:
    """Jobs to enqueue: chunks of these names with `rows` each, from `at_us` on.

    Each worker has a chunk of its own, named after it; `ANY` and `OPENING` are for whoever comes first.
    """

    names: tuple[str, ...] = ()
    rows: int = 0
    at_us: int | None = None


def judge(held: Handover, options: WorkOptions, now_us: int) -> Judgement:
    """Judge the error budget and the ramp of a batch by its rows' states."""
    tally = Tally.of(held.states)
    changed: dict[str, Any] = {}
    baseline = held.baseline
    if baseline is None:
        baseline = changed["baseline"] = Baseline(in_doubt=tally.in_doubt)
    elif baseline.is_breached and not held.paused:  # somebody looked at it and let it go on
        baseline = changed["baseline"] = Baseline(judged=tally.judged, wrong=tally.wrong, in_doubt=tally.in_doubt)
    breach = ErrorBudget(options.max_failed, options.max_in_doubt, seen_of(baseline)).breach(tally)
    if breach and not baseline.is_breached:
        changed["baseline"] = Baseline(
            judged=baseline.judged, wrong=baseline.wrong, in_doubt=baseline.in_doubt, is_breached=True
        )
    until_left, ramped = _ramp(held, options, tally, now_us, changed, is_within_budget=breach is None)
    return Judgement("" if held.paused else breach or "", until_left, ramped, changed)


def seen_of(baseline: Baseline) -> Tally:
    """Return what went wrong and counts no more."""
    return Tally(completed=baseline.judged - baseline.wrong, failed=baseline.wrong, in_doubt=baseline.in_doubt)


def _ramp(
    held: Handover, options: WorkOptions, tally: Tally, now_us: int, changed: dict[str, Any], *, is_within_budget: bool
) -> tuple[int | None, str]:
    sizes = ramp_sizes(held, options)
    before_s = None if held.stage_full_us is None else held.stage_full_us / 1e6
    ramp = Ramp(sizes, stage=min(held.stage, len(sizes) - 1), full_since_s=before_s)
    known = tally.judged + tally.in_doubt
    ramped = ""
    if ramp.advance(tally.left, known, now_us / 1e6, is_within_budget=is_within_budget):
        size = ramp.sizes[ramp.stage]
        ramped = "all rows may leave" if size is None else f"{size} rows may leave"
        changed["stage"] = ramp.stage
    if ramp.full_since_s != before_s:
        changed["stage_full_us"] = None if ramp.full_since_s is None else round(ramp.full_since_s * 1e6)
    return ramp.sizes[ramp.stage], ramped


def ramp_sizes(held: Handover, options: WorkOptions) -> tuple[int | None, ...]:
    """Return the stages of a batch's ramp; without looks at the ends nobody could judge one."""
    if not (options.track and options.ramp):
        return (None,)
    return stage_sizes(options.ramp, sum(rows for state, rows in held.states.items() if state not in NOT_SENDABLE))


def may_leave(held: Handover, until_left: int | None, wanted: int) -> int:
    """Return how many rows may leave of those wanted: a stage counts what is in flight as having left."""
    if until_left is None:
        return wanted
    gone = Tally.of(held.states).left + held.rows(RowState.LAUNCHING)
    return max(0, min(wanted, until_left - gone))


def chunks_of(
    held: Handover,
    options: WorkOptions,
    *,
    due_us: int | None,
    until_left: int | None,
    workers: Sequence[str],
    enqueued: AbstractSet[str],
    is_any_running: bool,
    now_us: int,
) -> Chunks:
    """Return the chunks that are missing.

    Args:
        held: the batch.
        options: how it is run.
        due_us: when its first free row is due; None when there is no free row.
        until_left: the bound of its ramp.
        workers: live workers that have its OAuth client.
        enqueued: names of chunks that wait or are worked on.
        is_any_running: whether any chunk is worked on.
        now_us: the present instant.

    """
    if due_us is None or held.paused or held.cancelled:
        left_behind = (
            held.rows(RowState.LAUNCHING, RowState.PENDING) if due_us is None else held.rows(RowState.LAUNCHING)
        )
        is_swept = left_behind and not is_any_running and ANY not in enqueued
        return Chunks((ANY,), 0 if held.paused or held.cancelled else 1) if is_swept else Chunks()
    if due_us > now_us + SOON_US:
        return Chunks() if OPENING in enqueued else Chunks((OPENING,), LEAST_ROWS, due_us)
    if until_left is not None:
        rows = may_leave(held, until_left, MOST_ROWS)
        return Chunks((ANY,), rows) if rows and not (enqueued - {OPENING}) else Chunks()
    pending = held.rows(RowState.PENDING)
    concurrency = held.concurrency or options.concurrency
    at_once = max(1, min(len(workers), math.ceil(pending / LEAST_ROWS), concurrency))
    chosen = _in_turn(held.batch_id, workers)[:at_once] or [ANY]
    names = tuple(name for name in chosen if name not in enqueued)
    return Chunks(names, _rows_each(held, options, pending, at_once))


def share_of(concurrency: int, batch_id: int, workers: Sequence[str], me: str) -> int:
    """Return how many of the launches that a batch may have in flight are this worker's, at least one."""
    ranks = {worker: rank for rank, worker in enumerate(_in_turn(batch_id, workers))}
    each, more = divmod(concurrency, max(1, len(ranks)))
    return max(1, each + (ranks.get(me, len(ranks)) < more))


def _in_turn(batch_id: int, workers: Sequence[str]) -> list[str]:
    """Return the workers in the order in which a batch goes to them: small batches go to all of them in turn."""
    first = batch_id % max(1, len(workers))
    return [*workers[first:], *workers[:first]]


def _rows_each(held: Handover, options: WorkOptions, pending: int, at_once: int) -> int:
    pace = held.rate_per_minute or options.pace_per_minute
    if pace is None:
        return max(LEAST_ROWS, min(MOST_ROWS, math.ceil(pending / at_once / 2)))
    return max(
        LEAST_ROWS, min(MOST_ROWS, math.ceil(min(pace, options.pace_per_minute or pace) / 60 * CHUNK_S / at_once))
    )
