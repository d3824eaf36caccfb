"""What the ledger keeps of people, and how it forgets them: judged by its files' bytes, or by all that tables hold."""

from __future__ import annotations

import stat
from pathlib import Path

import platformdirs
import psycopg
import pytest
from ledger_world import HandClock, accepted, filled, kept, launch_all, opened, plan, states, truth
from psycopg import sql

from flowlaunch.batch.ledger import Result, RowFilter
from flowlaunch.batch.states import Event
from flowlaunch.errors import LedgerBusyError, LedgerError

PHONE = "+4930555123450"
NAME = "Rosalind Quaversmith"
TABLES = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def ledger(home, clock):
    with opened(home, clock) as one:
        yield one


def person(number=1, key="customer-4711"):
    made = plan(number, key=key, contact=PHONE)
    made.prepared.input_data["Flow.customerName"] = NAME
    return made


def bytes_of(home):
    """Everything in the ledger's files, or in the tables of its database."""
    if "://" not in str(home):
        return b"".join(path.read_bytes() for path in sorted(home.iterdir()) if path.name.startswith("a.db"))
    with psycopg.connect(home) as connection:
        tables = connection.execute(TABLES).fetchall()
        asked = [sql.SQL("SELECT * FROM {}").format(sql.Identifier(*names)) for names in tables]
        cells = [cell for one in asked for row in connection.execute(one) for cell in row]
    return b"\n".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells)


def key_files(home):
    """The files with the key of hashed contacts: beside the ledger, or with the user's settings."""
    if "://" not in str(home):
        return list(home.glob("ledger.key"))
    return list(Path(platformdirs.user_config_dir("flowlaunch", appauthor=False)).glob("ledger-*.key"))


def tidy(ledger):
    """Have old versions of rows go from the files now."""
    if ledger.store.path is None:
        return
    with ledger.store.between("tidy") as connection:
        connection.connection.dbapi_connection.execute("VACUUM").close()
        connection.connection.dbapi_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()


def launch_with_results(ledger, batch_id, clock):
    launch_all(ledger, batch_id, clock)
    found = [
        Result(
            row_id=one.row_id,
            execution_id=one.execution_id,
            event=Event.COMPLETED,
            outputs=f'"{NAME if one.number != 2 else 2}"'.encode(),
        )
        for one in ledger.to_look_at(batch_id, due_us=10**18)
    ]
    ledger.record_results(batch_id, found)


@pytest.mark.parametrize("payloads", ["hash", "drop"])
def test_a_discreet_ledger_names_nobody(ledger, clock, home, payloads):
    """With payloads hashed or dropped, no key, number or value of a launched row is anywhere in the ledger."""
    batch_id = filled(ledger, plans=[person(), plan(2)], payloads=payloads, outputs="drop")
    launch_with_results(ledger, batch_id, clock)
    tidy(ledger)
    content = bytes_of(home)
    assert b"flow-1" in content
    for secret in (PHONE, NAME, "customer-4711", "run 1"):
        assert secret.encode() not in content
    (row,) = ledger.rows(batch_id, RowFilter(keys=("customer-4711",)))
    assert (row.number, row.payload, row.name) == (1, None, None)
    assert [stat.S_IMODE(one.stat().st_mode) for one in key_files(home)] == [0o600]


def test_an_open_ledger_keeps_everything(ledger, clock, home):
    """By default payload, key, contact and name stay readable, and no key file is made."""
    batch_id = filled(ledger, plans=[person()])
    launch_with_results(ledger, batch_id, clock)
    (row,) = ledger.rows(batch_id)
    assert (row.key, row.contact, row.name) == ("customer-4711", PHONE, "run 1")
    assert NAME.encode() in row.payload
    assert NAME.encode() in row.outputs
    assert key_files(home) == []


@pytest.mark.parametrize("payloads", ["hash", "drop"])
def test_a_retry_of_a_discreet_row_needs_its_payload_again(ledger, clock, payloads):
    """A retried row whose payload was let go is handed out without one until the source fills it again."""
    plans = [person()]
    batch_id = filled(ledger, plans=plans, payloads=payloads)
    worker = ledger.start_work(batch_id)
    (row,) = ledger.take_chunk(worker, 1).rows
    assert NAME.encode() in row.payload
    ledger.commit(worker, intents=[row])
    ledger.commit(worker, results=[row.outcome(Event.REFUSED, reason="bad.request")])
    assert ledger.retry(batch_id, by="test") == 1
    assert ledger.missing_payloads(batch_id) == 1
    (again,) = ledger.take_chunk(worker, 1).rows
    assert again.payload is None
    ledger.give_back(worker, [again])
    assert ledger.refill(batch_id, plans) == 1
    assert ledger.refill(batch_id, plans) == 0
    assert ledger.missing_payloads(batch_id) == 0
    (filled_again,) = ledger.take_chunk(worker, 1).rows
    assert (filled_again.payload, filled_again.name) == (row.payload, "run 1")


def test_a_doubtful_row_keeps_its_payload(ledger):
    """What is in doubt may have to be sent or looked for, so its payload is not let go."""
    batch_id = filled(ledger, plans=[person()], payloads="drop")
    worker = ledger.start_work(batch_id)
    (row,) = ledger.take_chunk(worker, 1).rows
    ledger.commit(worker, intents=[row])
    ledger.commit(worker, results=[row.outcome(Event.LOST, reason="launch-in-doubt")])
    (doubtful,) = ledger.rows(batch_id)
    assert NAME.encode() in doubtful.payload


def test_a_forgotten_contact_is_gone_from_the_bytes(ledger, clock, home):
    """After forget no trace of the contact is in the ledger; states, times and sums stay."""
    other = person(3, key="other-key")
    held = plan(4, kind="hold", reason="unknown-zone", contact=PHONE)
    batch_id = filled(ledger, plans=[person(), plan(2), other, held])
    launch_with_results(ledger, batch_id, clock)
    (row,) = ledger.rows(batch_id, RowFilter(numbers=(1,)))
    ledger.add_event(batch_id, "note", row_id=row.row_id, text=f"called {NAME}")
    ledger.add_event(batch_id, "note", text=f"look at {PHONE}")
    ledger.add_event(batch_id, "note", text="look at +49305551234501, count 4711", seen=["nobody"])
    done = ledger.forget("customer-4711", by="anna")
    assert (done.rows, done.attempts, done.results) == (3, 2, 2)
    content = bytes_of(home).replace(b"+49305551234501", b"")
    for secret in (PHONE, "Quaversmith", "customer-4711", "other-key"):
        assert secret.encode() not in content
    assert states(ledger, batch_id) == {"completed": 3, "cancelled": 1}
    assert kept(ledger, batch_id) == truth(ledger, batch_id)
    untouched = [one.facts for one in ledger.events(batch_id) if "seen" in one.facts]
    assert untouched == [{"text": "look at +49305551234501, count 4711", "seen": ["nobody"]}]
    assert ledger.events(batch_id)[-1].facts == {"by": "anna", "rows": 3}
    assert next(ledger.rows(batch_id, RowFilter(numbers=(2,)))).key == "key-2"
    assert ledger.forget("customer-4711", by="anna").rows == 0


def test_a_contact_can_be_named_by_itself(ledger, clock):
    """Forgetting by the contact's number reaches its rows whatever their keys, hashed ledgers included."""
    batch_id = filled(ledger, plans=[person(), plan(2)], payloads="hash")
    launch_all(ledger, batch_id, clock)
    assert ledger.forget(PHONE, by="anna").rows == 1


def test_a_row_in_flight_is_not_forgotten(ledger):
    """While a row of the contact is being launched, forget says so and erases nothing."""
    batch_id = filled(ledger, plans=[person()])
    worker = ledger.start_work(batch_id)
    ledger.commit(worker, intents=ledger.take_chunk(worker, 1).rows)
    with pytest.raises(LedgerBusyError, match="being launched"):
        ledger.forget("customer-4711", by="anna")
    assert next(ledger.rows(batch_id)).contact == PHONE


def test_a_lost_key_file_is_reported(ledger, home):
    """A key file that cannot be read stops hashing with a cure; it is never silently replaced."""
    filled(ledger, plans=[person()], payloads="hash")
    (path,) = key_files(home)
    path.write_text("not hex")
    with opened(home, HandClock()) as later, pytest.raises(LedgerError, match="key of hashed contacts"):
        filled(later, plans=[person()], payloads="hash")
    assert path.read_text() == "not hex"


def test_a_launch_of_a_discreet_batch_still_carries_its_payload(ledger, clock):
    """Rows not sent yet keep what is needed to send them."""
    batch_id = filled(ledger, plans=[person()], payloads="drop")
    worker = ledger.start_work(batch_id)
    (row,) = ledger.take_chunk(worker, 1).rows
    assert (row.name, NAME.encode() in row.payload) == ("run 1", True)
    assert PHONE not in (row.contact or "")
    ledger.commit(worker, intents=[row])
    ledger.commit(worker, results=[accepted(row, clock)])
