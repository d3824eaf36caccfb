"""The queue of workers' jobs: no job is left behind by a worker that lives."""

import asyncio

from flowlaunch.batch.ledger import open_ledger
from flowlaunch.batch.workers.queue import LAUNCH, ChunkOrder, opened_queue

FINISH = "flowlaunch_jobs.procrastinate_finish_job_v1"


async def test_a_job_whose_end_could_not_be_recorded_is_given_to_somebody_again(postgres_server, postgres_ledger_url):
    """Its worker lives and so does its sign of life: it begins anew in the queue, and the job is nobody's any more."""
    database = postgres_ledger_url.rpartition("/")[2]
    done = []
    both = asyncio.Event()

    async def launch(**_arguments):
        if not done:
            postgres_server.admin(f"ALTER FUNCTION {FINISH} RENAME TO mislaid", database)
        done.append("launched")
        if len(done) > 1:
            both.set()

    with open_ledger(postgres_ledger_url) as ledger:
        async with opened_queue(ledger, postgres_ledger_url) as queue:
            asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: queue.begin_anew())
            queue.on(LAUNCH, launch)
            await queue.offer_chunk(ChunkOrder(batch_id=1, client_key="mine", chunk="one"))
            await asyncio.wait_for(queue.work("me", ["mine"], at_once=1), 30)
            assert [one.is_running for one in await queue.standing()] == [True]
            assert await queue.reclaim() == 1
            mislaid = FINISH.partition(".")[0] + ".mislaid"
            postgres_server.admin(f"ALTER FUNCTION {mislaid} RENAME TO procrastinate_finish_job_v1", database)
            working = asyncio.get_running_loop().create_task(queue.work("me", ["mine"], at_once=1))
            await asyncio.wait_for(both.wait(), 30)
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            assert await queue.standing() == ()
