"""A machine whose wall clock is wrong works on a ledger in PostgreSQL: what rows say is judged by the server's time."""

import time

import pytest
from runner_world import row_plan

from flowlaunch._core.steps import Moment
from flowlaunch._io.clock_async import SystemAsyncClock

pytestmark = pytest.mark.one_database("postgresql", "a file goes by the machine's own clock")
MINUTE_US = 60_000_000
HOUR_S = 3_600.0


class WrongClock(SystemAsyncClock):
    """This machine's clock, off by some seconds."""

    def __init__(self, off_s):
        self.off_s = off_s

    def now(self):
        return Moment(time.monotonic(), time.time() + self.off_s)


@pytest.fixture
def world_off(open_world):
    """A world on a machine whose clock is off, and the server's time."""

    def make(off_s):
        world = open_world(fast_clock=WrongClock(off_s))
        return world, world.ledger.store.now_us()

    return make


@pytest.mark.parametrize("pace_per_minute", [None, 6_000.0])
async def test_a_slow_clock_lets_no_row_leave_after_its_window(world_off, pace_per_minute):
    """A window that shut ten minutes ago is shut, though this machine's clock says that it is open for long."""
    world, now_us = world_off(-HOUR_S)
    world.load([row_plan(1, closes_us=now_us - 10 * MINUTE_US, calendars=("office@UTC",)), row_plan(2)])

    outcome = await world.run(pace_per_minute=pace_per_minute)

    assert outcome.counts == {"completed": 1, "held": 1}


@pytest.mark.parametrize("pace_per_minute", [None, 6_000.0])
async def test_a_slow_clock_holds_no_row_back_that_may_leave(world_off, pace_per_minute):
    """A row whose time came ten minutes ago leaves at once, though it lies ahead by this machine's clock."""
    world, now_us = world_off(-HOUR_S)
    world.load([row_plan(1, not_before_us=now_us - 10 * MINUTE_US)])

    outcome = await world.run(pace_per_minute=pace_per_minute)

    assert outcome.counts == {"completed": 1}
    assert world.launches() == {"order-1": 1}


async def test_a_fast_clock_skips_no_row_that_is_still_wanted(world_off):
    """A row that is wanted for ten minutes more leaves, though it is too late by this machine's clock."""
    world, now_us = world_off(HOUR_S)
    world.load([row_plan(1, not_after_us=now_us + 10 * MINUTE_US)])

    outcome = await world.run()

    assert outcome.counts == {"completed": 1}


@pytest.mark.parametrize("off_s", [-HOUR_S, HOUR_S])
async def test_whoever_follows_looks_when_it_is_time(world_off, off_s):
    """What a machine with a wrong clock launched is looked at soon by the others, neither at once nor an hour late."""
    world, now_us = world_off(off_s)
    world.load(3)

    await world.run(track=False)

    looks = [row.look_at_us for row in world.ledger.to_look_at(world.batch_id, due_us=1 << 62)]
    assert len(looks) == 3
    assert all(now_us < at_us < now_us + 20 * MINUTE_US for at_us in looks)
