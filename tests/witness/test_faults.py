"""Every fault of the sandbox against every call of both clients: outcome, time and the number of launches."""

from __future__ import annotations

import base64
import inspect
import time
from typing import TYPE_CHECKING, Any

import pytest
from fault_table import BOTH, DOUBT, HOURS_S, NOT_CALLS, ROWS, STATUSES, TARGETS, Row, Target
from witness_clients import ORDER, ORDER_FLOW, SECRET, AnyClient, shown

import flowlaunch
from flowlaunch import LaunchInDoubtError, NotFoundError, RateLimitedError
from flowlaunch.sandbox import DropAfterProcessing, HtmlBadGateway, NotFoundAfterLaunch, Sandbox, Status
from flowlaunch.sandbox.faults import FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.usefixtures("one_tls_context")
KINDS = pytest.mark.parametrize("kind", ["sync", "async"])
BASIC = base64.b64encode(f"demo:{SECRET}".encode()).decode()
GENEROUS = {"timeout_s": 60.0, "wait_s": 30.0, "launch_s": 60.0}
"""Slept through at once; what is left for an answer, a tenth of it, is real and outlasts a machine that stalls."""
SHORT = {"timeout_s": 0.12, "wait_s": 0.4, "launch_s": 20.0}
LONGER = {"timeout_s": 8.0, "wait_s": 8.0, "launch_s": 20.0}
"""For a machine that stalled so long that the short time had passed before the fault was met."""
SHORT_SIGN_IN = {"timeout_s": 0.05, "wait_s": 0.3, "launch_s": 0.05}
SLACK_S = 20.0
READS_WITHIN_S = 60.0
PAIRS = [
    pytest.param(row, target, id=f"{target.title}-{row.label}")
    for row in ROWS
    for target in TARGETS
    if row.only_at in {None, target.operation}
]
AT_SIGN_IN = [pytest.param(row, id=row.label) for row in ROWS if row.token is not None]


class Arena:
    """Two sandboxes for the whole module, one for each contract, with an execution to read in the first."""

    def __init__(self, sandboxes: dict[str, Sandbox]) -> None:
        self.sandboxes = sandboxes
        self.launches = 1
        with AnyClient("sync", sandboxes["platform"].url) as client:
            self.execution_id = client.call("run", ORDER_FLOW, ORDER).id


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    options = {"rate_per_minute": None, "journal_size": 300, "execution_data": True}
    with Sandbox(**options) as platform, Sandbox(contract="guide", **options) as guide:
        made = Arena({"platform": platform, "guide": guide})
        yield made
        assert made.launches == len(platform.launches()) + len(guide.launches())


class Trial:
    """One call under one fault, and what the sandbox saw of it."""

    def __init__(self, arena: Arena, connect: Callable[..., AnyClient], kind: str, target: Target) -> None:
        self.arena = arena
        self.sandbox = arena.sandboxes[target.contract]
        self.sandbox.faults.clear()
        self.target = target
        self.client = connect(kind, self.sandbox.url, contract=target.contract)

    def warm_up(self, row: Row) -> None:
        """Sign in, and read what comes before the faulty operation where the deadline is short."""
        self.client.call("whoami")
        if row.is_silent and self.target.is_launch:
            self.client.call("find_flow", ORDER_FLOW)

    def go(self, times: dict[str, float]) -> BaseException | None:
        seen = self._seen()
        began_s, slept_s = self.client.clock.now().mono_s, self.client.clock.slept_s
        error: BaseException | None = None
        try:
            self.target.make(self.client, self.arena.execution_id, times)
        except flowlaunch.FlowlaunchError as raised:
            error = raised
        self.took_s = self.client.clock.now().mono_s - began_s
        self.slept_s = self.client.clock.slept_s - slept_s
        self.entries = self.sandbox.journal(since=seen)
        ends_s = time.monotonic() + READS_WITHIN_S
        while isinstance(error, LaunchInDoubtError) and not self.sent(self.target.operation):
            assert time.monotonic() < ends_s  # it left, so the sandbox will come to it
            self.entries = self.sandbox.journal(since=seen)
        self.launches = sum(entry.method == "POST" and entry.execution_id != "" for entry in self.entries)
        self.arena.launches += self.launches
        return error

    def sent(self, operation: str) -> int:
        return sum(entry.operation == operation for entry in self.entries)

    @property
    def met_the_fault(self) -> bool:
        return any(entry.fault for entry in self.entries)

    def _seen(self) -> int:
        last = self.sandbox.journal(limit=1)
        return last[0].number if last else 0


def judge(trial: Trial, error: BaseException | None, allowed: tuple[Any, ...], times: dict[str, float]) -> None:
    """What holds whatever the fault: an outcome of the table, in time, without a secret."""
    assert (error if error is None else type(error)) in allowed, shown(error) if error else "the call succeeded"
    assert trial.slept_s <= max(times.values())
    assert trial.took_s <= max(times.values()) + SLACK_S
    if error is not None:
        text = shown(error)
        assert SECRET not in text
        assert BASIC not in text
        assert not trial.client.token or trial.client.token not in text
        assert error.hint


def expected_launches(row: Row, target: Target, error: BaseException | None) -> int:
    if error is None:
        return target.launches
    if isinstance(error, LaunchInDoubtError):
        return int(row.is_done)
    return target.launches_anyway


def modes_of(row: Row) -> tuple[str, ...]:
    """A silence lasts until the deadline, so playing it once is playing it always."""
    return ("always",) if row.is_silent else BOTH


def test_every_fault_has_its_rows() -> None:
    """Each kind of fault and each status that the sandbox knows by name is in the table."""
    assert {type(row.fault).__name__ for row in ROWS} == set(FAULTS)
    assert {row.fault.code for row in ROWS if isinstance(row.fault, Status)} == STATUSES


def test_every_call_has_its_target() -> None:
    """Each public method of the client is tried under every fault."""
    methods = {
        name
        for name, _ in inspect.getmembers(flowlaunch.Client, inspect.isroutine)
        if not name.startswith("_") and name not in NOT_CALLS
    }
    assert {target.name for target in TARGETS} == methods


@KINDS
@pytest.mark.parametrize(("row", "target"), PAIRS)
def test_call_under_a_fault(arena: Arena, connect, kind: str, row: Row, target: Target) -> None:
    """Under this fault this call ends in time as the table says, and launches exactly as often as it may."""
    for mode in modes_of(row):
        for times in (SHORT, LONGER) if row.is_silent else (GENEROUS,):
            trial = Trial(arena, connect, kind, target)
            trial.warm_up(row)
            numbers = None if mode == "always" else trial.sandbox.faults.calls(target.operation) + 1
            trial.sandbox.faults.script(target.operation, numbers, row.fault)
            error = trial.go(times)
            if trial.met_the_fault:
                break
        judge(trial, error, row.expected(target.sort, mode), times)
        assert trial.launches == expected_launches(row, target, error)
        if isinstance(error, LaunchInDoubtError):
            assert trial.sent(target.operation) == 1
        elif error is not None and mode == "always" and row.tries and target.sort in {"read", "find"}:
            assert trial.sent(target.operation) == row.tries


@KINDS
@pytest.mark.parametrize("row", AT_SIGN_IN)
def test_calls_under_a_fault_at_sign_in(arena: Arena, connect, kind: str, row: Row) -> None:
    """Under this fault at the sign-in every call ends in time as the table says, and nothing is launched unsigned."""
    times = SHORT_SIGN_IN if row.is_silent else GENEROUS
    for target in TARGETS:
        for mode in modes_of(row):
            trial = Trial(arena, connect, kind, target)
            trial.sandbox.faults.script("token", None if mode == "always" else 1, row.fault)
            error = trial.go(times)
            judge(trial, error, row.expected_at_sign_in(target, mode), times)
            assert trial.launches == (target.launches if error is None else 0)
            assert trial.sent(target.operation) >= (1 if error is None else 0)
            if error is not None:  # a deadline of 50 ms may pass before the sandbox has read anything
                asked = {entry.operation for entry in trial.entries}
                assert asked == {"token"} or (row.is_silent and not asked)


@KINDS
def test_hours_are_told_and_not_waited(arena: Arena, connect, kind: str) -> None:
    """A Retry-After of hours ends a launch at once, and the error says how long to wait."""
    trial = Trial(arena, connect, kind, TARGETS[0])
    trial.warm_up(ROWS[0])
    trial.sandbox.faults.script("executions.launch", None, Status(429, retry_after_s=HOURS_S))
    error = trial.go(GENEROUS)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after_s == HOURS_S
    assert "7200" in error.hint
    assert trial.slept_s == 0
    assert trial.sent("executions.launch") == 1


@KINDS
def test_retry_after_is_honoured(arena: Arena, connect, kind: str) -> None:
    """A launch refused with Retry-After is sent again no sooner than told, and launches once."""
    trial = Trial(arena, connect, kind, TARGETS[0])
    trial.warm_up(ROWS[0])
    trial.sandbox.faults.next("executions.launch", Status(429, retry_after_s=7), times=2)
    assert trial.go(GENEROUS) is None
    assert trial.slept_s >= 14
    assert (trial.sent("executions.launch"), trial.launches) == (3, 1)


@KINDS
def test_late_readers_do_not_hide_a_launch(arena: Arena, connect, kind: str) -> None:
    """While the platform's readers do not show a launch, `status` says 404 and `wait` waits."""
    trial = Trial(arena, connect, kind, TARGETS[0])
    trial.sandbox.faults.next("executions.launch", NotFoundAfterLaunch(polls=4))
    launched = trial.client.call("launch", ORDER_FLOW, ORDER)
    arena.launches += 1
    with pytest.raises(NotFoundError):
        trial.client.call("status", launched)
    assert trial.client.call("wait", launched, wait_s=30.0).status == "COMPLETED"


@KINDS
def test_html_reaches_nobody(arena: Arena, connect, kind: str) -> None:
    """A gateway's HTML page becomes a readable error without markup."""
    trial = Trial(arena, connect, kind, TARGETS[0])
    trial.sandbox.faults.script("tokens.me", None, HtmlBadGateway())
    with pytest.raises(flowlaunch.ServerError) as caught:
        trial.client.call("whoami")
    assert "502 Bad Gateway" in str(caught.value)
    assert "<" not in str(caught.value)
    assert caught.value.status == 502


@KINDS
def test_doubt_tells_what_is_known(arena: Arena, connect, kind: str) -> None:
    """A launch in doubt names the flow, the key, the time, the status and the correlation id of what came back."""
    trial = Trial(arena, connect, kind, TARGETS[0])
    trial.warm_up(ROWS[0])
    trial.sandbox.faults.next("executions.launch", Status(503))
    trial.sandbox.faults.script("executions.launch", 2, DropAfterProcessing())
    errors = [trial.go(GENEROUS), trial.go(GENEROUS)]
    assert [type(error) for error in errors] == [*DOUBT, *DOUBT]
    answered, silent = errors
    trace = trial.sandbox.journal("executions.launch", fault="Status", limit=1)[0].correlation_id
    assert (answered.status, answered.correlation_id) == (503, trace)
    assert (silent.status, silent.correlation_id) == (None, "")
    assert {(error.flow_id, error.key) for error in errors} == {(ORDER_FLOW, "k-1")}
    assert answered.started_at <= silent.started_at
    assert trial.go(GENEROUS) is None


@KINDS
def test_outage_is_not_hammered(arena: Arena, connect, kind: str) -> None:
    """When everything fails, the retry quota runs out and calls end after one request each."""
    trial = Trial(arena, connect, kind, TARGETS[0])
    trial.warm_up(ROWS[0])
    trial.sandbox.faults.script("tokens.me", None, Status(503))
    before = trial.sandbox.faults.calls("tokens.me")
    for _ in range(20):
        with pytest.raises(flowlaunch.ServerError):
            trial.client.call("whoami")
    assert trial.sandbox.faults.calls("tokens.me") - before == 20 + 35
