"""The operation that reads the audit log."""

from __future__ import annotations

import asyncio
from datetime import datetime  # noqa: TC003 - msgspec reads the annotations at run time
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from flowlaunch.gateway.api.operation import Answer, Call, Operation
from flowlaunch.gateway.api.paging import cursor_after, place_of
from flowlaunch.gateway.api.resources import moment
from flowlaunch.gateway.store import audit

__all__ = ["OPERATIONS"]


class AuditLine(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what, to what, when; `caller` is the id of the key, empty for the gateway's own command line."""

    at: datetime
    caller: str
    name: str
    what: str
    target: str
    facts: dict[str, Any]


class AuditLines(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the audit log, newest first; `next` is the cursor of the next page, null on the last one."""

    lines: tuple[AuditLine, ...]
    next: str | None


class AuditQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which lines to read."""

    what: Annotated[str, Meta(description="Only lines of this act, such as `key.create`.")] = ""
    target: Annotated[str, Meta(description="Only lines about this launch, key, callback or batch.")] = ""
    caller: Annotated[str, Meta(description="Only what was done with the key of this id.")] = ""
    cursor: Annotated[str | None, Meta(description="`next` of the page before.")] = None
    limit: Annotated[int, Meta(ge=1, le=200, description="Lines a page.")] = 100


async def index(call: Call) -> Answer:
    """Return a page of the audit log."""
    query: AuditQuery = call.query
    page = await asyncio.to_thread(
        audit.read, call.state.ledger.store, before=place_of(query.cursor), limit=query.limit,
        target=query.target, what=query.what, key_id=query.caller,
    )  # fmt: skip
    lines = [
        AuditLine(
            at=moment(one.at_us), caller=one.key_id, name=one.name, what=one.what, target=one.target, facts=one.facts
        )
        for one in page
    ]
    return Answer(AuditLines(lines=tuple(lines), next=cursor_after(page, query.limit, lambda one: one.audit_id)))


OPERATIONS: Final = (
    Operation(
        name="readAudit", method="GET", path="/v1/audit", scope="admin", handler=index, tag="audit",
        summary="Read who did what, newest first", query=AuditQuery, answers={200: AuditLines}, problems=(400,),
    ),
)  # fmt: skip
