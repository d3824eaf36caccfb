"""Which attempts are repeated, walked through both tables."""

import pytest
from driving import MAY_HAVE_LEFT, NEVER_LEFT, response
from hypothesis import given, strategies as st

from flowlaunch._core.messages import Lost
from flowlaunch._core.quota import CAPACITY, RETRY_COST, Quota
from flowlaunch._core.retry import LAUNCH_VERDICTS, READ_VERDICTS, Outcome, RetryPolicy, Verdict, outcome_of

O, V = Outcome, Verdict  # noqa: E741 - short names for the table below


@pytest.mark.parametrize("table", [READ_VERDICTS, LAUNCH_VERDICTS])
def test_every_outcome_has_a_verdict(table):
    """Both tables say what to do about every outcome."""
    assert set(table) == set(Outcome)


@pytest.mark.parametrize(
    ("outcome", "read", "launch"),
    [
        (O.ANSWERED, V.RETURN, V.RETURN),
        (O.UNAUTHORIZED, V.RENEW, V.RENEW),
        (O.THROTTLED, V.WAIT, V.WAIT),
        (O.REFUSED, V.FAIL, V.FAIL),
        (O.UNAVAILABLE, V.BACK_OFF, V.DOUBT),
        (O.BROKEN, V.FAIL, V.DOUBT),
        (O.NOT_SENT, V.BACK_OFF, V.BACK_OFF),
        (O.LOST, V.BACK_OFF, V.DOUBT),
    ],
)
def test_a_launch_differs_from_a_read_only_where_it_may_have_run(outcome, read, launch):
    """A read is repeated when its answer is lost or the service unavailable; a launch is then in doubt."""
    assert (READ_VERDICTS[outcome], LAUNCH_VERDICTS[outcome]) == (read, launch)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, O.ANSWERED),
        (201, O.ANSWERED),
        (202, O.ANSWERED),
        (204, O.ANSWERED),
        (302, O.REFUSED),
        (400, O.REFUSED),
        (401, O.UNAUTHORIZED),
        (403, O.REFUSED),
        (404, O.REFUSED),
        (405, O.REFUSED),
        (408, O.UNAVAILABLE),
        (409, O.REFUSED),
        (410, O.REFUSED),
        (413, O.REFUSED),
        (415, O.REFUSED),
        (429, O.THROTTLED),
        (500, O.BROKEN),
        (501, O.BROKEN),
        (502, O.UNAVAILABLE),
        (503, O.UNAVAILABLE),
        (504, O.UNAVAILABLE),
        (599, O.BROKEN),
    ],
)
def test_a_status_has_one_outcome(status, outcome):
    """Each status counts as the outcome that the contract names for it (official lists, 2026-11)."""
    assert outcome_of(response(status)) is outcome


@given(st.integers(100, 999))
def test_no_status_but_401_and_429_lets_a_launch_be_sent_again(status):
    """Of all statuses only 401 and 429 lead to another launch."""
    verdict = RetryPolicy().verdict(response(status), is_repeatable=False)

    assert (verdict in {V.RENEW, V.WAIT, V.BACK_OFF}) == (status in {401, 429})


def test_a_lost_reply_counts_by_whether_the_request_left():
    """A request that never left may be repeated; one that may have arrived is in doubt."""
    policy = RetryPolicy()

    assert outcome_of(NEVER_LEFT) is O.NOT_SENT
    assert outcome_of(MAY_HAVE_LEFT) is O.LOST
    assert policy.verdict(NEVER_LEFT, is_repeatable=False) is V.BACK_OFF
    assert policy.verdict(MAY_HAVE_LEFT, is_repeatable=False) is V.DOUBT


def test_only_a_refused_certificate_is_lasting():
    """A certificate that was refused is refused the next time too; anything else may pass."""
    kinds = ("dns", "connect", "tls", "certificate", "proxy", "timeout", "reset", "truncated")

    assert [kind for kind in kinds if Lost(request_left=False, kind=kind, reason="").is_lasting] == ["certificate"]


@given(st.integers(1, 10_000))
def test_backoff_grows_to_its_cap_and_never_past_it(attempt):
    """The longest pause doubles with each attempt up to a cap, however many attempts there are."""
    policy = RetryPolicy(base_s=0.25, cap_s=8.0)

    assert 0 < policy.backoff_up_to_s(attempt) <= 8.0
    assert policy.backoff_up_to_s(attempt) <= policy.backoff_up_to_s(attempt + 1)


def test_backoff_starts_at_twice_its_base():
    """The first pauses are up to 0.5, 1 and 2 seconds."""
    assert [RetryPolicy().backoff_up_to_s(attempt) for attempt in (1, 2, 3)] == [0.5, 1.0, 2.0]


def test_a_quota_runs_dry_and_is_refilled_by_answers():
    """Some 35 repeats empty the quota; each answered request gives one unit back, up to its capacity."""
    quota = Quota()
    repeats = 0
    while quota.withdraw(RETRY_COST):
        repeats += 1
    assert repeats == CAPACITY // RETRY_COST
    assert not quota.is_full

    for _ in range(RETRY_COST):
        quota.refund()
    assert quota.withdraw(RETRY_COST)

    quota.refund(10 * CAPACITY)
    assert quota.is_full
    assert not quota.withdraw(CAPACITY + 1)


@given(st.lists(st.one_of(st.integers(1, 100), st.just(0)), max_size=200))
def test_a_quota_is_never_overdrawn(moves):
    """Whatever the order of repeats and answers, no more is spent than the quota held."""
    quota, left = Quota(capacity=100), 100
    for cost in moves:
        if cost == 0:
            quota.refund()
            left = min(100, left + 1)
        else:
            granted = quota.withdraw(cost)
            assert granted == (cost <= left)
            left -= cost if granted else 0
    assert quota.is_full == (left == 100)
