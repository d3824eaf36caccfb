"""Connections to PostgreSQL that break: what was kept is learnt, what was not is written again, nothing twice."""

from __future__ import annotations

import pytest
from cut_line import CutLine
from ledger_world import HandClock, accepted, filled, kept, opened, plan, spec, states, truth

from flowlaunch.batch.ledger import Result
from flowlaunch.batch.states import Event
from flowlaunch.errors import LedgerUnreachableError


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def line(postgres_ledger_url):
    one = CutLine(postgres_ledger_url)
    yield one
    one.close()


@pytest.fixture
def ledger(line, clock):
    with opened(line.url, clock) as one:
        one.store.database.patience_s = 0.05
        yield one


CUTS = pytest.mark.parametrize("when", ["before", "after"])


@CUTS
def test_a_commit_cut_off_is_written_once(ledger, line, clock, when):
    """A connection that breaks at a commit of intents or outcomes costs nothing: each is in the ledger once."""
    batch_id = filled(ledger, 4)
    worker = ledger.start_work(batch_id)
    rows = ledger.take_chunk(worker, 4).rows
    line.cut_at_commit(when)
    ledger.commit(worker, intents=rows[:2])
    line.cut_at_commit(when)
    ledger.commit(worker, intents=rows[2:], results=[accepted(row, clock) for row in rows[:2]])

    assert line.cuts == 2
    assert [row.attempts for row in ledger.rows(batch_id)] == [1, 1, 1, 1]
    assert states(ledger, batch_id) == {"launched": 2, "launching": 2}
    assert kept(ledger, batch_id) == truth(ledger, batch_id)


@CUTS
def test_rows_loaded_on_a_broken_line_are_there_once(ledger, line, when):
    """A load whose connection breaks at a commit goes on, and every row is in the ledger once."""
    batch_id = ledger.create_batch(spec())
    line.cut_at_commit(when)

    added = ledger.add_rows(batch_id, [plan(number) for number in range(1, 6001)])

    assert (line.cuts, added) == (1, 6000)
    assert kept(ledger, batch_id) == truth(ledger, batch_id) == {("pending", ""): 6000}


@CUTS
def test_rows_taken_on_a_broken_line_are_handed_out(ledger, line, when):
    """A chunk whose answer was lost is free again: the next one has its rows, and none is left behind."""
    batch_id = filled(ledger, 6)
    worker = ledger.start_work(batch_id)
    line.cut_at_commit(when)

    numbers = [row.number for row in ledger.take_chunk(worker, 4).rows]

    assert line.cuts == 1
    assert numbers == [1, 2, 3, 4]
    assert [row.number for row in ledger.take_chunk(worker, 4).rows] == [5, 6]


@CUTS
def test_results_on_a_broken_line_are_archived_once(ledger, line, clock, when):
    """The end of an execution is recorded once, whatever became of the first try."""
    batch_id = filled(ledger, 1)
    worker = ledger.start_work(batch_id)
    (row,) = ledger.take_chunk(worker, 1).rows
    ledger.commit(worker, intents=[row])
    ledger.commit(worker, results=[accepted(row, clock, execution_id="e1")])
    line.cut_at_commit(when)
    ledger.record_results(batch_id, [Result(row_id=row.row_id, execution_id="e1", event=Event.COMPLETED)])

    assert line.cuts == 1
    assert states(ledger, batch_id) == {"completed": 1}
    assert kept(ledger, batch_id) == truth(ledger, batch_id)


@CUTS
def test_nothing_may_be_sent_while_nobody_knows(ledger, line, clock, when, postgres_ledger_url):
    """When the server is gone at a commit the error says it is uncertain; later the ledger is as the worker was told.

    Intents that were kept are taken back, for nothing was sent; outcomes that were kept stand and are not doubled.
    """
    batch_id = filled(ledger, 4)
    worker = ledger.start_work(batch_id)
    rows = ledger.take_chunk(worker, 4).rows
    ledger.commit(worker, intents=rows[:2])
    outcomes = [accepted(row, clock) for row in rows[:2]]
    line.cut_at_commit(when)
    line.is_down = True  # for new connections: what became of the commit cannot be asked

    with pytest.raises(LedgerUnreachableError) as told:
        ledger.commit(worker, intents=rows[2:], results=outcomes)

    assert told.value.is_uncertain
    with opened(postgres_ledger_url, clock) as straight:
        truly = {"launched": 2, "launching": 2} if when == "after" else {"launching": 2, "pending": 2}
        assert states(straight, batch_id) == truly
    line.up()
    ledger.give_back(worker, rows[3:])
    ledger.commit(worker, intents=rows[2:3], results=outcomes)
    assert states(ledger, batch_id) == {"launched": 2, "launching": 1, "pending": 1}
    assert [row.attempts for row in ledger.rows(batch_id)] == [1, 1, 1, 0]
    assert kept(ledger, batch_id) == truth(ledger, batch_id)
    assert [row.number for row in ledger.take_chunk(worker, 4).rows] == [4]


def test_a_server_that_is_away_is_waited_for(ledger, line, clock):
    """With the line down every call says so after a while; when it is back work goes on where it was."""
    batch_id = filled(ledger, 2)
    worker = ledger.start_work(batch_id)
    rows = ledger.take_chunk(worker, 2).rows
    line.down()
    for call in (
        lambda: ledger.counts(batch_id),
        lambda: ledger.beat(worker),
        lambda: ledger.commit(worker, intents=rows),
        lambda: ledger.reserve_slots("c", 1, budget_per_minute=60),
    ):
        with pytest.raises(LedgerUnreachableError) as told:
            call()
        assert not told.value.is_uncertain
    line.up()
    ledger.commit(worker, intents=rows)
    assert states(ledger, batch_id) == {"launching": 2}


def test_a_worker_stopped_within_a_transaction_holds_nobody_up(ledger):
    """A transaction that its process does not end is ended by the server, and so do the locks that others wait for."""
    batch_id = filled(ledger, 2)
    worker = ledger.start_work(batch_id)
    ledger.store.database.patience_s = 5

    def stand_still():
        with ledger.store.write("stand still") as connection:
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout TO '200ms'")
            connection.exec_driver_sql("UPDATE workers SET heartbeat_us = heartbeat_us + 7")
            ledger.beat(worker)  # waits for that lock, in a connection of its own

    with pytest.raises(LedgerUnreachableError):
        stand_still()
    assert ledger.workers(batch_id)[0].worker.heartbeat_us % 10 == 0
