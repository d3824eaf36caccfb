"""Workers whose database is away: they wait quietly, lose nothing, end when asked to, and give up in the end."""

import asyncio
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from worker_world import HASTY, IS_LONG, LONGEST_S

from child_processes import ChildProcess
from doorway import Doorway
from flowlaunch._io.clock_async import SystemAsyncClock
from flowlaunch.batch.ledger import crew, open_ledger
from flowlaunch.batch.ledger.jobs_schema import prepare_jobs
from flowlaunch.batch.stop import Stop
from flowlaunch.batch.workers.starting import Start
from flowlaunch.errors import LedgerUnreachableError
from flowlaunch.sandbox import Hang

pytestmark = pytest.mark.timeout(300)  # several processes begin, on machines with other work
LAUNCH = "executions.launch"
TAKEOVER_S = 10.0
"""A worker that is slow on a machine with other work is not held for dead; one that was away so long would be."""


@pytest.fixture
def door(worker_world):
    """The way of every worker of this test to its database."""
    one = Doorway(worker_world.url)
    worker_world.workers_url = one.url
    worker_world.program = HASTY
    yield one
    one.close()


def test_the_threads_of_a_process_reach_for_a_database_one_at_a_time(worker_world):
    """However many threads wait for a server that is away, it sees a connection every few seconds, and all go on."""
    door = Doorway(worker_world.url)
    with open_ledger(door.url) as ledger, ThreadPoolExecutor(20) as threads:
        store = ledger.store
        store.database.patience_s = 3.0
        door.shut()
        began_s = time.monotonic()
        asked = [threads.submit(crew.present, store) for _ in range(20)]
        failures = [one.exception() for one in asked]
        passed_s = time.monotonic() - began_s
        assert {type(one) for one in failures} == {LedgerUnreachableError}
        # each thread finds its own connection broken, if it had one; then they take turns
        assert door.tries <= 4 + 8 + passed_s
        store.database.patience_s = 60.0
        waiting = [threads.submit(crew.present, store) for _ in range(20)]
        door.open()
        assert [one.result(timeout=LONGEST_S) for one in waiting] == [()] * 20
    door.close()


def test_a_worker_waits_quietly_and_goes_on_when_its_database_is_back(worker_world, door):
    """Workers try seldom, keep what they launched however long it takes, and end the batch with nothing in doubt."""
    worker_world.takeover_s = TAKEOVER_S
    workers = worker_world.start(2)
    batch_id = worker_world.load(300, pace_per_minute=2_400.0, track=False)
    worker_world.until(lambda: worker_world.left(batch_id) >= 40)
    door.shut()
    began_s = time.monotonic()
    worker_world.until(lambda: all("no sign of life" in worker_world.log_of(one) for one in workers))
    worker_world.until(lambda: time.monotonic() - began_s > TAKEOVER_S + 1)
    away_s = time.monotonic() - began_s
    # two processes: each connection that broke is asked for again a few times, then it is one a second or so, for a
    # process with so little patience; were it one for each thread of it, it would be thrice as many
    assert door.tries <= 2 * (20 + 1.5 * away_s)
    door.open()
    left = worker_world.left(batch_id)
    worker_world.until(lambda: worker_world.left(batch_id) > left)
    worker_world.until(lambda: worker_world.has_ended(batch_id))
    assert worker_world.counts(batch_id) == {"launched": 300}
    assert set(worker_world.launches().values()) == {1}


def test_a_worker_ends_when_asked_to_while_its_database_is_away(worker_world, door):
    """One signal ends an idle worker without its database, whether that refuses or never answers."""
    refused = worker_world.start()[0]
    mute = Doorway(worker_world.url)
    worker_world.workers_url = mute.url
    muted = worker_world.start()[0]
    worker_world.load(40)
    worker_world.until(lambda: worker_world.counts(1) == {"completed": 40})  # both have begun and are idle again
    door.shut()
    mute.mute()
    worker_world.until(lambda: all("no sign of life" in worker_world.log_of(one) for one in (refused, muted)))
    for one in (refused, muted):
        one.send_signal(signal.SIGTERM)
    for one in (refused, muted):
        assert one.wait(LONGEST_S) == 0, worker_world.log_of(one)
    mute.close()


def test_one_signal_ends_a_worker_wherever_its_database_fell_silent(worker_world):
    """A worker ends by one SIGTERM after any answer of its start was the last: none of its threads waits for ever."""
    prepare_jobs(worker_world.ledger.store)
    answers = list(range(1, 64, 1 if IS_LONG else 9))
    for begin in range(0, len(answers), 8):
        begun = [(number, *_begin_to_fall_silent(worker_world, number)) for number in answers[begin : begin + 8]]
        worker_world.until(lambda begun=begun: all(door.is_mute for _, door, _ in begun))
        for _, _, worker in begun:
            worker.send_signal(signal.SIGTERM)
        for number, door, worker in begun:
            assert worker.wait(LONGEST_S) in (0, 1, -signal.SIGTERM), number
            door.close()


def _begin_to_fall_silent(world, answers):
    door = Doorway(world.url, answers=answers)
    world.workers_url = door.url
    with (world.folder / f"silent-{answers}.log").open("wb") as log:
        return door, ChildProcess(
            [sys.executable, *world.program, "worker", "run"], env=world.environment(), stdout=log, stderr=log
        )


class HurriedClock(SystemAsyncClock):
    """Runs thirty times as fast."""

    async def sleep(self, seconds):
        await super().sleep(seconds / 30)

    async def wait(self, event, seconds):
        await super().wait(event, seconds / 30)


@pytest.mark.parametrize("is_asked", [False, True], ids=["nobody-asks", "asked-to-end"])
async def test_a_start_without_an_answer_ends_and_says_so(worker_world, is_asked):
    """A database that falls silent while a worker begins ends the start after half a minute, naming the database."""
    door, stop = Doorway(worker_world.url, answers=5), Stop()

    async def begin():
        async with Start(stop, HurriedClock()) as start:
            opening = asyncio.create_task(asyncio.to_thread(open_ledger, door.url, on_store=start.watch))
            if is_asked:
                stop.request("end")
            await opening

    with pytest.raises(LedgerUnreachableError, match=r"takes connections and does not answer") as found:
        await begin()
    assert "127.0.0.1" in found.value.message
    assert "start the worker again" in found.value.hint
    door.close()


def test_a_connection_that_comes_after_all_was_given_up_is_broken_too(worker_world):
    """A thread that was about to connect when a worker gave up gets an error, not a wait without end."""
    with open_ledger(worker_world.url) as ledger:
        ledger.store.break_off(for_good=True)
        with pytest.raises(LedgerUnreachableError), ledger.store.between("ask") as connection:
            connection.exec_driver_sql("SELECT 1")


def test_a_worker_that_gives_up_says_what_it_could_not_write(worker_world, door):
    """When the database stays away a worker ends with code 1, and its last line counts what becomes in doubt."""
    worker_world.sandbox.faults.script(LAUNCH, None, Hang())
    worker_world.load(4, concurrency=4)
    worker = worker_world.start(1, "--give-up-after", "0.2")[0]
    worker_world.until(lambda: worker_world.counts(1).get("launching") == 4)
    door.shut()
    assert worker.wait(LONGEST_S) == 1, worker_world.log_of(worker)
    said = worker_world.log_of(worker)
    assert "no sign of life could be given" in said
    assert "what came of 4 launches is not in the ledger" in said
