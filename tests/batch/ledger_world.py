"""Worlds for tests of the ledger: a clock that moves when told, and batches of small rows."""

from __future__ import annotations

from pathlib import Path

from flowlaunch._core.steps import Moment
from flowlaunch.batch.decisions import Decision, Prepared, RowPlan
from flowlaunch.batch.ledger import BatchSpec, open_ledger
from flowlaunch.batch.states import Event

START_S = 1_800_000_000.0


class HandClock:
    """Both clocks, moved by hand; `jump` moves the wall clock alone."""

    def __init__(self):
        self.mono_s = 1000.0
        self.unix_s = START_S

    def now(self):
        return Moment(self.mono_s, self.unix_s)

    def advance(self, seconds):
        self.mono_s += seconds
        self.unix_s += seconds

    def jump(self, seconds):
        self.unix_s += seconds

    @property
    def now_us(self):
        return round(self.unix_s * 1_000_000)


def plan(number, *, kind="launch", reason="ready", key=None, contact=None, **decided):
    """One planned row."""
    prepared = Prepared(
        row_number=number,
        line=number + 1,
        key=key or f"key-{number}",
        input_data={"Flow.customerName": f"Name {number}"},
        contact=contact or f"+4930{number:06d}",
        name=f"run {number}",
        token=f"token-{number}",
    )
    return RowPlan(
        row_number=number,
        line=number + 1,
        decision=Decision(kind=kind, reason=reason, message=f"because {reason}", **decided),
        prepared=prepared,
    )


def opened(home, clock, name="a.db", **how):
    """Open the ledger of a home: a folder, or the URL of a database."""
    place = str(home) if "://" in str(home) else Path(home) / name
    return open_ledger(place, clock=clock, **how)


def spec(**more):
    return BatchSpec(**({"source": "people.csv", "flow_id": "flow-1", "flow_version": "3"} | more))


def filled(ledger, rows=10, *, plans=None, **more):
    """Make a batch of so many pending rows and return its id."""
    batch_id = ledger.create_batch(spec(**more))
    ledger.add_rows(batch_id, plans if plans is not None else (plan(number) for number in range(1, rows + 1)))
    ledger.finish_loading(batch_id)
    return batch_id


def accepted(row, clock, **more):
    return row.outcome(
        Event.ACCEPTED,
        **({"execution_id": f"exec-{row.row_id}-{row.attempts}", "look_at_us": clock.now_us} | more),
    )


def launch_all(ledger, batch_id, clock, size=100):
    """Launch every due row; return how many."""
    worker = ledger.start_work(batch_id)
    launched = 0
    while chunk := ledger.take_chunk(worker, size):
        ledger.commit(worker, intents=chunk.rows)
        ledger.commit(worker, results=[accepted(row, clock) for row in chunk.rows])
        launched += len(chunk.rows)
    ledger.stop_work(worker)
    return launched


def states(ledger, batch_id):
    """Counts by state, reasons summed."""
    sums = {}
    for one in ledger.counts(batch_id):
        sums[one.state.value] = sums.get(one.state.value, 0) + one.rows
    return sums


def truth(ledger, batch_id):
    """Counts by state and reason, counted by reading every row."""
    sums = {}
    for one in ledger.rows(batch_id):
        sums[one.state.value, one.reason] = sums.get((one.state.value, one.reason), 0) + 1
    return sums


def kept(ledger, batch_id):
    """Counts by state and reason, as maintained."""
    return {(one.state.value, one.reason): one.rows for one in ledger.counts(batch_id)}
