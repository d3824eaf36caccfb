"""What proves that a launch in doubt runs, or that it does not: pure judgement, no network."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from flowlaunch.batch.headcount import Headcount, judge_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Doubt", "InstanceMatch", "Mark", "RowEvidence", "Runs", "judge_doubts", "spans"]

Verdict = Literal["launched", "absent", "unknown"]

BEFORE_US: Final = 30_000_000
"""How much earlier than its intent a launch may seem to have started: the difference between two clocks."""
AFTER_US: Final = 120_000_000
"""How much later than its last possible send it may seem to have started."""
SETTLED_US: Final = 600_000_000
"""Age from which on a run that is not found counts as absent: data may be stored late (guess: no figure is public)."""
MOST_RUNS: Final = 200
"""Runs that one query finds at most, not necessarily all. Source: POST /api/v2/flows/instances/query (official)."""


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """One row in doubt: it was sent between `from_us` and `until_us`, if it was sent.

    `is_named`: its launch carried its token in the execution's name; `has_token_input`: in an input.
    """

    row_id: int
    number: int
    key: str
    token: str
    from_us: int
    until_us: int
    is_named: bool = False
    has_token_input: bool = False


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run can carry a token: its name, and what it gave back of the token's input; None: not known."""

    name: str | None = None
    token: str | None = None

    def carries(self, row: Doubt) -> bool:
        """Whether the run is the row's for sure."""
        if not row.token:
            return False
        return row.token == self.token or (row.is_named and row.token in (self.name or ""))

    def excludes(self, row: Doubt) -> bool:
        """Whether the run cannot be the row's: it shows another mark where the row's token would stand."""
        is_misnamed = row.is_named and bool(self.name) and row.token not in (self.name or "")
        return is_misnamed or (row.has_token_input and bool(self.token) and row.token != self.token)


class InstanceMatch(msgspec.Struct, frozen=True, kw_only=True):
    """One run that might be the row's; `by_token` says that it carries the row's own launch token."""

    execution_id: str
    started_us: int
    by_token: bool = False


class RowEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one row in doubt, and what follows from it: `why` says it for people."""

    row_id: int
    number: int
    key: str
    sent_from_us: int
    sent_until_us: int
    candidates: tuple[InstanceMatch, ...] = ()
    verdict: Verdict = "unknown"
    why: str = ""

    @property
    def execution_id(self) -> str | None:
        """The run that is the row's, when that is proved."""
        return self.candidates[0].execution_id if self.verdict == "launched" and len(self.candidates) == 1 else None


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """What the platform told of the runs of the flow in one span; `is_whole`: that is all of them."""

    found: tuple[InstanceMatch, ...] = ()
    is_whole: bool = False
    why_not: str = ""


def spans(doubts: Sequence[Doubt]) -> list[tuple[int, int]]:
    """Return the spans of time to ask for, overlapping ones joined."""
    joined: list[tuple[int, int]] = []
    for from_us, until_us in sorted((one.from_us - BEFORE_US, one.until_us + AFTER_US) for one in doubts):
        if joined and from_us <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], until_us))
        else:
            joined.append((from_us, until_us))
    return joined


def judge_doubts(
    doubts: Sequence[Doubt],
    runs: Mapping[tuple[int, int], Runs],
    known: Iterable[str],
    marks: Mapping[str, Mark],
    now_us: int,
    counts: Mapping[tuple[int, int], Headcount] | None = None,
    *,
    is_sole: bool = False,
) -> list[RowEvidence]:
    """Return the evidence of each row.

    A row is launched when a run carries its token. It is absent when every run of its span is known and none can
    be its: each is another row's, or shows another mark where this row's token would stand. Where the runs of a
    span could not all be found, their number may prove the same. All else is for a person to decide.

    Args:
        doubts: the rows.
        runs: span -> what the platform told of it.
        known: execution ids that other rows have.
        marks: execution id -> the marks of the runs that could be read.
        now_us: the present instant.
        counts: span -> how many runs the platform counts, where that was asked.
        is_sole: nobody else launches this flow, so that all runs are rows'.

    """
    explained = set(known)
    evidence: list[RowEvidence] = []
    wanted = spans(doubts)
    by_span: dict[tuple[int, int], list[Doubt]] = defaultdict(list)
    for doubt in doubts:
        by_span[next(one for one in wanted if one[0] <= doubt.from_us <= one[1])].append(doubt)
    for span, rows in by_span.items():
        told = runs.get(span, Runs(why_not="not asked"))
        left = [run for run in told.found if run.execution_id not in explained]
        judged = _judge_span(rows, left, told, marks, now_us)
        head = (counts or {}).get(span)
        evidence += (
            judged if head is None or told.is_whole else _with_count(judged, span, head, now_us, is_sole=is_sole)
        )
    return sorted(evidence, key=lambda one: one.number)


def _judge_span(
    rows: Sequence[Doubt], left: Sequence[InstanceMatch], told: Runs, marks: Mapping[str, Mark], now_us: int
) -> list[RowEvidence]:
    unmarked = Mark()
    proved = {row.row_id: run for row in rows for run in left if marks.get(run.execution_id, unmarked).carries(row)}
    taken = {run.execution_id for run in proved.values()}
    rest = [run for run in left if run.execution_id not in taken]
    evidence = []
    for row in rows:
        if row.row_id in proved:
            evidence.append(_found_by_token(row, proved[row.row_id]))
        else:
            possible = [run for run in rest if not marks.get(run.execution_id, unmarked).excludes(row)]
            evidence.append(_by_elimination(row, possible, told, now_us))
    return evidence


def _with_count(
    judged: Sequence[RowEvidence], span: tuple[int, int], head: Headcount, now_us: int, *, is_sole: bool
) -> list[RowEvidence]:
    """Judge what the found runs left open by the number of runs; those with a row's token are known by now."""
    found = [run for row in judged if row.verdict == "launched" for run in row.candidates]
    inside = sum(span[0] <= run.started_us < span[1] for run in found)
    head = msgspec.structs.replace(head, sure=head.sure + inside, maybe=head.maybe + len(found) - inside)
    open_rows = [row for row in judged if row.verdict == "unknown"]
    age_us = now_us - max((row.sent_until_us for row in open_rows), default=0)
    verdict, why = judge_count(head, len(open_rows), age_us, SETTLED_US, is_sole=is_sole)
    told = {row.row_id: _told_by_count(row, verdict, why) for row in open_rows}
    return [told.get(row.row_id, row) for row in judged]


def _told_by_count(row: RowEvidence, verdict: Verdict, why: str) -> RowEvidence:
    """Add what the number says to a row; a verdict by number names no run, so no candidate is kept for it."""
    if verdict == "unknown":
        return msgspec.structs.replace(row, why="; ".join(filter(None, (row.why, why))))
    return msgspec.structs.replace(row, verdict=verdict, why=why, candidates=())


def _found_by_token(row: Doubt, run: InstanceMatch) -> RowEvidence:
    match = msgspec.structs.replace(run, by_token=True)
    return _evidence(row, (match,), "launched", f"execution {run.execution_id} carries the row's launch token")


def _by_elimination(row: Doubt, possible: Sequence[InstanceMatch], told: Runs, now_us: int) -> RowEvidence:
    near = tuple(run for run in possible if row.from_us - BEFORE_US <= run.started_us <= row.until_us + AFTER_US)
    if not told.is_whole:
        return _evidence(row, near, "unknown", told.why_not or "not all runs of the flow could be read")
    if near:
        runs = "1 run" if len(near) == 1 else f"{len(near)} runs"
        return _evidence(row, near, "unknown", f"{runs} of the flow might be this row's, or somebody else's")
    age_us = now_us - row.until_us
    if age_us < SETTLED_US:
        wait_s = (SETTLED_US - age_us) / 1e6
        return _evidence(row, (), "unknown", f"no run found, but it may still turn up; ask again in {wait_s:.0f} s")
    return _evidence(row, (), "absent", "every run of the flow at that time is another row's or somebody else's")


def _evidence(row: Doubt, candidates: tuple[InstanceMatch, ...], verdict: Verdict, why: str) -> RowEvidence:
    return RowEvidence(
        row_id=row.row_id,
        number=row.number,
        key=row.key,
        sent_from_us=row.from_us,
        sent_until_us=row.until_us,
        candidates=candidates,
        verdict=verdict,
        why=why,
    )
