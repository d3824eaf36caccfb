"""Pace is arithmetic: no sliding window over its budget, all of the budget used, no bursts."""

from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from flowlaunch._core.pace import Pace

ARRIVALS = st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=150)
BUDGETS = st.floats(1, 60)


def taken(pace, arrivals, deadline_s=float("inf")):
    """Reserve a slot for each arrival in order; return those that were granted."""
    slots = [pace.reserve(now_s, now_s + deadline_s) for now_s in arrivals]
    return [slot.at_s for slot in slots if slot is not None]


def fullest_window(times, window_s=60.0):
    """Count the requests of the fullest sliding window (half open)."""
    return max(sum(1 for other in times if start <= other < start + window_s) for start in times)


@settings(max_examples=150)
@given(BUDGETS, st.integers(1, 20), ARRIVALS, st.floats(0, 90))
def test_no_sliding_window_is_over_its_budget(budget, burst, gaps, deadline_s):
    """For any pattern of arrivals, any sixty seconds hold at most the budget, and no request leaves too early."""
    pace, now_s, arrivals = Pace(budget, burst=burst), 0.0, []
    for gap in gaps:
        now_s += gap
        arrivals.append(now_s)

    times = taken(pace, arrivals, deadline_s)

    if times:
        assert fullest_window(times) <= int(budget)
    assert times == sorted(times)


@given(st.integers(1, 300), st.integers(1, 20))
def test_all_of_the_budget_is_used_under_load(budget, burst):
    """With everybody waiting at once, each minute after the other is filled to the budget."""
    times = taken(Pace(budget, burst=burst), [0.0] * (3 * budget))

    for minute in range(3):
        assert sum(1 for at_s in times if minute * 60 <= at_s < (minute + 1) * 60) >= budget * 0.99 - 1
    assert times[-1] < 180


@given(st.integers(2, 300), st.integers(1, 20))
def test_the_stream_is_smooth_after_its_first_burst(budget, burst):
    """After a burst at the start requests leave evenly, one every window/budget seconds."""
    times = taken(Pace(budget, burst=burst), [0.0] * (2 * budget))
    first = min(burst, budget)
    gaps = [later - sooner for sooner, later in pairwise(times[first:])]

    assert times[:first] == pytest.approx([0.0] * first, abs=1e-6)
    assert gaps[: max(0, budget - first - 1)] == pytest.approx([60 / budget] * max(0, budget - first - 1), abs=1e-6)


@given(ARRIVALS)
def test_an_idle_client_waits_for_nothing(gaps):
    """Requests that come slower than the pace leave at once."""
    pace, now_s = Pace(60), 100.0
    for gap in gaps:
        now_s += 1.0 + gap
        assert pace.reserve(now_s, now_s).at_s == now_s


def test_no_slot_after_the_deadline_and_none_is_lost():
    """A slot that comes too late is not taken, so the next one who has time gets it."""
    pace = Pace(1)
    assert pace.reserve(0.0, 0.0).at_s == 0.0

    assert pace.reserve(0.0, 59.9) is None
    assert pace.reserve(0.0, 60.0).at_s == 60.0


def test_a_refusal_silences_all_requests():
    """After Retry-After every request waits, and an earlier end does not shorten a longer silence."""
    pace = Pace(60)
    pace.push_back(0.0, 30.0)
    pace.push_back(0.0, 10.0)

    assert pace.reserve(0.0, 29.0) is None
    assert pace.reserve(0.0, 31.0).at_s == 30.0
    assert pace.reserve(50.0, 50.0).at_s == 50.0


@pytest.mark.parametrize("budget", [0, 0.5, -1])
def test_a_pace_needs_one_request_a_window(budget):
    """A budget below one request is refused."""
    with pytest.raises(ValueError, match="at least one"):
        Pace(budget)
