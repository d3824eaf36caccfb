"""Carry one API call to an answer: sign, pace, send, judge, repeat or give up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from flowlaunch._core.failures import answer_facts, api_error, lost_error, retry_after_s
from flowlaunch._core.messages import Call, Lost, Request, Response
from flowlaunch._core.quota import RETRY_COST
from flowlaunch._core.redact import scrubbed
from flowlaunch._core.retry import Verdict
from flowlaunch._core.steps import Bearer, Moment, Now, Pause, Plan, PushBack, Reserve, Send, Withdraw
from flowlaunch._core.tokens import CANNOT_RENEW_HINT
from flowlaunch.errors import DeadlineError, FlowlaunchError, LaunchInDoubtError

if TYPE_CHECKING:
    from flowlaunch._core.api import Api
    from flowlaunch._core.messages import Reply
    from flowlaunch._core.pace import Slot
    from flowlaunch._core.steps import Deadline
    from flowlaunch._core.tokens import Held

PUSH_BACK_LIMIT_S: Final = 60.0
"""Longest silence that one refusal imposes on the client's other calls: the window of the per-minute limits.
Longer ones belong to one operation or to a day."""
LATE_S: Final = 1.0
"""A slot woken up later than this (a machine that slept) is taken anew: many late ones would leave in a burst."""
_OWN_HEADERS: Final = {"accept": "application/json"}


def call_plan(api: Api, call: Call, deadline: Deadline) -> Plan[Response]:
    """Carry the read `call` to a positive answer before `deadline`, or raise the error that its outcome deserves."""
    response, _sent_at = yield from sent_plan(api, call, deadline)
    return response


def sent_plan(
    api: Api, call: Call, deadline: Deadline, *, flow_id: str = "", key: str | None = None
) -> Plan[tuple[Response, Moment]]:
    """Carry `call` to a positive answer, and tell when the request that was answered so was sent.

    A launch, which is not repeatable, is sent again only where the service cannot have acted on it; a doubtful
    outcome raises LaunchInDoubtError with `flow_id` and `key`.
    """
    attempt = 0
    refused_generation = 0
    latest_s = deadline.latest_s
    refused: FlowlaunchError | None = None
    while True:
        attempt += 1
        held: Held = yield Bearer(refused_generation, deadline.at_s)
        sent_at: Moment | None = yield from _take_slot(latest_s)
        if sent_at is None:
            raise refused or (yield from _not_sent(call, latest_s, deadline.given_s))
        reply: Reply = yield Send(_signed(api, call, held), deadline.at_s)
        if isinstance(reply, Response):
            reply = scrubbed(reply, [held.token])
        verdict = api.policy.verdict(reply, is_repeatable=call.operation.is_repeatable)
        if verdict is Verdict.RETURN:
            assert isinstance(reply, Response)  # noqa: S101 - by the verdict tables; a test walks them
            return reply, sent_at
        now: Moment = yield Now()
        if verdict is Verdict.RENEW and not held.is_renewable:
            error = _final_error(call, reply, deadline.at_s - now.mono_s, deadline.given_s)
            error.hint = CANNOT_RENEW_HINT
            raise error
        if verdict is Verdict.RENEW and not refused_generation:
            refused_generation = held.generation
            attempt -= 1
            continue
        pause = yield from _pause(api, reply, verdict, attempt, latest_s - now.mono_s)
        if pause is None:
            if verdict is Verdict.DOUBT:
                raise in_doubt(call, reply, sent_at, flow_id, key)
            raise _final_error(call, reply, deadline.at_s - now.mono_s, deadline.given_s)
        refused = _final_error(call, reply, 0.0, deadline.given_s)  # should there be no time left to repeat it
        yield pause


def _take_slot(latest_s: float) -> Plan[Moment | None]:
    """Wait for a place in the pace; return the moment at which the request may leave, None for none in time."""
    while True:
        slot: Slot | None = yield Reserve(latest_s)
        now: Moment = yield Now()
        if slot is None or now.mono_s >= latest_s:
            return None
        if slot.at_s <= now.mono_s:
            return now
        yield Pause(slot.at_s - now.mono_s, slot.at_s - now.mono_s)
        woken: Moment = yield Now()
        if woken.mono_s - slot.at_s <= LATE_S:
            return woken


def _not_sent(call: Call, latest_s: float, timeout_s: float) -> Plan[DeadlineError]:
    """Build the error of a call that found no time to be sent in."""
    now: Moment = yield Now()
    is_late = now.mono_s >= latest_s
    why = f"{timeout_s:g} s were spent before" if is_late else f"the pace has no room within {timeout_s:g} s"
    more_room = "Give the call more time, raise the pace if the org allows it, or launch fewer at once."
    return DeadlineError(
        f"could not {call.operation.title} {call.subject}".rstrip() + f": {why}; nothing was sent",
        timeout_s=timeout_s,
        hint=None if is_late else more_room,
    )


def _signed(api: Api, call: Call, held: Held) -> Request:
    headers = {
        "authorization": f"Bearer {held.token}",
        "user-agent": api.user_agent,
        **_OWN_HEADERS,
        **call.headers,
    }
    if call.body is not None:
        headers["content-type"] = "application/json"
    return Request(call, headers)


def _pause(api: Api, reply: Reply, verdict: Verdict, attempt: int, left_s: float) -> Plan[Pause | None]:
    """Return the pause before the next attempt, or None when there shall be none."""
    if verdict is Verdict.WAIT and isinstance(reply, Response):
        wanted_s = retry_after_s(reply)
        if wanted_s is not None:
            yield PushBack(min(wanted_s, PUSH_BACK_LIMIT_S))
        at_least_s = wanted_s if wanted_s is not None else 0.0
        up_to_s = at_least_s + api.policy.backoff_up_to_s(attempt)
        is_spent = wanted_s is None and attempt >= api.policy.max_attempts
        return None if is_spent or at_least_s >= left_s else Pause(at_least_s, min(up_to_s, left_s))
    if verdict is not Verdict.BACK_OFF or attempt >= api.policy.max_attempts or left_s <= 0:
        return None
    if isinstance(reply, Lost) and reply.is_lasting:
        return None
    if not (yield Withdraw(RETRY_COST)):
        return None
    at_least_s = (retry_after_s(reply) or 0.0) if isinstance(reply, Response) else 0.0
    up_to_s = max(at_least_s, api.policy.backoff_up_to_s(attempt))
    return Pause(at_least_s, min(up_to_s, left_s)) if at_least_s < left_s else None


def _final_error(call: Call, reply: Reply, left_s: float, timeout_s: float) -> FlowlaunchError:
    if isinstance(reply, Response):
        return api_error(call, reply)
    if left_s <= 0:
        return DeadlineError(
            f"could not {call.operation.title} {call.subject}".rstrip()
            + f": no answer within {timeout_s:g} s ({reply.reason})",
            timeout_s=timeout_s,
        )
    return lost_error(call, reply)


def in_doubt(call: Call, reply: Reply, sent_at: Moment, flow_id: str, key: str | None) -> LaunchInDoubtError:
    """Build the error of a launch whose outcome is unknown."""
    told = answer_facts(reply) if isinstance(reply, Response) else {}
    code = f" {told['server_code']}" if told.get("server_code") else ""
    what = f"HTTP {reply.status}{code}" if isinstance(reply, Response) else reply.reason
    return LaunchInDoubtError(
        f"launch of flow {call.subject or flow_id} is in doubt: it was sent and its answer does not tell whether "
        f"it runs ({what})",
        flow_id=flow_id,
        key=key,
        started_at=datetime.fromtimestamp(sent_at.unix_s, UTC),
        **told,
    )
