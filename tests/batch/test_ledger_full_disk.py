"""A full disk: stops clean, loses nothing, goes on."""

from __future__ import annotations

import resource
import signal
import sqlite3
from contextlib import closing, contextmanager

import pytest
from ledger_world import HandClock, accepted, filled, kept, launch_all, opened, plan, states, truth

from flowlaunch.batch.ledger import spare
from flowlaunch.errors import LedgerBusyError, LedgerFullError


@contextmanager
def files_no_larger_than(size_bytes):
    """Let no file of this process grow beyond a size: writing fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)


def pages_no_more(ledger, extra=0):
    """Let the database grow by no more than `extra` pages: SQLite says it is full."""
    with ledger._store.between("limit") as connection:
        raw = connection.connection.dbapi_connection
        pages = raw.execute("PRAGMA page_count").fetchone()[0]
        raw.execute(f"PRAGMA max_page_count={pages + extra}").close()


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def ledger(tmp_path, clock):
    with opened(tmp_path, clock) as one:
        yield one


def test_a_full_disk_stops_the_load_and_the_load_goes_on(ledger):
    """Rows that found no room are not recorded, those before are, and the same rows given again finish the load."""
    batch_id = filled(ledger, 0)
    pages_no_more(ledger, 400)
    plans = [plan(number) for number in range(1, 30_001)]
    with pytest.raises(LedgerFullError, match="full") as told:
        ledger.add_rows(batch_id, plans)
    assert "resume" in told.value.hint
    last = ledger.batch(batch_id).last_number
    assert 0 < last < 30_000
    assert kept(ledger, batch_id) == truth(ledger, batch_id) == {("pending", ""): last}
    pages_no_more(ledger, 1_000_000)
    assert ledger.add_rows(batch_id, plans) == 30_000 - last
    assert states(ledger, batch_id) == {"pending": 30_000}


def test_a_write_that_the_system_refuses_is_a_full_disk(ledger, tmp_path, clock):
    """When the write-ahead log cannot grow the error says so, nothing is half written, and work goes on afterwards."""
    batch_id = filled(ledger, 200)
    worker = ledger.start_work(batch_id)
    chunk = ledger.take_chunk(worker, 200)
    size = (tmp_path / "a.db-wal").stat().st_size

    def intend_all():
        for row in chunk.rows:
            ledger.commit(worker, intents=[row])

    with files_no_larger_than(size), pytest.raises(LedgerFullError):
        intend_all()
    launching = states(ledger, batch_id).get("launching", 0)
    assert launching < 200
    assert kept(ledger, batch_id) == truth(ledger, batch_id)
    ledger.commit(worker, intents=chunk.rows[launching:])
    assert states(ledger, batch_id) == {"launching": 200}


def test_outcomes_are_saved_with_the_space_kept_for_them(ledger, clock, monkeypatch):
    """With the disk full, outcomes of requests already sent are still written; the intents beside them are not."""
    batch_id = filled(ledger, 4)
    worker = ledger.start_work(batch_id)
    rows = ledger.take_chunk(worker, 4).rows
    ledger.commit(worker, intents=rows[:2])
    pages_no_more(ledger)
    long = "x" * 20_000
    real = spare.release

    def release(store):  # giving the spare file up makes room on the disk; here the limit stands for the disk
        freed = real(store)
        if freed:
            pages_no_more(ledger, 1_000)
        return freed

    monkeypatch.setattr(spare, "release", release)
    with pytest.raises(LedgerFullError) as told:
        ledger.commit(worker, intents=rows[2:], results=[accepted(row, clock, message=long) for row in rows[:2]])
    assert told.value.saved
    assert states(ledger, batch_id) == {"launched": 2, "pending": 2}
    ledger.commit(worker, intents=rows[2:])
    assert states(ledger, batch_id) == {"launched": 2, "launching": 2}


def test_without_spare_room_the_error_says_what_was_lost(ledger, clock, tmp_path):
    """When even the kept space is gone the outcomes are not saved and the error says so; the rows end in doubt."""
    batch_id = filled(ledger, 2)
    worker = ledger.start_work(batch_id)
    rows = ledger.take_chunk(worker, 2).rows
    ledger.commit(worker, intents=rows)
    (tmp_path / "a.db.spare").unlink()
    pages_no_more(ledger)
    with pytest.raises(LedgerFullError) as told:
        ledger.commit(worker, results=[accepted(row, clock, message="x" * 20_000) for row in rows])
    assert not told.value.saved
    assert states(ledger, batch_id) == {"launching": 2}
    pages_no_more(ledger, 1_000)
    assert ledger.stop_work(worker) == 2
    assert states(ledger, batch_id) == {"in_doubt": 2}


def test_starting_work_keeps_space(ledger, tmp_path):
    """A running batch has spare space set aside beside its ledger, given up at most once."""
    batch_id = filled(ledger, 1)
    ledger.stop_work(ledger.start_work(batch_id))
    assert (tmp_path / "a.db.spare").stat().st_size == spare.SPARE_BYTES
    assert spare.release(ledger._store)
    assert not spare.release(ledger._store)


def test_a_file_held_too_long_is_busy_not_broken(ledger, tmp_path, clock):
    """When another program holds the write lock past the timeout the error says so, and the next try works."""
    batch_id = filled(ledger, 2)
    with ledger._store.between("hurry") as connection:
        connection.connection.dbapi_connection.execute("PRAGMA busy_timeout=20").close()
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerBusyError, match="another process is writing"):
            ledger.start_work(batch_id)
        raw.execute("ROLLBACK")
    assert launch_all(ledger, batch_id, clock) == 2
