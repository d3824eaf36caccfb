"""Operations on callbacks: how each was delivered, sending one again, and the secret that verifies them."""

from __future__ import annotations

import asyncio
from datetime import datetime  # noqa: TC003 - msgspec reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from flowlaunch.gateway.api.operation import Answer, Call, Operation
from flowlaunch.gateway.api.paging import cursor_after, place_of
from flowlaunch.gateway.api.problems import Problem
from flowlaunch.gateway.api.resources import instant, moment
from flowlaunch.gateway.store import audit, delivery_views

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowlaunch.gateway.store.deliveries import Attempt
    from flowlaunch.gateway.store.delivery_views import DeliveryRecord

__all__ = ["OPERATIONS", "CallbackShown", "shown_callback"]


class CallbackAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to deliver; `http_status` is null when no answer came, `problem` is empty when all was well."""

    number: int
    at: datetime
    took_s: float
    http_status: int | None
    problem: str


class CallbackShown(msgspec.Struct, frozen=True, kw_only=True):
    """How the end of a launch is told to its callback.

    Attributes:
        id: the message's id, in its header `webhook-id`; the same for every attempt.
        event: `launch.completed`, `launch.failed`, `launch.refused`, `launch.cancelled` …
        origin: scheme, host and port of the callback; the rest of its address may hold the receiver's secrets.
        state: `waiting` for the next attempt, `delivered`, or `dead`: given up after a day.
        attempts: how often it was tried; `history` has the attempts when one callback is asked for.
        next_at: when it is tried next.
        problem: why the last attempt failed.

    """

    id: str
    launch_id: str
    route: str
    caller: str
    event: str
    origin: str
    state: str
    attempts: int
    created_at: datetime
    next_at: datetime | None
    done_at: datetime | None
    http_status: int | None
    problem: str
    history: tuple[CallbackAttempt, ...] | None = None


class CallbacksShown(msgspec.Struct, frozen=True, kw_only=True):
    """A page of callbacks, newest first; `next` is the cursor of the next page, null on the last one."""

    callbacks: tuple[CallbackShown, ...]
    counts: dict[str, int]
    next: str | None


class CallbackSecret(msgspec.Struct, frozen=True, kw_only=True):
    """What verifies the callbacks of the key that asks, as Standard Webhooks spell it; with several, any one does."""

    secrets: tuple[str, ...]


class CallbackQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which callbacks to list."""

    state: Annotated[Literal["waiting", "delivered", "dead"] | None, Meta(description="Only those in this state.")] = (
        None
    )
    launch: Annotated[str | None, Meta(description="Only those of the launch of this id.")] = None
    cursor: Annotated[str | None, Meta(description="`next` of the page before.")] = None
    limit: Annotated[int, Meta(ge=1, le=200, description="Callbacks a page.")] = 50


def shown_callback(one: DeliveryRecord, history: Sequence[Attempt] | None = None) -> CallbackShown:
    """Return a callback as it may be shown."""
    return CallbackShown(
        id=one.id,
        launch_id=one.launch_id,
        route=one.route,
        caller=one.key_id,
        event=one.event,
        origin=one.origin,
        state=one.state,
        attempts=one.tries_before + one.tries,
        created_at=moment(one.created_us),
        next_at=instant(one.due_us),
        done_at=instant(one.done_us),
        http_status=one.http_status,
        problem=one.problem,
        history=None if history is None else tuple(map(_attempt, history)),
    )


def _attempt(one: Attempt) -> CallbackAttempt:
    return CallbackAttempt(
        number=one.number,
        at=moment(one.at_us),
        took_s=one.took_us / 1e6,
        http_status=one.http_status,
        problem=one.problem,
    )


async def index(call: Call) -> Answer:
    """Return a page of callbacks."""
    query: CallbackQuery = call.query
    store, row_id = call.state.ledger.store, None
    if query.launch is not None:
        found = await asyncio.to_thread(call.state.reader.find, query.launch)
        row_id = found.launch.row_id if found is not None else -1
    before = place_of(query.cursor)
    page = await asyncio.to_thread(
        delivery_views.read, store, state=query.state or "", row_id=row_id, before=before, limit=query.limit
    )
    counts = await asyncio.to_thread(delivery_views.count_by_state, store)
    after = cursor_after(page, query.limit, lambda one: one.seq)
    return Answer(CallbacksShown(callbacks=tuple(map(shown_callback, page)), counts=counts, next=after))


async def show(call: Call) -> Answer:
    """Return one callback with its attempts."""
    store = call.state.ledger.store
    found = await asyncio.to_thread(delivery_views.find, store, call.path["callback_id"])
    if found is None:
        raise _unknown(call)
    history = await asyncio.to_thread(delivery_views.attempts_of, store, found.seq)
    return Answer(shown_callback(found, history))


async def replay(call: Call) -> Answer:
    """Have a callback sent again."""
    store, callback_id = call.state.ledger.store, call.path["callback_id"]
    found = await asyncio.to_thread(delivery_views.replay, store, callback_id, who=call.caller)
    if found is None:
        raise _unknown(call)
    call.state.callbacks.wake()
    return Answer(shown_callback(found), 202)


async def secret(call: Call) -> Answer:
    """Return the secret of the key that asks; that it was looked at is in the audit log."""
    secrets = call.state.callbacks.secrets_of(call.caller.key_id)
    store = call.state.ledger.store
    await asyncio.to_thread(audit.record, store, call.caller, "callback.secret", call.caller.key_id)
    return Answer(CallbackSecret(secrets=secrets))


def _unknown(call: Call) -> Problem:
    return Problem(
        404, "callback-unknown", "There is no such callback", f"There is no callback {call.path['callback_id']!r}."
    )


_ONE: Final = "/v1/callbacks/{callback_id}"

OPERATIONS: Final = (
    Operation(
        name="listCallbacks", method="GET", path="/v1/callbacks", scope="read", handler=index, tag="callbacks",
        summary="List callbacks, newest first", query=CallbackQuery, answers={200: CallbacksShown}, problems=(400,),
    ),
    Operation(
        name="showCallback", method="GET", path=_ONE, scope="read", handler=show, tag="callbacks",
        summary="Tell how a callback was delivered, attempt by attempt", answers={200: CallbackShown}, problems=(404,),
    ),
    Operation(
        name="replayCallback", method="POST", path=f"{_ONE}/replay", scope="operate", handler=replay, tag="callbacks",
        summary="Send a callback again, from the start of its schedule", answers={202: CallbackShown}, problems=(404,),
        description="The message keeps its id, so that a receiver that has it knows it again.",
    ),
    Operation(
        name="showCallbackSecret", method="GET", path="/v1/callback-secret", scope="launch", handler=secret,
        tag="callbacks", summary="Tell the secret that verifies the callbacks of this key",
        answers={200: CallbackSecret}, problems=(422,),
    ),
)  # fmt: skip
