"""The runner's arithmetic: ramp, error budget, outages, speed and durations, without a network."""

import pytest
from hypothesis import given, strategies as st

from flowlaunch.batch.budget import ErrorBudget, Tally, parse_share
from flowlaunch.batch.dispatch import Sign
from flowlaunch.batch.durations import Durations
from flowlaunch.batch.gauge import Gauge
from flowlaunch.batch.health import Health
from flowlaunch.batch.ramp import Ramp, stage_sizes
from flowlaunch.errors import SettingsError


@pytest.mark.parametrize(
    ("stages", "rows", "sizes"),
    [
        (("1", "10", "1%", "all"), 10_000, (1, 10, 100, None)),
        (("1", "10", "1%", "all"), 500, (1, 10, None)),
        (("1", "10", "1%", "all"), 10, (1, None)),
        (("1", "10", "1%", "all"), 1, (None,)),
        (("all",), 7, (None,)),
        ((), 7, (None,)),
        (("50%", "10"), 100, (50, None)),
    ],
)
def test_stages_grow_and_end_with_all_rows(stages, rows, sizes):
    """Shares are taken of the rows, a stage that is not larger than the one before is left out, all is the last."""
    assert stage_sizes(stages, rows) == sizes


@pytest.mark.parametrize("stage", ["ten", "-1", "200%", "", "1 row"])
def test_a_stage_that_is_none_is_refused(stage):
    """Anything but rows, a share or all is a settings error."""
    with pytest.raises(SettingsError):
        stage_sizes((stage,), 10)


def test_a_stage_waits_for_its_last_end_but_not_for_ever():
    """A stage is left when all of its rows have ended, or after its patience with some still running."""
    ramp = Ramp((2, None), patience_s=60.0)

    assert ramp.allowance(1) == 1
    assert not ramp.advance(1, 1, 0.0, is_within_budget=True)
    assert not ramp.advance(2, 1, 10.0, is_within_budget=True)
    assert not ramp.advance(2, 2, 20.0, is_within_budget=False)
    assert not ramp.advance(2, 1, 60.0, is_within_budget=True)
    assert ramp.advance(2, 1, 70.0, is_within_budget=True)
    assert ramp.is_over
    assert ramp.allowance(2) is None


@pytest.mark.parametrize(
    ("judged", "wrong", "pauses"),
    [(1, 1, True), (9, 1, True), (10, 1, False), (10, 2, True), (40, 2, False), (40, 3, True), (100, 0, False)],
)
def test_five_per_cent_is_judged_by_how_many_have_ended(judged, wrong, pauses):
    """Of fewer than ten ended rows none may fail; of more the share counts, and one is never too many."""
    tally = Tally(completed=judged - wrong, failed=wrong)

    assert (ErrorBudget(0.05).breach(tally) is not None) is pauses


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500), st.floats(0.0, 0.99))
def test_a_breach_stays_one_when_more_fail(completed, failed, more, share):
    """With the same successes, more failures never bring a batch back within its budget."""
    budget = ErrorBudget(share, None)
    if budget.breach(Tally(completed=completed, failed=failed)):
        assert budget.breach(Tally(completed=completed, failed=failed + more))


def test_doubt_counts_from_where_the_run_began():
    """Rows that were in doubt before the run do not pause it; new ones do."""
    budget = ErrorBudget(None, 2, Tally(in_doubt=5))

    assert budget.breach(Tally(in_doubt=7)) is None
    assert "3 rows are in doubt" in (budget.breach(Tally(in_doubt=8)) or "")


@pytest.mark.parametrize(
    ("text", "found"), [("5%", 0.05), ("20", 20), (None, None), (0.1, 0.1), (3, 3), ("0.5%", 0.005)]
)
def test_bounds_are_shares_or_rows(text, found):
    """`5%` is a share, `20` is twenty rows, None is no bound."""
    assert parse_share(text) == found


@pytest.mark.parametrize("text", ["5 percent", "-1", "101%", ""])
def test_a_bound_that_is_none_is_refused(text):
    """Anything else is a settings error."""
    with pytest.raises(SettingsError):
        parse_share(text)


def test_an_outage_lets_one_row_try_more_and_more_seldom():
    """Each failure doubles the silence up to a minute; the first success ends the outage."""
    health, now_s, pauses = Health(), 0.0, []
    assert health.note(Sign.UNREACHABLE, now_s) == "outage"
    for _ in range(9):
        assert health.room(now_s, 0, 16) == 0
        pauses.append(health.silent_until_s - now_s)
        now_s = health.silent_until_s
        assert health.room(now_s, 0, 16) == 1
        assert health.room(now_s, 1, 16) == 0
        assert health.note(Sign.UNREACHABLE, now_s) == ""

    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert health.note(Sign.WELL, now_s) == "recovered"
    assert health.room(health.silent_until_s, 0, 16) == 16


def test_answers_of_the_same_wave_back_off_once():
    """Sixteen connections that break together are one failure, not sixteen."""
    health = Health()
    for _ in range(16):
        health.note(Sign.UNREACHABLE, 0.0)

    assert health.silent_until_s == 0.5


def test_three_doubts_in_a_row_are_an_outage_and_one_is_none():
    """A single lost answer goes on; three without a success between them slow the batch down."""
    health = Health()

    assert [health.note(sign, 0.0) for sign in (Sign.DOUBTFUL, Sign.DOUBTFUL, Sign.WELL, Sign.DOUBTFUL)] == [""] * 4
    assert health.note(Sign.DOUBTFUL, 0.0) == ""
    assert health.note(Sign.DOUBTFUL, 0.0) == "outage"


def test_speed_is_of_the_last_minute_and_tells_the_end():
    """Ten launches a second are 600 a minute, and 300 rows more take half a minute."""
    gauge = Gauge()
    for tenth in range(1_200):
        gauge.add(tenth / 10)

    assert gauge.per_minute(120.0) == pytest.approx(600, rel=0.02)
    assert gauge.eta_s(120.0, 300) == pytest.approx(30, rel=0.02)
    assert gauge.eta_s(500.0, 300) is None


def test_a_flow_that_takes_a_minute_is_looked_at_about_then():
    """Once eight ends are known, the first look is when most have ended; before, looks grow from a second."""
    durations = Durations()
    assert durations.next_look_s(0.0) == 1.0
    assert durations.next_look_s(0.0, is_awaited=True) == 0.25
    assert durations.next_look_s(10.0) == 16.0
    for took_s in (55, 58, 60, 60, 61, 62, 63, 70):
        durations.learn(took_s)

    assert 60 <= durations.next_look_s(0.0) <= 80
    assert durations.next_look_s(0.0, is_urgent=True) <= durations.next_look_s(0.0)
    assert durations.next_look_s(0.0, is_awaited=True) == durations.next_look_s(0.0, is_urgent=True)
    assert durations.next_look_s(300.0) > 300.0


@given(st.lists(st.floats(0.0, 1e6), max_size=40), st.floats(0.0, 1e5), st.booleans())
def test_the_next_look_lies_ahead_and_not_too_far(ends, age_s, urgent):
    """Whatever was learnt, the next look is later than the last and at most a quarter of an hour away."""
    durations = Durations()
    for took_s in ends:
        durations.learn(took_s)

    assert age_s + 0.25 <= durations.next_look_s(age_s, is_urgent=urgent) + 1e-6
    assert durations.next_look_s(age_s, is_urgent=urgent) <= age_s + 900.0


def test_old_ends_are_forgotten_by_and_by():
    """A flow that becomes slower is looked at later after a while, and memory stays flat."""
    durations = Durations()
    for _ in range(4_000):
        durations.learn(1.0)
    for _ in range(12_000):
        durations.learn(100.0)

    assert durations.next_look_s(0.0) > 90
    assert durations.ends <= 4_001
