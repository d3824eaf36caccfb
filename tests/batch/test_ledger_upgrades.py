"""Ledgers of every earlier schema, with content in each of their tables, are brought up to date without a loss."""

from __future__ import annotations

import pytest
from ledger_world import HandClock, kept, truth
from sqlalchemy import BigInteger, Boolean, Float, Integer, LargeBinary, MetaData, Table, inspect, select

from flowlaunch.batch.ledger import open_ledger, sqlite, versions
from flowlaunch.batch.ledger.schema import HEAD
from flowlaunch.batch.ledger.shapes import row_id_of
from flowlaunch.batch.ledger.store import Store

BATCHES = 2
LINES = 3
"""Of each batch in each table."""
OWN = frozenset({"alembic_version", "ledger_facts"})
SERIAL = "SELECT setval(pg_get_serial_sequence('flowlaunch.{table}', '{column}'), 100)"
STATE = {"rows": "pending", "counts": "pending", "gateway_deliveries": "waiting"}
COUNTED = {"n": LINES, "reason": "", "part": 0}


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """Where the older ledger is made."""
    return tmp_path / "a.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")


def older(place, clock, version):
    """Make a ledger by the migrations of an earlier version alone, and return its store."""
    is_file = not isinstance(place, str)
    store = Store(sqlite.SqliteFile(place), clock) if is_file else versions.server_store(place, clock)
    versions.upgrade(store, version)
    return store


def tables_of(connection):
    """Return the tables that a ledger has at this time, batches and those that others refer to first."""
    names = inspect(connection).get_table_names()
    found = MetaData()
    for name in names:
        if name not in OWN and not name.startswith("sqlite_") and not name[-1].isdigit():  # partitions end in a number
            Table(name, found, autoload_with=connection)
    return sorted(found.sorted_tables, key=lambda table: table.name != "batches")  # PostgreSQL makes partitions then


def line(table, batch_id, number):
    """Return a line of any table: its keys fit together, and no two values of it are alike."""
    serial = (batch_id - 1) * LINES + number
    row_id = row_id_of(batch_id, number)
    known = {"batch_id": batch_id, "row_id": row_id, "delivery_seq": serial, "state": STATE.get(table.name, "")}
    if table.name == "rows":
        known |= {"id": row_id, "number": number, "reason": "", "chunk_id": None}
    if table.name == "batches":
        known |= {"id": batch_id, "spec": '{"source":"a.csv","flow_id":"f"}', "worker_id": None, "loaded_us": 5}
    if table.name == "counts":
        known |= COUNTED
    return {column.name: known.get(column.name, value(column, serial)) for column in table.columns}


def value(column, serial):
    """Return what a column may hold, told apart by the line and the column."""
    if isinstance(column.type, Boolean):
        return serial % 2 == 0
    if isinstance(column.type, (Integer, BigInteger)):
        return serial
    if isinstance(column.type, Float):
        return serial + 0.5
    if isinstance(column.type, LargeBinary):
        return f"\x00{column.name}-{serial}".encode()
    return "{}" if column.name in {"facts", "overrides"} else f"{column.name}-{serial}"


def content(connection, table):
    """Return the lines of a table as it was then, in the order of all their columns."""
    found = connection.execute(select(*table.columns)).all()
    return sorted(tuple(map(repr, one)) for one in found)


def per_batch(table):
    return 1 if table.name in {"batches", "counts", "controls", "handovers"} else LINES


@pytest.mark.parametrize("version", range(1, HEAD))
def test_a_ledger_of_an_earlier_schema_keeps_every_line(place, clock, version):
    """Each table of a ledger of an earlier version has, once it is up to date, every line that it had."""
    store = older(place, clock, version)
    with store.write("fill") as connection:
        tables = tables_of(connection)
        for table in tables:
            for batch_id in range(1, BATCHES + 1):
                for number in range(1, per_batch(table) + 1):
                    connection.execute(table.insert(), [line(table, batch_id, number)])
            if store.path is None:
                for column in {"id", "seq"} & set(table.columns.keys()):
                    connection.exec_driver_sql(SERIAL.format(table=table.name, column=column))
    with store.read("look") as connection:
        before = {table.name: content(connection, table) for table in tables}
    assert {"batches", "rows", "attempts", "chunks", "results", "events"} <= set(before)
    assert all(len(lines) == BATCHES * per_batch(table) for table, lines in zip(tables, before.values(), strict=True))
    if store.path is None:
        versions.upgrade(store, HEAD)
    store.close()
    with open_ledger(place, clock=clock) as ledger:
        with ledger.store.read("compare") as connection:
            assert versions.version_of(connection) == HEAD
            assert {table.name: content(connection, table) for table in tables} == before
        assert [row.key for row in ledger.rows(2)] == [f"key-{serial}" for serial in (4, 5, 6)]
        assert kept(ledger, 1) == truth(ledger, 1) == {("pending", ""): LINES}
        assert ledger.create_batch(ledger.batch(1).spec) > BATCHES
    if not isinstance(place, str):
        assert versions.version_of_file(f"{place}.version{version}.bak") == version
