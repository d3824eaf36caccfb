"""What a batch needs of its workers, judged from numbers alone."""

import pytest

from flowlaunch.batch.ledger.handovers import Baseline, Handover
from flowlaunch.batch.states import RowState
from flowlaunch.batch.work import WorkOptions
from flowlaunch.batch.workers.judging import ANY, OPENING, chunks_of, judge, may_leave, share_of

NOW_US = 1_800_000_000_000_000
UNPACED = WorkOptions(pace_per_minute=None, ramp=())


def held(*, states=None, **more):
    return Handover(batch_id=7, client_key="key", profile="", given_us=0, states=states or {}, **more)


def chunks(one, options=UNPACED, **more):
    given = {"due_us": 0, "until_left": None, "workers": ["a", "b"], "enqueued": set(), "is_any_running": False,
             "now_us": NOW_US, **more}  # fmt: skip
    return chunks_of(one, options, **given)


def test_each_worker_gets_one_chunk_of_a_batch_and_no_second_one_while_it_waits():
    """A chunk that waits or is worked on is not enqueued again; small batches need one worker only."""
    big = held(states={RowState.PENDING: 10_000})
    assert set(chunks(big).names) == {"a", "b"}
    assert chunks(big, enqueued={"a"}).names == ("b",)
    assert chunks(big, enqueued={"a", "b"}).names == ()
    assert len(chunks(held(states={RowState.PENDING: 5})).names) == 1
    assert chunks(big, workers=[]).names == (ANY,)


@pytest.mark.parametrize(("concurrency", "workers"), [(16, 4), (7, 3), (3, 3), (1, 1), (1_000, 7)])
@pytest.mark.parametrize("batch_id", [1, 2, 3])
def test_the_shares_of_all_workers_are_the_batchs_concurrency(concurrency, workers, batch_id):
    """What workers have in flight is together what the batch may have, and no one has much more than another."""
    names = [f"w{number}" for number in range(workers)]
    shares = [share_of(concurrency, batch_id, names, one) for one in names]
    assert sum(shares) == concurrency
    assert max(shares) - min(shares) <= 1


def test_no_more_workers_are_asked_than_launches_may_be_in_flight():
    """A batch with two launches at once goes to two of four workers, to those whose shares they are."""
    names = ["a", "b", "c", "d"]
    few = held(states={RowState.PENDING: 1_000}, concurrency=2)
    chosen = chunks(few, workers=names).names
    assert [share_of(2, few.batch_id, names, one) for one in chosen] == [1, 1]
    assert share_of(2, few.batch_id, names, "unseen") == 1


def test_a_chunk_is_what_leaves_in_a_few_seconds():
    """The slower the pace and the more workers there are, the fewer rows one of them may take."""
    big = held(states={RowState.PENDING: 100_000})
    paced = WorkOptions(pace_per_minute=6_000.0, ramp=())
    assert chunks(big, paced).rows == 750
    assert chunks(held(states={RowState.PENDING: 100_000}, rate_per_minute=60.0), paced).rows == 20
    assert chunks(big, UNPACED).rows == 10_000


def test_rows_whose_window_opens_later_are_enqueued_for_then():
    """Nothing is enqueued for now: one job waits in the queue for the opening."""
    waiting = held(states={RowState.PENDING: 50})
    opening = chunks(waiting, due_us=NOW_US + 3_600_000_000)
    assert (opening.names, opening.at_us) == ((OPENING,), NOW_US + 3_600_000_000)
    assert chunks(waiting, due_us=NOW_US + 3_600_000_000, enqueued={OPENING}).names == ()


@pytest.mark.parametrize("state", ["paused", "cancelled"])
def test_a_batch_that_must_not_go_on_gets_no_chunk_but_is_cleared_up(state):
    """Only rows that a dead worker left launching are looked after, by a chunk that may launch none."""
    assert chunks(held(states={RowState.PENDING: 50}, **{state: True})).names == ()
    left = held(states={RowState.PENDING: 50, RowState.LAUNCHING: 3}, **{state: True})
    assert (chunks(left).names, chunks(left).rows) == ((ANY,), 0)
    assert chunks(left, is_any_running=True).names == ()


def test_rows_that_a_dead_worker_holds_are_freed_though_none_is_due():
    """When all pending rows are taken and nobody works on them, somebody has to look."""
    taken = held(states={RowState.PENDING: 50})
    assert chunks(taken, due_us=None).names == (ANY,)
    assert chunks(taken, due_us=None, is_any_running=True).names == ()


def test_a_stage_of_the_ramp_is_one_chunk_and_counts_what_is_in_flight():
    """While a ramp lasts one worker at a time launches, up to what the stage allows."""
    ramping = held(states={RowState.PENDING: 90, RowState.LAUNCHED: 6, RowState.LAUNCHING: 2})
    assert may_leave(ramping, 10, 1_000) == 2
    assert (chunks(ramping, until_left=10).names, chunks(ramping, until_left=10).rows) == ((ANY,), 2)
    assert chunks(ramping, until_left=10, enqueued={"a"}).names == ()
    assert chunks(ramping, until_left=8).names == ()


def test_the_next_stage_begins_when_all_rows_of_this_one_have_ended_well():
    """The ramp is judged by the rows of all workers; its stage is kept in the ledger."""
    options = WorkOptions(ramp=("1", "10", "all"))
    first = judge(held(states={RowState.PENDING: 99, RowState.LAUNCHED: 1}), options, NOW_US)
    assert (first.until_left, first.changed["stage_full_us"]) == (1, NOW_US)
    ended = held(states={RowState.PENDING: 99, RowState.COMPLETED: 1}, stage_full_us=NOW_US)
    second = judge(ended, options, NOW_US)
    assert (second.until_left, second.changed["stage"], second.ramped) == (10, 1, "10 rows may leave")
    assert (
        judge(held(states={RowState.PENDING: 90, RowState.COMPLETED: 10}, stage=2), options, NOW_US).until_left is None
    )


def test_what_went_wrong_at_any_worker_pauses_the_batch_once_and_counts_no_more_when_it_goes_on():
    """The baseline of the error budget moves to what was seen when somebody let the batch go on."""
    options = WorkOptions(ramp=(), max_failed=5, max_in_doubt=None)
    wrong = {RowState.PENDING: 50, RowState.REFUSED: 6}
    breached = judge(held(states=wrong, baseline=Baseline()), options, NOW_US)
    assert "6 of 6" in breached.pause
    assert breached.changed["baseline"].is_breached
    paused = held(states=wrong, baseline=Baseline(is_breached=True), paused=True)
    assert judge(paused, options, NOW_US).pause == ""
    resumed = judge(held(states=wrong, baseline=Baseline(is_breached=True)), options, NOW_US)
    assert resumed.pause == ""
    assert resumed.changed["baseline"] == Baseline(judged=6, wrong=6)
