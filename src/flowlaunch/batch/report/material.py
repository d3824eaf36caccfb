"""What a report is drawn from: the summary, the counts over time, and what was asked of the batch meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.batch.results.summary import Summary, budget_of, summary_of
from flowlaunch.batch.results.tally import Tally, tally_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime, tzinfo

    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.batch.ledger.shapes import EventRecord

__all__ = ["Material", "Pause", "gather"]

_PAUSES: Final = frozenset({"paused", "outage", "work-stopped"})
_RESUMES: Final = frozenset({"unpaused", "recovered", "work-started"})
_TOLD_ELSEWHERE: Final = frozenset({"in-doubt", "refused", "progress", "end-unknown"})
_MOST_EVENTS: Final = 400


@dataclass(frozen=True, slots=True)
class Pause:
    """A span in which nothing was meant to be launched, with the kind of event that began it."""

    start_us: int
    end_us: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything that a report shows.

    Attributes:
        budgets: (instant, requests a minute or None) each time the budget changed, oldest first.
        events: what happened to the batch as a whole, oldest first; `untold_events` more were left out.
        zone: the time zone in which the report tells times.
        target: what the commands of the report name: the ledger.

    """

    summary: Summary
    tally: Tally
    budgets: tuple[tuple[int, float | None], ...]
    pauses: tuple[Pause, ...]
    events: tuple[EventRecord, ...]
    untold_events: int
    zone: tzinfo
    target: str = "LEDGER"


def gather(ledger: Ledger, batch_id: int, *, now: datetime, zone: tzinfo, target: str = "LEDGER") -> Material:
    """Read everything that a report shows; each row once, in flat memory."""
    batch = ledger.batch(batch_id)
    tally = tally_rows(ledger.rows(batch_id))
    events = list(_events(ledger, batch_id))
    return Material(
        summary=summary_of(batch, tally, now=now),
        tally=tally,
        budgets=_budgets(batch.created_us, budget_of(batch.spec.settings), events),
        pauses=_pauses(events, round(now.timestamp() * 1e6)),
        events=tuple(events[-_MOST_EVENTS:]),
        untold_events=max(len(events) - _MOST_EVENTS, 0),
        zone=zone,
        target=target,
    )


def _events(ledger: Ledger, batch_id: int) -> Iterator[EventRecord]:
    """Yield what happened, but for what the counts tell of single rows."""
    after = 0
    while found := ledger.events(batch_id, after=after):
        yield from (event for event in found if event.kind not in _TOLD_ELSEWHERE)
        after = found[-1].event_id


def _budgets(
    created_us: int, first: float | None, events: Iterable[EventRecord]
) -> tuple[tuple[int, float | None], ...]:
    found: list[tuple[int, float | None]] = [(created_us, first)]
    for event in events:
        rate = _rate(event.facts)
        if rate is not None and rate != found[-1][1]:
            found.append((event.at_us, rate))
    return tuple(found)


def _rate(facts: dict[str, Any]) -> float | None:
    """Find the rate that an event set, whoever wrote it."""
    rate = facts.get("rate_per_minute", facts.get("pace_per_minute"))
    return float(rate) if isinstance(rate, int | float) and not isinstance(rate, bool) else None


def _pauses(events: Sequence[EventRecord], now_us: int) -> tuple[Pause, ...]:
    """Find the spans in which nothing was meant to leave, or nobody ran the batch."""
    found: list[Pause] = []
    began: tuple[int, str] | None = None
    for event in events:
        if event.kind == "taken-over" and began is None:
            began = int(event.facts.get("heartbeat_us", event.at_us)), event.kind
        elif event.kind in _PAUSES and began is None:
            began = event.at_us, event.kind
        elif event.kind in _RESUMES and began is not None:
            found.append(Pause(began[0], event.at_us, began[1]))
            began = None
    if began is not None:
        found.append(Pause(began[0], now_us, began[1]))
    return tuple(found)
