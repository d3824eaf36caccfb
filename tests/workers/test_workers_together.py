"""Workers heed together what one process heeds alone: priority, rate, ramp, error budget, whose OAuth client it is."""

import pytest
from sqlalchemy import text
from worker_world import key_of

from flowlaunch.batch.ledger import crew, handovers
from flowlaunch.sandbox import Status

pytestmark = pytest.mark.timeout(300)  # several processes begin, on machines with other work

LAUNCH, READ = "executions.launch", "executions.get"


def looks(world, many):
    """Wait until every worker has looked around so many times more."""
    beats = {one.process_id: one.heartbeat_us for one in crew.present(world.ledger.store)}

    def have_beaten():
        now = {one.process_id: one.heartbeat_us for one in crew.present(world.ledger.store)}
        return all(now[name] > at_us for name, at_us in beats.items())

    for _ in range(many):
        world.until(have_beaten)
        beats = {one.process_id: one.heartbeat_us for one in crew.present(world.ledger.store)}


def test_two_batches_share_the_pace_by_their_priority(worker_world):
    """While both want slots, a batch of priority 30 gets about three times what one of priority 10 gets."""
    paced = {"pace_per_minute": 600.0, "track": False}  # slow enough to be the bound on a machine with other work
    worker_world.start(2)
    slow = worker_world.load(300, hand_over=False, **paced)
    fast = worker_world.load(300, hand_over=False, priority=30, **paced)
    for batch_id in (slow, fast):
        handovers.give(worker_world.ledger.store, batch_id, client_key=worker_world.key, profile="")
    worker_world.until(lambda: min(worker_world.left(slow), worker_world.left(fast)) >= 10)
    slow_before, fast_before = worker_world.left(slow), worker_world.left(fast)
    worker_world.until(lambda: worker_world.left(slow) + worker_world.left(fast) >= slow_before + fast_before + 120)
    fast_left, slow_left = worker_world.left(fast) - fast_before, worker_world.left(slow) - slow_before
    assert 1.7 <= fast_left / max(1, slow_left) <= 5, (fast_left, slow_left)


def test_a_rate_set_while_workers_work_holds_for_all_of_them(worker_world):
    """`batch rate` slows every worker down long before the rows are through, and lets them go on again."""
    batch_id = worker_world.load(900, pace_per_minute=1_200.0, track=False)
    worker_world.start(2)
    worker_world.until(lambda: worker_world.left(batch_id) >= 20)
    assert worker_world.run("batch", "rate", worker_world.url, "60").returncode == 0
    worker_world.until(lambda: launched_lately(worker_world, 4) <= 8)  # 80 before
    assert worker_world.counts(batch_id)["pending"] > 0
    assert worker_world.run("batch", "rate", worker_world.url, "default").returncode == 0
    worker_world.until(lambda: launched_lately(worker_world, 2) >= 8)  # 2 before
    assert worker_world.run("batch", "cancel", worker_world.url, "--yes").returncode == 0


def launched_lately(world, seconds):
    """How many rows left in the last seconds, by the database's clock."""
    since_us = world.ledger.store.now_us() - seconds * 1_000_000
    with world.ledger.store.read("count launches") as connection:
        return connection.execute(
            text("SELECT count(*) FROM rows WHERE launched_us > :since"), {"since": since_us}
        ).scalar()


def test_the_ramp_of_a_batch_holds_over_all_workers(worker_world):
    """While nobody knows how the first row ended no worker launches a second one; then all leave."""
    worker_world.sandbox.faults.script(READ, None, Status(404))
    batch_id = worker_world.load(60, ramp=["1", "5", "all"])
    worker_world.start(3)
    worker_world.until(lambda: worker_world.left(batch_id) == 1)
    looks(worker_world, 2)
    assert len(worker_world.sandbox.launches()) == 1
    worker_world.sandbox.faults.clear()
    worker_world.until(lambda: worker_world.has_ended(batch_id))
    assert worker_world.counts(batch_id) == {"completed": 60}
    assert worker_world.kinds(batch_id).count("ramp") == 2


def test_too_many_refusals_pause_a_batch_for_all_workers_until_somebody_lets_it_go_on(worker_world):
    """The error budget counts what went wrong at any worker; what was looked at counts no more afterwards."""
    worker_world.sandbox.faults.script(LAUNCH, None, Status(400))
    batch_id = worker_world.load(120, pace_per_minute=1_200.0, track=False, max_failed=5)
    worker_world.start(2)
    controls = worker_world.until(lambda: (now := worker_world.ledger.controls(batch_id)).paused and now)
    assert "refused" in controls.pause_reason
    looks(worker_world, 1)
    refused = worker_world.counts(batch_id)["refused"]
    assert 5 < refused < 60
    worker_world.sandbox.faults.clear()
    assert worker_world.run("batch", "resume", worker_world.url).returncode == 0
    worker_world.until(lambda: worker_world.has_ended(batch_id))
    assert worker_world.counts(batch_id) == {"refused": refused, "launched": 120 - refused}


def test_an_error_that_concerns_every_row_pauses_the_batch_instead_of_trying_all(worker_world):
    """Without the right to launch nothing is tried over and over: the batch pauses with the reason."""
    worker_world.sandbox.faults.script(LAUNCH, None, Status(403))
    batch_id = worker_world.load(50, max_failed=None)
    worker_world.start()
    controls = worker_world.until(lambda: (now := worker_world.ledger.controls(batch_id)).paused and now)
    assert "403" in controls.pause_reason or "permission" in controls.pause_reason
    assert worker_world.counts(batch_id)["pending"] >= 30


def test_a_batch_is_left_to_the_workers_that_have_its_oauth_client(worker_world):
    """A worker without the batch's profile leaves it and says so; one that has it does the work."""
    batch_id = worker_world.load(30, hand_over=False)
    second = key_of(worker_world.sandbox.url, "second")
    handovers.give(worker_world.ledger.store, batch_id, client_key=second, profile="emea")
    other = worker_world.start()[0]
    worker_world.until(lambda: "profile 'emea'" in worker_world.log_of(other))
    listed = worker_world.run("worker", "list")
    assert "profile 'emea'" in listed.stderr
    assert worker_world.left(batch_id) == 0
    worker_world.start(client_id="second")
    worker_world.until(lambda: worker_world.has_ended(batch_id))
    assert worker_world.counts(batch_id) == {"completed": 30}
    assert {one.client_id for one in worker_world.sandbox.journal(LAUNCH)} == {"second"}
