"""Moving a ledger from a file to PostgreSQL in the middle of a batch."""

from __future__ import annotations

from collections import Counter

import pytest
from ledger_world import HandClock, filled, kept, launch_all, opened, plan, spec, states, truth
from sqlalchemy import text

from flowlaunch.batch.ledger import Change, RowFilter, moving, open_ledger, postgres, roles
from flowlaunch.errors import LedgerBusyError, LedgerError, LedgerMovedError

ROWS = 30


@pytest.fixture
def clock():
    return HandClock()


def half_done(folder, clock, **more):
    """A ledger file with one batch of which some rows are launched, one is in doubt and the rest are pending."""
    with opened(folder, clock) as ledger:
        batch_id = filled(ledger, 20, **more)
        worker = ledger.start_work(batch_id)
        ledger.commit(worker, intents=ledger.take_chunk(worker, 1).rows)
        ledger.stop_work(worker)
        ledger.cancel_rows(batch_id, RowFilter(numbers=(20,)), by="test")
        launch_all(ledger, batch_id, clock)
        ledger.add_rows(batch_id, [plan(n, kind="hold" if n == 22 else "launch") for n in range(21, 31)])
        ledger.control(batch_id, by="test", change=Change(paused=True, priority=20))
        ledger.reserve_slots("c", 3, budget_per_minute=300, lane=f"launch:{batch_id}")
    return batch_id, folder / "a.db"


def broken(*_):
    """What happens instead of a step."""
    raise LedgerError("the power went")


def move(path, url, clock, **more):
    return moving.move_ledger(path, url, clock=clock, **more)


def test_everything_is_moved_and_proved(tmp_path, postgres_url, clock):
    """Rows, attempts, events, controls and counts are the same in PostgreSQL; each table is told with its hash."""
    batch_id, path = half_done(tmp_path, clock)
    with open_ledger(path, clock=clock) as old:
        before = (old.batches(), list(old.rows(batch_id)), old.events(batch_id), old.controls(batch_id))

    told = []
    moved = move(path, postgres_url, clock, tell=told.append)

    assert tuple(told) == moved.tables
    assert {one.table: one.rows for one in moved.tables}["rows"] == 30
    assert len({one.sha256 for one in moved.tables if one.rows}) == sum(bool(one.rows) for one in moved.tables)
    with open_ledger(postgres_url, clock=clock) as new:
        assert before == (new.batches(), list(new.rows(batch_id)), new.events(batch_id), new.controls(batch_id))
        assert kept(new, batch_id) == truth(new, batch_id)
        assert new.create_batch(spec()) == batch_id + 1
        assert launch_all(new, batch_id, clock) == 9
        assert new.add_event(batch_id, "on") > before[2][-1].event_id
    assert "owner" in moved.place
    assert postgres_url.split(":")[2].split("@")[0] not in moved.place


@pytest.mark.one_database("sqlite", "it is moved from a file")
async def test_a_paused_batch_goes_on_in_postgresql(open_world, postgres_url):
    """A batch stopped and paused half-way goes on where it was: each row is launched once, by the journal."""
    world = open_world()
    world.load(ROWS)
    await world.run(ends_when="idle", most_rows=10)
    world.ledger.control(world.batch_id, by="test", change=Change(paused=True))
    world.ledger.close()

    move(world.place, postgres_url, world.clock)

    world.ledger = open_ledger(postgres_url, clock=world.clock)
    world.ledger.control(world.batch_id, by="test", change=Change(paused=False))
    outcome = await world.run()
    assert outcome.ended == "finished"
    assert outcome.counts == {"completed": ROWS}
    assert world.launches() == Counter(f"order-{number}" for number in range(1, ROWS + 1))


def test_the_file_is_used_no_more(tmp_path, postgres_url, clock):
    """Opening the file afterwards names the new place, also to who had it open; it can be taken into use again."""
    batch_id, path = half_done(tmp_path, clock)
    with open_ledger(path, clock=clock) as still_open:
        moved = move(path, postgres_url, clock)
        with pytest.raises(LedgerMovedError) as told:
            still_open.start_work(batch_id)
        with pytest.raises(LedgerMovedError):
            still_open.add_rows(batch_id, [plan(40)])
    assert told.value.place == moved.place
    with pytest.raises(LedgerMovedError, match="moved to postgresql://"):
        open_ledger(path, clock=clock)
    with open_ledger(path, clock=clock, moved_ok=True) as forced:
        assert states(forced, batch_id)["launched"] == 18
        moving.use_again(forced.store)
    open_ledger(path, clock=clock).close()


def test_a_ledger_at_work_is_not_moved(tmp_path, postgres_url, clock):
    """While a process works on a batch nothing is moved, and the error names it."""
    with opened(tmp_path, clock) as ledger:
        batch_id = filled(ledger, 3)
        worker = ledger.start_work(batch_id)
        with pytest.raises(LedgerBusyError, match="stop its runner") as told:
            move(tmp_path / "a.db", postgres_url, clock)
        assert told.value.pid == worker.pid
        ledger.stop_work(worker)
    assert move(tmp_path / "a.db", postgres_url, clock).tables


def test_a_move_is_finished_by_the_same_command(tmp_path, postgres_url, clock, monkeypatch):
    """A move that broke off leaves the file marked and the database empty; asked again it is done, and proved again."""
    batch_id, path = half_done(tmp_path, clock)
    with monkeypatch.context() as patched:
        patched.setattr(moving, "_set_sequences", broken)
        with pytest.raises(LedgerError, match="power"):
            move(path, postgres_url, clock)
    with pytest.raises(LedgerMovedError):
        open_ledger(path, clock=clock)
    with open_ledger(postgres_url, clock=clock) as new:
        assert new.batches() == ()
    first = move(path, postgres_url, clock)
    assert move(path, postgres_url, clock) == first
    with open_ledger(postgres_url, clock=clock) as new:
        assert states(new, batch_id)["launched"] == 18


def test_a_copy_that_differs_is_not_kept(tmp_path, postgres_url, clock, monkeypatch):
    """When a row is missing from the copy the move fails by the table's name and leaves nothing behind."""
    _, path = half_done(tmp_path, clock)
    copy = postgres.copy_into

    def careless(connection, table, columns, records):
        given = list(records)
        copy(connection, table, columns, given[1:] if table == "attempts" else given)

    with monkeypatch.context() as patched:
        patched.setattr(postgres, "copy_into", careless)
        with pytest.raises(LedgerError, match="table attempts: 19 rows were given and 18 found"):
            move(path, postgres_url, clock)
    with open_ledger(postgres_url, clock=clock) as new:
        assert new.batches() == ()


def test_a_database_with_other_batches_is_left_alone(tmp_path, postgres_ledger_url, clock):
    """A ledger is moved into an empty database, never on top of another one."""
    _, path = half_done(tmp_path, clock)
    with open_ledger(postgres_ledger_url, clock=clock) as other:
        other.create_batch(spec())
    with pytest.raises(LedgerError, match="it holds 1 batches, 1 controls, 1 events of another"):
        move(path, postgres_ledger_url, clock)
    open_ledger(path, clock=clock).close()


def test_a_database_with_a_gateways_keys_is_left_alone(tmp_path, postgres_ledger_url, clock):
    """Whatever is in the database already is named before the file is marked as moved."""
    _, path = half_done(tmp_path, clock)
    with open_ledger(postgres_ledger_url, clock=clock) as other:
        other.reserve_share("c", 0.1)
    with pytest.raises(LedgerError, match="it holds 1 pace_clients of another ledger"):
        move(path, postgres_ledger_url, clock)
    open_ledger(path, clock=clock).close()


def test_workers_may_wait_at_the_new_place_already(tmp_path, postgres_ledger_url, clock):
    """Signs of life and duties of workers that were started early are no obstacle, and stay as they are."""
    batch_id, path = half_done(tmp_path, clock)
    with open_ledger(postgres_ledger_url, clock=clock) as early, early.store.write("be a worker") as connection:
        connection.execute(text("INSERT INTO duties (name, holder, until_us) VALUES ('feeding', 'w-1', 5)"))
    move(path, postgres_ledger_url, clock)
    with open_ledger(postgres_ledger_url, clock=clock) as new:
        assert states(new, batch_id)["launched"] == 18
        with new.store.read("look") as connection:
            assert connection.execute(text("SELECT count(*) FROM duties")).scalar() == 1


def test_only_the_owner_moves_and_may_finish_the_move_of_another(
    tmp_path, postgres_server, postgres_ledger_url, clock, monkeypatch
):
    """Who does not own the tables is told whom to ask, and the file stays in use; who signs in is no other place."""
    _, path = half_done(tmp_path, clock)
    owner = postgres_ledger_url.split("//")[1].split("@")[0]
    roles.grant_role(postgres_ledger_url, "mover", clock=clock, prunes=False, create=True)
    postgres_server.admin("ALTER ROLE mover PASSWORD 'moon'")
    as_mover = postgres_ledger_url.replace(owner, "mover:moon")
    try:
        with pytest.raises(LedgerError, match="mover is not owner") as told:
            move(path, as_mover, clock)
        assert "Copy as owner" in told.value.hint
        open_ledger(path, clock=clock).close()
        postgres_server.admin("ALTER ROLE mover SUPERUSER")
        with monkeypatch.context() as patched:
            patched.setattr(moving, "_set_sequences", broken)
            with pytest.raises(LedgerError, match="power"):
                move(path, as_mover, clock)
        assert move(path, postgres_ledger_url, clock).tables
    finally:
        postgres_server.drop(postgres_ledger_url)
        postgres_server.admin("DROP ROLE mover")


def test_a_text_that_postgresql_cannot_hold_is_named(tmp_path, postgres_url, clock):
    """A NUL in a key, as older versions took it from JSON, is told with its row before the file is marked."""
    with opened(tmp_path, clock) as ledger:
        batch_id = ledger.create_batch(spec())
        ledger.add_rows(batch_id, [plan(1), plan(2, key="k\x002")])
    with pytest.raises(LedgerError, match=r"rows \(\d+,\) holds a NUL in key") as told:
        move(tmp_path / "a.db", postgres_url, clock)
    assert "forget" in told.value.hint
    open_ledger(tmp_path / "a.db", clock=clock).close()


def test_hashed_contacts_are_found_after_the_move(tmp_path, postgres_url, clock):
    """The key of hashed contacts goes along: rows are found by their keys, and history knows who was called."""
    batch_id, path = half_done(tmp_path, clock, payloads="hash")
    move(path, postgres_url, clock)
    with open_ledger(postgres_url, clock=clock) as new:
        (row,) = new.rows(batch_id, RowFilter(keys=("key-7",)))
        assert row.key.startswith("hash:")
        with new.history() as history:
            assert history.seen("key-7") == str(batch_id)
