"""Pace slots: arithmetic that holds for any order of reserving, giving back and being late."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings, strategies as st
from ledger_world import HandClock, opened

from flowlaunch.batch.ledger.slot_rules import LATE_US, WINDOW_US, Wish, grant
from flowlaunch.errors import LedgerError

MINUTE_US = 60_000_000


def over_budget(sent_us, budget):
    """Whether any sliding 60 s holds more than `budget` of the requests."""
    in_order = sorted(sent_us)
    return any(later - earlier < MINUTE_US for earlier, later in zip(in_order, in_order[budget:], strict=False))


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def ledger(home, clock):
    with opened(home, clock) as one:
        yield one


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),  # which lane
        st.integers(1, 12),  # how many slots
        st.sampled_from([0, 1_000, 90_000, 700_000, 5_000_000, 30_000_000, 61_000_000]),  # time that passes before
        st.integers(0, 12),  # how many of them are given back
        st.integers(0, LATE_US),  # how late the others are used
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, budget=st.integers(1, 40), rates=st.tuples(*[st.floats(0.5, 60)] * 3))
def test_no_sliding_minute_goes_over_its_budget(steps, budget, rates):
    """However reservers interleave, give back and are late, no 60 s hold more requests than the budget."""
    now_us, even_us, taken, sent = 10**12, [0, 0, 0], [], []
    for lane, n, passes_us, returned, late_us in steps:
        now_us += passes_us
        taken = [at_us for at_us in taken if at_us >= now_us - WINDOW_US]
        wish = Wish("client", str(lane), n, budget, rates[lane], 1.0)
        before = list(taken)
        granted = grant(wish, taken, even_us=even_us[lane], silent_until_us=0, now_us=now_us)
        assert taken == sorted([*before, *granted.at_us])
        assert all(now_us <= at_us <= now_us + 1_000_000 for at_us in granted.at_us)
        even_us[lane] = granted.even_us
        for at_us in granted.at_us[:returned]:
            taken.remove(at_us)
        sent += [at_us + late_us for at_us in granted.at_us[returned:]]
    assert not over_budget(sent, budget)


@pytest.mark.parametrize("budget", [60, 300, 6000])
def test_the_budget_is_used_to_ninety_nine_percent(budget):
    """Under steady demand a lane gets at least 99 % of its budget, and never more, however late slots are used."""
    now_us, even_us, taken, sent = 10**12, 0, [], []
    minutes = 5
    end_us = now_us + minutes * MINUTE_US
    while now_us < end_us:
        taken = [at_us for at_us in taken if at_us >= now_us - WINDOW_US]
        granted = grant(
            Wish("c", "l", 50, budget, budget, 0.5), taken, even_us=even_us, silent_until_us=0, now_us=now_us
        )
        even_us = granted.even_us
        sent += granted.at_us
        now_us = max(now_us + 50_000, granted.next_us - 400_000 if granted.next_us else 0)
    used = len([at_us for at_us in sent if at_us < end_us])
    assert budget * minutes * 0.99 <= used <= budget * minutes
    worst = [at_us + (LATE_US if place % (2 * budget) < budget else 0) for place, at_us in enumerate(sent)]
    assert not over_budget(worst, budget), "one budget as late as allowed, the next in time"


def test_slots_survive_the_process(ledger, clock, home):
    """Right after a restart the slots of the last minute still count."""
    first = ledger.reserve_slots("c", 5, budget_per_minute=5, horizon_s=60)
    ledger.close()
    clock.advance(30)
    with opened(home, clock) as again:
        more = again.reserve_slots("c", 5, budget_per_minute=5, horizon_s=1)
        assert more.at_us == ()
        assert more.next_us == first.at_us[0] + WINDOW_US


def test_slots_given_back_are_granted_again(ledger, clock):
    """A slot that was not used is free for the next who asks; one that was never granted frees nothing."""
    granted = ledger.reserve_slots("c", 5, budget_per_minute=5, horizon_s=60)
    assert len(granted.at_us) == 5
    ledger.return_slots("c", [*granted.at_us[:2], 17])
    assert len(ledger.reserve_slots("c", 5, budget_per_minute=5, horizon_s=30).at_us) == 2


def test_lanes_share_the_budget_at_their_own_rates(ledger, clock):
    """Two lanes are each spread at their own rate, and together stay within the client's budget."""
    sent = {"launch": [], "look": []}
    for _ in range(900):
        for lane, rate in (("launch", 60), ("look", 40)):
            sent[lane] += ledger.reserve_slots(
                "c", 5, budget_per_minute=100, rate_per_minute=rate, lane=lane, horizon_s=0.3
            ).at_us
        clock.advance(0.2)
    assert not over_budget(sent["launch"] + sent["look"], 100)
    assert 0.97 * 180 <= len(sent["launch"]) <= 187
    assert 0.97 * 120 <= len(sent["look"]) <= 127


def test_a_client_told_to_be_silent_gets_no_slot(ledger, clock):
    """After a push-back no slot lies before its end, on any lane, and a shorter one does not shorten it."""
    ledger.push_back("c", 20)
    ledger.push_back("c", 5)
    until_us = clock.now_us + 20_000_000
    assert ledger.reserve_slots("c", 1, budget_per_minute=300).next_us == until_us
    assert ledger.reserve_slots("c", 1, budget_per_minute=300, lane="look", horizon_s=21).at_us == (until_us,)
    assert ledger.reserve_slots("other", 1, budget_per_minute=300).at_us == (clock.now_us,)


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0, 61.0])
def test_a_jump_of_the_wall_clock_opens_no_second_minute(ledger, clock, jump_s):
    """When the wall clock is set forward or back the budget of the last minute stays spent, for as long as before."""
    ledger.reserve_slots("c", 5, budget_per_minute=5, horizon_s=60)
    clock.advance(20)
    clock.jump(jump_s)
    assert ledger.reserve_slots("c", 5, budget_per_minute=5).at_us == ()
    clock.advance(62)
    assert ledger.reserve_slots("c", 5, budget_per_minute=5).at_us != ()


def test_processes_share_one_budget(home, clock):
    """Four ledgers open on one file, asking at once, get one budget between them."""
    found, lock = [], threading.Lock()

    def ask():
        with opened(home, clock) as mine:
            for _ in range(10):
                at_us = mine.reserve_slots("c", 3, budget_per_minute=30, horizon_s=59).at_us
                with lock:
                    found.extend(at_us)

    with opened(home, clock):
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 30
    assert not over_budget(found, 30)


@pytest.mark.parametrize(("budget", "rate"), [(0, 1), (0.5, 0.5), (10, -1)])
def test_a_budget_of_nothing_is_refused(ledger, budget, rate):
    """A budget below one request or a rate that is not above zero is an error, not an endless wait."""
    with pytest.raises(LedgerError, match="budget must be"):
        ledger.reserve_slots("c", 1, budget_per_minute=budget, rate_per_minute=rate)
