"""Which execution is read next, when, and when reading is given up."""

from itertools import pairwise

import pytest
from driving import response
from hypothesis import given, strategies as st

from flowlaunch._core.board import AGE_SHARE, FIRST_S, LONGEST_S, MISSING_GRACE_S, Board, wait_ended
from flowlaunch._core.ends import execution_id_of, failure_of
from flowlaunch._core.failures import api_error
from flowlaunch.contracts import PLATFORM
from flowlaunch.errors import (
    AuthenticationError,
    DeadlineError,
    DecodeError,
    InputError,
    NotSentError,
    ReplyLostError,
)
from flowlaunch.models import Execution, ExecutionError, Launch

READ = PLATFORM.operation("executions.get")
RUNNING = Execution(id="e", status="RUNNING")
DONE = Execution(id="e", status="COMPLETED")


def error(status, **headers):
    """Return the error of a reading that was answered with `status`."""
    from flowlaunch._core.messages import Call

    return api_error(Call(READ, "http://x", subject="e"), response(status, **headers))


def read_at(board, watch, now_s, result):
    """Have `watch` read at `now_s` with `result`."""
    board.begin(watch, now_s)
    board.record(watch, result, now_s)


def test_the_first_reading_comes_soon_and_later_ones_ever_later():
    """An execution is read after a quarter second, then after a fifth of its age, every 15 s at the latest."""
    board = Board(None)
    watch = board.join("e", 0.0)
    readings = []
    while board.due_s(watch) < 400:
        readings.append(board.due_s(watch))
        read_at(board, watch, readings[-1], RUNNING)

    assert readings[:2] == [FIRST_S, 2 * FIRST_S]
    gaps = [later - sooner for sooner, later in pairwise(readings)]
    assert all(
        gap == pytest.approx(min(LONGEST_S, max(FIRST_S, at * AGE_SHARE)))
        for at, gap in zip(readings, gaps, strict=False)
    )
    assert len(readings) < 50


def test_all_waiters_of_an_execution_share_one_watch():
    """The second waiter joins the first one's watch; the last to leave takes it along."""
    board = Board(None)
    first, second = board.join("e", 0.0), board.join("e", 1.0)
    assert first is second

    board.leave(first)
    assert board.next_due() is first
    board.leave(second)
    assert board.next_due() is None


def test_a_cleared_board_has_nothing_to_read():
    """After a fork the child reads nothing for the threads of its parent."""
    board = Board(None)
    board.join("e", 0.0)

    board.clear()

    assert board.next_due() is None


@pytest.mark.parametrize("result", [DONE, error(403)])
def test_a_settled_watch_is_not_read_again(result):
    """What has ended is read no more; who waits for it anew gets a fresh watch."""
    board = Board(None)
    watch = board.join("e", 0.0)
    read_at(board, watch, 0.3, result)

    assert watch.is_settled
    assert board.next_due() is None
    again = board.join("e", 1.0)
    assert again is not watch
    board.leave(watch)
    assert board.next_due() is again


def test_the_longest_due_is_read_first():
    """Of several executions the one that is due first comes first; one being read is passed by."""
    board = Board(None)
    early, late = board.join("a", 0.0), board.join("b", 1.0)
    assert board.next_due() is early

    board.begin(early, 2.0)
    assert board.next_due() is late


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.floats(0, 5)), min_size=2, max_size=60), st.floats(1, 200))
def test_readings_keep_to_their_share_of_the_pace(moves, per_minute):
    """However many executions are waited for, readings are never closer than the share allows."""
    board, now_s, begun = Board(per_minute), 0.0, []
    for name, gap in moves:
        now_s += gap
        board.join(name, now_s)
        due = board.next_due()
        if due is not None:
            now_s = max(now_s, board.due_s(due))
            begun.append(now_s)
            read_at(board, due, now_s, RUNNING)

    assert all(later - sooner >= 60 / per_minute - 1e-6 for sooner, later in pairwise(begun))


@pytest.mark.parametrize(
    "passing",
    [
        error(500),
        error(503),
        error(429, retry_after="7"),
        error(404),
        NotSentError("x"),
        ReplyLostError("x"),
        DeadlineError("x", timeout_s=1),
    ],
    ids=lambda one: type(one).__name__ + str(getattr(one, "status", "")),
)
def test_passing_trouble_is_waited_out(passing):
    """Lost answers, 5xx, refusals by rate and an early 404 do not end a wait."""
    board = Board(None)
    watch = board.join("e", 0.0)

    read_at(board, watch, 0.3, passing)

    assert not watch.is_settled
    assert watch.trouble is passing
    assert watch.due_s == pytest.approx(0.3 + (7.0 if getattr(passing, "status", 0) == 429 else FIRST_S))
    read_at(board, watch, 8.0, RUNNING)
    assert watch.trouble is None


@pytest.mark.parametrize(
    "lasting",
    [
        error(400),
        error(403),
        error(401),
        error(410),
        DecodeError("x"),
        AuthenticationError("x", operation="sign in", status=400),
    ],
    ids=lambda one: type(one).__name__ + str(getattr(one, "status", "")),
)
def test_lasting_trouble_ends_a_wait(lasting):
    """What will not change by waiting is raised."""
    board = Board(None)
    watch = board.join("e", 0.0)

    read_at(board, watch, 0.3, lasting)

    assert watch.error is lasting


def test_a_404_counts_after_its_grace():
    """For the first seconds a 404 means that readers lag behind, whether or not one has shown it already."""
    board = Board(None)
    for seen_first in (False, True):
        watch = board.join(f"e{seen_first}", 0.0)
        if seen_first:
            read_at(board, watch, 0.3, RUNNING)
        read_at(board, watch, MISSING_GRACE_S - 0.1, error(404))
        assert not watch.is_settled
        read_at(board, watch, MISSING_GRACE_S, error(404))
        assert watch.error.status == 404


def test_a_long_retry_after_holds_one_reading_a_minute_at_most():
    """A refusal of hours does not put a reading off for hours."""
    board = Board(None)
    watch = board.join("e", 0.0)

    read_at(board, watch, 0.0, error(429, retry_after="7200"))

    assert watch.due_s == 60.0


def test_a_wait_that_ends_says_what_is_known():
    """The deadline's error has the id, the last status and the last trouble, and says how to go on."""
    board = Board(None)
    watch = board.join("e-7", 0.0)
    assert "it was not seen yet" in wait_ended(watch, 5.0).message

    read_at(board, watch, 0.3, RUNNING)
    read_at(board, watch, 1.0, NotSentError("no network"))
    ended = wait_ended(watch, 5.0)
    assert "did not end within 5 s: it is RUNNING; the last reading failed: no network" in ended.message
    assert "flowlaunch wait e-7" in ended.hint
    assert ended.details == {"timeout_s": 5.0, "execution_id": "e-7", "status": "RUNNING"}


@pytest.mark.parametrize(
    ("status", "is_final", "succeeded"),
    [
        ("COMPLETED", True, True),
        ("completed", True, True),
        ("FAILED", True, False),
        ("ERROR", True, False),
        ("TERMINATED", True, False),
        ("RUNNING", False, False),
        ("UNKNOWN", False, False),
        ("SUSPENDED_IN_SPACE", False, False),
        ("", False, False),
    ],
)
def test_only_known_ends_are_final(status, is_final, succeeded):
    """The four ends of the official enum are final; anything else, known or not, is not."""
    one = Execution(id="e", status=status)

    assert (one.is_final, one.succeeded, one.status) == (is_final, succeeded, status)


def test_a_failure_says_why_in_the_flows_words():
    """The error of a failed run has status, reason, message, code and parameters, and a cure for NOT_SET."""
    why = ExecutionError(
        message="a null where one is disallowed",
        code="error.workflow.expression.unexpectedNull",
        params={"expression": "Flow.userEmail", "pos": "0"},
    )
    failed = failure_of(Execution(id="e-1", status="FAILED", completion_reason="Failure", error=why))

    assert failed.message.startswith(
        "execution e-1 ended FAILED, Failure: a null where one is disallowed (error.workflow.expression.unexpectedNull)"
    )
    assert failed.hint == "Flow.userEmail was NOT_SET: check that the input was given."
    assert failed.execution.status == "FAILED"


def test_a_failure_without_a_reason_is_short():
    """A run that tells nothing of its end is told by its status."""
    failed = failure_of(Execution(id="e-1", status="TERMINATED"))

    assert failed.message == "execution e-1 ended TERMINATED"
    assert failed.hint


def test_an_execution_may_be_named_in_three_ways():
    """An id, a Launch and an Execution all name an execution; an empty id names none."""
    assert execution_id_of(" e-1 ") == "e-1"
    assert execution_id_of(Launch(id="e-2", flow_id="f")) == "e-2"
    assert execution_id_of(RUNNING) == "e"
    with pytest.raises(InputError):
        execution_id_of(" ")
