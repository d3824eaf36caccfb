"""How a batch stands, read from its ledger: what `status` prints and `watch` draws."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgspec

from flowlaunch.batch.results.summary import instant
from flowlaunch.batch.states import UNKNOWN_ENDS, RowState
from flowlaunch.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.batch.ledger import Batch, Controls, Count, Ledger

__all__ = ["CauseCount", "Latest", "Pulse", "Standing", "exit_for_states", "running_by", "standing_of"]

_MOST_PAGES: Final = 5
_CAUSED: Final = (RowState.FAILED, RowState.REFUSED, RowState.IN_DOUBT)
_NOT_SENT: Final = (RowState.PENDING, RowState.REFUSED, RowState.HELD, RowState.REJECTED, RowState.CANCELLED)
_NEVER_SENT: Final = (RowState.SKIPPED, RowState.REJECTED, RowState.HELD, RowState.CANCELLED)
_WAITING: Final = (RowState.PENDING, RowState.LAUNCHING)
_LEFT: Final = frozenset({RowState.LAUNCHED, RowState.COMPLETED, RowState.FAILED, RowState.IN_DOUBT, RowState.REFUSED})


class CauseCount(msgspec.Struct, frozen=True, kw_only=True):
    """Rows in one state for one reason."""

    state: str
    reason: str
    rows: int


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a batch stands now.

    Attributes:
        is_running: whether a live process works on it, and `running_by` which process or workers.
        to_launch: rows that are meant to leave; sent: those of them that have left.
        rate_per_minute: what was asked for since it began; None is what it began with.

    """

    batch_id: int
    name: str
    flow: str
    flow_version: str
    source: str
    is_running: bool
    running_by: str
    is_loaded: bool
    paused: bool
    pause_reason: str
    paused_by: str
    cancelled: bool
    budget_per_minute: float | None
    rate_per_minute: float | None
    concurrency: int | None
    rows: int
    to_launch: int
    sent: int
    states: dict[str, int]
    causes: tuple[CauseCount, ...]
    waits: tuple[CauseCount, ...]

    @property
    def is_over(self) -> bool:
        """Whether the batch itself will do nothing more."""
        open_rows = sum(self.states.get(state, 0) for state in (*_WAITING, RowState.LAUNCHED))
        given_up = sum(one.rows for one in self.waits if one.state == "launched" and one.reason in UNKNOWN_ENDS)
        return self.is_loaded and open_rows <= given_up


def standing_of(ledger: Ledger, batch_id: int) -> Standing:
    """Read how a batch stands; as fast for a million rows as for ten."""
    at_work = running_by(ledger, batch_id)
    return _standing(ledger.batch(batch_id), at_work, ledger.controls(batch_id), ledger.counts(batch_id))


def running_by(ledger: Ledger, batch_id: int, *, goes_on: bool = False) -> str:
    """Tell who works on a batch: a process, or the workers that it was handed to, busy with it or not; "" if nobody.

    With `goes_on` workers have an ended batch, too: they go on with it when rows are pending again.
    """
    from flowlaunch.batch.ledger import handovers  # noqa: PLC0415 - loads the database library
    from flowlaunch.batch.workers.standing import workers_with  # noqa: PLC0415

    held = handovers.find(ledger.store, batch_id)
    if held is not None and (goes_on or held.done_us is None):
        workers = workers_with(ledger, held.client_key)
        if workers:
            return "1 worker" if workers == 1 else f"{workers} workers"
    holder = ledger.holder(batch_id)
    return f"process {holder.pid} on {holder.host}" if holder else ""


def _standing(batch: Batch, running_by: str, controls: Controls, counts: tuple[Count, ...]) -> Standing:
    states: dict[str, int] = {}
    for count in counts:
        states[count.state.value] = states.get(count.state.value, 0) + count.rows
    spec = batch.spec
    rows = sum(states.values())
    to_launch = rows - sum(states.get(state, 0) for state in _NEVER_SENT)
    return Standing(
        batch_id=batch.batch_id,
        name=spec.name or spec.source,
        flow=spec.flow_name or spec.flow_id,
        flow_version=spec.flow_version,
        source=spec.source,
        is_running=bool(running_by),
        running_by=running_by,
        is_loaded=batch.loaded_us is not None,
        paused=controls.paused,
        pause_reason=controls.pause_reason,
        paused_by=controls.paused_by,
        cancelled=controls.cancelled,
        budget_per_minute=_number(spec.settings.get("pace_per_minute")),
        rate_per_minute=controls.rate_per_minute,
        concurrency=controls.concurrency,
        rows=rows,
        to_launch=to_launch,
        sent=to_launch - sum(states.get(state, 0) for state in _WAITING),
        states={state.value: states[state] for state in RowState if states.get(state)},
        causes=_by_reason(counts, _CAUSED),
        waits=_by_reason(counts, tuple(state for state in RowState if state not in _CAUSED)),
    )


def _by_reason(counts: tuple[Count, ...], states: tuple[RowState, ...]) -> tuple[CauseCount, ...]:
    found = [
        CauseCount(state=count.state.value, reason=count.reason, rows=count.rows)
        for count in counts
        if count.state in states and count.reason and count.rows
    ]
    return tuple(sorted(found, key=lambda one: (-one.rows, one.reason)))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def exit_for_states(states: Mapping[str, int]) -> Exit:
    """Tell how a command ends by the rows of a batch that runs no more: the gravest thing counts."""
    checks = (
        (Exit.IN_DOUBT, (RowState.IN_DOUBT, RowState.LAUNCHING)),
        (Exit.NOT_LAUNCHED, _NOT_SENT),
        (Exit.FLOW_FAILED, (RowState.FAILED,)),
    )
    return next((code for code, bad in checks if any(states.get(state, 0) for state in bad)), Exit.OK)


class Pulse:
    """The speed of a batch that another process runs: how its counts changed lately."""

    def __init__(self, window_s: float = 15.0) -> None:
        self._window_s = window_s
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, now_s: float, sent: int) -> None:
        """Take in how many rows had left at an instant."""
        if self._seen and sent < self._seen[-1][1]:
            self._seen.clear()  # a retry took rows back: the old counts say nothing about the speed
        self._seen.append((now_s, sent))
        while len(self._seen) > 2 and self._seen[1][0] <= now_s - self._window_s:
            self._seen.popleft()

    def per_minute(self) -> float | None:
        """Tell the rows that leave in a minute, or None while nothing can be said."""
        if len(self._seen) < 2:
            return None
        (first_s, first), (last_s, last) = self._seen[0], self._seen[-1]
        return (last - first) * 60 / (last_s - first_s) if last_s - first_s >= 1 else None

    def eta_s(self, left: int) -> float | None:
        """Tell the seconds until `left` more rows have left at this speed, or None."""
        speed = self.per_minute()
        return left * 60 / speed if speed and left else None


class Latest:
    """The last things that happened to a batch, read on from where the last look ended."""

    def __init__(self, most: int = 4) -> None:
        self.lines: deque[str] = deque(maxlen=most)
        self._after = 0

    def read(self, ledger: Ledger, batch_id: int) -> None:
        """Read what is new; a long history is read over several looks."""
        for _ in range(_MOST_PAGES):
            found = ledger.events(batch_id, after=self._after)
            if not found:
                return
            self._after = found[-1].event_id
            for event in found:
                message = str(event.facts.get("message") or "")
                if message:
                    at = instant(event.at_us).astimezone()
                    self.lines.append(f"{at:%H:%M:%S} {event.kind.replace('-', ' ')}: {message}")
