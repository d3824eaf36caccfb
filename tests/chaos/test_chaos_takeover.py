"""Jobs and clocks that do not agree: what sieges of many machines found (short, seed 10; long, seed 4)."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from flowlaunch._io.clock_async import SystemAsyncClock
from flowlaunch.batch.ledger import open_ledger
from flowlaunch.batch.workers.feeding import Feeder
from flowlaunch.batch.workers.queue import ChunkOrder, opened_queue

DEAD = """
WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 day') RETURNING id)
UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM dead)
"""
DUE = "SELECT status, coalesce(scheduled_at, now()) <= now() FROM procrastinate_jobs"


@pytest.mark.parametrize("off_s", [3_600.0, -3_600.0])
async def test_a_job_taken_over_is_due_at_once_whatever_the_clock(postgres_ledger_url, monkeypatch, off_s):
    """Executions are followed on without delay when the worker that takes their job over has a clock an hour off."""
    monkeypatch.setattr("procrastinate.utils.utcnow", lambda: datetime.now(UTC) + timedelta(seconds=off_s))
    with open_ledger(postgres_ledger_url) as ledger:
        async with opened_queue(ledger, postgres_ledger_url) as queue:
            queue.on("follow", _nothing)
            await queue.offer_following(ChunkOrder(batch_id=1, client_key="a"))
            _asked(postgres_ledger_url, DEAD)
            assert await queue.reclaim() == 1
    assert _asked(postgres_ledger_url, DUE) == [("todo", True)]


@pytest.mark.parametrize(("ahead_s", "stays"), [(600.0, True), (3_600.0, False)])
async def test_a_following_does_not_wait_for_a_time_before_the_clock_was_set_back(postgres_ledger_url, ahead_s, stays):
    """A following that waits longer than executions ever wait for a look is enqueued anew, not slept through."""
    with open_ledger(postgres_ledger_url) as ledger:
        async with opened_queue(ledger, postgres_ledger_url) as queue:
            queue.on("follow", _nothing)
            at_us = ledger.store.now_us() + round(ahead_s * 1e6)
            await queue.offer_following(ChunkOrder(batch_id=1, client_key="a", at_us=at_us))
            left = await Feeder(ledger, queue, "me", SystemAsyncClock())._swept(await queue.standing(), set())
            assert [one.at_us for one in left] == ([at_us] if stays else [])
            assert await queue.standing() == tuple(left)


def _asked(url, statement):
    with psycopg.connect(url, options="-c search_path=flowlaunch_jobs") as connection:
        done = connection.execute(statement)
        return done.fetchall() if done.description else []


async def _nothing(**_order):
    pass
