"""The batch commands of other terminals: look, steer, settle, report, export, erase."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from batch_files import DIVIDER, FAST, FLOW, launched_orders, orders

from flowlaunch.cli.batch_panel import panel_of
from flowlaunch.cli.batch_standing import CauseCount, Standing
from flowlaunch.sandbox import DropAfterProcessing, DropBeforeReading, Status


@pytest.fixture
def ended_batch(at_sandbox, sandbox, tmp_path):
    """A batch of six rows of which one is in doubt, one refused and one rejected; tells its file."""
    sandbox.faults.script("executions.launch", 2, DropAfterProcessing())
    sandbox.faults.script("executions.launch", 3, Status(400, server_code="bad.request"))
    file = orders(tmp_path, 5, bad=1)
    at_sandbox("batch", "run", str(file), "--flow", FLOW, "--key", "orderId", *FAST, "--max-failed", "off",
               "--concurrency", "1")  # fmt: skip
    return str(file)


def wait_for(running, text):
    """Wait until the command has said something, and tell what it said when it never does."""
    said = []
    while not said or text not in said[-1]:
        said.append(running.line())
        assert said[-1], "".join(said)


def states_of(at_sandbox, file):
    return at_sandbox("batch", "status", file, "-o", "json").data["states"]


def test_status_tells_how_a_batch_stands(at_sandbox, ended_batch):
    """status has every state, the reasons and what to do next, and ends as the batch did; the ledger is named too."""
    ended = at_sandbox("batch", "status", ended_batch, "-o", "json")
    assert ended.code == 5
    assert ended.data["states"] == {"completed": 3, "refused": 1, "in_doubt": 1, "rejected": 1}
    assert {one["reason"] for one in ended.data["causes"]} == {"launch-in-doubt", "bad.request"}
    assert (ended.data["is_running"], ended.data["rows"], ended.data["to_launch"]) == (False, 6, 5)
    assert f"flowlaunch batch reconcile {ended_batch}" in ended.err
    assert at_sandbox("batch", "status", f"{ended_batch}.ledger", "-o", "json").data == ended.data


def test_a_ledger_that_is_not_there_is_told(command, tmp_path):
    """A name that is no ledger and has none beside it ends with 2 and says what to name."""
    for name in ("none.csv", str(orders(tmp_path))):
        ended = command("batch", "status", name)
        assert ended.code == 2
        assert "FILE.ledger" in ended.err


def test_a_batch_that_is_not_there_is_told(at_sandbox, ended_batch):
    """--batch with an id that the ledger lacks names those that it holds."""
    ended = at_sandbox("batch", "status", ended_batch, "--batch", "7")
    assert ended.code == 2
    assert "It holds 1." in ended.err


def test_watch_ends_when_nobody_runs_the_batch(at_sandbox, ended_batch):
    """watch of a batch that has ended prints one line, or one record, and ends as the batch did."""
    ended = at_sandbox("batch", "watch", ended_batch)
    assert ended.code == 5
    assert "5 of 5 rows" in ended.out
    record = json.loads(at_sandbox("batch", "watch", ended_batch, "-o", "jsonl").out)
    assert record["sent"] == 5


def test_a_doubt_is_settled_with_who_and_why(at_sandbox, sandbox, ended_batch):
    """reconcile shows the doubt, settles it as told, writes who decided, and the row is followed to its end."""
    [lost] = [one.execution_id for one in sandbox.launches() if one.inputs["Flow.orderId"] == "2"]
    shown = at_sandbox("batch", "reconcile", ended_batch, "--offline", "-o", "json")
    assert shown.code == 5
    assert [(row["key"], row["verdict"]) for row in shown.data] == [("2", "unknown")]
    settled = at_sandbox("batch", "reconcile", ended_batch, "--offline", "--launched", f"2={lost}", "--because", "seen")
    assert settled.code == 0
    assert "settled by you: 1" in settled.err
    again = at_sandbox("batch", "resume", ended_batch, "--run", "-o", "json")
    assert again.data["states"] == {"completed": 4, "refused": 1, "rejected": 1}
    assert launched_orders(sandbox) == [1, 2, 4, 5]
    at_sandbox("batch", "report", ended_batch)
    page = Path(f"{ended_batch}.html").read_text(encoding="utf-8")
    assert "row 2 was launched: seen (by " in page


def test_a_row_that_was_absent_is_launched_again(at_sandbox, sandbox, tmp_path):
    """After --absent all, the rows go out with the next run, once."""
    sandbox.faults.script("executions.launch", 1, DropBeforeReading())
    file = str(orders(tmp_path, 2))
    assert at_sandbox("batch", "run", file, "--flow", FLOW, *FAST).code == 5
    ended = at_sandbox("batch", "reconcile", file, "--offline", "--absent", "all")
    assert ended.code == 0
    assert "batch resume" in ended.err
    assert at_sandbox("batch", "resume", file, "--run").code == 0
    assert launched_orders(sandbox) == [1, 2]


def test_reconcile_asks_the_platform_first(at_sandbox, sandbox, ended_batch):
    """Without --offline the platform is asked for runs; what cannot be proved stays in doubt and is told why."""
    ended = at_sandbox("batch", "reconcile", ended_batch, "--dry-run", "-o", "json")
    assert ended.code == 5
    assert ended.data[0]["why"]
    assert states_of(at_sandbox, ended_batch)["in_doubt"] == 1


def test_a_decision_about_another_row_is_refused(at_sandbox, ended_batch):
    """A row that is not in doubt cannot be settled; nothing changes."""
    ended = at_sandbox("batch", "reconcile", ended_batch, "--offline", "--launched", "1")
    assert ended.code == 2
    assert "no row in doubt" in ended.err
    assert states_of(at_sandbox, ended_batch)["in_doubt"] == 1


def test_refused_rows_are_retried_and_rows_in_doubt_never(at_sandbox, sandbox, ended_batch):
    """retry makes new attempts of refused rows only, after a yes; the row in doubt is not touched."""
    assert at_sandbox("batch", "retry", ended_batch).code == 2
    ended = at_sandbox("batch", "retry", ended_batch, "--yes", "--run")
    assert ended.code == 5
    assert states_of(at_sandbox, ended_batch) == {"completed": 4, "in_doubt": 1, "rejected": 1}
    assert launched_orders(sandbox) == [1, 2, 3, 4, 5]


def test_only_the_rows_that_are_meant_are_retried(at_sandbox, sandbox, tmp_path):
    """retry by row, key or reason leaves the other failed rows alone."""
    sandbox.upload_flow(DIVIDER)
    file = tmp_path / "people.csv"
    file.write_text("number\n1\n2\n3\n", encoding="utf-8")
    arguments = ("--flow", "Divider", "--key", "number", "--set", "Flow.parts=0", *FAST, "--max-failed", "off")
    assert at_sandbox("batch", "run", str(file), *arguments).code == 3
    assert at_sandbox("batch", "retry", str(file), "--reason", "other", "--yes", "-o", "json").data["rows"] == 0
    assert at_sandbox("batch", "retry", str(file), "--key", "2", "--yes", "-o", "json").data["rows"] == 1
    assert states_of(at_sandbox, str(file)) == {"pending": 1, "failed": 2}


def test_controls_are_written_with_who_asked(at_sandbox, ended_batch):
    """pause, rate, concurrency and resume change what status shows, and default takes a rate back."""
    at_sandbox("batch", "pause", ended_batch, "--reason", "lunch")
    at_sandbox("batch", "rate", ended_batch, "120")
    at_sandbox("batch", "concurrency", ended_batch, "3")
    now = at_sandbox("batch", "status", ended_batch, "-o", "json").data
    assert (now["paused"], now["pause_reason"], now["rate_per_minute"], now["concurrency"]) == (True, "lunch", 120.0, 3)
    assert "@" in now["paused_by"]
    at_sandbox("batch", "resume", ended_batch)
    at_sandbox("batch", "rate", ended_batch, "default")
    now = at_sandbox("batch", "status", ended_batch, "-o", "json").data
    assert (now["paused"], now["rate_per_minute"]) == (False, None)
    assert at_sandbox("batch", "rate", ended_batch, "none").code == 2


def test_a_paused_batch_is_steered_from_another_terminal(at_sandbox, sandbox, started, tmp_path):
    """A running batch heeds pause and cancel from elsewhere; what was not sent is cancelled and never launched."""
    file = str(orders(tmp_path, 400))
    running = started("batch", "run", file, "--flow", FLOW, "--rate", "600", "--ramp", "off", "--interval", "0.2")
    wait_for(running, "started")
    at_sandbox("batch", "pause", file)
    wait_for(running, "PAUSED")
    seen = at_sandbox("batch", "status", file, "-o", "json").data
    assert (seen["is_running"], seen["paused"]) == (True, True)
    assert at_sandbox("batch", "cancel", file, "--yes").code == 0
    out, _ = running.process.communicate(timeout=120)
    assert running.process.returncode == 8
    states = states_of(at_sandbox, file)
    assert states["cancelled"] + states.get("completed", 0) == 400
    assert len(sandbox.launches()) == states.get("completed", 0)
    assert "cancelled" in out


def test_a_batch_that_was_interrupted_goes_on_from_its_ledger(at_sandbox, sandbox, started, tmp_path):
    """Ctrl-C ends a run in order with 130; resume --run launches the rest, each row once."""
    file = str(orders(tmp_path, 24))
    running = started("batch", "run", file, "--flow", FLOW, "--rate", "240", "--ramp", "off", "--interval", "0.2")
    wait_for(running, " of 24 rows")
    ended = running.interrupt()
    assert ended.code == 130
    assert "flowlaunch batch resume" in ended.err
    assert "Traceback" not in ended.err
    at_sandbox("batch", "rate", file, "60000")
    assert at_sandbox("batch", "resume", file, "--run").code == 0
    assert launched_orders(sandbox) == list(range(1, 25))


def test_a_batch_that_was_killed_is_not_called_running(at_sandbox, sandbox, started, tmp_path):
    """After kill -9 status says that nobody runs it, and going on launches no row twice."""
    file = str(orders(tmp_path, 24))
    running = started("batch", "run", file, "--flow", FLOW, "--rate", "240", "--ramp", "off", "--interval", "0.2")
    wait_for(running, " of 24 rows")
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait(timeout=60)
    seen = at_sandbox("batch", "status", file, "-o", "json")
    assert seen.data["is_running"] is False
    assert seen.code in {5, 8}
    at_sandbox("batch", "rate", file, "60000")
    at_sandbox("batch", "resume", file, "--run")
    sent = launched_orders(sandbox)
    assert len(sent) == len(set(sent))
    states = states_of(at_sandbox, file)
    assert states["completed"] + states.get("in_doubt", 0) == 24


def test_an_export_is_joined_to_the_file(at_sandbox, ended_batch, tmp_path):
    """export writes each row of the file with what became of it; --rejects only those to mend."""
    to = tmp_path / "results.csv"
    assert at_sandbox("batch", "export", ended_batch, "--to", str(to)).code == 0
    rows = list(csv.DictReader(io.StringIO(to.read_text(encoding="utf-8"))))
    assert [row["batch_state"] for row in rows] == [
        "completed",
        "in_doubt",
        "refused",
        "completed",
        "completed",
        "rejected",
    ]
    assert rows[0]["output.Flow.team"] == "orders"
    mend = at_sandbox("batch", "export", ended_batch, "--rejects", "--format", "ndjson")
    assert [json.loads(line)["result"]["state"] for line in mend.out.splitlines()] == ["refused", "rejected"]


def test_an_export_works_without_the_file(at_sandbox, ended_batch, tmp_path):
    """When the file of rows is gone the inputs come from the ledger, and that is said."""
    (tmp_path / "orders.csv").unlink()
    ended = at_sandbox("batch", "export", f"{ended_batch}.ledger")
    assert ended.code == 0
    assert "the inputs come from the ledger" in ended.err
    assert "Jane 1" in ended.out


def test_a_report_is_written_beside_the_batch(at_sandbox, ended_batch, tmp_path):
    """report writes a page and, when asked, the summary; standard output has the numbers."""
    summary = tmp_path / "summary.json"
    ended = at_sandbox(
        "batch", "report", ended_batch, "--summary", str(summary), "--timezone", "Europe/Berlin", "-o", "json"
    )
    assert ended.data["states"] == json.loads(summary.read_text("utf-8"))["states"]
    page = (tmp_path / "orders.csv.html").read_text("utf-8")
    assert "3 of 6 rows launched" in page
    assert "Europe/Berlin" in page
    assert at_sandbox("batch", "report", ended_batch, "--timezone", "Mars/Base").code == 2


def test_a_contact_is_forgotten(at_sandbox, ended_batch):
    """forget erases what the ledger knows of a key; the sums stay, the data is gone."""
    assert at_sandbox("batch", "forget", ended_batch, "--key", "1").code == 2
    ended = at_sandbox("batch", "forget", ended_batch, "--key", "1", "--yes", "-o", "json")
    assert [(one["erased"], one["what"]) for one in ended.data] == [(1, "rows")]
    left = at_sandbox("batch", "export", ended_batch, "--no-source")
    assert "Jane 1" not in left.out
    assert "Jane 4" in left.out
    assert states_of(at_sandbox, ended_batch)["completed"] == 3


def test_held_rows_go_out_when_somebody_vouches_for_them(at_sandbox, sandbox, tmp_path):
    """A row whose zone nobody knows is held; release lets it go, and the next run launches it."""
    file = tmp_path / "people.csv"
    file.write_text("orderId,customerName,zone\n1,Jane,Europe/Berlin\n2,Joe,Nowhere/Land\n", encoding="utf-8")
    arguments = ("--flow", FLOW, "--zone", "zone", "--window", "00:00-24:00", *FAST)
    assert at_sandbox("batch", "run", str(file), *arguments).code == 8
    assert states_of(at_sandbox, str(file)) == {"completed": 1, "held": 1}
    assert (
        at_sandbox("batch", "release", str(file), "--reason", "unknown-zone", "--yes", "-o", "json").data["rows"] == 1
    )
    assert at_sandbox("batch", "resume", str(file), "--run").code == 0
    assert launched_orders(sandbox) == [1, 2]


def test_the_live_view_names_what_matters():
    """The panel of watch shows progress, speed against the budget, the pause with its author, and errors by cause."""
    from rich.console import Console

    standing = Standing(
        batch_id=3, name="people.csv", flow="Reminder", flow_version="1.0", source="people.csv", is_running=True,
        running_by="process 1 on a", is_loaded=True, paused=True, pause_reason="lunch", paused_by="ada@desk",
        cancelled=False, budget_per_minute=300.0, rate_per_minute=120.0, concurrency=None, rows=1_100,
        to_launch=1_000, sent=250, states={"pending": 750, "failed": 10, "completed": 240, "held": 100},
        causes=(CauseCount(state="failed", reason="flow.[bold]error", rows=10),),
        waits=(CauseCount(state="held", reason="unknown-zone", rows=100),),
    )  # fmt: skip
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(panel_of(standing, 60.0, 750.0, ["10:00:00 refused: \x1b[31mred"]))
    text = console.export_text()
    for part in ("25.0 %", "250 of 1,000", "12 min 30 s to go", "budget 120 (50 % of it)", "PAUSED by ada@desk: lunch",
                 "flow.[bold]error", "unknown-zone", "10:00:00 refused: \\x1b[31mred"):  # fmt: skip
        assert part in text, part


def test_help_of_the_batch_commands_loads_nothing_heavy():
    """`batch --help` and the help of its commands load no database, no HTTP library and no table drawing."""
    program = (
        "import sys\nfrom flowlaunch.cli.app import run\nrun(sys.argv[1:])\n"
        "print('\\n' + ' '.join({name.partition('.')[0] for name in sys.modules}))"
    )
    heavy = {"sqlalchemy", "aiohttp", "urllib3", "rich", "phonenumbers", "asyncio", "alembic", "openpyxl"}
    for arguments in (["batch", "--help"], ["batch", "run", "--help"], ["batch", "watch", "--help"]):
        ended = subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True, timeout=60
        )
        assert not heavy & set(ended.stdout.splitlines()[-1].split()), arguments
