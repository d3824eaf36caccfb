"""The judge itself: a good history passes, and each kind of lie in one is found."""

from dataclasses import replace

import pytest
from chaos_history import RULES, History, Said, Seen, findings_of
from hypothesis import given, strategies as st

from flowlaunch.batch.states import RowState

GOOD = History(
    launches=(Seen("a", "1"), Seen("b", "2"), Seen("c", "3")),
    rows=(
        Said("a", RowState.COMPLETED, "1"),
        Said("b", RowState.IN_DOUBT),
        Said("c", RowState.FAILED, "3"),
        Said("d", RowState.REFUSED),
    ),
    sent_s=(0.0, 20.0, 40.0, 60.0, 80.0),
    budget_per_minute=3,
    most_in_doubt=1,
    accepted=("a", "c"),
)


def with_row(history, row, **changed):
    return replace(history, rows=tuple(replace(one, **changed) if one.row == row else one for one in history.rows))


LIES = {
    "launched_twice": replace(GOOD, launches=(*GOOD.launches, Seen("b", "9"))),
    "launched_unknown": with_row(GOOD, "b", state=RowState.REFUSED),
    "launched_in_the_ledger_only": with_row(GOOD, "c", execution_id="77"),
    "left_behind": with_row(GOOD, "d", state=RowState.PENDING),
    "over_the_pace": replace(GOOD, sent_s=(0.0, 20.0, 40.0, 59.999)),
    "too_many_in_doubt": with_row(GOOD, "a", state=RowState.IN_DOUBT),
    "accepted_and_lost": replace(GOOD, accepted=("a", "zz")),
}


def test_a_good_history_has_no_finding():
    """Launched once, known or in doubt, within the pace: nothing is found."""
    assert findings_of(GOOD) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_each_rule_finds_its_lie(rule):
    """A history that breaks one promise is found by the rule for it."""
    assert rule(GOOD) == []
    assert rule(LIES[rule.__name__])


@pytest.mark.parametrize(("budget", "tries"), [(4, True), (5, False), (None, False)])
def test_a_history_with_less_than_a_minute_holds_does_not_try_the_pace(budget, tries):
    """Where no more was sent than the budget of one minute, the judge could not have found the pace broken."""
    assert replace(GOOD, budget_per_minute=budget).tries_the_pace is tries


def test_a_launch_without_a_row_is_found():
    """An execution that no row of the ledger explains is a finding, not an extra."""
    assert findings_of(replace(GOOD, launches=(*GOOD.launches, Seen("ghost", "5")))) == [
        "execution 5 belongs to no row of the ledger (ghost)"
    ]


@given(times=st.lists(st.integers(0, 300), max_size=60), budget=st.integers(1, 10))
def test_the_pace_is_judged_in_every_sliding_minute(times, budget):
    """The judge agrees with counting every window that begins at a request."""
    most = max((sum(begin <= at < begin + 60 for at in times) for begin in times), default=0)
    history = History(launches=(), rows=(), sent_s=tuple(map(float, times)), budget_per_minute=budget)
    assert bool(findings_of(history)) is (most > budget)
