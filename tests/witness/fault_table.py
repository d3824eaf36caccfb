"""Every fault of the sandbox and every call of the client, and what is to come of each pair.

A fault kind, a status or a method that is missing here fails a test of `test_faults.py`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from witness_clients import ORDER, ORDER_FLOW, SHARED_FLOW

from flowlaunch.errors import (
    AuthenticationError,
    ConflictError,
    DeadlineError,
    DecodeError,
    FlowLookupError,
    InvalidRequestError,
    LaunchInDoubtError,
    NotFoundError,
    NotSentError,
    PermissionDeniedError,
    RateLimitedError,
    ReplyLostError,
    ServerError,
)
from flowlaunch.sandbox import (
    ConnectionsRefused,
    Delay,
    DripBody,
    DropAfterProcessing,
    DropBeforeReading,
    Hang,
    HtmlBadGateway,
    NotFoundAfterLaunch,
    ResetMidBody,
    Status,
    Status504AfterProcessing,
    TokenRefused,
    TokenRevoked,
    TruncatedJson,
)
from flowlaunch.sandbox.mishaps import STATUS_CODES

if TYPE_CHECKING:
    from collections.abc import Callable

    from witness_clients import AnyClient

Outcomes = tuple[Any, ...]
OK = None
"""The call answers as if nothing had happened."""
FINE: Outcomes = (OK,)
DOUBT: Outcomes = (LaunchInDoubtError,)
BOTH = "once", "always"
PASSING = frozenset({ReplyLostError, NotSentError, RateLimitedError, ServerError})
Pair = tuple[Outcomes, Outcomes]
"""What may come of a call when the fault is played once, and when it is played at every call."""


def same(*outcomes: Any) -> Pair:
    return outcomes, outcomes


def heals(*outcomes: Any) -> Pair:
    """Pair for a fault that is got over when it happens once."""
    return FINE, outcomes


@dataclass(frozen=True)
class Row:
    """One fault and its outcomes by sort of call.

    `is_done`: whether the request was carried out although the answer says nothing of it. `is_silent`: the call lasts
    until its deadline. `find`: reading a flow by its id, `name`: by its name; both as `read` when None. `token`: at
    the sign-in, None where the fault does not apply.
    """

    fault: Any
    read: Pair
    launch: Pair
    wait: Pair
    token: Pair | None
    find: Pair | None = None
    name: Pair | None = None
    is_done: bool = False
    is_silent: bool = False
    tries: int | None = None
    only_at: str | None = None

    def expected(self, sort: str, mode: str) -> Outcomes:
        pair = getattr(self, sort)
        chosen = self.read if pair is None else pair
        return chosen[BOTH.index(mode)]

    def expected_at_sign_in(self, target: Target, mode: str) -> Outcomes:
        """Give what a call meets when it cannot sign in; `wait` waits that out as it does a failed reading."""
        pair = self.token or same(OK)
        if target.name == "wait" and pair == same(RateLimitedError):
            pair = same(DeadlineError)
        elif target.name == "wait" and PASSING.issuperset(pair[1]):
            pair = WAITED_OUT
        elif target.name == "wait" and NotFoundError in pair[1]:
            pair = heals(NotFoundError)
        return pair[BOTH.index(mode)]

    @property
    def label(self) -> str:
        values = {name: value for name, value in asdict(self.fault).items() if value is not None}
        return "-".join([type(self.fault).__name__, *(f"{name}={value}" for name, value in values.items())])


def status_row(code: int, read: Pair, launch: Pair | None = None, **more: Any) -> Row:
    """Row of a plain status: what a read gets holds for launching, waiting and signing in unless told otherwise."""
    retry_after_s = more.pop("retry_after_s", None)
    options = {"wait": read, "token": read, **more}
    return Row(Status(code, retry_after_s=retry_after_s), read, launch or read, **options)


WAITED_OUT: Pair = heals(DeadlineError)
INVALID = same(InvalidRequestError)
DOWN = heals(ServerError)
SLOW_DOWN = heals(RateLimitedError)
HOURS_S = 7_200

STATUS_ROWS = (
    status_row(400, INVALID, token=same(AuthenticationError)),
    status_row(401, heals(AuthenticationError), token=same(AuthenticationError), tries=2),
    status_row(403, same(PermissionDeniedError), find=same(OK), name=same(OK)),
    status_row(404, same(NotFoundError), wait=heals(NotFoundError), find=same(FlowLookupError)),
    status_row(405, INVALID),
    status_row(409, same(ConflictError)),
    status_row(410, INVALID),
    status_row(413, INVALID),
    status_row(415, INVALID),
    status_row(429, SLOW_DOWN, wait=WAITED_OUT),
    status_row(429, SLOW_DOWN, wait=WAITED_OUT, retry_after_s=1),
    status_row(429, same(RateLimitedError), wait=same(DeadlineError), retry_after_s=HOURS_S, tries=1),
    status_row(500, same(ServerError), same(*DOUBT), wait=WAITED_OUT, tries=1),
    status_row(502, DOWN, same(*DOUBT), wait=WAITED_OUT, tries=4),
    status_row(503, DOWN, same(*DOUBT), wait=WAITED_OUT, tries=4),
    status_row(503, DOWN, same(*DOUBT), wait=WAITED_OUT, retry_after_s=1, tries=4),
    status_row(503, same(ServerError), same(*DOUBT), wait=WAITED_OUT, token=DOWN, retry_after_s=HOURS_S, tries=1),
    status_row(504, DOWN, same(*DOUBT), wait=WAITED_OUT, tries=4),
)
SILENCE: dict[str, Any] = {
    "read": same(DeadlineError),
    "launch": same(*DOUBT),
    "wait": same(DeadlineError),
    "token": same(DeadlineError),
    "is_silent": True,
}
LOST: dict[str, Any] = {"wait": WAITED_OUT, "tries": 4}
ROWS = (
    # a request of two packets may be cut between them: then it was not sent, and is sent again
    Row(
        DropBeforeReading(), heals(ReplyLostError, NotSentError),
        launch=((LaunchInDoubtError, OK), (LaunchInDoubtError, NotSentError)),
        token=heals(ReplyLostError, NotSentError), **LOST,
    ),
    Row(
        DropAfterProcessing(), heals(ReplyLostError), same(*DOUBT), token=heals(ReplyLostError), is_done=True, **LOST
    ),
    Row(ResetMidBody(), heals(ReplyLostError), same(*DOUBT), token=heals(ReplyLostError), is_done=True, **LOST),
    Row(Hang(), **SILENCE),
    Row(Hang(processed=True), is_done=True, **SILENCE),
    Row(Delay(30.0), is_done=True, **SILENCE),
    Row(Delay(0.01), same(OK), same(OK), same(OK), same(OK)),
    Row(DripBody(30.0), is_done=True, **SILENCE),
    Row(DripBody(0.01), same(OK), same(OK), same(OK), same(OK)),
    # tried by the conformance kit, with real pauses; here it would shut the other tests out
    Row(ConnectionsRefused(), same(OK), same(OK), same(OK), None, only_at="token"),
    *STATUS_ROWS,
    Row(HtmlBadGateway(), DOWN, same(*DOUBT), WAITED_OUT, DOWN, tries=4),
    Row(
        TruncatedJson(), same(DecodeError), same(*DOUBT), same(DecodeError), same(DecodeError), is_done=True, tries=1
    ),
    Row(
        TokenRevoked(), heals(AuthenticationError), heals(AuthenticationError), heals(AuthenticationError), None,
        tries=2,
    ),
    Row(
        TokenRefused(), same(OK), same(OK), same(OK), token=same(AuthenticationError), only_at="token"
    ),
    Row(TokenRefused("rate_limit"), same(OK), same(OK), same(OK), token=SLOW_DOWN, only_at="token"),
    Row(NotFoundAfterLaunch(polls=3), same(OK), same(OK), same(OK), None, only_at="executions.launch"),
    Row(Status504AfterProcessing(), DOWN, same(*DOUBT), WAITED_OUT, DOWN, is_done=True, tries=4),
)  # fmt: skip
STATUSES = frozenset({*STATUS_CODES, 502})


@dataclass(frozen=True)
class Target:
    """One call of the client, and the operation of the sandbox at which the fault is played.

    `launches`: how many launches a call makes that goes well; `launches_anyway`: that many even if it goes wrong,
    because the fault comes later. `warms_up`: what the call may read before the faulty operation, so that a short
    deadline is spent there and not before.
    """

    name: str
    operation: str
    sort: str
    make: Callable[[AnyClient, str, dict[str, float]], Any]
    launches: int = 0
    launches_anyway: int = 0
    contract: str = "platform"
    label: str = ""

    @property
    def title(self) -> str:
        return f"{self.label or self.name}@{self.operation}"

    @property
    def is_launch(self) -> bool:
        return self.sort == "launch"


def _timeout(times: dict[str, float]) -> dict[str, float]:
    return {"timeout_s": times["timeout_s"]}


LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2126, 1, 1, tzinfo=UTC)
TARGETS = (
    Target("launch", "executions.launch", "launch",
           lambda c, _, t: c.call("launch", ORDER_FLOW, ORDER, key="k-1", **_timeout(t)), launches=1),
    Target("launch", "flows.get", "find",
           lambda c, _, t: c.call("launch", ORDER_FLOW, ORDER, **_timeout(t)), launches=1, label="launch-preflight"),
    Target("run", "executions.launch", "launch",
           lambda c, _, t: c.call("run", ORDER_FLOW, ORDER, timeout_s=t["timeout_s"], wait_s=60.0), launches=1),
    Target("run", "executions.get", "wait",
           lambda c, _, t: c.call("run", ORDER_FLOW, ORDER, timeout_s=t["launch_s"], wait_s=t["wait_s"]),
           launches=1, launches_anyway=1),
    Target("status", "executions.get", "read", lambda c, e, t: c.call("status", e, **_timeout(t))),
    Target("wait", "executions.get", "wait", lambda c, e, t: c.call("wait", e, wait_s=t["wait_s"])),
    Target("check", "flows.get", "find", lambda c, _, t: c.call("check", ORDER_FLOW, ORDER, **_timeout(t))),
    Target("preview", "flows.get", "find", lambda c, _, t: c.call("preview", ORDER_FLOW, ORDER, **_timeout(t))),
    Target("find_flow", "flows.get", "find", lambda c, _, t: c.call("find_flow", ORDER_FLOW, **_timeout(t))),
    Target("find_flow", "flows.list", "name",
           lambda c, _, t: c.call("find_flow", "Order follow-up", **_timeout(t)), label="find_flow-by-name"),
    Target("flow_inputs", "flows.get", "find", lambda c, _, t: c.call("flow_inputs", ORDER_FLOW, **_timeout(t))),
    Target("flows", "flows.list", "read", lambda c, _, t: c.call("flows", **_timeout(t))),
    Target("whoami", "tokens.me", "read", lambda c, _, t: c.call("whoami", **_timeout(t))),
    Target("limits", "limits.namespace", "read", lambda c, _, t: c.call("limits", **_timeout(t))),
    Target("find_instances", "instances.query", "read",
           lambda c, _, t: c.call("find_instances", ORDER_FLOW, after=LONG_AGO, before=LONG_AGO, **_timeout(t))),
    Target("count_executions", "aggregates.query", "read",
           lambda c, _, t: c.call("count_executions", ORDER_FLOW, after=LONG_AGO, before=LATER, **_timeout(t))),
    Target("execute_shared", "shared.execute", "launch",
           lambda c, _, t: c.call("execute_shared", SHARED_FLOW, {"userId": "u", "reasonCode": "R1"}, **_timeout(t)),
           launches=1, contract="guide"),
)  # fmt: skip
NOT_CALLS = frozenset({"close", "from_settings"})
