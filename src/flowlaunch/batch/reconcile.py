"""Settle rows in doubt by evidence, and show what a person has to decide.

Nothing is ever sent again by this. A row that is proved absent becomes pending, and the next run launches it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from flowlaunch.batch.evidence import (
    MOST_RUNS,
    Doubt,
    InstanceMatch,
    Mark,
    RowEvidence,
    Runs,
    judge_doubts,
    spans,
)
from flowlaunch.batch.headcount import CLOCKS_US, Headcount, Presence, presences_in
from flowlaunch.batch.ledger import Evidence, RowFilter
from flowlaunch.batch.states import RowState
from flowlaunch.errors import AuthenticationError, FlowlaunchError, InvalidRequestError, PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from flowlaunch.aclient import AsyncClient
    from flowlaunch.batch.ledger import Batch, Ledger, RowRecord
    from flowlaunch.models import Execution

__all__ = ["InstanceMatch", "ReconcileReport", "RowEvidence", "reconcile_batch", "reconcile_sync"]

BY: Final = "reconcile"
RAN: Final = (RowState.LAUNCHED, RowState.COMPLETED, RowState.FAILED)
UNSURE: Final = frozenset({"settled", "settled-without-id", "gone"})
"""Reasons of rows whose run was told by somebody else than the platform, or is not known to it any more."""
MOST_READ: Final = 500
"""Runs read one by one for their name and outputs, at most: each costs a request."""
LONGEST_SEND_US: Final = 60_000_000
"""How long after its intent a launch may have been sent at the latest: the client's time for one call and its slot."""
OFF: Final = "execution data is off, or its query was refused"


class ReconcileReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was found for each row in doubt, and what it led to.

    Attributes:
        settled_launched: rows proved to run; they are followed from now on.
        settled_absent: rows proved not to run; they are pending again.
        left: rows that a person has to decide.
        notes: what could not be asked, and why.

    """

    rows: tuple[RowEvidence, ...] = ()
    settled_launched: int = 0
    settled_absent: int = 0
    left: int = 0
    notes: tuple[str, ...] = ()


async def reconcile_batch(
    ledger: Ledger,
    batch_id: int,
    *,
    client: AsyncClient,
    settle: bool = True,
    is_sole: bool = False,
    now: datetime | None = None,
) -> ReconcileReport:
    """Look for the runs of every row in doubt, and settle what is proved.

    Proof is a run that carries the row's launch token, in its name or in an output; or the absence of any run that
    could be the row's. Both need execution data on the platform. Where that is off, the number of runs is asked for:
    when known rows explain it in full, no row in doubt ran.

    Args:
        ledger: the open ledger.
        batch_id: the batch in it.
        client: a client of the org; what it asks counts against its own pace.
        settle: False only shows.
        is_sole: nobody else launches this flow; a large enough number of runs then proves that all rows ran.
        now: the present instant, for tests.

    """
    batch, records = await asyncio.to_thread(_asked, ledger, batch_id)
    if not records:
        return ReconcileReport()
    token_input = str(batch.spec.settings.get("token_input") or "")
    doubts = [_doubt(record, token_input) for record in records]
    notes: list[str] = []
    runs = {span: await _runs(client, batch.spec.flow_id, span, notes) for span in spans(doubts)}
    found = [match for told in runs.values() for match in told.found]
    known, presences = await asyncio.to_thread(
        _known, ledger, batch.spec.flow_id, {row.row_id for row in records}, list(runs)
    )
    marks = await _marks(client, [one for one in found if one.execution_id not in known], token_input, notes)
    now_us = round((now or datetime.now(UTC)).timestamp() * 1e6)
    counts = {
        span: await _headcount(client, batch.spec.flow_id, span, presences, notes)
        for span, told in runs.items()
        if not told.is_whole
    }
    rows = judge_doubts(doubts, runs, known, marks, now_us, counts, is_sole=is_sole)
    launched, absent = await asyncio.to_thread(_settle, ledger, batch_id, rows) if settle else (0, 0)
    left = len(rows) - launched - absent
    return ReconcileReport(
        rows=tuple(rows), settled_launched=launched, settled_absent=absent, left=left,
        notes=tuple(dict.fromkeys(notes)),
    )  # fmt: skip


def reconcile_sync(
    ledger: Ledger, batch_id: int, *, client: AsyncClient, settle: bool = True, is_sole: bool = False
) -> ReconcileReport:
    """Do as `reconcile_batch`, outside of any event loop; the client is closed at the end."""

    async def go() -> ReconcileReport:
        async with _closing(client):
            return await reconcile_batch(ledger, batch_id, client=client, settle=settle, is_sole=is_sole)

    return asyncio.run(go())


@asynccontextmanager
async def _closing(client: AsyncClient) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await client.close()


def _doubt(record: RowRecord, token_input: str) -> Doubt:
    sent_us = record.intent_us or 0
    is_named = bool(record.token and record.name and record.token in record.name)
    return Doubt(
        row_id=record.row_id,
        number=record.number,
        key=record.key,
        token=record.token,
        from_us=sent_us,
        until_us=sent_us + LONGEST_SEND_US,
        is_named=is_named,
        has_token_input=bool(record.token and token_input),
    )


async def _runs(client: AsyncClient, flow_id: str, span: tuple[int, int], notes: list[str]) -> Runs:
    """Ask for the runs in one span, halving it while an answer may be cut short."""
    from_us, until_us = span
    try:
        found = await client.find_instances(flow_id, after=_at(from_us), before=_at(until_us), page_size=MOST_RUNS)
    except PermissionDeniedError as error:
        notes.append(f"the runs cannot be searched: {error.message}; {error.hint}")
        return Runs(why_not="the client's role lacks architect:flowInstance:search")
    except AuthenticationError:
        raise
    except InvalidRequestError as error:
        if not any(note.startswith(OFF) for note in notes):  # once for all spans
            notes.append(f"{OFF}: {error.message}")
        return Runs(why_not=OFF)
    except FlowlaunchError as error:
        notes.append(f"the runs could not be searched: {error.message}")
        return Runs(why_not="the instances query got no answer")
    matches = tuple(
        InstanceMatch(execution_id=one.id, started_us=round(one.started_at.timestamp() * 1e6) if one.started_at else 0)
        for one in found
    )
    if len(found) < MOST_RUNS:
        return Runs(found=matches, is_whole=True)
    if until_us - from_us <= 2_000_000:
        return Runs(found=matches, why_not=f"more than {MOST_RUNS} runs started within two seconds")
    middle_us = (from_us + until_us) // 2
    halves = [await _runs(client, flow_id, half, notes) for half in ((from_us, middle_us), (middle_us, until_us))]
    unique = {one.execution_id: one for half in halves for one in half.found}
    why_not = next((half.why_not for half in halves if not half.is_whole), "")
    return Runs(found=tuple(unique.values()), is_whole=all(half.is_whole for half in halves), why_not=why_not)


def _asked(ledger: Ledger, batch_id: int) -> tuple[Batch, list[RowRecord]]:
    """Return a batch and its rows in doubt."""
    return ledger.batch(batch_id), list(ledger.rows(batch_id, RowFilter(states=(RowState.IN_DOUBT,))))


def _known(
    ledger: Ledger, flow_id: str, asked: set[int], wanted: Sequence[tuple[int, int]]
) -> tuple[set[str], dict[str, Presence]]:
    """Return the executions that rows have, and when rows of the flow but those `asked` for ran or may have run.

    Presences are kept for the wanted spans alone, by execution id, or by row where there is none.
    """
    sent = RowFilter(states=(*RAN, RowState.IN_DOUBT, RowState.LAUNCHING))
    known: set[str] = set()
    presences: dict[str, Presence] = {}
    for batch in ledger.batches():
        if batch.spec.flow_id != flow_id:
            continue
        for row in ledger.rows(batch.batch_id, sent):
            if row.execution_id is not None:
                known.add(row.execution_id)
            if row.row_id in asked or row.intent_us is None:
                continue
            seen = _presence(row)
            if any(seen.earliest_us < until_us and seen.latest_us >= from_us for from_us, until_us in wanted):
                presences[row.execution_id or str(row.row_id)] = seen
    return known, presences


def _presence(row: RowRecord) -> Presence:
    """Return when a row's run started: as the platform told, or around the time of its request."""
    is_known = row.state in RAN and row.execution_id is not None
    is_sure = is_known and row.reason not in UNSURE
    if is_known and row.result_started_us is not None:
        took_us = (row.result_ended_us or row.result_started_us) - row.result_started_us
        return Presence(earliest_us=row.result_started_us, latest_us=row.result_started_us, took_us=took_us)
    sent_us = row.intent_us or 0
    answered_us = row.launched_us if is_sure and row.launched_us else sent_us + LONGEST_SEND_US
    return Presence(earliest_us=sent_us - CLOCKS_US, latest_us=answered_us + CLOCKS_US, is_sure=is_sure)


async def _headcount(
    client: AsyncClient, flow_id: str, span: tuple[int, int], presences: dict[str, Presence], notes: list[str]
) -> Headcount:
    """Ask for the number of runs in a span; the runs at its edges are read, to know on which side they lie."""
    for execution_id in _at_the_edges(span, presences)[:MOST_READ]:
        try:
            seen = await client.status(execution_id)
        except FlowlaunchError as error:
            notes.append(f"a run could not be read: {error.message}")
            continue
        if seen.launched_at is not None:
            started_us = round(seen.launched_at.timestamp() * 1e6)
            presences[execution_id] = Presence(earliest_us=started_us, latest_us=started_us)
    head = presences_in(span, presences.values())
    try:
        counted = await client.count_executions(flow_id, after=_at(span[0]), before=_at(span[1]))
    except PermissionDeniedError as error:
        notes.append(f"the runs cannot be counted: {error.message}; {error.hint}")
        return msgspec.structs.replace(
            head, why_not="and the client's role lacks analytics:flowExecutionAggregate:view"
        )
    except FlowlaunchError as error:
        notes.append(f"the runs could not be counted: {error.message}")
        return msgspec.structs.replace(head, why_not="and their number could not be asked for")
    return msgspec.structs.replace(head, counted=counted)


def _at_the_edges(span: tuple[int, int], presences: dict[str, Presence]) -> list[str]:
    return [
        execution_id
        for execution_id, one in presences.items()
        if one.is_sure and any(one.earliest_us < edge_us <= one.latest_us for edge_us in span)
    ]


async def _marks(
    client: AsyncClient, open_runs: Iterable[InstanceMatch], token_input: str, notes: list[str]
) -> dict[str, Mark]:
    """Read the runs that no row has: their names and outputs may carry a token."""
    marks: dict[str, Mark] = {}
    for one in list(open_runs)[:MOST_READ]:
        try:
            seen = await client.status(one.execution_id)
        except FlowlaunchError as error:
            notes.append(f"a run could not be read: {error.message}")
            continue
        marks[one.execution_id] = _mark(seen, token_input)
    return marks


def _mark(seen: Execution, token_input: str) -> Mark:
    """Return what a run shows of the token; its outputs are there only once it has completed."""
    given = seen.output_data.get(token_input) if token_input else None
    return Mark(name=seen.name, token=str(given) if given else None)


def _settle(ledger: Ledger, batch_id: int, rows: Sequence[RowEvidence]) -> tuple[int, int]:
    launched = sum(
        ledger.settle(batch_id, [one.row_id], "launched",
                      Evidence(by=BY, grounds=one.why, execution_id=one.execution_id))
        for one in rows if one.verdict == "launched"
    )  # fmt: skip
    gone: dict[str, list[int]] = defaultdict(list)
    for one in rows:
        if one.verdict == "absent":
            gone[one.why].append(one.row_id)
    absent = sum(
        ledger.settle(batch_id, ids, "absent", Evidence(by=BY, grounds=grounds)) for grounds, ids in gone.items()
    )
    return launched, absent


def _at(instant_us: int) -> datetime:
    return datetime.fromtimestamp(instant_us / 1e6, UTC)
