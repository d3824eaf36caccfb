"""Workers that die, sleep or leave: nothing is lost, and nothing is launched twice."""

import random
import signal

import pytest
from worker_world import HASTY, IS_LONG, LONGEST_S, UNHURRIED_S

from flowlaunch.batch.ledger import crew
from flowlaunch.sandbox import Hang

LAUNCH = "executions.launch"

pytestmark = pytest.mark.timeout(1_800 if IS_LONG else 300)  # several processes begin, on machines with other work
ROWS = 20_000 if IS_LONG else 600
KILLS = 12 if IS_LONG else 2
IN_A_TRANSACTION_S = 30.0
"""How much longer it may take when the worker is stopped within a transaction: until the database ends that."""


def settled(world, batch_id):
    """Whether every row came to what it will be: launched, or in doubt."""
    return set(world.counts(batch_id)) <= {"launched", "in_doubt"}


def proven(world, batch_id, rows):
    """Hold the sandbox's journal against the ledger: each row launched once, or not for certain and known so."""
    launches = world.launches()
    assert set(launches.values()) <= {1}
    doubtful = world.doubtful_orders(batch_id)
    every = {f"order-{number}" for number in range(1, rows + 1)}
    assert every - set(launches) <= doubtful
    assert sum(world.counts(batch_id).values()) == rows
    return doubtful


def test_workers_killed_one_after_the_other_lose_no_row_and_launch_none_twice(worker_world):
    """Of four workers one is killed again and again, and replaced: each row is launched once, or known as in doubt."""
    chance = random.Random(6)  # noqa: S311 - the same victims every time
    # slow enough that there is work left when the last one is killed
    batch_id = worker_world.load(ROWS, track=False, pace_per_minute=None if IS_LONG else 6_000.0)
    alive = worker_world.start(4)
    for turn in range(1, KILLS + 1):
        worker_world.until(lambda turn=turn: worker_world.left(batch_id) >= turn * ROWS // (KILLS + 2), 300)
        worker_world.kill(alive.pop(chance.randrange(len(alive))))
        alive += worker_world.start()
    worker_world.until(lambda: settled(worker_world, batch_id), 300)
    doubtful = proven(worker_world, batch_id, ROWS)
    assert len(doubtful) <= KILLS * 2 * 8  # no more than each had in flight


def test_a_worker_that_wakes_from_a_long_sleep_is_fenced_and_goes_on_with_fresh_work(worker_world):
    """A stopped worker's chunk is taken over by others in the time that was set; woken up, it works on what is left."""
    sleeper, _other = worker_world.start(2)
    batch_id = worker_world.load(400, track=False, pace_per_minute=3_000.0)
    stop_with_rows_in_hand(worker_world, sleeper, batch_id)
    worker_world.until(lambda: "taken-over" in worker_world.kinds(batch_id), LONGEST_S + IN_A_TRANSACTION_S)
    sleeper.send_signal(signal.SIGCONT)
    assert sleeper.pid in {one.facts["pid"] for one in worker_world.ledger.events(batch_id) if one.kind == "taken-over"}
    worker_world.until(lambda: settled(worker_world, batch_id))
    proven(worker_world, batch_id, 400)
    fresh = worker_world.load(60, track=False, pace_per_minute=6_000.0)
    worker_world.until(lambda: settled(worker_world, fresh))
    worker_world.until(lambda: works(worker_world, sleeper))
    assert sleeper.poll() is None


def stop_with_rows_in_hand(world, worker, batch_id):
    """Stop a worker at a moment at which it has rows in hand."""
    while True:
        world.until(lambda: holds_rows(world, worker, batch_id))
        worker.send_signal(signal.SIGSTOP)
        if holds_rows(world, worker, batch_id):
            return
        worker.send_signal(signal.SIGCONT)


def holds_rows(world, worker, batch_id):
    standing = world.ledger.workers(batch_id)
    return any(one.worker.pid == worker.pid and one.rows_in_hand for one in standing)


def works(world, worker):
    """Whether a worker gave a sign of life lately."""
    now_us = world.ledger.store.now_us()
    return any(one.pid == worker.pid and now_us - one.heartbeat_us < 3e6 for one in crew.present(world.ledger.store))


def test_a_worker_asked_to_leave_finishes_what_is_in_flight_and_loses_nothing(worker_world):
    """SIGTERM and `worker drain` leave no row in doubt, and others go on with what was given back."""
    worker_world.takeover_s = UNHURRIED_S
    batch_id = worker_world.load(400, track=False, pace_per_minute=6_000.0)
    first, second = worker_world.start(2)
    worker_world.until(lambda: worker_world.left(batch_id) >= 60)
    first.send_signal(signal.SIGTERM)
    assert first.wait(LONGEST_S) == 0, worker_world.log_of(first)
    third = worker_world.start()[0]
    worker_world.until(lambda: worker_world.left(batch_id) >= 150)
    name = next(one.process_id for one in crew.present(worker_world.ledger.store) if one.pid == second.pid)
    drained = worker_world.run("worker", "drain", name[:8])
    assert drained.returncode == 0, drained.stderr
    assert second.wait(LONGEST_S) == 0, worker_world.log_of(second)
    worker_world.until(lambda: worker_world.has_ended(batch_id))
    assert worker_world.counts(batch_id) == {"launched": 400}
    assert set(worker_world.launches().values()) == {1}
    assert [one.pid for one in crew.present(worker_world.ledger.store)] == [third.pid]


def test_a_second_signal_ends_a_worker_at_once_and_what_it_had_in_flight_is_in_doubt(worker_world):
    """Answers that never come keep a worker from draining; asked twice it ends, and its rows are known as in doubt."""
    worker_world.sandbox.faults.script(LAUNCH, None, Hang())
    batch_id = worker_world.load(4, concurrency=4)
    worker = worker_world.start()[0]
    worker_world.until(lambda: worker_world.counts(batch_id).get("launching") == 4)
    worker.send_signal(signal.SIGTERM)
    worker_world.until(lambda: "once more ends at once" in worker_world.log_of(worker))
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(LONGEST_S) == 0
    assert worker_world.counts(batch_id) == {"in_doubt": 4}


def test_a_worker_whose_database_is_gone_can_be_ended(worker_world, postgres_server):
    """Without a database nothing can be given back: one signal ends an idle worker, which says what is wrong."""
    worker_world.program = HASTY
    worker = worker_world.start()[0]
    worker_world.ledger.close()
    postgres_server.drop(worker_world.url)
    worker_world.until(lambda: "no sign of life" in worker_world.log_of(worker))
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(LONGEST_S) == 0, worker_world.log_of(worker)
