"""Decisions, controls, events, history over a folder, copies: what people do with a ledger."""

from __future__ import annotations

import shutil

import pytest
from ledger_world import HandClock, accepted, filled, kept, launch_all, opened, plan, states, truth

from flowlaunch.batch.ledger import Change, Evidence, Result, RowFilter
from flowlaunch.batch.states import Event, RowState
from flowlaunch.errors import LedgerError

CONTACT = "+4930123456"


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def ledger(home, clock):
    with opened(home, clock) as one:
        yield one


@pytest.fixture
def file_ledger(tmp_path, clock):
    """A ledger that has a folder."""
    with opened(tmp_path, clock) as one:
        yield one


def doubtful(ledger, rows=3, **more):
    """Make a batch whose rows are all in doubt."""
    batch_id = filled(ledger, rows, **more)
    worker = ledger.start_work(batch_id)
    ledger.commit(worker, intents=ledger.take_chunk(worker, rows).rows)
    ledger.stop_work(worker)
    return batch_id


def test_a_settled_row_says_who_decided(ledger, clock):
    """Each decision is an event with its author, grounds and verdict, and ends the doubt of that row alone."""
    batch_id = doubtful(ledger)
    first, second, third = (one.row_id for one in ledger.rows(batch_id))
    seen = Evidence(by="anna", grounds="name matched", execution_id="e-9")
    assert ledger.settle(batch_id, [first], "launched", seen) == 1
    assert ledger.settle(batch_id, [second], "absent", Evidence(by="ben", grounds="count")) == 1
    assert ledger.settle(batch_id, [first, second], "absent", Evidence(by="eve")) == 0
    rows = list(ledger.rows(batch_id))
    assert [(one.state.value, one.execution_id) for one in rows] == [
        ("launched", "e-9"), ("pending", None), ("in_doubt", None),
    ]  # fmt: skip
    told = [event for event in ledger.events(batch_id) if event.kind == "row-settled"]
    assert [(one.row_id, one.facts["by"], one.facts["verdict"]) for one in told] == [
        (first, "anna", "launched"),
        (second, "ben", "absent"),
    ]
    assert [one.execution_id for one in ledger.to_look_at(batch_id, due_us=clock.now_us)] == ["e-9"]
    with pytest.raises(LedgerError, match="several rows"):
        ledger.settle(batch_id, [second, third], "launched", seen)
    assert ledger.settle(batch_id, [third], "launched", Evidence(by="anna")) == 1
    assert ("launched", "settled-without-id") in kept(ledger, batch_id)
    assert kept(ledger, batch_id) == truth(ledger, batch_id)


def test_only_failed_and_refused_rows_are_retried(ledger, clock):
    """A retry makes those rows pending once more, with a new attempt and no trace of the old execution on the row."""
    batch_id = filled(ledger, 4)
    worker = ledger.start_work(batch_id)
    rows = ledger.take_chunk(worker, 4).rows
    ledger.commit(worker, intents=rows)
    told = [row.outcome(Event.REFUSED, reason="bad.request") for row in rows[:1]]
    told += [row.outcome(Event.LOST) for row in rows[1:2]]
    ledger.commit(worker, results=told + [accepted(row, clock) for row in rows[2:]])
    failed = Result(row_id=rows[2].row_id, execution_id=f"exec-{rows[2].row_id}-0", event=Event.FAILED, reason="x")
    ledger.record_results(batch_id, [failed])
    assert ledger.retry(batch_id, RowFilter(reasons=("x",)), by="anna") == 1
    assert ledger.retry(batch_id, by="anna") == 1
    assert states(ledger, batch_id) == {"pending": 2, "in_doubt": 1, "launched": 1}
    again = ledger.take_chunk(worker, 9).rows
    assert [(row.number, row.attempts) for row in again] == [(1, 1), (3, 1)]
    ledger.commit(worker, intents=again)
    ledger.commit(worker, results=[accepted(row, clock) for row in again])
    assert states(ledger, batch_id) == {"launched": 3, "in_doubt": 1}


def test_cancelling_spares_rows_that_a_worker_holds(ledger):
    """Cancel takes pending and held rows, but none that is taken: the worker gives those back first."""
    batch_id = filled(ledger, 5)
    worker = ledger.start_work(batch_id)
    taken = ledger.take_chunk(worker, 2).rows
    assert ledger.cancel_rows(batch_id, by="anna") == 3
    ledger.give_back(worker, taken)
    assert ledger.cancel_rows(batch_id, by="anna") == 2
    assert states(ledger, batch_id) == {"cancelled": 5}


def test_large_decisions_go_in_parts(ledger):
    """Thousands of rows are cancelled or settled in several transactions, and every one is counted."""
    batch_id = doubtful(ledger, 4500)
    ids = [one.row_id for one in ledger.rows(batch_id)]
    assert ledger.settle(batch_id, ids, "absent", Evidence(by="anna")) == 4500
    assert ledger.cancel_rows(batch_id, by="anna") == 4500
    assert kept(ledger, batch_id) == truth(ledger, batch_id) == {("cancelled", "cancelled"): 4500}


def test_controls_reach_every_terminal(ledger, home, clock):
    """What one process sets another reads; what was not named stays; every change raises the version."""
    batch_id = filled(ledger, 1)
    with opened(home, clock) as other:
        other.control(batch_id, by="anna", change=Change(rate_per_minute=60.0, concurrency=4))
        other.control(batch_id, by="ben", change=Change(paused=True, pause_reason="lunch"))
    now = ledger.controls(batch_id)
    assert (now.rate_per_minute, now.concurrency, now.paused, now.pause_reason, now.paused_by) == (
        60.0, 4, True, "lunch", "ben",
    )  # fmt: skip
    assert now.version == 2
    after = ledger.control(batch_id, by="anna", change=Change(paused=False, rate_per_minute=None))
    assert (after.paused, after.pause_reason, after.paused_by, after.rate_per_minute) == (False, "", "", None)
    assert ledger.control(batch_id, by="anna", change=Change()) == after
    assert [one.facts["by"] for one in ledger.events(batch_id) if one.kind == "controls-changed"] == [
        "anna",
        "ben",
        "anna",
    ]


@pytest.mark.parametrize("change", [Change(rate_per_minute=0), Change(concurrency=-1)])
def test_a_rate_of_nothing_is_refused(ledger, change):
    """A rate or concurrency of zero is an error that points at pausing."""
    batch_id = filled(ledger, 1)
    with pytest.raises(LedgerError, match="above zero") as told:
        ledger.control(batch_id, by="anna", change=change)
    assert "Pause" in told.value.hint
    with pytest.raises(LedgerError, match="there is none"):
        ledger.control(77, by="anna", change=Change(paused=True))


def test_events_are_read_after_a_cursor(ledger):
    """Reading on from the last event seen gives each event once, in order."""
    batch_id = filled(ledger, 1)
    seen = ledger.events(batch_id)
    for n in range(5):
        ledger.add_event(batch_id, "tick", n=n)
    first = ledger.events(batch_id, after=seen[-1].event_id, limit=2)
    rest = ledger.events(batch_id, after=first[-1].event_id)
    assert [one.facts["n"] for one in (*first, *rest)] == [0, 1, 2, 3, 4]


def test_history_counts_attempts_that_may_have_reached_someone(ledger, clock):
    """Accepted, doubtful and flying attempts count; refused, not sent and settled as absent do not."""
    batch_id = filled(ledger, plans=[plan(n, contact=CONTACT) for n in range(1, 7)])
    worker = ledger.start_work(batch_id)
    rows = ledger.take_chunk(worker, 6).rows
    start_us = clock.now_us
    ledger.commit(worker, intents=rows[:5])
    clock.advance(10)
    ledger.commit(worker, intents=rows[5:])
    told = [Event.REFUSED, Event.NOT_SENT, Event.LOST, Event.LOST]
    outcomes = [row.outcome(event, reason=event.value) for row, event in zip(rows, told, strict=False)]
    ledger.commit(worker, results=[*outcomes, accepted(rows[4], clock)])
    ledger.settle(batch_id, [rows[3].row_id], "absent", Evidence(by="anna"))
    with ledger.history() as history:
        assert history.attempts(CONTACT, 0) == (start_us, start_us, start_us + 10_000_000)
        assert history.attempts(CONTACT, start_us + 1) == (start_us + 10_000_000,)
        assert history.attempts("+49999", 0) == ()


def test_history_spans_the_ledgers_of_the_folder(file_ledger, clock, tmp_path):
    """Keys and contacts of other ledgers beside this one count, hashed or not; a copy of a ledger counts once."""
    ledger = file_ledger
    mine = filled(ledger, plans=[plan(1, contact=CONTACT), plan(2)])
    launch_all(ledger, mine, clock)
    with opened(tmp_path, clock, "older.db") as older:
        batch_id = filled(older, plans=[plan(1, key="k-old", contact=CONTACT), plan(2, key="k-skip")], payloads="hash")
        worker = older.start_work(batch_id)
        first, _ = older.take_chunk(worker, 2).rows
        older.commit(worker, intents=[first])
        older.commit(worker, results=[accepted(first, clock)])
        older.stop_work(worker)
        older.backup(tmp_path / "copy.db")
    (tmp_path / "people.csv").write_text("key,number\n")
    with ledger.history() as history:
        assert len(history.attempts(CONTACT, 0)) == 2
        assert history.seen("key-1") == str(mine)
        assert history.seen("k-old") in {f"older.db:{batch_id}", f"copy.db:{batch_id}"}
        assert history.seen("k-skip") is None
    with ledger.history(but_batch=mine) as history:
        assert history.seen("key-1") is None
        assert history.seen("k-old") is not None


def test_a_ledger_beside_it_that_cannot_be_read_is_an_error(file_ledger, clock, tmp_path):
    """History never leaves out a ledger in silence: one that is cut short stops it by name."""
    ledger = file_ledger
    opened(tmp_path, clock, "older.db").close()
    content = (tmp_path / "older.db").read_bytes()
    (tmp_path / "older.db").write_bytes(content[:4096] + b"\x5a" * (len(content) - 4096))
    with pytest.raises(LedgerError, match=r"older\.db"):
        ledger.history()


def test_a_copy_made_while_rows_are_launching_is_whole(file_ledger, clock, tmp_path):
    """A backup of a batch at work opens as a ledger of its own, with the same rows and true counts."""
    ledger = file_ledger
    batch_id = filled(ledger, 3000)
    worker = ledger.start_work(batch_id)
    ledger.commit(worker, intents=ledger.take_chunk(worker, 50).rows)
    (tmp_path / "copies").mkdir()
    ledger.backup(tmp_path / "copies" / "a.db")
    ledger.take_chunk(worker, 50)
    with opened(tmp_path / "copies", clock) as copy:
        assert states(copy, batch_id) == {"pending": 2950, "launching": 50}
        assert kept(copy, batch_id) == truth(copy, batch_id)
        assert next(iter(copy.rows(batch_id))).state is RowState.LAUNCHING
    with pytest.raises(LedgerError, match="exists"):
        ledger.backup(tmp_path / "copies" / "a.db")
    shutil.rmtree(tmp_path / "copies")
