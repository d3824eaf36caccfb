"""Following launched rows: ends, outputs and reasons are archived, with few reads."""

import asyncio

import pytest
from runner_world import row_plan

from flowlaunch import AsyncClient
from flowlaunch.batch import tracker
from flowlaunch.batch.states import RowState
from flowlaunch.errors import DecodeError
from flowlaunch.sandbox import NotFoundAfterLaunch, Status

REMINDER_FLOW = "f0000000-0000-4000-8000-000000000002"
READ = "executions.get"
LAUNCH = "executions.launch"


async def test_failed_flows_are_archived_with_their_reason(open_world):
    """A flow that fails after a launch accepted with 200 makes a failed row with the platform's words."""
    world = open_world().load([row_plan(1, data={"Flow.priority": 5}), row_plan(2)])

    outcome = await world.run(max_failed=None)

    failed = next(row for row in world.rows() if row.state is RowState.FAILED)
    assert outcome.counts == {"completed": 1, "failed": 1}
    assert failed.result_error_code
    assert failed.result_error_message
    assert failed.reason == failed.result_error_code


@pytest.mark.by_the_clock
async def test_ends_cost_little_more_than_one_read_each(open_world):
    """Once the flow's duration is learnt, a row is read about once."""
    world = open_world().load(200)

    await world.run()

    assert len(world.sandbox.journal(READ)) <= 200 * 1.3


async def test_an_execution_that_is_not_shown_yet_is_read_again(open_world):
    """A 404 right after the launch is no end: the row is read again and its end is learnt."""
    world = open_world().load(3)
    world.sandbox.faults.script(LAUNCH, None, NotFoundAfterLaunch(polls=2))

    outcome = await world.run()

    assert outcome.counts == {"completed": 3}
    assert len(world.sandbox.journal(READ)) >= 9


async def test_failing_reads_are_repeated_later_and_lose_no_end(open_world):
    """5xx on reads delay an end and change nothing else."""
    world = open_world().load(4)
    world.sandbox.faults.script(READ, range(1, 6), Status(404))

    outcome = await world.run()

    assert outcome.counts == {"completed": 4}


async def test_ends_that_may_not_be_read_do_not_stop_the_launches(open_world):
    """Without the right to read executions all rows are launched, and an event says that ends are not followed."""
    world = open_world().load(4)
    world.sandbox.faults.script(READ, None, Status(403))

    outcome = await world.run()

    assert (outcome.ended, outcome.counts) == ("finished", {"launched": 4})
    assert "tracking-lost" in world.kinds()


@pytest.mark.by_the_clock
async def test_an_execution_that_is_gone_ends_the_batch(open_world):
    """A 404 that lasts beyond the first minute ends the following of that row, which says that its end is unknown."""
    world = open_world().load(3)
    world.sandbox.faults.script(LAUNCH, 2, NotFoundAfterLaunch(polls=10_000))

    outcome = await world.run(concurrency=1)

    row = next(row for row in world.rows() if row.state is RowState.LAUNCHED)
    assert (outcome.ended, outcome.counts) == ("finished", {"completed": 2, "launched": 1})
    assert (row.reason, row.message) == ("gone", "its end is unknown: the platform knows no such execution any more")
    told = [event for event in world.ledger.events(world.batch_id) if event.kind == "end-unknown"]
    assert [event.facts["reason"] for event in told] == ["gone"]


@pytest.mark.by_the_clock
async def test_a_ramp_goes_on_although_an_end_is_unknown(open_world):
    """A row whose end cannot be learnt holds up no stage of the ramp, in this run as in a later one."""
    world = open_world().load(2)
    world.sandbox.faults.script(LAUNCH, 1, NotFoundAfterLaunch(polls=10_000))
    await world.run(ramp=())
    world.ledger.add_rows(world.batch_id, [row_plan(number) for number in range(3, 31)])

    outcome = await world.run(ramp=("5", "10", "all"))

    assert (outcome.ended, outcome.counts) == ("finished", {"completed": 29, "launched": 1})
    assert outcome.elapsed_s < 1_000


@pytest.mark.by_the_clock
async def test_an_execution_that_stays_unreadable_ends_the_batch(open_world, monkeypatch):
    """An execution whose reads fail again and again, while others can be read, is given up with the reason."""
    monkeypatch.setattr(tracker, "TROUBLE_S", 0.5)
    monkeypatch.setattr(tracker, "LONGEST_TROUBLE_S", 2.0)
    world = open_world().load(1)
    await world.run(track=False)
    bad = next(world.ledger.rows(world.batch_id)).execution_id
    world.ledger.add_rows(world.batch_id, [row_plan(number) for number in range(2, 5)])
    honest = AsyncClient.status

    async def status(client, execution_id, **options):
        if execution_id == bad:
            raise DecodeError("could not read execution: no JSON")
        return await honest(client, execution_id, **options)

    monkeypatch.setattr(AsyncClient, "status", status)

    outcome = await world.run()

    assert (outcome.ended, outcome.counts) == ("finished", {"completed": 3, "launched": 1})
    assert next(row.reason for row in world.rows() if row.state is RowState.LAUNCHED) == "unreadable"


@pytest.mark.by_the_clock
async def test_reads_that_are_never_answered_end_the_following(open_world, monkeypatch):
    """When no read at all succeeds for an hour, the batch ends with its rows launched; a later run follows them."""
    monkeypatch.setattr(tracker, "SILENCE_S", 30.0)
    world = open_world().load(3)
    world.sandbox.faults.script(READ, None, Status(503))

    outcome = await world.run()

    assert (outcome.ended, outcome.counts) == ("finished", {"launched": 3})
    assert "tracking-lost" in world.kinds()
    world.sandbox.faults.clear()
    assert (await world.run()).counts == {"completed": 3}


@pytest.mark.by_the_clock
async def test_an_execution_that_never_ends_is_not_followed_for_ever(open_world, monkeypatch):
    """An execution that still runs at the greatest age is given up, so that the batch ends."""
    monkeypatch.setattr(tracker, "OLDEST_S", 20.0)
    world = open_world(clock="frozen").load([row_plan(1)], flow_id=REMINDER_FLOW)

    outcome = await world.run()

    assert (outcome.ended, outcome.counts) == ("finished", {"launched": 1})
    assert next(world.ledger.rows(world.batch_id)).reason == "still-running"


async def test_a_later_run_archives_what_ended_meanwhile(open_world):
    """Rows launched without following are followed by a later run that does."""
    world = open_world().load(5)
    await world.run(track=False)

    outcome = await world.run()

    assert outcome.launched == 0
    assert outcome.counts == {"completed": 5}


@pytest.mark.by_the_clock
async def test_looks_leave_launches_their_share_of_the_pace(open_world):
    """With both wanting slots, reads take about two fifths of the pace while rows are launched."""
    world = open_world().load(150)
    task = asyncio.create_task(world.run(pace_per_minute=600.0))
    await world.until_launched(40)
    launches, reads = len(world.sandbox.journal(LAUNCH)), len(world.sandbox.journal(READ))
    outcome = await task

    assert outcome.counts == {"completed": 150}
    assert launches > 20
    assert reads <= launches
