"""Opening: new, older, newer, strange; and the schema that migrations and tables agree on."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from ledger_world import HandClock, filled, opened, states
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from flowlaunch.batch.ledger import (
    chunks,
    counts,
    open_ledger,
    outcomes,
    results,
    rows,
    schema,
    sqlite,
    versions,
    workers,
)
from flowlaunch.batch.ledger.prepared import PreparedStatement
from flowlaunch.batch.ledger.set_based import SetStatement
from flowlaunch.errors import LedgerError, LedgerTooNewError

AFTER = schema.HEAD + 1
NEXT = f"""
import sqlalchemy as sa
from alembic import op

revision = "{AFTER:04d}"
down_revision = "{schema.HEAD:04d}"


def upgrade():
    with op.batch_alter_table("batches") as batch:
        batch.add_column(sa.Column("colour", sa.Text()))
"""


@pytest.fixture
def clock():
    return HandClock()


def test_the_migrations_build_the_tables(tmp_path, clock):
    """A ledger made by the migrations has exactly the tables, columns and indexes that the code uses."""
    with opened(tmp_path, clock) as ledger, ledger._store.read("compare") as connection:
        found = compare_metadata(MigrationContext.configure(connection), schema.metadata)
    assert found == []


def test_a_ledger_carries_its_mark_and_version(tmp_path, clock):
    """The file's header names it as a ledger with its schema version, and it is in WAL mode with foreign keys."""
    with opened(tmp_path, clock) as ledger, ledger._store.read("look") as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA user_version").scalar() == schema.HEAD
    assert sqlite.application_id(tmp_path / "a.db") == sqlite.APPLICATION_ID


def test_intents_wait_for_the_disk(tmp_path, clock):
    """A commit of intents runs with synchronous=FULL, whatever ran before it."""
    seen = []

    def boundary(place):
        if place == "before:commit":
            raw = ledger._store.database._writer.connection.dbapi_connection
            seen.append(raw.execute("PRAGMA synchronous").fetchone()[0])

    with opened(tmp_path, clock, boundary=boundary) as ledger:
        batch_id = filled(ledger, 2)
        worker = ledger.start_work(batch_id)
        for _ in range(2):
            ledger.commit(worker, intents=ledger.take_chunk(worker, 1).rows)
    assert seen == [2, 2]


def test_a_newer_ledger_is_left_alone(tmp_path, clock):
    """A ledger of a schema version that this program does not know is refused, unchanged."""
    opened(tmp_path, clock).close()
    with closing(sqlite3.connect(tmp_path / "a.db")) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '0099'")
        raw.commit()
    before = (tmp_path / "a.db").read_bytes()
    with pytest.raises(LedgerTooNewError, match="schema version 99"):
        opened(tmp_path, clock)
    assert (tmp_path / "a.db").read_bytes() == before


def test_an_older_ledger_is_copied_then_brought_up_to_date(tmp_path, clock, monkeypatch):
    """Opening an older ledger puts a copy of it beside it and then migrates it; its rows stay."""
    with opened(tmp_path, clock) as ledger:
        batch_id = filled(ledger, 3)
    scripts = tmp_path / "migrations"
    shutil.copytree(versions.MIGRATIONS, scripts)
    (scripts / "versions" / f"{AFTER:04d}_colour.py").write_text(NEXT)
    monkeypatch.setattr(versions, "HEAD", AFTER)
    monkeypatch.setattr(versions, "MIGRATIONS", scripts)
    with opened(tmp_path, clock) as ledger:
        assert states(ledger, batch_id) == {"pending": 3}
        with ledger._store.read("look") as connection:
            assert connection.exec_driver_sql("SELECT colour FROM batches").scalar() is None
            assert connection.exec_driver_sql("PRAGMA user_version").scalar() == AFTER
    monkeypatch.undo()
    with open_ledger(tmp_path / f"a.db.version{schema.HEAD}.bak", clock=clock) as copy:
        assert states(copy, batch_id) == {"pending": 3}


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(tmp_path, clock, monkeypatch):
    """When a migration breaks half-way nothing of it stays, and the ledger can still be used."""
    with opened(tmp_path, clock) as ledger:
        batch_id = filled(ledger, 2)
    scripts = tmp_path / "migrations"
    shutil.copytree(versions.MIGRATIONS, scripts)
    broken = NEXT + '    op.drop_table("nowhere")\n'
    (scripts / "versions" / f"{AFTER:04d}_colour.py").write_text(broken)
    with monkeypatch.context() as patched:
        patched.setattr(versions, "HEAD", AFTER)
        patched.setattr(versions, "MIGRATIONS", scripts)
        with pytest.raises(LedgerError, match="nowhere"):
            opened(tmp_path, clock)
    with opened(tmp_path, clock) as ledger, ledger._store.read("look") as connection:
        assert "colour" not in [one[1] for one in connection.exec_driver_sql("PRAGMA table_info(batches)")]
        assert ledger.batch(batch_id).last_number == 2


@pytest.mark.parametrize("content", [b"hello, world\n" * 20, b"x"])
def test_a_file_of_something_else_is_not_touched(tmp_path, clock, content):
    """A file that is no ledger is refused and stays as it is."""
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(LedgerError, match="no ledger"):
        open_ledger(path, clock=clock)
    assert path.read_bytes() == content


def test_a_database_of_something_else_is_not_touched(tmp_path, clock):
    """Another program's SQLite file is refused and gets no tables of ours."""
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE theirs (x)")
    with pytest.raises(LedgerError, match="something else"):
        open_ledger(path, clock=clock)
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]


def test_a_damaged_ledger_says_so(tmp_path, clock):
    """A ledger whose pages were overwritten is reported as damaged, with a backup as the cure."""
    with opened(tmp_path, clock) as ledger:
        filled(ledger, 500)
    path = tmp_path / "a.db"
    content = bytearray(path.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(LedgerError) as told:
        opened(tmp_path, clock)
    assert "backup" in told.value.hint


def test_a_ledger_that_is_not_there_is_made_only_when_asked(tmp_path, clock):
    """Reading commands do not make ledgers; a database of another kind is refused by name, without its password."""
    with pytest.raises(LedgerError, match="there is none"):
        opened(tmp_path, clock, create=False)
    with pytest.raises(LedgerError, match="only PostgreSQL and files") as told:
        open_ledger("mysql://u:secret@host/db", clock=clock)
    assert "secret" not in str(told.value)
    with pytest.raises(LedgerError, match="no folder"):
        open_ledger(tmp_path / "no" / "a.db", clock=clock)
    assert list(tmp_path.iterdir()) == []


def test_nothing_heavy_is_imported_before_a_ledger_is_opened():
    """Importing the ledger's names loads no database library."""
    code = "import sys, flowlaunch.batch.ledger as l; print({'sqlalchemy', 'alembic', 'sqlite3'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_statements_are_postgresql_too():
    """Tables, indexes and the statements of the inner loop compile for PostgreSQL as they are."""
    dialect = postgresql.dialect()
    for table in schema.metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=dialect))
        for index in table.indexes:
            assert "CREATE" in str(CreateIndex(index).compile(dialect=dialect))
    held = [one for module in (chunks, counts, outcomes, results, rows, workers) for one in vars(module).values()]
    prepared = [one for one in held if isinstance(one, PreparedStatement)]
    sets = [one for one in held if isinstance(one, SetStatement)]
    assert len(prepared) >= 3
    assert len(sets) >= 7
    for one in prepared:
        assert str(one._statement.compile(dialect=dialect, column_keys=one._columns)).startswith(("UPDATE", "INSERT"))
    for one in sets:
        assert "jsonb_array_elements(CAST(" in one.text(dialect)
    assert "SKIP LOCKED" in str(chunks._DUE.compile(dialect=dialect))
