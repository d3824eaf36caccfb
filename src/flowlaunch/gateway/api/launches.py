"""Operations on launches."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from flowlaunch.batch.states import RowState
from flowlaunch.gateway.api.operation import Answer, Call, Operation
from flowlaunch.gateway.api.problems import Problem
from flowlaunch.gateway.api.resources import (
    PLAIN,
    Launch,
    Launches,
    NewLaunch,
    Receipt,
    launch_of,
    receipt_of,
    taken_us,
)
from flowlaunch.gateway.instants import kept
from flowlaunch.gateway.launches.ordering import Ask
from flowlaunch.gateway.launches.waiting import preferred_wait_s
from flowlaunch.gateway.ops.correlation import traceparent_of
from flowlaunch.gateway.store.listing import Cursor, LaunchFilter

if TYPE_CHECKING:
    from flowlaunch.gateway.launches.reading import LaunchView
    from flowlaunch.gateway.store.launches import Accepted

__all__ = ["OPERATIONS", "ask_of", "idempotency_key", "launch_view"]

LONGEST_KEY: Final = 255


Instant = Annotated[datetime, Meta(tz=True)]


class LaunchQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which launches to list."""

    state: Annotated[tuple[RowState, ...], Meta(description="Only launches in one of these states.")] = ()
    route: Annotated[str | None, Meta(description="Only launches that came by this route.")] = None
    caller: Annotated[
        Annotated[str, Meta(pattern=PLAIN)] | None, Meta(description="Only launches made with the key of this id.")
    ] = None
    since: Annotated[Instant | None, Meta(description="Only launches accepted at or after this instant.")] = None
    until: Annotated[Instant | None, Meta(description="Only launches accepted before this instant.")] = None
    search: Annotated[
        Annotated[str, Meta(min_length=1, max_length=255, pattern=PLAIN)] | None,
        Meta(description="Only launches that this names: launch id, idempotency key, row key or execution id."),
    ] = None
    cursor: Annotated[str | None, Meta(description="`next` of the page before.")] = None
    limit: Annotated[int, Meta(ge=1, le=200, description="Launches a page.")] = 50


class Settlement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a doubt ends: `launched`, with the execution where it is known, or `absent`: it is sent again."""

    verdict: Literal["launched", "absent"]
    grounds: Annotated[str, Meta(max_length=500, pattern=PLAIN)] = ""
    execution_id: Annotated[str, Meta(min_length=1, max_length=100, pattern=PLAIN)] | None = None


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What was found about a launch in doubt; `settled` is how the doubt ended, null when it has not."""

    settled: Literal["launched", "absent"] | None
    why: str
    notes: tuple[str, ...]
    launch: Launch


async def launch_view(call: Call) -> LaunchView:
    """Return the launch of the path; Problem 404 also for one of another key that this one may not read."""
    launch_id = call.path["launch_id"]
    found = await asyncio.to_thread(call.state.reader.find, launch_id)
    if found is None or not (call.caller.may("read") or found.launch.caller == call.caller.key_id):
        raise Problem(404, "launch-unknown", "There is no such launch", f"There is no launch {launch_id!r}.")
    return found


def ask_of(body: NewLaunch, key: str | None, trace: str = "") -> Ask:
    """Return the wish that a body states."""
    return Ask(
        route=body.route,
        flow=body.flow,
        input=body.input,
        name=body.name,
        key=key,
        not_before_us=taken_us(body.not_before, "not_before"),
        callback_url=body.callback,
        trace=trace,
    )


async def create(call: Call) -> Answer:
    """Accept a launch; wait for its end where that is preferred."""
    ask = ask_of(call.body, idempotency_key(call), traceparent_of(call.headers))
    if ask.callback_url is not None:
        call.state.callbacks.check(ask.callback_url)
    accepted = await call.state.launcher.launch(ask, call.caller)
    call.request.state.launch_id = accepted.launch.id
    receipt = receipt_of(call.state, accepted.launch)
    headers = {"location": receipt.url} | ({"idempotent-replayed": "true"} if accepted.is_repeat else {})
    wait_s = preferred_wait_s(call.headers.get("prefer", ""), call.state.options.longest_wait_s)
    if wait_s is not None and (ended := await _ended(call, accepted, wait_s)) is not None:
        return Answer(ended, 200, headers | {"preference-applied": f"wait={wait_s:g}"})
    return Answer(receipt, 202, headers)


async def _ended(call: Call, accepted: Accepted, wait_s: float) -> Launch | None:
    if await call.state.waiters.wait(accepted.launch.row_id, wait_s) is None:
        return None
    view = await asyncio.to_thread(call.state.reader.find, accepted.launch.id)
    return launch_of(call.state, view) if view is not None else None


def idempotency_key(call: Call) -> str | None:
    """Return the header's key; a quoted one, as the draft of the standard has it, is taken too."""
    key = call.headers.get("idempotency-key")
    if key is None:
        return None
    key = key.strip()
    key = key[1:-1] if len(key) > 1 and key[0] == key[-1] == '"' else key
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        raise Problem(
            400, "key-malformed", "The idempotency key cannot be used",
            f"Idempotency-Key is 1 to {LONGEST_KEY} printable characters; a UUID for each launch does well.",
        )  # fmt: skip
    return key


async def show(call: Call) -> Answer:
    """Return one launch with its attempts."""
    view = await launch_view(call)
    history = await asyncio.to_thread(call.state.reader.attempts, view.row.row_id)
    return Answer(launch_of(call.state, view, history))


async def index(call: Call) -> Answer:
    """Return a page of launches; a key that may only launch sees its own."""
    query: LaunchQuery = call.query
    own = None if call.caller.may("read") else call.caller.key_id
    reader = call.state.reader
    where = LaunchFilter(
        states=query.state,
        caller=own or query.caller,
        created_from_us=_us(query.since),
        created_until_us=_us(query.until),
    )
    if query.search is not None:
        found = await asyncio.to_thread(reader.search, query.search, where, route=query.route, limit=query.limit)
        return Answer(Launches(launches=tuple(launch_of(call.state, one) for one in found), next=None))
    cursor = Cursor.read(query.cursor) if query.cursor is not None else None
    if query.cursor is not None and cursor is None:
        raise Problem(400, "query-malformed", "The query cannot be used", "cursor: take it from `next` as it is.")
    views, following = await asyncio.to_thread(reader.page, where, route=query.route, cursor=cursor, limit=query.limit)
    listed = tuple(launch_of(call.state, one) for one in views)
    return Answer(Launches(launches=listed, next=following.text() if following is not None else None))


def _us(at: datetime | None) -> int | None:
    return None if at is None else kept(at)


async def cancel(call: Call) -> Answer:
    """Have a launch never sent. A key that may launch may cancel its own."""
    view = await launch_view(call)
    if not call.caller.may("operate") and view.launch.caller != call.caller.key_id:
        raise Problem(403, "scope-missing", "The key does not allow this", "Another key's launch needs `operate`.")
    await call.state.actions.cancel(view, call.caller)
    return await show(call)


async def retry(call: Call) -> Answer:
    """Have a failed or refused launch sent again."""
    await call.state.actions.retry(await launch_view(call), call.caller)
    return await show(call)


async def release(call: Call) -> Answer:
    """Let a held launch be sent."""
    await call.state.actions.release(await launch_view(call), call.caller)
    return await show(call)


async def settle(call: Call) -> Answer:
    """End the doubt about a launch by a person's word."""
    body: Settlement = call.body
    if body.verdict == "absent" and body.execution_id is not None:
        raise Problem(422, "body-invalid", "The body does not fit", "execution_id: an absent launch has none.")
    await call.state.actions.settle(
        await launch_view(call), body.verdict, call.caller, grounds=body.grounds, execution_id=body.execution_id
    )
    return await show(call)


async def reconcile(call: Call) -> Answer:
    """Look for the run of a launch in doubt, with those of its route, and settle what is proved."""
    view = await launch_view(call)
    if view.row.state is not RowState.IN_DOUBT:
        raise Problem(
            409, "launch-state", "The launch stands otherwise",
            f"Cannot reconcile {view.launch.id}: it is {view.row.state.value}, not in_doubt.",
            state=view.row.state.value,
        )  # fmt: skip
    report = await call.state.actions.reconcile(view.batch.batch_id, call.caller)
    told = next((one for one in report.rows if one.row_id == view.row.row_id), None)
    now = await launch_view(call)
    settled: dict[str, Literal["launched", "absent"]] = {"launched": "launched", "absent": "absent"}
    is_settled = now.row.state is not RowState.IN_DOUBT and told is not None
    evidence = Evidence(
        settled=settled.get(told.verdict) if told is not None and is_settled else None,
        why=told.why if told is not None else "it was settled meanwhile",
        notes=report.notes,
        launch=launch_of(call.state, now),
    )
    return Answer(evidence)


_ONE: Final = "/v1/launches/{launch_id}"
_KEY: Final = (
    "Your own name for this launch. The same key and body give the same answer for as long as the ledger keeps the "
    "launch, and never a second launch; another body is refused with 409. Without it a lost answer leaves you in doubt."
)

OPERATIONS: Final = (
    Operation(
        name="createLaunch", method="POST", path="/v1/launches", scope="launch", handler=create, tag="launches",
        summary="Launch a flow, once",
        description="Answers 202 when the launch is on the disk. It is sent on the pace that all share, and never "
        "twice. With `Prefer: wait=N` the answer is 200 with the result, if it ends within N seconds.",
        headers={
            "Idempotency-Key": _KEY,
            "Prefer": "`wait=N`: answer once the launch has ended, after N seconds at the latest.",
            "traceparent": "W3C trace that the launch belongs to.",
        },
        body=NewLaunch, answers={202: Receipt, 200: Launch}, problems=(403, 409, 429, 502, 503, 507),
    ),
    Operation(
        name="listLaunches", method="GET", path="/v1/launches", scope="launch|read", handler=index, tag="launches",
        summary="List launches, newest first",
        description="A key without the scope `read` sees the launches that were made with it.",
        query=LaunchQuery, answers={200: Launches},
    ),
    Operation(
        name="showLaunch", method="GET", path=_ONE, scope="launch|read", handler=show, tag="launches",
        summary="Tell how a launch stands", answers={200: Launch}, problems=(404,),
    ),
    Operation(
        name="cancelLaunch", method="POST", path=f"{_ONE}/cancel", scope="launch|operate", handler=cancel,
        tag="launches", summary="Have a launch that waits never sent", answers={200: Launch}, problems=(403, 404, 409),
    ),
    Operation(
        name="retryLaunch", method="POST", path=f"{_ONE}/retry", scope="operate", handler=retry, tag="launches",
        summary="Send a failed or refused launch again", answers={200: Launch}, problems=(404, 409),
    ),
    Operation(
        name="releaseLaunch", method="POST", path=f"{_ONE}/release", scope="operate", handler=release, tag="launches",
        summary="Let a held launch be sent", answers={200: Launch}, problems=(404, 409),
    ),
    Operation(
        name="reconcileLaunch", method="POST", path=f"{_ONE}/reconcile", scope="operate", handler=reconcile,
        tag="launches", summary="Look for the run of a launch in doubt",
        description="Settles what is proved, for this launch and the others in doubt on its route.",
        answers={200: Evidence}, problems=(404, 409, 502, 503),
    ),
    Operation(
        name="settleLaunch", method="POST", path=f"{_ONE}/settle", scope="operate", handler=settle, tag="launches",
        summary="Decide about a launch in doubt", body=Settlement, answers={200: Launch}, problems=(404, 409),
    ),
)  # fmt: skip
