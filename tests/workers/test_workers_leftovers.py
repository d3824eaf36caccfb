"""What workers leave behind: nothing that grows with the chunks of a batch."""

import pytest
from sqlalchemy import text
from worker_world import row_plan

from flowlaunch.batch.ledger import BatchSpec, open_ledger
from flowlaunch.batch.ledger.schema import chunks, events, workers

pytestmark = pytest.mark.timeout(300)  # several processes begin, on machines with other work

JOB_TABLES = ("procrastinate_jobs", "procrastinate_events", "procrastinate_periodic_defers")


def kept(ledger, *tables):
    """How many lines there are in each table."""
    with ledger.store.read("count what is left") as connection:
        return {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar() for name in tables}  # noqa: S608 - names of this file


def test_an_ended_batch_leaves_no_jobs_nor_lines_of_its_chunks(worker_world):
    """Of hundreds of jobs and chunks nothing is left in the database: a batch of weeks does not fill its tables."""
    worker_world.start(2)
    batch_id = worker_world.load(600)
    worker_world.until(lambda: worker_world.has_ended(batch_id))
    made = (
        "SELECT pg_sequence_last_value('flowlaunch_jobs.procrastinate_jobs_id_seq'),"
        " (SELECT epoch FROM batches WHERE id = 1)"
    )
    with worker_world.ledger.store.read("count jobs and chunks") as connection:
        jobs, takes = connection.execute(text(made)).one()
    assert jobs >= 4, "there were jobs"
    assert takes >= 4, "there were chunks"
    left = {f"flowlaunch_jobs.{name}": 0 for name in JOB_TABLES} | {chunks.name: 0, workers.name: 0}
    worker_world.until(lambda: kept(worker_world.ledger, *left) == left)
    kinds = worker_world.kinds(batch_id)
    assert set(kinds) == {"batch-created", "finished"}, "and no event for every chunk"
    assert kept(worker_world.ledger, "flowlaunch_jobs.procrastinate_workers") == {
        "flowlaunch_jobs.procrastinate_workers": 2
    }


@pytest.mark.parametrize("database", ["file", "postgres"])
def test_a_shared_worker_that_leaves_is_forgotten_with_its_chunks(database, request, tmp_path):
    """A shared run leaves no line of itself, whether its rows were done or given back; one alone leaves who it was."""
    place = tmp_path / "a.db" if database == "file" else request.getfixturevalue("postgres_ledger_url")
    with open_ledger(place) as ledger:
        batch_id = ledger.create_batch(BatchSpec(source="rows", flow_id="flow-1", flow_version="1"))
        ledger.add_rows(batch_id, [row_plan(number) for number in range(1, 9)])
        ledger.finish_loading(batch_id)
        before = kept(ledger, events.name)
        for _ in range(3):
            worker = ledger.start_work(batch_id, shared=True)
            for _ in range(2):
                rows = ledger.take_chunk(worker, 2).rows
                ledger.give_back(worker, rows)
            ledger.stop_work(worker)
        assert kept(ledger, chunks.name, workers.name) == {chunks.name: 0, workers.name: 0}
        assert kept(ledger, events.name) == before
        ledger.stop_work(ledger.start_work(batch_id))
        assert kept(ledger, workers.name) == {workers.name: 1}
