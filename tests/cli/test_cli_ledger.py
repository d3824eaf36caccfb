"""`flowlaunch ledger`: a ledger looked at, moved to PostgreSQL, upgraded, and a role for those who work on it."""

from __future__ import annotations

import json

import pytest

from flowlaunch.batch.decisions import Decision, Prepared, RowPlan
from flowlaunch.batch.ledger import BatchSpec, crew, open_ledger
from flowlaunch.cli.app import run


def called(capsys, *arguments):
    """Run a command in this process; return its exit code, its data and its talk."""
    code = run([*map(str, arguments)])
    told = capsys.readouterr()
    return code, told.out, told.err


def password_of(url):
    """The part of a URL that is for nobody's eyes, with its colon."""
    return ":" + url.split(":")[2].split("@")[0]


def row_plan():
    """One row that may be launched."""
    row = Prepared(row_number=1, line=2, key="k", token="t", input_data={})
    return RowPlan(row_number=1, line=2, decision=Decision(kind="launch", reason="ready"), prepared=row)


@pytest.fixture
def ledger_file(tmp_path):
    path = tmp_path / "people.csv.ledger"
    with open_ledger(path) as ledger:
        ledger.create_batch(BatchSpec(source="people.csv", flow_id="f"))
    return path


def test_a_file_is_described(capsys, ledger_file):
    """`info` tells the database, the version, batches, rows, workers and size, for a file by its rows' name too."""
    code, out, _ = called(capsys, "ledger", "info", ledger_file.with_suffix(""), "-o", "json")

    found = json.loads(out)
    assert code == 0
    assert found["place"] == str(ledger_file)
    assert found["database"].startswith("SQLite 3.")
    assert (found["batches"], found["rows"], found["workers"]) == (1, 0, 0)


def test_a_ledger_is_moved_and_described_there(capsys, ledger_file, postgres_url):
    """`copy` shows each table with its hash and says how to go on; the file is refused until it is used again."""
    code, out, err = called(capsys, "ledger", "copy", ledger_file, postgres_url, "-o", "json")
    assert code == 0, err
    assert {one["table"]: one["rows"] for one in json.loads(out)}["batches"] == 1
    assert "batches: 1 rows are equal" in err
    assert f"batch resume {postgres_url.replace(password_of(postgres_url), '')} --run" in err

    code, out, _ = called(capsys, "ledger", "info", postgres_url, "-o", "json")
    found = json.loads(out)
    assert found["database"].startswith("PostgreSQL ")
    assert abs(found["clock_off_s"]) < 5
    assert postgres_url.split(":")[2].split("@")[0] not in out

    code, _, err = called(capsys, "batch", "status", ledger_file)
    assert code == 1
    assert "it was moved to postgresql://" in err
    code, out, _ = called(capsys, "ledger", "info", ledger_file, "-o", "json")
    assert json.loads(out)["moved_to"].startswith("postgresql://owner:***@")
    code, _, err = called(capsys, "ledger", "info", ledger_file, "--use-again")
    assert (code, "--yes" in err) == (2, True) or code != 0
    code, _, _ = called(capsys, "ledger", "info", ledger_file, "--use-again", "--yes")
    assert code == 0
    assert called(capsys, "batch", "status", ledger_file)[0] == 0


def test_a_ledger_that_was_moved_and_worked_on_is_not_called_a_defect(capsys, ledger_file, postgres_url):
    """To give the command of a move again after the batch went on there is told as what it is, and changes nothing."""
    assert called(capsys, "ledger", "copy", ledger_file, postgres_url)[0] == 0
    assert called(capsys, "ledger", "copy", ledger_file, postgres_url)[0] == 0
    assert called(capsys, "batch", "pause", postgres_url)[0] == 0
    code, _, err = called(capsys, "ledger", "copy", ledger_file, postgres_url)
    assert code == 1
    assert "it is there already, and has changed since" in err
    assert "Go on there" in err
    assert "defect" not in err


def test_what_was_not_moved_is_not_used_again(capsys, ledger_file, postgres_ledger_url):
    """`info --use-again` of a ledger that was not moved is an error, before anything is asked."""
    for place in (ledger_file, postgres_ledger_url):
        code, _, err = called(capsys, "ledger", "info", place, "--use-again")
        assert code == 2
        assert "it was not moved" in err


def test_workers_are_counted_as_processes(capsys, postgres_ledger_url):
    """`info` counts each live `worker run` once, however many batches it has in hand, and no silent one."""
    with open_ledger(postgres_ledger_url) as ledger:
        for _ in range(2):
            batch_id = ledger.create_batch(BatchSpec(source="people.csv", flow_id="f"))
            ledger.start_work(batch_id, shared=True)
        now_us = ledger.store.now_us()
        worker = crew.Process(process_id="aa", host="mill", pid=1, started_us=now_us, heartbeat_us=now_us)
        crew.join(ledger.store, worker)
        _, out, _ = called(capsys, "ledger", "info", postgres_ledger_url, "-o", "json")
    assert json.loads(out)["workers"] == 1


def test_a_database_is_made_into_a_ledger(capsys, postgres_url):
    """`upgrade` makes the tables, and the second time there is nothing to do."""
    code, out, err = called(capsys, "ledger", "upgrade", postgres_url, "-o", "json")
    assert (code, json.loads(out)["before"]) == (0, 0), err
    code, out, err = called(capsys, "ledger", "upgrade", postgres_url, "-o", "json")
    assert json.loads(out)["before"] == json.loads(out)["after"]
    assert "up to date" in err


def test_a_role_is_printed_or_made(capsys, postgres_ledger_url, postgres_server):
    """`role` prints statements to read first; with --create they are run."""
    code, out, _ = called(capsys, "ledger", "role", postgres_ledger_url, "printed")
    assert code == 0
    assert out.splitlines()[0].startswith('CREATE ROLE "printed" LOGIN NOSUPERUSER')
    assert 'DELETE ON "flowlaunch"."rows"' not in out
    assert not postgres_server.admin("SELECT 1 FROM pg_roles WHERE rolname = 'printed'")
    code, _, err = called(capsys, "ledger", "role", postgres_ledger_url, "made_by_cli", "--create", "--prunes")
    try:
        assert code == 0, err
        assert postgres_server.admin("SELECT 1 FROM pg_roles WHERE rolname = 'made_by_cli'")
        assert "the role made_by_cli was made" in err
        password = password_of(postgres_ledger_url)
        assert f"psql {postgres_ledger_url.replace(password, '')} -c '\\password made_by_cli'" in err
        _, _, err = called(capsys, "ledger", "role", postgres_ledger_url, "made_by_cli", "--create")
        assert "the role made_by_cli has the rights of this version; its password is as it was" in err
    finally:
        database = postgres_ledger_url.rpartition("/")[2]
        postgres_server.admin("DROP OWNED BY made_by_cli", database)
        postgres_server.admin("DROP ROLE made_by_cli")


def test_the_owner_of_the_tables_is_no_role_of_few_rights(capsys, postgres_ledger_url):
    """`role` for the owner is refused: it could change and empty every table, whatever was granted."""
    code, _, err = called(capsys, "ledger", "role", postgres_ledger_url, "owner", "--create")
    assert code == 1
    assert "owner owns its tables" in err


def test_the_batches_of_a_ledger_are_listed_by_their_numbers(capsys, postgres_ledger_url):
    """`batches` names each batch by the number that --batch takes, newest first, and how it stands."""
    with open_ledger(postgres_ledger_url) as ledger:
        for name in ("first.csv", "second.csv", "third.csv"):
            ledger.create_batch(BatchSpec(source=name, flow_id="f"))
        ledger.add_rows(2, [row_plan()])
        for batch_id in (1, 2):
            ledger.finish_loading(batch_id)
    code, out, err = called(capsys, "ledger", "batches", postgres_ledger_url, "--limit", 2, "-o", "json")
    assert code == 0, err
    assert [(one["batch_id"], one["name"], one["state"]) for one in json.loads(out)] == [
        (3, "third.csv", "loading"),
        (2, "second.csv", "waiting"),
    ]
    assert "2 of 3 batches" in err
    _, out, _ = called(capsys, "ledger", "batches", postgres_ledger_url, "-o", "json")
    assert json.loads(out)[-1] == {
        "state": "ended", "batch_id": 1, "name": "first.csv", "flow": "f", "rows": 0, "sent": 0, "to_launch": 0,
        "running_by": "",
    }  # fmt: skip
