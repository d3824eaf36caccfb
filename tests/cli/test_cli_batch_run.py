"""`batch plan` and `batch run`: what would happen, what happens, and how it ends."""

from __future__ import annotations

import json
import sqlite3

import pytest
from batch_files import DIVIDER, FAST, FLOW, LOOKUP, launched_orders, orders

from flowlaunch.batch import BatchJob
from flowlaunch.batch.work import BatchOutcome
from flowlaunch.cli.batch_going import exit_of
from flowlaunch.cli.batch_standing import Pulse
from flowlaunch.errors import AuthenticationError, NotSentError
from flowlaunch.sandbox import DropAfterProcessing, Status


def test_a_plan_sends_nothing_and_says_what_would_happen(at_sandbox, sandbox, tmp_path):
    """plan shows decisions, the first launches and rows to mend; the sandbox sees no launch and no ledger is made."""
    file = orders(tmp_path, 6, bad=1)
    ended = at_sandbox("batch", "plan", str(file), "--flow", FLOW, "--key", "orderId", "--limit", "4")
    assert ended.code == 0
    for part in ("4 would be launched", "over-limit", "ragged-row", "Flow.orderId", "line 8"):
        assert part in ended.out, part
    assert "nothing was sent" in ended.err
    assert sandbox.launches() == []
    assert list(tmp_path.glob("*.ledger")) == []


def test_a_plan_for_machines_is_one_document(at_sandbox, tmp_path):
    """plan -o json has counts, reasons with their meaning, previews and the forecast."""
    ended = at_sandbox("batch", "plan", str(orders(tmp_path)), "--flow", FLOW, "--rate", "60", "-o", "json")
    assert ended.data["counts"] == {"launch": 6}
    assert ended.data["reasons"][0]["reason"] == "ready"
    assert ended.data["previews"][0]["input_data"] == {"Flow.orderId": "1", "Flow.customerName": "Jane 1"}
    assert ended.data["forecast"]["launches"] == 6
    assert ended.data["forecast"]["finish_at"].endswith("Z")


def test_a_plan_writes_the_rows_to_mend(at_sandbox, tmp_path):
    """plan --rejects writes rejected rows with what is wrong with them."""
    mend = tmp_path / "mend.csv"
    ended = at_sandbox("batch", "plan", str(orders(tmp_path, 2, bad=2)), "--flow", FLOW, "--rejects", str(mend))
    assert "wrote 2 rejected and held rows" in ended.err
    head, *lines = mend.read_text("utf-8").splitlines()
    assert head.startswith("orderId,customerName,reject_line,reject_kind,reject_reason")
    assert [line.split(",")[2:5] for line in lines] == [["4", "reject", "ragged-row"], ["5", "reject", "ragged-row"]]


def test_a_plan_without_any_launch_ends_with_7(at_sandbox, tmp_path):
    """plan ends as rejected input does when no row could be launched."""
    assert at_sandbox("batch", "plan", str(orders(tmp_path, 0, bad=2)), "--flow", FLOW).code == 7


def test_a_run_launches_every_row_once_and_running_again_none(at_sandbox, sandbox, tmp_path):
    """run launches each row, follows it to its end and ends with 0; the same command again launches nothing."""
    arguments = ("batch", "run", str(orders(tmp_path)), "--flow", FLOW, "--key", "orderId", *FAST)
    first, second = at_sandbox(*arguments, "-o", "json"), at_sandbox(*arguments, "-o", "json")
    assert (first.code, second.code) == (0, 0)
    assert first.data["states"] == second.data["states"] == {"completed": 6}
    assert (first.data["launched"], second.data["launched"]) == (6, 0)
    assert launched_orders(sandbox) == [1, 2, 3, 4, 5, 6]
    assert (tmp_path / "orders.csv.ledger").exists()


def test_a_run_for_machines_tells_every_event(at_sandbox, tmp_path):
    """run -o jsonl prints events with kind and time, then how it ended."""
    ended = at_sandbox("batch", "run", str(orders(tmp_path)), "--flow", FLOW, *FAST, "-o", "jsonl")
    *events, last = [json.loads(line) for line in ended.out.splitlines()]
    kinds = [event["kind"] for event in events]
    assert {"created", "loaded", "started", "finished"} <= set(kinds)
    assert all(event["at"].endswith("Z") for event in events)
    assert last["ended"] == "finished"


def test_many_rows_need_a_yes(at_sandbox, sandbox, tmp_path):
    """Off a terminal, more rows than --confirm-above are launched only with --yes; without it nothing is sent."""
    file = orders(tmp_path)
    ended = at_sandbox("batch", "run", str(file), "--flow", FLOW, *FAST, "--confirm-above", "5")
    assert ended.code == 2
    assert "6 rows would be launched" in ended.err
    assert "--yes" in ended.err
    assert sandbox.launches() == []
    assert at_sandbox("batch", "run", str(file), "--flow", FLOW, *FAST, "--confirm-above", "5", "--yes").code == 0
    assert len(sandbox.launches()) == 6


def test_rows_that_were_not_launched_end_with_8(at_sandbox, tmp_path):
    """A batch with a rejected row ends with 8 and names the command that exports it."""
    ended = at_sandbox("batch", "run", str(orders(tmp_path, 3, bad=1)), "--flow", FLOW, *FAST)
    assert ended.code == 8
    assert "batch export" in ended.err
    assert "--rejects" in ended.err


def test_failed_flows_end_with_3(at_sandbox, sandbox, tmp_path):
    """A batch whose flows failed ends with 3."""
    file = tmp_path / "people.csv"
    file.write_text("number\nseven\n", encoding="utf-8")
    sandbox.upload_flow(DIVIDER)
    ended = at_sandbox(
        "batch", "run", str(file), "--flow", "Divider", *FAST, "--max-failed", "off", "--set", "Flow.parts=0"
    )
    assert ended.code == 3
    assert "batch retry" in ended.err


def test_a_lost_answer_ends_with_5_and_is_not_sent_again(at_sandbox, sandbox, tmp_path):
    """A row whose answer was lost is in doubt: 5, one launch at the sandbox, and none more when run again."""
    sandbox.faults.next("executions.launch", DropAfterProcessing())
    arguments = ("batch", "run", str(orders(tmp_path, 3)), "--flow", FLOW, *FAST)
    first, second = at_sandbox(*arguments), at_sandbox(*arguments)
    assert (first.code, second.code) == (5, 5)
    assert launched_orders(sandbox) == [1, 2, 3]
    assert "batch reconcile" in first.err


def test_a_refused_row_is_told_and_counted(at_sandbox, sandbox, tmp_path):
    """A launch that the platform refuses for good is not repeated; the others go on and the end is 8."""
    sandbox.faults.next("executions.launch", Status(400, server_code="bad.request"))
    ended = at_sandbox(
        "batch", "run", str(orders(tmp_path, 3)), "--flow", FLOW, *FAST, "--max-failed", "off", "-o", "json"
    )
    assert ended.code == 8
    assert ended.data["states"] == {"completed": 2, "refused": 1}


def test_a_changed_file_is_not_resumed(at_sandbox, sandbox, tmp_path):
    """When the file changed since, run refuses, says so and sends nothing."""
    file = orders(tmp_path, 2)
    at_sandbox("batch", "run", str(file), "--flow", FLOW, *FAST)
    orders(tmp_path, 4)
    ended = at_sandbox("batch", "run", str(file), "--flow", FLOW, *FAST)
    assert ended.code != 0
    assert "error[ledger-mismatch]" in ended.err
    assert len(sandbox.launches()) == 2


def test_rows_from_standard_input_need_a_ledger(at_sandbox):
    """Without --ledger there is no place beside standard input, and run says so."""
    ended = at_sandbox("batch", "run", "-", "--flow", FLOW)
    assert "--ledger" in ended.err or "ledger" in ended.err
    assert ended.code in {2, 7}


@pytest.mark.parametrize(
    ("option", "value"),
    [("--rate", "fast"), ("--rate", "-1"), ("--max-in-doubt", "few"), ("--sample", "0"), ("--attempts", "3"),
     ("--window", "noonish"), ("--map", "Flow.x"), ("--max-failed", "lots")],
)  # fmt: skip
def test_a_wrong_option_is_told_before_anything_is_sent(at_sandbox, sandbox, tmp_path, option, value):
    """A value that an option does not take ends with 2 or 7, names it, and nothing is sent."""
    ended = at_sandbox("batch", "run", str(orders(tmp_path)), "--flow", FLOW, option, value)
    assert ended.code in {2, 7}
    assert value in ended.err
    assert "internal" not in ended.err
    assert sandbox.launches() == []


def test_do_not_contact_and_duplicates_are_passed_over(at_sandbox, sandbox, tmp_path):
    """Keys on a do-not-contact file and repeated keys are skipped, and skipping is no failure."""
    file, stop = tmp_path / "people.csv", tmp_path / "stop.txt"
    file.write_text("customerId\nC-7\nC-8\nC-7\nC-9\n", encoding="utf-8")
    stop.write_text("key\nC-9\n", encoding="utf-8")
    ended = at_sandbox(
        "batch", "run", str(file), "--flow", LOOKUP, "--key", "customerId", "--dnc", str(stop), *FAST, "-o", "json"
    )
    assert ended.code == 0, ended.err
    assert ended.data["states"] == {"completed": 2, "skipped": 2}
    assert sorted(one.inputs["Flow.customerId"] for one in sandbox.launches()) == ["C-7", "C-8"]


@pytest.mark.parametrize(
    ("states", "ended", "error", "code"),
    [
        ({"completed": 3}, "finished", None, 0),
        ({"completed": 3, "skipped": 2}, "finished", None, 0),
        ({"launched": 3}, "finished", None, 0),
        ({"failed": 1}, "finished", None, 3),
        ({"failed": 1, "held": 1}, "finished", None, 8),
        ({"pending": 4, "completed": 1}, "paused", None, 8),
        ({"cancelled": 4}, "cancelled", None, 8),
        ({"pending": 4}, "stopped", None, 130),
        ({"pending": 4}, "stopped", AuthenticationError("no", operation="token", status=401), 4),
        ({"pending": 4}, "stopped", NotSentError("offline"), 1),
        ({"in_doubt": 1, "pending": 4}, "stopped", None, 5),
        ({"in_doubt": 1, "failed": 4}, "finished", None, 5),
    ],
)
def test_the_gravest_thing_decides_the_exit_code(states, ended, error, code):
    """Doubt comes first, then what stopped the batch, then rows not launched, then failed flows."""
    assert exit_of(BatchOutcome(batch_id=1, ended=ended, error=error, counts=states)) == code


def test_the_pulse_of_a_batch_is_measured_over_the_last_moments():
    """Speed is what left lately; a retry, which takes rows back, does not make it negative."""
    pulse = Pulse(window_s=10)
    assert pulse.per_minute() is None
    for second in range(30):
        pulse.add(second, second * (5 if second < 15 else 1) + (0 if second < 15 else 60))
    assert pulse.per_minute() == pytest.approx(60)
    assert pulse.eta_s(90) == pytest.approx(90)
    pulse.add(30, 3)
    assert pulse.per_minute() is None


def test_the_password_of_a_database_is_not_recorded():
    """The source of a batch goes into ledger and report; a database's URL goes there without user and password."""
    job = BatchJob(source="postgresql://ada:hunter2@db.example/crm", flow=FLOW, ledger="crm.ledger")
    assert job.source_name == "postgresql://***@db.example/crm"


def test_rows_of_a_query_are_launched(at_sandbox, sandbox, tmp_path):
    """--sql takes the records of a query as rows; the ledger has a place of its own."""
    with sqlite3.connect(tmp_path / "crm.db") as database:
        database.execute("create table orders (orderId text, customerName text)")
        database.executemany("insert into orders values (?, ?)", [("1", "Ada"), ("2", "Grace")])
    database.close()
    ended = at_sandbox(
        "batch", "run", f"sqlite:///{tmp_path / 'crm.db'}", "--sql", "select * from orders order by orderId",
        "--flow", FLOW, "--ledger", str(tmp_path / "crm.ledger"), *FAST,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert launched_orders(sandbox) == [1, 2]
    assert "Grace" in at_sandbox("batch", "export", str(tmp_path / "crm.ledger")).out
