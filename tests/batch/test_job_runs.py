"""A batch as a Python program runs it: from a file to results, again, changed, confirmed, private."""

import asyncio
import os
import signal
import sqlite3
import threading

import pytest

from flowlaunch.batch import BatchHandle, BatchJob, Stop, plan_batch_sync, resume_batch_sync, run_batch, run_batch_sync
from flowlaunch.batch.ledger import RowFilter
from flowlaunch.batch.mapping import MappingSpec
from flowlaunch.batch.mapping.spec import RowColumns
from flowlaunch.batch.rows import ReadOptions
from flowlaunch.batch.states import RowState
from flowlaunch.errors import InputError, LedgerError, LedgerMismatchError
from flowlaunch.sandbox import Delay, Sandbox, Status
from flowlaunch.settings import load_settings

GENERIC = "f0000000-0000-4000-8000-000000000001"
LAUNCH = "executions.launch"


@pytest.fixture(scope="module")
def service():
    with Sandbox(rate_per_minute=None) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(service):
    service.reset()
    return service


@pytest.fixture
def people(tmp_path):
    """A file of five people, the last of them twice."""
    path = tmp_path / "people.csv"
    path.write_text("customerName,orderId\nAda,001\nBob,002\nCy,003\nDi,004\nDi,004\n", encoding="utf-8")
    return path


@pytest.fixture
def job_of(sandbox, people):
    settings = load_settings({"region": sandbox.url, "client_id": "demo", "client_secret": "demo-secret"})

    def make(**options):
        given = {"source": people, "flow": "Order follow-up", "settings": settings, "pace_per_minute": None, "ramp": (),
                 "mapping": MappingSpec(row=RowColumns(key="orderId"))}  # fmt: skip
        return BatchJob(**{**given, **options})

    return make


def orders(sandbox):
    return sorted(one.inputs["Flow.orderId"] for one in sandbox.launches())


def test_a_file_is_launched_row_by_row_to_its_results(sandbox, job_of, people):
    """Each key of the file runs once, cells stay text, and the ledger lies beside the file with every result."""
    outcome = run_batch_sync(job_of())

    assert (outcome.ended, outcome.counts) == ("finished", {"completed": 4, "skipped": 1})
    assert orders(sandbox) == ["001", "002", "003", "004"]
    with BatchHandle(f"{people}.ledger") as batch:
        assert batch.status().reasons["skipped", "duplicate-in-file"] == 1
        assert all(row.outputs for row in batch.rows(RowFilter(states=(RowState.COMPLETED,))))


def test_a_plan_says_what_the_run_does_and_sends_nothing(sandbox, job_of, people):
    """The plan counts, shows payloads and rejects; nothing is launched, no ledger is made, and the run agrees."""
    job = job_of(pace_per_minute=300.0)
    plan = plan_batch_sync(job)

    assert sandbox.launches() == []
    assert not (people.parent / "people.csv.ledger").exists()
    assert plan.counts == {"launch": 4, "skip": 1}
    assert plan.previews[0].input_data == {"Flow.customerName": "Ada", "Flow.orderId": "001"}
    assert plan.forecast is not None
    assert plan.forecast.launches == 4
    assert [(row.row_number, row.decision.reason) for row in plan.rejects] == [(5, "duplicate-in-file")]
    assert run_batch_sync(job).launched == plan.launches


def test_running_the_same_job_again_launches_nothing(sandbox, job_of):
    """A batch that has ended stays ended: the same file and ledger are never sent twice."""
    run_batch_sync(job_of())

    assert run_batch_sync(job_of()).launched == 0
    assert len(orders(sandbox)) == 4


def test_a_changed_file_is_refused_before_anything_is_sent(sandbox, job_of, people):
    """When the file is not what the batch began with, nothing is sent and the error says what changed."""
    run_batch_sync(job_of())
    people.write_text(people.read_text() + "Eve,005\n", encoding="utf-8")

    with pytest.raises(LedgerMismatchError) as caught:
        run_batch_sync(job_of())

    assert caught.value.changed == ("source",)
    assert len(orders(sandbox)) == 4
    assert run_batch_sync(job_of(resume=False, mapping=MappingSpec())).launched == 6


def test_a_changed_mapping_is_refused(job_of):
    """Rows decided by one mapping are not mixed with rows decided by another."""
    run_batch_sync(job_of())

    with pytest.raises(LedgerMismatchError) as caught:
        run_batch_sync(job_of(mapping=MappingSpec(set={"Flow.priority": "high"})))

    assert caught.value.changed == ("mapping",)


def test_more_rows_than_allowed_need_a_yes(sandbox, job_of):
    """Above the bound nothing leaves without `yes`, and the same job with it goes on."""
    with pytest.raises(InputError) as caught:
        run_batch_sync(job_of(confirm_above=3))

    assert caught.value.code == "needs-confirmation"
    assert sandbox.launches() == []
    assert run_batch_sync(job_of(confirm_above=3, yes=True)).launched == 4


def test_an_unknown_token_input_is_refused(job_of):
    """A launch token needs an input that the flow declares."""
    with pytest.raises(InputError, match="launch token"):
        run_batch_sync(job_of(launch_token_input="Flow.token"))


def test_the_launch_token_reaches_the_declared_input(sandbox, job_of):
    """Each row's own token is sent in the input that was named, and no two are alike."""
    run_batch_sync(job_of(launch_token_input="Flow.timestamp"))

    tokens = {one.inputs["Flow.timestamp"] for one in sandbox.launches()}
    assert len(tokens) == 4
    assert all(tokens)


@pytest.mark.parametrize("payloads", ["hash", "drop"])
def test_a_retry_puts_back_data_that_was_let_go(sandbox, job_of, people, payloads):
    """With payloads hashed or dropped a failed row keeps no data, and a retry reads it from the file again."""
    sandbox.faults.script(LAUNCH, 1, Status(400))
    run_batch_sync(job_of(payloads=payloads, max_failed=None, concurrency=1))
    with BatchHandle(f"{people}.ledger") as batch:
        assert all(row.payload is None for row in batch.rows(RowFilter(states=(RowState.REFUSED,))))
        assert batch.retry(by="ada") == 1

    outcome = run_batch_sync(job_of(payloads=payloads, max_failed=None))

    assert outcome.counts == {"completed": 4, "skipped": 1}
    assert orders(sandbox) == ["001", "002", "003", "004"]


def test_a_batch_goes_on_by_its_ledger_alone(sandbox, job_of, people):
    """A stopped batch is resumed without its file, with the settings it began with."""
    stop = Stop()

    def stop_once_loaded(event):
        if event.kind == "loaded":
            stop.request()

    first = run_batch_sync(job_of(), stop=stop, on_event=stop_once_loaded)
    settings = job_of().settings
    people.unlink()

    outcome = resume_batch_sync(f"{people}.ledger", settings=settings)

    assert first.counts["pending"] == 4
    assert outcome.counts == {"completed": 4, "skipped": 1}


def test_a_batch_stopped_while_it_reads_its_file_finishes_that_first(sandbox, job_of, people):
    """Stopped before the file was read to its end, nothing is sent; the next run reads the rest and launches all."""
    stop = Stop()
    stop.request("Ctrl-C")

    first = run_batch_sync(job_of(), stop=stop)

    assert (first.ended, first.reason, first.launched) == ("stopped", "Ctrl-C", 0)
    assert sandbox.launches() == []
    with pytest.raises(LedgerError, match="not read to the end"):
        resume_batch_sync(f"{people}.ledger", settings=job_of().settings)
    assert run_batch_sync(job_of()).counts == {"completed": 4, "skipped": 1}


def test_a_ledger_that_is_not_there_cannot_be_resumed(tmp_path, job_of):
    """Resuming makes no ledger: a wrong path is an error."""
    with pytest.raises(LedgerError):
        resume_batch_sync(tmp_path / "nothing.ledger", settings=job_of().settings)


def test_rows_from_standard_input_need_a_ledgers_name(job_of):
    """Without a file there is no place beside it: the ledger must be named."""
    with pytest.raises(InputError, match="need a ledger"):
        run_batch_sync(job_of(source="-"))


@pytest.mark.parametrize("wrong", [{"concurrency": 0}, {"track_share": 1.0}, {"pace_share": 0.0}])
def test_options_out_of_range_are_refused_at_once(job_of, wrong):
    """Nothing is read or sent when an option makes no sense."""
    with pytest.raises(InputError):
        job_of(**wrong)


def test_the_first_signal_ends_a_batch_in_order(sandbox, job_of):
    """One SIGTERM: what is in flight is finished, the ledger is released, nothing is in doubt."""
    sandbox.faults.script(LAUNCH, None, Delay(1.5))

    def signal_once_launching():
        while not sandbox.launches() and not has_ended.wait(0.005):
            pass
        if not has_ended.is_set():  # else the batch's handler is gone
            os.kill(os.getpid(), signal.SIGTERM)

    has_ended = threading.Event()
    alarm = threading.Thread(target=signal_once_launching)
    alarm.start()
    try:
        outcome = run_batch_sync(job_of(concurrency=1, track=False))
    finally:
        has_ended.set()
        alarm.join()

    assert outcome.ended == "stopped"
    assert "SIGTERM" in outcome.reason
    assert 0 < outcome.counts["launched"] < 4
    assert "in_doubt" not in outcome.counts


async def test_two_batches_of_one_loop_share_the_ledgers_folder(sandbox, job_of, tmp_path):
    """Jobs run side by side, each with its own ledger, and keys of another batch are known where asked for."""
    other = tmp_path / "other.csv"
    other.write_text("customerName,orderId\nFay,101\nGus,102\n", encoding="utf-8")

    first, second = await asyncio.gather(run_batch(job_of()), run_batch(job_of(source=other)))

    assert (first.launched, second.launched) == (4, 2)
    assert len(set(orders(sandbox))) == 6


def test_two_queries_on_one_database_are_two_batches(sandbox, job_of, tmp_path):
    """Another query on the same URL is another batch and not the first one gone on with."""
    with sqlite3.connect(tmp_path / "orders.db") as database:
        database.execute("CREATE TABLE orders (customerName TEXT, orderId TEXT)")
        database.executemany("INSERT INTO orders VALUES (?, ?)", [("Ada", "001"), ("Bob", "002")])
    database.close()
    url, ledger = f"sqlite:///{tmp_path / 'orders.db'}", tmp_path / "orders.ledger"
    first = "SELECT customerName, orderId FROM orders WHERE orderId = '001'"
    second = "SELECT customerName, orderId FROM orders WHERE orderId = '002'"

    ran = [
        run_batch_sync(job_of(source=url, ledger=ledger, read=ReadOptions(query=query)))
        for query in (first, second, second)
    ]

    assert [outcome.batch_id for outcome in ran] == [1, 2, 2]
    assert orders(sandbox) == ["001", "002"]


def test_a_paused_batch_that_is_cancelled_ends(sandbox, job_of, people):
    """Cancelling takes a pause back, so that the next run ends the batch and sends nothing."""
    run_batch_sync(job_of())
    with BatchHandle(f"{people}.ledger") as batch:
        batch.pause("a look first", by="test")

        controls = batch.cancel(by="test")

    assert (controls.cancelled, controls.paused, controls.pause_reason) == (True, False, "")
