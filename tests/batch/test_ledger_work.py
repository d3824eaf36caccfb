"""Work on a batch: who holds it, chunks and epochs, intents and outcomes, takeover of the dead."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pytest
from ledger_world import HandClock, accepted, filled, kept, launch_all, opened, plan, states, truth

from child_processes import ChildProcess
from flowlaunch.batch.ledger import Result, RowFilter
from flowlaunch.batch.states import Event, RowState
from flowlaunch.errors import LedgerBusyError, LedgerError, LedgerFencedError


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def ledger(home, clock):
    with opened(home, clock) as one:
        yield one


def row_of(ledger, batch_id, number):
    (row,) = ledger.rows(batch_id, RowFilter(numbers=(number,)))
    return row


def test_a_row_is_launching_from_its_intent_to_its_outcome(ledger, clock):
    """A committed intent is launching and counted as an attempt; its outcome holds the execution and its times."""
    batch_id = filled(ledger, 2)
    worker = ledger.start_work(batch_id)
    first, second = ledger.take_chunk(worker, 2).rows
    ledger.commit(worker, intents=[first])
    assert row_of(ledger, batch_id, 1).state is RowState.LAUNCHING
    assert row_of(ledger, batch_id, 1).attempts == 1
    clock.advance(2)
    ledger.commit(worker, intents=[second], results=[accepted(first, clock, correlation_id="c1")])
    row = row_of(ledger, batch_id, 1)
    assert (row.state, row.execution_id, row.correlation_id) == (
        RowState.LAUNCHED,
        accepted(first, clock).execution_id,
        "c1",
    )
    assert row.launched_us - row.intent_us == 2_000_000
    assert row_of(ledger, batch_id, 2).state is RowState.LAUNCHING


def test_a_row_is_handed_out_once(ledger, clock):
    """Chunks never share a row, and no chunk is left when all rows are taken."""
    batch_id = filled(ledger, 25)
    worker = ledger.start_work(batch_id)
    chunks = [ledger.take_chunk(worker, 10) for _ in range(3)]
    numbers = [row.number for chunk in chunks for row in chunk.rows]
    assert numbers == list(range(1, 26))
    assert [chunk.epoch for chunk in chunks] == sorted({chunk.epoch for chunk in chunks})
    assert ledger.take_chunk(worker, 10) is None


def test_rows_are_handed_out_when_they_are_due(ledger, clock):
    """A row with a later not-before waits for it, and the ledger says when the next one is due."""
    soon = clock.now_us + 60_000_000
    batch_id = filled(ledger, plans=[plan(1, reason="waits-for-window", not_before_us=soon), plan(2)])
    worker = ledger.start_work(batch_id)
    assert [row.number for row in ledger.take_chunk(worker, 10).rows] == [2]
    assert ledger.take_chunk(worker, 10) is None
    assert ledger.next_due_us(batch_id) == soon
    clock.advance(60)
    assert [row.number for row in ledger.take_chunk(worker, 10).rows] == [1]
    assert ledger.next_due_us(batch_id) is None


def test_a_row_that_was_not_sent_is_handed_out_again(ledger, clock):
    """Proof that nothing was sent puts a row back; its next launch is the second attempt."""
    batch_id = filled(ledger, 1)
    worker = ledger.start_work(batch_id)
    (row,) = ledger.take_chunk(worker, 1).rows
    ledger.commit(worker, intents=[row])
    ledger.commit(worker, results=[row.outcome(Event.NOT_SENT, reason="not-sent")])
    with pytest.raises(LedgerFencedError):
        ledger.commit(worker, intents=[row])
    (again,) = ledger.take_chunk(worker, 1).rows
    assert (again.attempts, again.reason) == (1, "not-sent")
    ledger.commit(worker, intents=[again])
    ledger.commit(worker, results=[accepted(again, clock)])
    assert row_of(ledger, batch_id, 1).attempts == 2


def test_rows_given_back_are_free(ledger):
    """Rows taken and given back are handed out again, and what is said of them under the old epoch is refused."""
    batch_id = filled(ledger, 3)
    worker = ledger.start_work(batch_id)
    rows = ledger.take_chunk(worker, 3).rows
    ledger.give_back(worker, rows[1:])
    assert [row.number for row in ledger.take_chunk(worker, 3).rows] == [2, 3]
    with pytest.raises(LedgerFencedError):
        ledger.commit(worker, intents=rows[1:])


def test_a_second_worker_is_told_who_holds_the_batch(ledger, clock, home):
    """Starting work on a batch that a live process holds names its pid, host and last sign of life."""
    batch_id = filled(ledger, 3)
    worker = ledger.start_work(batch_id)
    with opened(home, clock) as other, pytest.raises(LedgerBusyError, match=str(os.getpid())) as told:
        other.start_work(batch_id)
    assert (told.value.pid, told.value.host) == (worker.pid, worker.host)
    assert told.value.heartbeat_at.timestamp() == clock.unix_s
    ledger.stop_work(worker)
    ledger.start_work(batch_id)


def test_a_worker_without_a_heartbeat_is_taken_over_and_fenced(ledger, clock, home):
    """After the heartbeat is too old another worker takes over: launching rows are in doubt, the rest free again.

    Whatever the first one writes afterwards, had it only slept, is refused as a whole.
    """
    batch_id = filled(ledger, 5)
    old = ledger.start_work(batch_id)
    rows = ledger.take_chunk(old, 4).rows
    ledger.commit(old, intents=rows[:2])
    clock.advance(31)
    with opened(home, clock) as other:
        new = other.start_work(batch_id)
        assert states(other, batch_id) == {"in_doubt": 2, "pending": 3}
        for late in (
            lambda: ledger.commit(old, results=[accepted(row, clock) for row in rows[:2]]),
            lambda: ledger.commit(old, intents=rows[2:]),
            lambda: ledger.beat(old),
            lambda: ledger.take_chunk(old, 1),
            lambda: ledger.give_back(old, rows[2:]),
        ):
            with pytest.raises(LedgerFencedError):
                late()
        assert ledger.stop_work(old) == 0
        assert [row.number for row in other.take_chunk(new, 9).rows] == [3, 4, 5]
        assert kept(other, batch_id) == truth(other, batch_id)
        assert "taken-over" in [event.kind for event in other.events(batch_id)]


def test_the_epoch_fences_even_a_forged_worker(ledger, clock):
    """Rows carry their epoch: writing them under the new worker's name does not help an old holder."""
    batch_id = filled(ledger, 2)
    old = ledger.start_work(batch_id)
    rows = ledger.take_chunk(old, 2).rows
    ledger.commit(old, intents=rows[:1])
    clock.advance(31)
    new = ledger.start_work(batch_id)
    with pytest.raises(LedgerFencedError):
        ledger.commit(new, results=[accepted(rows[0], clock)])
    with pytest.raises(LedgerFencedError):
        ledger.commit(new, intents=rows[1:])


def test_a_heartbeat_keeps_the_batch(ledger, clock):
    """A worker that beats, or commits, is never taken over."""
    batch_id = filled(ledger, 3)
    worker = ledger.start_work(batch_id)
    clock.advance(25)
    ledger.beat(worker)
    clock.advance(25)
    with pytest.raises(LedgerBusyError):
        ledger.start_work(batch_id)


@pytest.mark.parametrize("is_reaped", [True, False], ids=["reaped", "left as a zombie"])
def test_the_batch_of_a_process_that_is_gone_is_taken_over_at_once(ledger, clock, home, is_reaped):
    """When the holder's process has ended on this machine, nobody waits for its heartbeat to grow old."""
    batch_id = filled(ledger, 3)
    program = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from ledger_world import HandClock, opened
        ledger = opened({str(home)!r}, HandClock())
        worker = ledger.start_work({batch_id})
        ledger.commit(worker, intents=ledger.take_chunk(worker, 2).rows)
    """
    with ChildProcess([sys.executable, "-c", textwrap.dedent(program)]) as holder:
        if is_reaped:
            holder.wait(30)
        else:
            os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)

        ledger.start_work(batch_id)

    assert holder.returncode == 0
    assert states(ledger, batch_id) == {"in_doubt": 2, "pending": 1}


def test_stopping_with_rows_in_flight_leaves_them_in_doubt(ledger):
    """What is launching when work stops is in doubt, and the number of such rows is returned."""
    batch_id = filled(ledger, 4)
    worker = ledger.start_work(batch_id)
    ledger.commit(worker, intents=ledger.take_chunk(worker, 3).rows)
    assert ledger.stop_work(worker) == 3
    assert states(ledger, batch_id) == {"in_doubt": 3, "pending": 1}


def test_nothing_of_a_refused_commit_is_kept(ledger, clock):
    """One row that is not the worker's any more undoes the whole transaction, good rows and counts included."""
    batch_id = filled(ledger, 4)
    worker = ledger.start_work(batch_id)
    rows = ledger.take_chunk(worker, 4).rows
    ledger.commit(worker, intents=rows[:2])
    ledger.give_back(worker, rows[3:])
    with pytest.raises(LedgerFencedError):
        ledger.commit(worker, intents=rows[2:], results=[accepted(row, clock) for row in rows[:2]])
    assert states(ledger, batch_id) == {"launching": 2, "pending": 2}
    assert kept(ledger, batch_id) == truth(ledger, batch_id)


def test_nonsense_is_refused_before_anything_is_written(ledger, clock):
    """A row named twice, an acceptance without an execution and an event that is no outcome are errors."""
    batch_id = filled(ledger, 2)
    worker = ledger.start_work(batch_id)
    first, second = ledger.take_chunk(worker, 2).rows
    ledger.commit(worker, intents=[first])
    for results in (
        [accepted(first, clock), accepted(first, clock)],
        [first.outcome(Event.ACCEPTED)],
        [first.outcome(Event.COMPLETED)],
        [second.outcome(Event.REFUSED)],
        [first.outcome(Event.SKIPPED)],
    ):
        with pytest.raises(LedgerError):
            ledger.commit(worker, results=results)
    assert states(ledger, batch_id) == {"launching": 1, "pending": 1}


def test_one_execution_cannot_be_two_launches(ledger, clock):
    """When the platform answers two launches with one execution id, the second is in doubt and the rest is kept."""
    batch_id = filled(ledger, 4)
    worker = ledger.start_work(batch_id)
    rows = ledger.take_chunk(worker, 4).rows
    ledger.commit(worker, intents=rows)
    ledger.commit(worker, results=[accepted(rows[0], clock, execution_id="e1")])
    same = [accepted(row, clock, execution_id=name) for row, name in zip(rows[1:], ("e1", "e2", "e2"), strict=True)]
    ledger.commit(worker, results=same)
    found = {one.number: (one.state.value, one.execution_id) for one in ledger.rows(batch_id)}
    assert found == {1: ("launched", "e1"), 2: ("in_doubt", None), 3: ("launched", "e2"), 4: ("in_doubt", None)}
    assert kept(ledger, batch_id) == truth(ledger, batch_id)


def test_results_are_archived_once(ledger, clock):
    """An end is recorded with its outputs; telling it again, or for another execution, changes nothing."""
    batch_id = filled(ledger, 3)
    launch_all(ledger, batch_id, clock)
    looks = ledger.to_look_at(batch_id, due_us=clock.now_us)
    assert [one.number for one in looks] == [1, 2, 3]
    ledger.look_later([(looks[2].row_id, clock.now_us + 5)])
    done = [
        Result(row_id=looks[0].row_id, execution_id=looks[0].execution_id, event=Event.COMPLETED, status="COMPLETED",
               outputs=b'{"Flow.ok":true}', started_us=1, ended_us=2),
        Result(row_id=looks[1].row_id, execution_id=looks[1].execution_id, event=Event.FAILED, status="FAILED",
               reason="error.workflow.x", error_message="it broke"),
    ]  # fmt: skip
    assert ledger.record_results(batch_id, done) == 2
    assert ledger.record_results(batch_id, done) == 0
    wrong = Result(row_id=looks[2].row_id, execution_id="other", event=Event.COMPLETED)
    assert ledger.record_results(batch_id, [wrong]) == 0
    first, second, third = ledger.rows(batch_id)
    assert (first.state, first.outputs, first.result_ended_us) == (RowState.COMPLETED, b'{"Flow.ok":true}', 2)
    assert (second.state, second.reason, second.result_error_message) == (
        RowState.FAILED,
        "error.workflow.x",
        "it broke",
    )
    assert third.state is RowState.LAUNCHED
    assert ledger.next_look_us(batch_id) == clock.now_us + 5
    gone = Result(row_id=third.row_id, execution_id=third.execution_id, event=None)
    assert ledger.record_results(batch_id, [gone]) == 1
    assert ledger.next_look_us(batch_id) is None
    assert kept(ledger, batch_id) == truth(ledger, batch_id)


def test_what_the_platform_says_is_kept_whatever_it_holds(ledger):
    """A message with quotes, backslashes, other scripts or a NUL is archived; only the NUL is replaced."""
    batch_id = filled(ledger, 1)
    worker = ledger.start_work(batch_id)
    chunk = ledger.take_chunk(worker, 1)
    ledger.commit(worker, intents=chunk.rows)
    said = 'no "such" input: C:\\u0000 \\ täglich 行 \0 end'
    outcome = chunk.rows[0].outcome(Event.REFUSED, reason="bad.request", message=said, http_status=400)
    ledger.commit(worker, results=[outcome])

    (row,) = ledger.rows(batch_id)
    assert (row.state, row.message) == (RowState.REFUSED, said.replace("\0", "\ufffd"))
