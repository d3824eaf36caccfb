"""What commands say of a ledger that many share: commands that can be pasted, and mean the batch they speak of."""

import pytest

from flowlaunch.batch.events import event_at
from flowlaunch.batch.ledger import BatchSpec, crew, handovers, open_ledger
from flowlaunch.batch.ledger.crew import Client
from flowlaunch.batch.work import BatchOutcome
from flowlaunch.batch.workers.handing import PASSED_ON
from flowlaunch.cli.app import run
from flowlaunch.cli.batch_going import tell_outcome
from flowlaunch.cli.batch_standing import running_by
from flowlaunch.cli.ledgers import spelt


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("postgresql://anna:s3cret@db.example.com/batches", "postgresql://anna@db.example.com/batches"),
        ("postgresql://anna:p@ss@db.example.com/batches", "postgresql://anna@db.example.com/batches"),
        ("postgresql://anna@db/batches?sslmode=verify-full", "'postgresql://anna@db/batches?sslmode=verify-full'"),
        ("postgresql://db/batches?user=anna&password=s3cret", "'postgresql://db/batches?user=anna'"),
        ("postgresql://db/batches?password=s3cret&user=anna", "'postgresql://db/batches?user=anna'"),
        ("postgresql://db/batches?sslpassword=s3cret&user=anna", "'postgresql://db/batches?user=anna'"),
        ("postgresql://db/batches?PassWord=s3cret", "postgresql://db/batches"),
        ("my people.csv", "'my people.csv'"),
    ],
)
def test_a_ledger_in_a_command_to_paste_has_its_user_and_no_password(target, shown):
    """The command works as it stands where the password comes from ~/.pgpass or PGPASSWORD."""
    assert spelt(target) == shown


def test_a_command_to_paste_names_the_batch_where_others_may_begin_a_newer_one():
    """Of a database the newest batch may be somebody else's; of a file the batch is named if it was asked for."""
    assert spelt("postgresql://anna@db/batches", chosen=4) == "postgresql://anna@db/batches --batch 4"
    assert spelt("people.csv", chosen=4) == "people.csv"
    assert spelt("people.csv", 4, chosen=4) == "people.csv --batch 4"


def test_a_paused_batch_is_resumed_by_the_command_that_pause_prints(capsys, postgres_ledger_url):
    """`batch pause --batch 1` names batch 1 in the command to go on with, although batch 2 is the newest."""
    with open_ledger(postgres_ledger_url) as ledger:
        for _ in range(2):
            ledger.create_batch(BatchSpec(source="people.csv", flow_id="f"))
    assert run(["batch", "pause", postgres_ledger_url, "--batch", "1"]) == 0
    assert capsys.readouterr().err.rstrip().endswith(" --batch 1")


class Ear:
    """Hears what a command says."""

    def __init__(self):
        self.said = []

    def talk(self, text):
        self.said.append(text)


def test_who_stops_looking_on_is_not_told_that_rows_are_in_doubt():
    """The workers go on, so neither rows in flight nor rows that wait want anything of anybody."""
    ear = Ear()
    outcome = BatchOutcome(
        batch_id=7, ended="left", reason="asked to stop", counts={"launching": 5, "pending": 90, "launched": 5},
        launched=5, elapsed_s=1.0,
    )  # fmt: skip
    tell_outcome(ear, outcome, "postgresql://anna@db/batches")
    said = "\n".join(ear.said)
    assert "the workers go on" in said
    assert "in doubt" not in said
    assert "batch resume" not in said


def test_a_worker_that_drains_is_not_told_as_the_end_of_the_batch():
    """Who looks on does not hear `stopping` of one worker: the others go on."""
    assert event_at("stopping", 0).kind not in PASSED_ON


def test_rows_asked_for_again_are_the_workers_when_they_have_the_batch(postgres_ledger_url):
    """A batch that was handed over and ended is run by the workers there, as soon as rows are pending again."""
    with open_ledger(postgres_ledger_url) as ledger:
        batch_id = ledger.create_batch(BatchSpec(source="people.csv", flow_id="f"))
        handovers.give(ledger.store, batch_id, client_key="key", profile="")
        handovers.end(ledger.store, batch_id)
        assert running_by(ledger, batch_id, goes_on=True) == ""
        now_us = ledger.store.now_us()
        worker = crew.Process(
            process_id="aa", host="mill", pid=1, started_us=now_us, heartbeat_us=now_us,
            clients=(Client(profile="", client_key="key"),),
        )  # fmt: skip
        crew.join(ledger.store, worker)
        assert running_by(ledger, batch_id) == ""
        assert running_by(ledger, batch_id, goes_on=True) == "1 worker"
