"""Rows in and out of the ledger: recorded once, counted as they move, read back in order."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from ledger_world import HandClock, accepted, filled, kept, launch_all, opened, plan, spec, states, truth
from sqlalchemy import Engine, event

from flowlaunch.batch.decisions import Decision, RowPlan
from flowlaunch.batch.ledger import RowFilter
from flowlaunch.batch.ledger.rows import ROWS_PER_READ
from flowlaunch.batch.states import Event, RowState
from flowlaunch.errors import LedgerError, LedgerMismatchError


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def ledger(home, clock):
    with opened(home, clock) as one:
        yield one


def test_each_decision_has_its_state(ledger):
    """Launch, hold, skip and reject become pending, held, skipped and rejected, each counted with its reason."""
    bad = RowPlan(row_number=5, line=9, decision=Decision(kind="reject", reason="ragged-row", message="3 cells"))
    plans = [
        plan(1),
        plan(2, reason="waits-for-window", not_before_us=7),
        plan(3, kind="hold", reason="unknown-zone"),
        plan(4, kind="skip", reason="do-not-contact"),
        bad,
    ]
    batch_id = filled(ledger, plans=plans)
    assert kept(ledger, batch_id) == truth(ledger, batch_id) == {
        ("pending", ""): 1,
        ("pending", "waits-for-window"): 1,
        ("held", "unknown-zone"): 1,
        ("skipped", "do-not-contact"): 1,
        ("rejected", "ragged-row"): 1,
    }  # fmt: skip
    rejected = list(ledger.rows(batch_id, RowFilter(states=(RowState.REJECTED,))))
    assert [(one.number, one.line, one.message) for one in rejected] == [(5, 9, "3 cells")]


def test_a_row_comes_back_as_it_went_in(ledger, clock):
    """Payload, name, token, contact and instants of a row are handed out as they were planned."""
    given = plan(1, not_before_us=5, not_after_us=10**18, closes_us=10**17, calendars=("de@Europe/Berlin",))
    batch_id = filled(ledger, plans=[given])
    worker = ledger.start_work(batch_id)
    (row,) = ledger.take_chunk(worker, 10).rows
    assert msgspec.json.decode(row.payload) == {"Flow.customerName": "Name 1"}
    assert (row.name, row.token, row.contact) == ("run 1", "token-1", "+4930000001")
    assert (row.not_before_us, row.not_after_us, row.closes_us) == (5, 10**18, 10**17)
    assert row.calendars == ("de@Europe/Berlin",)


def test_a_load_that_was_cut_short_goes_on(ledger):
    """Giving the same rows again after a crash records only those that were missing."""
    batch_id = ledger.create_batch(spec())

    def breaking():
        yield from (plan(number) for number in range(1, 7001))
        raise OSError("the disk was pulled")

    with pytest.raises(OSError, match="pulled"):
        ledger.add_rows(batch_id, breaking())
    assert ledger.batch(batch_id).last_number == 5000
    assert ledger.add_rows(batch_id, (plan(number) for number in range(1, 7001))) == 2000
    assert states(ledger, batch_id) == {"pending": 7000}
    assert ledger.add_rows(batch_id, (plan(number) for number in range(1, 7001))) == 0


def test_rows_out_of_order_are_refused(ledger):
    """A row number that does not rise is an error, and none of its rows is recorded."""
    batch_id = ledger.create_batch(spec())
    with pytest.raises(LedgerError, match="row numbers must rise"):
        ledger.add_rows(batch_id, [plan(2), plan(2)])
    assert ledger.batch(batch_id).last_number == 0


def test_rows_are_found_by_state_reason_number_and_key(ledger):
    """A filter names rows by any of its conditions, and all given ones must hold."""
    plans = [
        plan(n, kind="skip" if n % 3 else "launch", reason="over-limit" if n % 3 else "ready") for n in range(1, 31)
    ]
    batch_id = filled(ledger, plans=plans)

    def numbers(**where):
        return [one.number for one in ledger.rows(batch_id, RowFilter(**where))]

    assert numbers(states=(RowState.PENDING,)) == list(range(3, 31, 3))
    assert numbers(states=(RowState.SKIPPED,), numbers=(1, 2, 3)) == [1, 2]
    assert numbers(reasons=("over-limit",), keys=("key-4", "key-6")) == [4]
    assert [one.number for one in ledger.rows(batch_id, after=28)] == [29, 30]
    assert [one.number for one in ledger.rows(batch_id, limit=2)] == [1, 2]


def test_batches_of_one_ledger_do_not_mix(ledger, clock):
    """Counts, rows and chunks of one batch never show another's."""
    first, second = filled(ledger, 3), filled(ledger, 5)
    launch_all(ledger, first, clock)
    assert states(ledger, first) == {"launched": 3}
    assert states(ledger, second) == {"pending": 5}
    assert len(list(ledger.rows(second))) == 5
    assert [one.batch_id for one in ledger.batches()] == [first, second]


def test_an_unknown_batch_is_named_with_those_there_are(ledger):
    """Asking for a batch that is not there names the batches that are."""
    filled(ledger, 1)
    with pytest.raises(LedgerError, match="there is none") as told:
        ledger.batch(99)
    assert "1" in told.value.hint


def test_what_changed_since_the_batch_began_is_refused_together(ledger):
    """A changed file, mapping, flow or published version stops a resume, all named at once, unless accepted."""
    batch_id = ledger.create_batch(spec(source_sha256="aa", mapping_hash="mm"))
    assert (
        ledger.check_resume(batch_id, source_sha256="aa", mapping_hash="mm", flow_id="flow-1", flow_version="3") == ()
    )
    with pytest.raises(LedgerMismatchError, match="source has changed") as told:
        ledger.check_resume(batch_id, source_sha256="bb", mapping_hash="nn", flow_version="4")
    assert told.value.changed == ("source", "mapping", "flow-version")
    assert ledger.check_resume(batch_id, flow_version="4", accept={"flow-version"}) == ("flow-version",)
    assert ledger.events(batch_id)[-1].kind == "changes-accepted"


def test_counts_stay_true_through_every_kind_of_move(ledger, clock):
    """After launches, refusals, put-offs, doubts, results, retries and cancels the kept counts equal a full count."""
    batch_id = filled(ledger, 40)
    worker = ledger.start_work(batch_id)
    rows = ledger.take_chunk(worker, 30).rows
    ledger.commit(worker, results=[row.outcome(Event.SKIPPED, reason="too-late") for row in rows[:3]])
    ledger.commit(worker, results=[row.outcome(Event.HELD, reason="unknown-zone") for row in rows[3:5]])
    later = clock.now_us + 10**9
    ledger.commit(
        worker,
        results=[row.outcome(Event.POSTPONED, reason="waits-for-window", not_before_us=later) for row in rows[5:8]],
    )
    ledger.commit(worker, intents=rows[8:])
    told = [row.outcome(Event.REFUSED, reason="bad.request", http_status=400) for row in rows[8:12]]
    told += [row.outcome(Event.LOST, reason="launch-in-doubt") for row in rows[12:15]]
    told += [row.outcome(Event.NOT_SENT, reason="not-sent", not_before_us=later) for row in rows[15:18]]
    told += [accepted(row, clock) for row in rows[18:]]
    ledger.commit(worker, results=told)
    assert kept(ledger, batch_id) == truth(ledger, batch_id)
    assert ledger.retry(batch_id, RowFilter(reasons=("bad.request",)), by="test") == 4
    assert ledger.release(batch_id, by="test") == 2
    assert ledger.cancel_rows(batch_id, RowFilter(numbers=(31, 32)), by="test") == 2
    ledger.stop_work(worker)
    assert kept(ledger, batch_id) == truth(ledger, batch_id)
    assert states(ledger, batch_id) == {"pending": 20, "launched": 12, "in_doubt": 3, "skipped": 3, "cancelled": 2}


def test_the_last_rows_are_read_as_fast_as_the_first(tmp_path):
    """Reading takes steps in proportion to the rows: a page far into a batch costs no more than the first one."""
    steps = []

    def watch(connection, _record):
        connection.set_progress_handler(lambda: steps.append(1), 100)

    event.listen(Engine, "connect", watch)
    try:
        with opened(tmp_path, HandClock()) as ledger:
            batch_id = filled(ledger, 5 * ROWS_PER_READ)
            seen = [0]
            steps.clear()
            seen.extend(len(steps) for row in ledger.rows(batch_id) if row.number % ROWS_PER_READ == 0)
    finally:
        event.remove(Engine, "connect", watch)
    pages = [after - before for before, after in itertools.pairwise(seen)]

    assert len(pages) == 5
    assert pages[-1] <= 1.2 * pages[1]
