"""Pace in real time, with real processes, by the sandbox's own journal. The long form is `python -m bench pace`."""

from __future__ import annotations

import pytest
from pace_world import killed_and_resumed, most_within, pace_world, side_by_side

from flowlaunch.batch.ledger.slot_rules import Wish, burst_of

PER_MINUTE = 900
WINDOW_S = 4.0


@pytest.fixture
def world(tmp_path):
    with pace_world(tmp_path) as one:
        yield one


def test_the_pace_holds_right_after_kill_and_resume(world):
    """A batch that is killed with -9 and started again at once sends no burst: what it had sent still counts."""
    killed_and_resumed(world, PER_MINUTE, kill_at=45, requests=120)

    burst = burst_of(Wish("", "", 1, PER_MINUTE, PER_MINUTE, 1.0))
    assert most_within(world.seen_s(), WINDOW_S) <= PER_MINUTE * WINDOW_S / 60 + 2 * burst + 1
    assert max(world.launches().values()) == 1


def test_four_processes_on_one_ledger_share_its_budget(world):
    """Four batches in four processes on one ledger keep to one budget together, and use it."""
    side_by_side(world, PER_MINUTE, requests=180)

    seen_s = world.seen_s()
    burst = burst_of(Wish("", "", 1, PER_MINUTE, PER_MINUTE, 1.0))
    assert most_within(seen_s, WINDOW_S) <= PER_MINUTE * WINDOW_S / 60 + 4 * burst + 1
    assert len({order.partition("-")[0] for order in world.launches()}) == 4
