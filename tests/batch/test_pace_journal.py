"""Pace in real time, with real processes, by the sandbox's own journal. The long form is `python -m bench pace`."""

from __future__ import annotations

import pytest
from pace_world import killed_and_resumed, most_within, pace_world, side_by_side

from flowlaunch.batch.ledger.slot_rules import LATE_US, Wish, burst_of

PER_MINUTE = 900
WINDOW_S = 4.0
BURST = burst_of(Wish("", "", 1, PER_MINUTE, PER_MINUTE, 1.0))


def most_in_window(lanes, stalled_s):
    """What a few seconds may hold at most: the even pace, slots that were used late, and each lane's small burst.

    A sandbox that the machine lets wait notes at one moment what was sent over so many seconds.
    """
    return PER_MINUTE * (WINDOW_S + LATE_US / 1e6 + stalled_s) / 60 + lanes * BURST + 1


@pytest.fixture
def world(tmp_path):
    with pace_world(tmp_path) as one:
        yield one


def test_the_pace_holds_right_after_kill_and_resume(world):
    """A batch that is killed with -9 and started again at once sends no burst: what it had sent still counts."""
    killed_and_resumed(world, PER_MINUTE, kill_at=45, requests=120)

    assert most_within(world.seen_s(), WINDOW_S) <= most_in_window(2, world.stalled_s)
    assert max(world.launches().values()) == 1


def test_four_processes_on_one_ledger_share_its_budget(world):
    """Four batches in four processes on one ledger keep to one budget together, and use it."""
    side_by_side(world, PER_MINUTE, requests=180)

    assert most_within(world.seen_s(), WINDOW_S) <= most_in_window(
        8, world.stalled_s
    )  # launches and looks of each batch
    assert len({order.partition("-")[0] for order in world.launches()}) == 4
