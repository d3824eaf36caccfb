"""Following launched rows: ends, outputs and reasons are archived, with few reads."""

import asyncio

from runner_world import row_plan

from flowlaunch.batch.states import RowState
from flowlaunch.sandbox import NotFoundAfterLaunch, Status

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


async def test_a_later_run_archives_what_ended_meanwhile(open_world):
    """Rows launched without following are followed by a later run that does."""
    world = open_world().load(5)
    await world.run(track=False)

    outcome = await world.run()

    assert outcome.launched == 0
    assert outcome.counts == {"completed": 5}


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
