"""Rights in PostgreSQL: who works on batches reads and writes rows, and changes no table."""

from __future__ import annotations

import pytest
from ledger_world import HandClock, filled, kept, launch_all, opened, truth
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from flowlaunch.batch.ledger import Change, Evidence, Result, RowFilter, open_ledger, roles, versions
from flowlaunch.batch.ledger.schema import HEAD
from flowlaunch.batch.states import Event
from flowlaunch.errors import LedgerError, LedgerTooNewError

ROLE = 'night"shift'
ADD_ROW = """
INSERT INTO rows (id, batch_id, number, line, state, reason, epoch, attempts, not_before_us, correlation_id, token, key,
                  error_code, message)
VALUES ((1::bigint << 32) + 1, 1, 1, 2, 'pending', '', 0, 0, 0, '', '', 'k', '', '')
"""


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def worker_url(postgres_server, postgres_ledger_url, clock):
    """A URL that signs in as a role made by `ledger role`."""
    roles.grant_role(postgres_ledger_url, ROLE, clock=clock, prunes=False, create=True)
    postgres_server.admin("""ALTER ROLE "night""shift" PASSWORD 'moon'""")
    yield postgres_ledger_url.replace(postgres_ledger_url.split("//")[1].split("@")[0], "night%22shift:moon")
    postgres_server.drop(postgres_ledger_url)
    postgres_server.admin('DROP ROLE "night""shift"')


def test_a_role_has_what_work_needs(worker_url, clock):
    """As such a role a batch is made, loaded, launched, followed, settled, steered and cancelled."""
    with opened(worker_url, clock) as ledger:
        batch_id = filled(ledger, 20)
        worker = ledger.start_work(batch_id, shared=True)
        ledger.commit(worker, intents=ledger.take_chunk(worker, 1).rows)
        ledger.stop_work(worker)
        ledger.settle(batch_id, [row.row_id for row in ledger.rows(batch_id, RowFilter(numbers=(1,)))], "absent",
                      Evidence(by="test"))  # fmt: skip
        assert launch_all(ledger, batch_id, clock) == 20
        looks = ledger.to_look_at(batch_id, due_us=10**18, limit=5)
        ledger.record_results(batch_id, [
            Result(row_id=one.row_id, execution_id=one.execution_id, event=Event.COMPLETED) for one in looks
        ])  # fmt: skip
        ledger.control(batch_id, by="test", change=Change(paused=True))
        granted = ledger.reserve_slots("c", 3, budget_per_minute=300)
        ledger.return_slots("c", granted.at_us)
        ledger.reserve_share("c", 0.1)
        ledger.forget("key-9", by="test")
        assert kept(ledger, batch_id) == truth(ledger, batch_id)


def test_a_role_is_renewed_by_the_same_command(postgres_server, worker_url, postgres_ledger_url, clock):
    """Granted again, with more rights, the role keeps its password; a second ledger of the server takes it as well."""
    roles.grant_role(postgres_ledger_url, ROLE, clock=clock, prunes=True, create=True)
    with opened(worker_url, clock) as ledger:
        filled(ledger, 2)
        with ledger.store.write("prune") as connection:
            connection.execute(text("DELETE FROM rows"))
    second = postgres_server.database()
    open_ledger(second, clock=clock).close()
    granted = roles.grant_role(second, ROLE, clock=clock, prunes=False, create=True)
    assert not granted.is_new
    assert not [one for one in granted.statements if one.startswith("CREATE ROLE")]
    place = second.split("@")[1]
    with opened(worker_url.split("@")[0] + "@" + place, clock) as ledger:
        assert filled(ledger, 1)
    postgres_server.drop(second)


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE flowlaunch.rows", "DROP TABLE flowlaunch.events", "DELETE FROM flowlaunch.rows",
        "DELETE FROM flowlaunch.events",
        "UPDATE flowlaunch.ledger_facts SET value = 'x'", "DELETE FROM flowlaunch.ledger_facts",
        "CREATE TABLE flowlaunch.mine (x int)",
        "ALTER TABLE flowlaunch.rows DISABLE TRIGGER ALL",
        "UPDATE flowlaunch.alembic_version SET version_num = '0001'", "SELECT flowlaunch.make_room()",
    ],
)  # fmt: skip
def test_a_role_has_no_more_than_that(worker_url, statement):
    """It may neither remove rows nor touch the shape of the tables nor the version."""
    engine = create_engine(worker_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection, pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        connection.execute(text(statement))
    engine.dispose()


def test_who_may_not_is_told_whom_to_ask(postgres_server, postgres_ledger_url, clock):
    """A role without rights is told what to ask the owner for."""
    postgres_server.admin("CREATE ROLE stranger LOGIN PASSWORD 'x'")
    try:
        url = postgres_ledger_url.replace(postgres_ledger_url.split("//")[1].split("@")[0], "stranger:x")
        with pytest.raises(LedgerError, match="permission denied") as told:
            open_ledger(url, clock=clock)
        assert "ledger role" in told.value.hint
    finally:
        postgres_server.admin("DROP ROLE stranger")


def test_an_older_ledger_in_a_server_is_not_changed_by_opening(postgres_ledger_url, clock):
    """Others may work on it: opening says what to run, and running it brings it up to date."""
    store = versions.server_store(postgres_ledger_url, clock)
    with store.write("make it older") as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(LedgerError, match="schema version 1") as told:
        open_ledger(postgres_ledger_url, clock=clock)
    assert told.value.code == "ledger-too-old"
    assert "ledger upgrade" in told.value.hint
    with store.write("make it newer") as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :n"), {"n": f"{HEAD + 1:04d}"})
    with pytest.raises(LedgerTooNewError):
        open_ledger(postgres_ledger_url, clock=clock)
    store.close()


def test_a_ledger_in_a_server_is_upgraded_step_by_step(postgres_url, clock):
    """From the first version on each step is taken, with rows in the ledger, and the counts stay true."""
    store = versions.server_store(postgres_url, clock)
    versions.upgrade(store, 3)
    with store.write("fill it") as connection:
        for statement in (
            "INSERT INTO batches (spec, created_us, last_number, epoch) VALUES ('{}', 1, 1, 0)",
            "INSERT INTO counts (batch_id, state, reason, n) VALUES (1, 'pending', '', 1)",
            ADD_ROW,
        ):
            connection.execute(text(statement))
    versions.upgrade(store, HEAD)
    store.close()
    with open_ledger(postgres_url, clock=clock) as ledger:
        assert kept(ledger, 1) == truth(ledger, 1) == {("pending", ""): 1}


def test_a_ledger_is_made_by_the_first_who_opens_it(postgres_url, clock):
    """Reading commands make none; of processes that open an empty database at once one makes it."""
    from concurrent.futures import ThreadPoolExecutor

    with pytest.raises(LedgerError, match="there is none"):
        open_ledger(postgres_url, clock=clock, create=False)
    with ThreadPoolExecutor(4) as pool:
        for one in pool.map(lambda _: open_ledger(postgres_url, clock=clock), range(4)):
            one.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://owner:wrong@{place}", "password authentication failed"),
        ("postgresql://nobody:x@127.0.0.1:1/x", "refused"),
        ("postgresql://[::1/x", "cannot be read"),
    ],
)
def test_a_server_that_cannot_be_used_is_named_without_secrets(postgres_ledger_url, clock, url, said):
    """A wrong password, a closed port and a broken URL are told at once, and no password with them."""
    place = postgres_ledger_url.split("@")[1]
    with pytest.raises(LedgerError, match=said) as told:
        open_ledger(url.format(place=place), clock=clock)
    assert ":wrong" not in str(told.value)
