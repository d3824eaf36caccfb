"""Webhook messages as received: which ids were seen, what came of each, and its body where it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import insert, select, true, update

from flowlaunch.batch.ledger.faults import CONFLICT
from flowlaunch.batch.ledger.schema_edges import IS_REFUSED, messages
from flowlaunch.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from flowlaunch.batch.ledger.store import Store

__all__ = ["MessageRecord", "body_of", "find", "read", "record"]

LONGEST_PROBLEM: Final = 500


class MessageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One message.

    Attributes:
        id: the cursor of lists.
        message_id: what the sender calls it, or a hash of its content.
        times: how often it came.
        launch_id: the launch that it became; None: it was refused for `problem`, or not one to launch.
        is_kept: whether its body is there, to be taken in again.

    """

    id: int
    hook: str
    message_id: str
    body_sha256: str
    received_us: int
    times: int
    launch_id: str | None
    problem: str
    is_kept: bool


_COLUMNS: Final = [
    *(messages.c[name] for name in MessageRecord.__struct_fields__ if name in messages.c),
    messages.c.body.is_not(None).label("is_kept"),
]


def find(store: Store, hook: str, message_id: str) -> MessageRecord | None:
    """Return a hook's message of that id."""
    wanted = select(*_COLUMNS).where(messages.c.hook == hook, messages.c.message_id == message_id)
    with store.read("find a webhook") as connection:
        row = connection.execute(wanted).mappings().first()
    return None if row is None else MessageRecord(**row)


def record(
    store: Store, hook: str, message_id: str, *, body_sha256: str, launch_id: str | None, problem: str = "",
    body: bytes | None = None,
) -> None:  # fmt: skip
    """Write that a message came and what became of it; a refusal changes nothing about one that was launched."""
    new = {"launch_id": launch_id, "problem": problem[:LONGEST_PROBLEM], "body": body, "body_sha256": body_sha256}
    fresh = {"hook": hook, "message_id": message_id, "received_us": store.now_us(), "times": 1}
    try:
        with store.write("record a webhook") as connection:
            if not _again(connection, hook, message_id, new):
                connection.execute(insert(messages).values(**fresh, **new))
    except LedgerError as error:
        if error.code != CONFLICT:
            raise
        with store.write("record a webhook") as connection:  # another process wrote it first
            _again(connection, hook, message_id, new)


def _again(connection: Connection, hook: str, message_id: str, new: Mapping[str, object]) -> bool:
    known = (messages.c.hook == hook, messages.c.message_id == message_id)
    counted = update(messages).where(*known).values(times=messages.c.times + 1)
    if connection.execute(counted).rowcount != 1:
        return False
    wins = true() if new["launch_id"] is not None else messages.c.launch_id.is_(None)
    connection.execute(update(messages).where(*known, wins).values(**new))
    return True


def read(
    store: Store, *, hook: str = "", refused_only: bool = False, before: int | None = None, limit: int = 100
) -> tuple[MessageRecord, ...]:
    """Return messages older than the cursor `before`, newest first; what is empty is not compared."""
    wanted = select(*_COLUMNS).order_by(messages.c.id.desc()).limit(limit)
    if hook:
        wanted = wanted.where(messages.c.hook == hook)
    if refused_only:
        wanted = wanted.where(IS_REFUSED)
    if before is not None:
        wanted = wanted.where(messages.c.id < before)
    with store.read("list webhooks") as connection:
        return tuple(MessageRecord(**row) for row in connection.execute(wanted).mappings())


def body_of(store: Store, hook: str, message_id: str) -> bytes | None:
    """Return a message's raw body; None when it was not kept."""
    wanted = select(messages.c.body).where(messages.c.hook == hook, messages.c.message_id == message_id)
    with store.read("read a webhook") as connection:
        return connection.execute(wanted).scalar()
