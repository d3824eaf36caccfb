"""Pace over batches and machines: shares by priority, a share kept back, and the clock that slots go by."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings, strategies as st
from ledger_world import HandClock, opened, spec

from flowlaunch._core.steps import Moment
from flowlaunch._io.clock import SystemClock
from flowlaunch.batch.ledger import Change, open_ledger, slot_clients
from flowlaunch.batch.ledger.slot_rules import WINDOW_US, Claim, fair_rate
from flowlaunch.errors import LedgerError

MINUTE_US = 60_000_000


class OffClock(SystemClock):
    """A machine whose wall clock is wrong by so many seconds."""

    def __init__(self, off_s):
        self._off_s = off_s

    def now(self):
        return Moment(time.monotonic(), time.time() + self._off_s)


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def ledger(home, clock):
    with opened(home, clock) as one:
        yield one


CLAIMS = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from(["launch", "look"]), st.floats(0, 500), st.integers(1, 100)),
    min_size=1,
    max_size=8,
    unique_by=lambda one: one[:2],
)


@settings(max_examples=200, deadline=None)
@given(claims=CLAIMS, budget=st.floats(1, 6000))
def test_shares_add_up_and_waste_nothing(claims, budget):
    """No lane gets more than it claims, all together get the budget or all they claim, whichever is less."""
    made = [Claim(f"{purpose}:{batch}", want, float(weight)) for batch, purpose, want, weight in claims]

    got = {one.lane: fair_rate(one.lane, made, budget) for one in made}

    assert all(got[one.lane] <= one.per_minute + 1e-6 for one in made)
    assert sum(got.values()) == pytest.approx(min(budget, sum(one.per_minute for one in made)), abs=1e-6)


def test_greedy_batches_share_by_weight():
    """Batches that want all of it get shares in proportion to their weights, whatever their number of lanes."""
    claims = [Claim("launch:1", 300, 10), Claim("look:1", 300, 10), Claim("launch:2", 300, 20)]

    assert [fair_rate(one.lane, claims, 300) for one in claims] == [50, 50, 200]


def asked(ledger, clock, batches, seconds, budget=120):
    """Let batches ask for slots every second for a while; return each one's slots."""
    got = {batch_id: [] for batch_id in batches}
    for _ in range(seconds):
        for batch_id in batches:
            got[batch_id] += ledger.reserve_slots(
                "c", 6, budget_per_minute=budget, lane=f"launch:{batch_id}", horizon_s=1.5
            ).at_us
        clock.advance(1)
    return got


def test_batches_share_the_budget_by_priority(ledger, clock):
    """Of two batches that want all they can get, one with three times the priority gets three times the slots."""
    low, high = ledger.create_batch(spec()), ledger.create_batch(spec())
    ledger.control(high, by="test", change=Change(priority=30))

    got = asked(ledger, clock, [low, high], 90)

    since_us = clock.now_us - MINUTE_US
    lately = {batch_id: sum(at_us > since_us for at_us in slots) for batch_id, slots in got.items()}
    assert lately[high] == pytest.approx(90, abs=6)
    assert lately[low] == pytest.approx(30, abs=6)


def test_a_batch_alone_has_all_of_it_again(ledger, clock):
    """When the other batch has ended its share goes to the one that is left."""
    first, second = ledger.create_batch(spec()), ledger.create_batch(spec())
    asked(ledger, clock, [first, second], 30)

    got = asked(ledger, clock, [first], 130)

    assert sum(at_us > clock.now_us - MINUTE_US for at_us in got[first]) >= 115


def test_a_share_is_kept_back_for_other_apps(ledger, clock):
    """With a fifth kept back every worker's budget is four fifths; other OAuth clients keep theirs."""
    ledger.reserve_share("c", 0.2)

    assert len(ledger.reserve_slots("c", 99, budget_per_minute=60, horizon_s=60).at_us) == 48
    assert len(ledger.reserve_slots("other", 99, budget_per_minute=60, horizon_s=60).at_us) == 60
    ledger.reserve_share("c", 0)
    clock.advance(130)
    assert len(ledger.reserve_slots("c", 99, budget_per_minute=60, horizon_s=60).at_us) == 60


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_that_leaves_nothing_is_refused(ledger, share):
    """All of a budget cannot be kept back: that is what pausing is for."""
    with pytest.raises(LedgerError, match="below 1"):
        ledger.reserve_share("c", share)


def test_a_priority_is_above_zero(ledger):
    """A priority of nothing is refused like a rate of nothing."""
    batch_id = ledger.create_batch(spec())
    with pytest.raises(LedgerError, match="above zero"):
        ledger.control(batch_id, by="test", change=Change(priority=0))
    assert ledger.controls(batch_id).priority == 10


def test_machines_with_wrong_clocks_share_one_budget(postgres_ledger_url):
    """By PostgreSQL's clock two machines an hour apart get one budget, each in its own time, and give slots back."""
    with (
        open_ledger(postgres_ledger_url, clock=OffClock(3600)) as ahead,
        open_ledger(postgres_ledger_url, clock=OffClock(-3600)) as behind,
    ):
        mine = ahead.reserve_slots("c", 5, budget_per_minute=5, horizon_s=60)
        none = behind.reserve_slots("c", 5, budget_per_minute=5)
        now_us = time.time() * 1e6

        assert len(mine.at_us) == 5
        assert mine.at_us[0] == pytest.approx(now_us + 3600e6, abs=2e6)
        assert none.at_us == ()
        assert none.next_us == pytest.approx(now_us - 3600e6 + WINDOW_US, abs=3e6)
        ahead.return_slots("c", mine.at_us[:2])
        ahead.return_slots("c", mine.at_us[:2])
        assert len(behind.reserve_slots("c", 5, budget_per_minute=5, horizon_s=70).at_us) >= 2


def test_heartbeats_go_by_the_servers_clock(postgres_ledger_url):
    """A worker on a machine whose clock is an hour off is not held for dead by others."""
    with (
        open_ledger(postgres_ledger_url, clock=OffClock(-3600)) as behind,
        open_ledger(postgres_ledger_url, clock=OffClock(3600)) as ahead,
    ):
        batch_id = behind.create_batch(spec())
        worker = behind.start_work(batch_id, shared=True)

        ahead.start_work(batch_id, shared=True)

        assert worker.worker_id in {one.worker.worker_id for one in ahead.workers(batch_id)}
        behind.beat(worker)


@pytest.mark.parametrize("jump_s", [3600, -3600])
def test_a_jump_of_the_servers_clock_opens_no_second_minute(postgres_ledger_url, monkeypatch, jump_s):
    """When the server's clock is set, or another server with another clock takes over, everybody is silent a minute."""
    with open_ledger(postgres_ledger_url) as ledger:
        assert ledger.reserve_slots("c", 5, budget_per_minute=300).at_us
        monkeypatch.setattr(slot_clients, "SERVER_NOW", slot_clients.SERVER_NOW.with_only_columns(
            slot_clients.SERVER_NOW.selected_columns[0] + jump_s * 1e6))  # fmt: skip

        granted = ledger.reserve_slots("c", 5, budget_per_minute=300)

        assert granted.at_us == ()
        assert granted.next_us == pytest.approx(time.time() * 1e6 + WINDOW_US, abs=3e6)
