"""What the batch commands say: forecasts, rules, progress, mistakes in the command line."""

from __future__ import annotations

from datetime import UTC, datetime

import click
import pytest

from flowlaunch.batch import BatchJob, RunEvent
from flowlaunch.batch.decisions import Decision, RowPlan
from flowlaunch.batch.ledger.shapes import EventRecord
from flowlaunch.batch.report.happenings import happening
from flowlaunch.batch.report.words import next_steps, numbers_text
from flowlaunch.batch.states import RowState
from flowlaunch.cli.batch_foresight import Foresight
from flowlaunch.cli.batch_progress import listening, progress_text
from flowlaunch.cli.batch_rules import RULE_OPTIONS, rules_of
from flowlaunch.cli.ledgers import default_ledger
from flowlaunch.cli.session import Session
from flowlaunch.errors import SettingsError

AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def rules(*arguments):
    """Read the options of the rules as the command line does."""

    @click.command()
    @click.option("--country", "default_region")
    @click.pass_context
    def command(ctx, **wanted):
        ctx.obj["found"] = rules_of(wanted)

    for option in RULE_OPTIONS:
        command = option(command)
    found: dict = {}
    command.main(list(arguments), obj=found, standalone_mode=False)
    return found["found"]


def test_rules_are_read_from_the_command_line(tmp_path):
    """Limits, attempts, sample and windows become rules, and a resume knows them by the same text."""
    made, text = rules("--limit", "10", "--attempts", "3/7d", "--sample", "5%", "--window", "mon-fri 09:00-20:00",
                       "--holiday", "12-24=closed", "--country", "de")  # fmt: skip
    assert (made.config.limit, made.config.sample, made.config.attempts.period_s) == (10, 0.05, 604_800)
    assert made.windows is not None
    assert '"default_region":"DE"' in text
    assert rules("--limit", "10")[1] == rules("--limit", "10")[1]
    assert rules("--limit", "10")[1] != rules("--limit", "11")[1]


@pytest.mark.parametrize("arguments", [("--holiday", "christmas"), ("--sample", "150%"), ("--attempts", "often")])
def test_rules_that_mean_nothing_are_refused(arguments):
    """A rule that cannot be read names its option."""
    extra = ("--window", "09:00-20:00") if arguments[0] == "--holiday" else ()
    with pytest.raises(click.BadParameter) as told:
        rules(*arguments, *extra)
    assert told.value.param_hint == arguments[0]


def told(job, decisions):
    foresight = Foresight(job)
    for number, decision in enumerate(decisions, 1):
        foresight.add(RowPlan(row_number=number, line=number + 1, decision=decision))
    return " ".join(foresight.lines(foresight.forecast()))


def test_a_forecast_is_told_in_words():
    """The end by the budget, no budget, and nothing to do each have their sentence."""
    ready = Decision(kind="launch", reason="ready")
    job = {"source": "a.csv", "flow": "F"}
    assert "10 min" in told(BatchJob(**job, pace_per_minute=60), [ready] * 600)
    assert "as fast as the service takes them" in told(BatchJob(**job, pace_per_minute=None), [ready])
    assert "nothing would be launched" in told(BatchJob(**job), [Decision(kind="skip", reason="over-limit")])


def test_rows_that_will_be_late_are_told():
    """Rows whose time runs out before their turn are counted and named by their lines."""
    now_us = round(datetime.now(UTC).timestamp() * 1e6)
    short = Decision(kind="launch", reason="ready", not_after_us=now_us + 120_000_000)
    assert "will miss their last window or time" in told(
        BatchJob(source="a.csv", flow="F", pace_per_minute=1), [short] * 50
    )


def test_progress_is_one_line():
    """A line of progress has what left, speed against budget, outcomes, what it waits for, and no false promise."""
    counts = {"pending": 700, "launched": 50, "completed": 240, "failed": 10, "held": 5, "rejected": 3}
    fields = {"counts": counts, "launched_per_minute": 120.4, "budget_per_minute": 300, "eta_s": 350}
    assert progress_text(fields | {"waiting_for": "pace"}) == (
        "300 of 1,000 rows, 120 a minute of 300, 240 completed, 10 failed, 5 min 50 s to go"
    )
    assert progress_text(fields | {"waiting_for": "window"}).endswith("10 failed, waiting for calling windows")


def test_events_that_come_by_the_thousand_are_told_once(capsys):
    """Off a terminal the first refusal is told and further ones are counted only; progress comes per interval."""
    with listening(Session(), interval_s=10) as tell:
        for second in range(25):
            at = AT.replace(second=second)
            tell(RunEvent(kind="refused", at=at, message="no"))
            tell(RunEvent(kind="progress", at=at, fields={"counts": {"pending": 1}}))
        tell(RunEvent(kind="finished", at=AT))
    lines = capsys.readouterr().err.splitlines()
    assert sum("refused" in line for line in lines) == 1
    assert sum("0 of 1 rows" in line for line in lines) == 3
    assert lines[-1].endswith("finished")


def test_quiet_tells_nothing(capsys):
    """With --quiet a run says nothing but its data."""
    with listening(Session(quiet=True), interval_s=1) as tell:
        tell(RunEvent(kind="finished", at=AT))
    assert capsys.readouterr().err == ""


def test_one_row_is_told_in_the_singular():
    """A single row has its verb, many have theirs, and every step names the ledger."""
    [(one, command)] = next_steps({RowState.PENDING: 1}, "a.ledger")
    assert one.startswith("1 row was not sent")
    assert command == "flowlaunch batch resume a.ledger --run"
    [(many, _)] = next_steps({RowState.HELD: 1_200}, "a.ledger")
    assert many.startswith("1,200 rows are held")
    assert numbers_text({"completed": 1, "skipped": 2}) == "1 of 3 rows launched, 1 completed, 2 skipped by a rule."


@pytest.mark.parametrize(
    ("kind", "facts", "words"),
    [
        ("controls-changed", {"paused": True, "pause_reason": "lunch", "by": "ada"}, ("paused", "lunch (by ada)")),
        ("controls-changed", {"paused": False, "pause_reason": "", "by": "ada"}, ("resumed", "(by ada)")),
        ("controls-changed", {"rate_per_minute": 120.0, "by": "ada"}, ("changed", "rate 120 a minute (by ada)")),
        ("controls-changed", {"rate_per_minute": None}, ("changed", "rate as at the beginning")),
        ("controls-changed", {"concurrency": 4}, ("changed", "4 launches in flight")),
        ("controls-changed", {"cancelled": True, "by": "ada"}, ("cancelled", "(by ada)")),
        ("taken-over", {"pid": 7, "host": "a"}, ("taken over", "the runner before, process 7 on a, had died")),
        ("rows-abandoned", {"in_doubt": 1}, ("in doubt", "1 row in flight when the runner died")),
        ("rows-retried", {"rows": 12, "by": "ada"}, ("retry", "12 rows get another attempt (by ada)")),
        ("outage", {"message": "gone"}, ("outage", "gone")),
        ("pushed-back", {}, ("pushed back", "the service refused for now (429); everybody on this OAuth client waits")),
        ("something-new", {"size": 3}, ("something new", "size 3")),
    ],
)
def test_every_happening_has_words(kind, facts, words):
    """The report tells who asked for what, and an event that nobody has words for by its facts."""
    assert happening(EventRecord(event_id=1, batch_id=1, at_us=1, kind=kind, facts=facts)) == words


def test_a_ledger_lies_beside_its_file():
    """FILE.ledger is the place, and sources without a place beside them need one."""
    assert str(default_ledger("a/people.csv")) == "a/people.csv.ledger"
    for source in ("-", "postgresql://db/crm"):
        with pytest.raises(SettingsError, match="where should the ledger"):
            default_ledger(source)


def test_a_mistyped_batch_command_names_the_likely_one(command):
    """`flowlaunch batch recncile` ends with 2 and names reconcile."""
    ended = command("batch", "recncile")
    assert ended.code == 2
    assert "there is no command batch 'recncile'; did you mean reconcile?" in ended.err
