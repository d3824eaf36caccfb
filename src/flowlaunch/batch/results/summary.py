"""The summary of a batch: what became of its rows, in one small record that `summary.json` holds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from flowlaunch._version import __version__
from flowlaunch.batch.results.tally import Cause, DoubtfulRow, Tally, tally_rows
from flowlaunch.batch.states import UNKNOWN_ENDS, RowState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.batch.ledger.shapes import Batch

__all__ = [
    "OPEN_STATES",
    "DurationFigures",
    "ReasonCount",
    "Summary",
    "Verdict",
    "summarise",
    "summary_of",
    "verdict_of",
]

Verdict = Literal["unfinished", "in-doubt", "not-launched", "failed", "ends-unknown", "done"]
"""How a batch stands as a whole; the worst that is true counts, in this order."""

OPEN_STATES: Final = frozenset({RowState.PENDING, RowState.LAUNCHING, RowState.LAUNCHED})
"""States of rows that the batch itself still works on."""

LAUNCHED_STATES: Final = frozenset({RowState.LAUNCHED, RowState.COMPLETED, RowState.FAILED})
"""States of rows that the platform accepted."""

NOT_LAUNCHED_STATES: Final = frozenset(
    {RowState.PENDING, RowState.REFUSED, RowState.HELD, RowState.REJECTED, RowState.CANCELLED}
)
"""States of rows that were meant to be launched and were not; skipped rows were not meant to be."""

_QUANTILES: Final = {"p50_s": 0.5, "p90_s": 0.9, "p95_s": 0.95, "p99_s": 0.99, "longest_s": 1.0}


class ReasonCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows are in a state for one reason."""

    state: RowState
    reason: str
    rows: int


class DurationFigures(msgspec.Struct, frozen=True, kw_only=True):
    """How long executions ran, in seconds, to three significant digits."""

    executions: int
    p50_s: float
    p90_s: float
    p95_s: float
    p99_s: float
    longest_s: float


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch.

    Attributes:
        verdict: `unfinished` while rows are sent or followed; `in-doubt` when rows are; `not-launched` when rows were
            refused, held, rejected, cancelled or never sent; `failed` when flows failed; else `done`.
        launched: rows that the platform accepted, whatever came of them.
        not_launched: rows that were not sent or were refused; rows skipped by a rule are counted apart.
        requests: launch requests sent, retries included.
        most_in_60_s: the most launch requests that left in any 60 s.

    """

    batch_id: int
    name: str
    verdict: Verdict
    flow_id: str
    flow_name: str
    flow_version: str
    source: str
    source_sha256: str
    rows: int
    states: dict[str, int]
    reasons: tuple[ReasonCount, ...]
    launched: int
    not_launched: int
    skipped: int
    requests: int
    retried_rows: int
    created_at: datetime
    first_sent_at: datetime | None = None
    last_sent_at: datetime | None = None
    last_ended_at: datetime | None = None
    most_in_60_s: int = 0
    mean_per_minute: float | None = None
    budget_per_minute: float | None = None
    durations: DurationFigures | None = None
    causes: tuple[Cause, ...] = ()
    in_doubt: tuple[DoubtfulRow, ...] = ()
    settings: dict[str, Any] = {}
    made_at: datetime
    made_by: str = f"flowlaunch {__version__}"
    schema: int = 1

    def write(self, path: Path) -> None:
        """Write the summary as JSON."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n")


def summarise(ledger: Ledger, batch_id: int, *, now: datetime) -> Summary:
    """Summarise a batch as the ledger has it now; reads every row once, in flat memory."""
    return summary_of(ledger.batch(batch_id), tally_rows(ledger.rows(batch_id)), now=now)


def summary_of(batch: Batch, tally: Tally, *, now: datetime) -> Summary:
    """Summarise a batch whose rows were counted already."""
    spec, states = batch.spec, tally.states
    ends = [span[1] for series in tally.ended.values() if (span := series.span_us)]
    sent = tally.sent.span_us
    return Summary(
        batch_id=batch.batch_id,
        name=spec.name or Path(spec.source).name,
        verdict=verdict_of(
            states,
            is_loaded=batch.loaded_us is not None,
            is_followed=bool(spec.settings.get("track", True)),
            ends_unknown=sum(tally.reasons[RowState.LAUNCHED, reason] for reason in UNKNOWN_ENDS),
        ),
        flow_id=spec.flow_id,
        flow_name=spec.flow_name,
        flow_version=spec.flow_version,
        source=spec.source,
        source_sha256=spec.source_sha256,
        rows=tally.rows,
        states={state.value: states[state] for state in RowState if states[state]},
        reasons=_reasons(tally),
        launched=sum(states[one] for one in LAUNCHED_STATES),
        not_launched=sum(states[one] for one in NOT_LAUNCHED_STATES),
        skipped=states[RowState.SKIPPED],
        requests=tally.attempts,
        retried_rows=tally.retried,
        created_at=instant(batch.created_us),
        first_sent_at=instant(sent[0]) if sent else None,
        last_sent_at=instant(sent[1]) if sent else None,
        last_ended_at=instant(max(ends)) if ends else None,
        most_in_60_s=tally.sent.most_within(60),
        mean_per_minute=_mean_per_minute(tally),
        budget_per_minute=budget_of(spec.settings),
        durations=_durations(tally),
        causes=tally.causes(),
        in_doubt=tuple(tally.doubtful),
        settings=dict(spec.settings),
        made_at=now,
    )


def verdict_of(
    states: Mapping[RowState, int], *, is_loaded: bool = True, is_followed: bool = True, ends_unknown: int = 0
) -> Verdict:
    """Tell how a batch stands as a whole by its rows' states; one that is not followed ends with its launches.

    `ends_unknown`: launched rows whose end is not looked for any more.
    """
    is_all_given_up = states.get(RowState.LAUNCHED, 0) <= ends_unknown
    still_open = OPEN_STATES if is_followed and not is_all_given_up else OPEN_STATES - {RowState.LAUNCHED}
    checks: tuple[tuple[Verdict, bool], ...] = (
        ("unfinished", not is_loaded or any(states.get(one, 0) for one in still_open)),
        ("in-doubt", bool(states.get(RowState.IN_DOUBT, 0))),
        ("not-launched", any(states.get(one, 0) for one in NOT_LAUNCHED_STATES)),
        ("failed", bool(states.get(RowState.FAILED, 0))),
        ("ends-unknown", bool(ends_unknown)),
    )
    return next((verdict for verdict, holds in checks if holds), "done")


def instant(at_us: int) -> datetime:
    """Turn microseconds since 1970 into an aware instant."""
    return datetime.fromtimestamp(at_us / 1e6, UTC)


def budget_of(settings: Mapping[str, Any]) -> float | None:
    """Tell the budget of requests a minute that the batch began with, or None without a pace."""
    budget = settings.get("pace_per_minute")
    return float(budget) if isinstance(budget, int | float) else None


def _reasons(tally: Tally) -> tuple[ReasonCount, ...]:
    return tuple(
        ReasonCount(state=state, reason=reason, rows=rows)
        for (state, reason), rows in tally.reasons.most_common()
        if reason
    )


def _mean_per_minute(tally: Tally) -> float | None:
    span = tally.sent.span_us
    return round(tally.sent.total / ((span[1] - span[0]) / 60e6), 1) if span else None


def _durations(tally: Tally) -> DurationFigures | None:
    if not tally.durations.total:
        return None
    values = tally.durations.quantiles_s(_QUANTILES.values())
    return DurationFigures(executions=tally.durations.total, **dict(zip(_QUANTILES, values, strict=True)))
