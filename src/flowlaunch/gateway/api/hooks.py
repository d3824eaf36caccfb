"""Operations on webhooks: receiving a message, listing those that came, replaying one that was refused."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime  # noqa: TC003 - msgspec reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from flowlaunch.gateway.api.operation import Answer, Call, Operation
from flowlaunch.gateway.api.paging import cursor_after, place_of
from flowlaunch.gateway.api.problems import Problem
from flowlaunch.gateway.api.resources import launch_url, moment
from flowlaunch.gateway.api.routing import read_body
from flowlaunch.gateway.ops.correlation import traceparent_of
from flowlaunch.gateway.store import messages

if TYPE_CHECKING:
    from flowlaunch.gateway.hooks.receiving import Received
    from flowlaunch.gateway.store.messages import MessageRecord

__all__ = ["OPERATIONS"]

JSON: Final = "application/json"
_JSON_KIND: Final = re.compile(r"application/([a-z0-9.-]+\+)?json", re.IGNORECASE)


class HookReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message; `launch_id` is null when it was not one to launch."""

    message_id: str
    launch_id: str | None
    url: str | None


class HookShown(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook of the routes file; its messages come to `url`."""

    name: str
    url: str
    route: str
    signed_by: str
    tolerance_s: int
    max_bytes: int
    keep_body: bool


class HooksShown(msgspec.Struct, frozen=True, kw_only=True):
    """The webhooks in force."""

    hooks: tuple[HookShown, ...]


class HookMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A genuine message that came; without a launch it was refused for `problem`, or was not one to launch."""

    message_id: str
    hook: str
    received_at: datetime
    times: int
    launch_id: str | None
    problem: str


class HookMessages(msgspec.Struct, frozen=True, kw_only=True):
    """A page of messages, newest first; `next` is the cursor of the next page, null on the last one."""

    messages: tuple[HookMessage, ...]
    next: str | None


class MessageQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which messages to list."""

    refused: Annotated[bool, Meta(description="Only those that were refused.")] = False
    cursor: Annotated[str | None, Meta(description="`next` of the page before.")] = None
    limit: Annotated[int, Meta(ge=1, le=200, description="Messages a page.")] = 50


async def receive(call: Call) -> Answer:
    """Take a message in; its signature is what says who may send it."""
    hook = call.state.hooks.named(call.path["hook"])
    kind = call.headers.get("content-type", "").partition(";")[0].strip()
    if not _JSON_KIND.fullmatch(kind):
        raise Problem(
            415,
            "media-type",
            "The body has another media type",
            f"Send the message as {JSON}, not {kind or 'nothing'}.",
        )
    body = await read_body(call.request, hook.spec.max_bytes)
    got = await call.state.hooks.receive(hook, call.headers, body, traceparent_of(call.headers))
    call.request.state.launch_id = got.launch_id
    headers = {"idempotent-replayed": "true"} if got.is_repeat else {}
    return Answer(_receipt(call, got), 200 if got.launch_id is None else 202, headers)


async def index(call: Call) -> Answer:
    """Return the webhooks in force."""
    shown = [
        HookShown(
            name=one.name,
            url=f"{call.state.base_url}/hooks/{one.name}",
            route=one.spec.route,
            signed_by="Standard Webhooks" if one.spec.hmac is None else f"HMAC in {one.spec.hmac.header}",
            tolerance_s=one.spec.tolerance_s,
            max_bytes=one.spec.max_bytes,
            keep_body=one.spec.keep_body,
        )
        for one in call.state.hooks.by_name.values()
    ]
    return Answer(HooksShown(hooks=tuple(shown)))


async def came(call: Call) -> Answer:
    """Return a page of the messages that came."""
    query: MessageQuery = call.query
    page = await asyncio.to_thread(
        messages.read, call.state.ledger.store, hook=call.path["hook"], refused_only=query.refused,
        before=place_of(query.cursor), limit=query.limit,
    )  # fmt: skip
    after = cursor_after(page, query.limit, lambda one: one.id)
    return Answer(HookMessages(messages=tuple(map(_shown, page)), next=after))


async def replay(call: Call) -> Answer:
    """Take a refused message in again."""
    hook = call.state.hooks.named(call.path["hook"])
    got = await call.state.hooks.replay(hook, call.path["message_id"], call.caller)
    return Answer(_receipt(call, got), 202)


def _receipt(call: Call, got: Received) -> HookReceipt:
    url = launch_url(call.state, got.launch_id) if got.launch_id is not None else None
    return HookReceipt(message_id=got.message_id, launch_id=got.launch_id, url=url)


def _shown(one: MessageRecord) -> HookMessage:
    return HookMessage(
        message_id=one.message_id,
        hook=one.hook,
        received_at=moment(one.received_us),
        times=one.times,
        launch_id=one.launch_id,
        problem=one.problem,
    )


_ONE: Final = "/v1/hooks/{hook}/messages"

OPERATIONS: Final = (
    Operation(
        name="receiveWebhook", method="POST", path="/hooks/{hook}", scope=None, handler=receive, tag="webhooks",
        summary="Take a signed message in and launch by it, once", body_media_types=(JSON,),
        answers={200: HookReceipt, 202: HookReceipt}, problems=(400, 401, 403, 404, 409, 413, 415, 422, 429),
        description="No API key is asked for: the signature says who sent it. A message that came before is answered"
        " with the launch that it became.",
    ),
    Operation(
        name="listWebhooks", method="GET", path="/v1/hooks", scope="read", handler=index, tag="webhooks",
        summary="List the webhooks in force", answers={200: HooksShown},
    ),
    Operation(
        name="listWebhookMessages", method="GET", path=_ONE, scope="read", handler=came, tag="webhooks",
        summary="List the messages that came, newest first", query=MessageQuery, answers={200: HookMessages},
        problems=(400,),
    ),
    Operation(
        name="replayWebhookMessage", method="POST", path=f"{_ONE}/{{message_id}}/replay", scope="operate",
        handler=replay, tag="webhooks", summary="Take in a refused message again, from its kept body",
        answers={202: HookReceipt}, problems=(403, 404, 409, 422, 429),
    ),
)  # fmt: skip
