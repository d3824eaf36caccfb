"""Waiting for executions: few reads, shared by all who wait, and every end told."""

import threading
import time

import pytest
from scripted_server import DROP, FLOW_ID, OneClient, answer, execution, later, refusal

from flowlaunch import (
    DeadlineError,
    ExecutionFailedError,
    NotFoundError,
    PermissionDeniedError,
)

RUNNING, DONE = execution("RUNNING"), execution("COMPLETED", outputData={"Flow.result": 42})


def test_a_wait_reads_less_and_less_often(connect, scripted):
    """Waiting five minutes for an execution takes some thirty reads, ever further apart."""
    server = scripted(execution=[RUNNING])
    client = connect(server.url)

    with pytest.raises(DeadlineError) as caught:
        client.call("wait", "exec-1", wait_s=300)

    assert 25 <= server.count("GET") <= 45
    assert client.clock.seconds == pytest.approx(1300, abs=1)
    assert "it is RUNNING" in caught.value.message
    assert "flowlaunch wait exec-1" in caught.value.hint
    assert caught.value.details["execution_id"] == "exec-1"


def test_a_wait_returns_the_finished_execution(connect, scripted):
    """The execution comes back with its output."""
    server = scripted(execution=[RUNNING, RUNNING, DONE])

    ended = connect(server.url).call("wait", "exec-1")

    assert (ended.status, ended.output_data, server.count("GET")) == ("COMPLETED", {"Flow.result": 42}, 3)


def test_run_launches_waits_and_returns(connect, scripted):
    """run is launch and wait in one."""
    server = scripted(execution=[RUNNING, DONE])

    assert connect(server.url).call("run", FLOW_ID, {"customerName": "Ada"}).succeeded
    assert server.launches == 1


FAILED = execution("FAILED", completionReason="Failure", flowErrorInfo={"message": "null", "code": "x.y"})


def test_a_failed_run_raises_or_returns_as_asked(connect, scripted):
    """run raises on a failed execution, wait returns it, unless told otherwise."""
    client = connect(scripted(execution=[FAILED]).url)

    with pytest.raises(ExecutionFailedError) as caught:
        client.call("run", FLOW_ID, {"customerName": "Ada"})
    assert caught.value.execution.error.code == "x.y"
    assert client.call("run", FLOW_ID, {"customerName": "Ada"}, raise_on_failure=False).status == "FAILED"
    assert client.call("wait", "exec-1").status == "FAILED"
    with pytest.raises(ExecutionFailedError):
        client.call("wait", "exec-1", raise_on_failure=True)


def test_an_unknown_status_is_waited_out(connect, scripted):
    """A status that is not known is told as it came and not taken for an end."""
    told = []

    connect(scripted(execution=[execution("SUSPENDED"), execution("UNKNOWN"), DONE]).url).call(
        "wait", "exec-1", on_status=lambda one: told.append(one.status)
    )

    assert told == ["SUSPENDED", "UNKNOWN", "COMPLETED"]


def test_a_status_is_told_once(connect, scripted):
    """on_status is called when a status is first seen and when it changes, not at every read."""
    told = []

    connect(scripted(execution=[RUNNING, RUNNING, RUNNING, DONE]).url).call("wait", "exec-1", on_status=told.append)

    assert [one.status for one in told] == ["RUNNING", "COMPLETED"]


def test_a_callback_that_fails_ends_its_wait_alone(connect, scripted):
    """An error of on_status reaches the caller, and the client waits on as before."""
    client = connect(scripted(execution=[RUNNING, DONE]).url)

    def broken(_execution):
        raise LookupError("mine")

    with pytest.raises(LookupError):
        client.call("wait", "exec-1", on_status=broken)
    assert client.call("wait", "exec-1").succeeded


def test_an_early_404_is_waited_out_and_a_late_one_counts(connect, scripted):
    """Right after a launch a 404 means that readers lag behind; after ten seconds it means that there is none."""
    missing = refusal(404, "not.found")
    assert connect(scripted(execution=[missing, missing, DONE]).url).call("wait", "exec-1").succeeded

    client = connect(scripted(execution=[missing]).url)
    with pytest.raises(NotFoundError):
        client.call("wait", "exec-1")
    assert 10 <= client.clock.seconds - 1000 < 16


def test_passing_trouble_is_waited_out_together(connect, scripted):
    """Lost answers, 5xx and refusals by rate do not end a wait."""
    trouble = [DROP, refusal(500), refusal(503), refusal(429, headers=[("Retry-After", "3")]), b"junk\r\n\r\n", DONE]

    assert connect(scripted(execution=trouble).url).call("wait", "exec-1").succeeded


def test_trouble_stands_in_the_deadlines_error(connect, scripted):
    """When reading failed to the end, the deadline's error says how."""
    with pytest.raises(DeadlineError) as caught:
        connect(scripted(execution=[refusal(500, message="out of order")]).url).call("wait", "exec-1", wait_s=20)

    assert "it was not seen yet; the last reading failed: " in caught.value.message
    assert "out of order" in caught.value.message


def test_a_denied_wait_ends_at_once(connect, scripted):
    """Without the permission to read executions a wait ends with its first read."""
    server = scripted(execution=[refusal(403, "missing.any.permissions")])

    with pytest.raises(PermissionDeniedError) as caught:
        connect(server.url).call("wait", "exec-1")

    assert server.count("GET") == 1
    assert "architect:flowExecution:view" in caught.value.hint


def test_waiting_no_time_at_all_reads_nothing(connect, scripted):
    """wait_s=0 ends at once."""
    server = scripted(execution=[DONE])

    with pytest.raises(DeadlineError):
        connect(server.url).call("wait", "exec-1", wait_s=0)

    assert server.count("GET") == 0


def test_forty_waiters_share_the_readings_of_one_execution(connect, scripted):
    """However many wait for one execution, it is read as often as for one."""
    server = scripted(execution=[RUNNING, RUNNING, RUNNING, later(DONE)])
    client = connect(server.url, real_time=True)

    results = client.gather(*[("wait", "exec-1")] * 40)

    assert {result.status for result in results} == {"COMPLETED"}
    assert 4 <= server.count("GET") <= 6


def test_waiters_of_many_executions_keep_to_their_share(connect, scripted):
    """Reads for many executions together take no more than the share of the pace that waiting may take."""
    server = scripted(execution=[RUNNING])
    client = connect(server.url, real_time=True, pace_per_minute=3000)  # 0.4 * 0.95 of it: 19 reads a second

    began = time.monotonic()
    while server.count("GET") < 8:  # at once, unless the machine stalls
        results = client.gather(*[("wait", f"exec-{index}", {"wait_s": 1.0}) for index in range(20)])
        assert all(isinstance(result, DeadlineError) for result in results)
        assert server.count("GET") <= 19 * (time.monotonic() - began) + 1


def test_many_different_ends_reach_their_own_waiters(connect, scripted):
    """Fifty waits for fifty executions end each with its own execution."""
    server = scripted(execution=[RUNNING])
    server._next = lambda seen: answer(body={"id": seen.path.rpartition("/")[2], "status": "COMPLETED"})
    client = connect(server.url, real_time=True, access_token="given")

    results = client.gather(*[("wait", f"exec-{index}", {"wait_s": 10}) for index in range(50)])

    assert [result.id for result in results] == [f"exec-{index}" for index in range(50)]


def test_an_end_that_arrives_between_looking_and_resting_is_not_missed(scripted):
    """A thread that is about to rest while another records the end wakes at once, not at its own deadline."""
    server = scripted(execution=[DONE])
    client = OneClient("sync", server.url, real_time=True, access_token="given")
    waiter = client.client._waiter
    take_turn, paused, may_go = waiter._take_turn, threading.Event(), threading.Event()
    slow = {}

    def late_turn(*args):
        if threading.get_ident() == slow.get("thread") and not paused.is_set():
            paused.set()
            may_go.wait(60)
        return take_turn(*args)

    waiter._take_turn = late_turn
    ended = {}

    def wait_slowly():
        slow["thread"] = threading.get_ident()
        began = time.monotonic()
        ended["status"] = client.client.wait("exec-1", wait_s=60).status
        ended["took_s"] = time.monotonic() - began

    thread = threading.Thread(target=wait_slowly)
    thread.start()
    paused.wait(60)
    client.client.wait("exec-1", wait_s=60)
    may_go.set()
    thread.join()

    assert ended["status"] == "COMPLETED"
    assert ended["took_s"] < 30
    client.close()
