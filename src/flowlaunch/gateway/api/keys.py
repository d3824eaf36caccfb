"""Operations on API keys."""

from __future__ import annotations

import asyncio
from datetime import datetime  # noqa: TC003 - msgspec reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from msgspec import Meta

from flowlaunch.errors import InputError
from flowlaunch.gateway.access.keys import KEY_ID, OVERLAP_S, Issued, Keys
from flowlaunch.gateway.api.operation import Answer, Call, Operation
from flowlaunch.gateway.api.paging import no_cursor
from flowlaunch.gateway.api.problems import Problem, problem_of
from flowlaunch.gateway.api.resources import instant, moment, taken_us

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.gateway.store.keys import KeyRecord

__all__ = ["OPERATIONS", "KeyShown", "shown_key"]

LONGEST_OVERLAP_S: Final = 90 * 86_400
MOST_PER_WINDOW: Final = 1_000_000_000
STATUS_OF_CODE: Final = {"key-unknown": 404, "key-name-taken": 409, "key-ended": 409, "key-reach": 403}
"""What is not simply a wrong body."""

Quota = Annotated[int, Meta(ge=1, le=MOST_PER_WINDOW)] | None


class KeyShown(msgspec.Struct, frozen=True, kw_only=True):
    """An API key as it may be shown: its secret is known to its holder alone.

    Attributes:
        id: the part of the key between its first and its second `_`.
        state: `live`, `expired` or `revoked`.
        per_minute: launches that it may ask for in a minute, `per_day` in a day; null: as many as it likes.
        old_secret_until: until when the secret before the last rotation is taken, too.
        last_used_at: within about 15 seconds.

    """

    id: str
    name: str
    state: str
    scopes: tuple[str, ...]
    per_minute: int | None
    per_day: int | None
    created_at: datetime
    created_by: str
    rotated_at: datetime | None
    old_secret_until: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class KeysShown(msgspec.Struct, frozen=True, kw_only=True):
    """A page of keys, oldest first; revoked ones are kept for the record. `next` is null on the last page."""

    keys: tuple[KeyShown, ...]
    next: str | None


class KeyQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which page of the keys."""

    cursor: Annotated[str | None, Meta(description="`next` of the page before.")] = None
    limit: Annotated[int, Meta(ge=1, le=200, description="Keys a page.")] = 50


class KeyIssued(msgspec.Struct, frozen=True, kw_only=True):
    """A new secret: `key` is what an app sends, and is shown this once."""

    key: str
    record: KeyShown


class NewKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to make; `scopes` are of launch, read, operate, admin, and none beyond those of the key that asks."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    scopes: Annotated[tuple[str, ...], Meta(min_length=1, max_length=4)] = ("launch",)
    per_minute: Quota = None
    per_day: Quota = None
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class Rotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the present secret is still taken, in seconds; 0 ends it at once."""

    overlap_s: Annotated[int, Meta(ge=0, le=LONGEST_OVERLAP_S)] = OVERLAP_S


def shown_key(record: KeyRecord, now_us: int) -> KeyShown:
    """Return a key as it may be shown."""
    is_old_taken = record.old_until_us is not None and record.old_until_us > now_us and record.revoked_us is None
    return KeyShown(
        id=record.key_id,
        name=record.name,
        state=record.state(now_us),
        scopes=record.scopes,
        per_minute=record.per_minute,
        per_day=record.per_day,
        created_at=moment(record.created_us),
        created_by=record.created_by,
        rotated_at=instant(record.rotated_us),
        old_secret_until=instant(record.old_until_us) if is_old_taken else None,
        expires_at=instant(record.expires_us),
        revoked_at=instant(record.revoked_us),
        last_used_at=instant(record.last_used_us),
    )


async def index(call: Call) -> Answer:
    """Return a page of keys; a cursor is the last key's id."""
    query: KeyQuery = call.query
    after_id = None if query.cursor is None else query.cursor.removeprefix("c")
    if after_id is not None and not KEY_ID.fullmatch(after_id):
        raise no_cursor()
    try:
        page = await asyncio.to_thread(Keys(call.state.ledger.store).page, after_id=after_id, limit=query.limit)
    except InputError as error:
        raise no_cursor() from error
    following = f"c{page[-1].key_id}" if len(page) == query.limit else None
    return Answer(KeysShown(keys=tuple(shown_key(one, call.state.now_us()) for one in page), next=following))


async def create(call: Call) -> Answer:
    """Make a key."""
    body: NewKey = call.body
    issued = await _done(
        call,
        lambda keys: keys.create(
            body.name,
            body.scopes,
            who=call.caller,
            per_minute=body.per_minute,
            per_day=body.per_day,
            expires_us=taken_us(body.expires_at, "expires_at"),
        ),
    )
    return Answer(_issued(call, issued), 201)


async def rotate(call: Call) -> Answer:
    """Give a key a new secret."""
    overlap_s = call.body.overlap_s if call.body is not None else OVERLAP_S
    issued = await _done(call, lambda keys: keys.rotate(call.path["key"], who=call.caller, overlap_s=overlap_s))
    return Answer(_issued(call, issued))


async def revoke(call: Call) -> Answer:
    """End a key."""
    record = await _done(call, lambda keys: keys.revoke(call.path["key"], who=call.caller))
    call.state.gatekeeper.forget(record.key_id)
    return Answer(shown_key(record, call.state.now_us()))


async def _done(call: Call, act: Callable[[Keys], Any]) -> Any:
    """Act in a thread; refusals get the status that says what they are."""
    try:
        return await asyncio.to_thread(act, Keys(call.state.ledger.store))
    except InputError as error:
        problem = problem_of(error)
        status = STATUS_OF_CODE.get(error.code, problem.status)
        raise Problem(status, error.code, "The keys stay as they are", problem.detail) from error


def _issued(call: Call, issued: Issued) -> KeyIssued:
    call.state.gatekeeper.forget(issued.record.key_id)
    return KeyIssued(key=issued.key, record=shown_key(issued.record, call.state.now_us()))


_ONE: Final = "/v1/keys/{key}"

OPERATIONS: Final = (
    Operation(
        name="listKeys", method="GET", path="/v1/keys", scope="admin", handler=index, tag="keys",
        summary="List the API keys, oldest first", query=KeyQuery, answers={200: KeysShown},
    ),
    Operation(
        name="createKey", method="POST", path="/v1/keys", scope="admin", handler=create, tag="keys",
        summary="Make an API key", body=NewKey, answers={201: KeyIssued}, problems=(409,),
        description="The answer is the only time that the key can be seen.",
    ),
    Operation(
        name="rotateKey", method="POST", path=f"{_ONE}/rotate", scope="admin", handler=rotate, tag="keys",
        summary="Give a key a new secret", body=Rotation, is_body_optional=True, answers={200: KeyIssued},
        problems=(404, 409), description="`key` is its id or its name. The present secret is taken for another day.",
    ),
    Operation(
        name="revokeKey", method="POST", path=f"{_ONE}/revoke", scope="admin", handler=revoke, tag="keys",
        summary="End a key, with its sessions, for good", answers={200: KeyShown}, problems=(404,),
        description="`key` is its id or its name. It is taken for one second more at most.",
    ),
)  # fmt: skip
