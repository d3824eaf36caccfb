"""The audit log: who did what to what, appended to and never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import insert, select

from flowlaunch.batch.ledger.schema_edges import audit
from flowlaunch.gateway.access.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from flowlaunch.batch.ledger.store import Store

__all__ = ["AuditRecord", "read", "record"]

LONGEST_TARGET = 500


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the audit log; `audit_id` is the cursor to read on from.

    `key_id` is empty for someone at the gateway's own command line, whose name is then `user@machine`.
    """

    audit_id: int
    at_us: int
    key_id: str
    name: str
    what: str
    target: str
    facts: dict[str, Any]


def record(
    store: Store,
    who: Caller | str,
    what: str,
    on: str,
    facts: Mapping[str, object] | None = None,
    *,
    connection: Connection | None = None,
) -> None:
    """Write that `who` did `what` (`key.create`, `launch.cancel`) on `on`; facts are JSON values without secrets.

    With `connection` it is written in that transaction: what was done and that it was done stand or fall together.
    """
    key_id, name = (who.key_id, who.name) if isinstance(who, Caller) else ("", who)
    line = {
        "at_us": store.now_us(),
        "key_id": key_id,
        "name": name,
        "what": what,
        "target": on[:LONGEST_TARGET],
        "facts": msgspec.json.encode(facts or {}).decode(),
    }
    if connection is not None:
        connection.execute(insert(audit).values(**line))
        return
    with store.write("write the audit log") as own:
        own.execute(insert(audit).values(**line))


def read(
    store: Store, *, before: int | None = None, limit: int = 100, target: str = "", what: str = "", key_id: str = ""
) -> tuple[AuditRecord, ...]:
    """Return lines older than the cursor `before`, newest first; what is empty is not compared."""
    wanted = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(audit.c.id < before)
    for column, value in ((audit.c.target, target), (audit.c.what, what), (audit.c.key_id, key_id)):
        if value:
            wanted = wanted.where(column == value)
    with store.read("read the audit log") as connection:
        found = connection.execute(wanted).all()
    return tuple(
        AuditRecord(
            audit_id=one.id,
            at_us=one.at_us,
            key_id=one.key_id,
            name=one.name,
            what=one.what,
            target=one.target,
            facts=msgspec.json.decode(one.facts),
        )
        for one in found
    )
