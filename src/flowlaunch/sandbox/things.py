"""Read the tables, queues, contacts and conversations of a world file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowlaunch.errors import SandboxError
from flowlaunch.sandbox.identifiers import fixed_id
from flowlaunch.sandbox.world import Things
from flowlaunch.sandbox.world_schema import check_entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowlaunch.sandbox.world import User

__all__ = ["SECTION_KINDS", "read_things"]

SECTION_KINDS = {
    "queues": "queue",
    "contacts": "externalContact",
    "organizations": "externalOrganization",
    "skills": "skill",
    "groups": "group",
}


def read_things(world: Mapping[str, Any], users: Iterable[User], name: str) -> Things:
    """Build what flows may look up, write or send to."""
    things = Things(schedules={str(title): str(state) for title, state in (world.get("schedules") or {}).items()})
    for section, kind in SECTION_KINDS.items():
        things.kinds[kind] = [_thing(kind, row) for row in world.get(section) or []]
    for kind, rows in (world.get("things") or {}).items():
        things.kinds.setdefault(str(kind), []).extend(_thing(str(kind), row) for row in rows)
    things.kinds["user"] = [
        {**user.properties, "id": user.id, "name": user.name, "email": user.email, "username": user.email}
        for user in users
    ]
    for each in world.get("conversations") or []:
        row = check_entry(each, "conversation", name)
        place = (str(row.get("id") or ""), str(row.get("participant") or ""))
        things.conversations[place] = {str(k): str(v) for k, v in (row.get("attributes") or {}).items()}
    return things


def _thing(kind: str, row: Any) -> dict[str, Any]:
    if not isinstance(row, (str, dict)):
        raise SandboxError(f"a {kind} of the world must be a name or have fields, not {row!r}")
    entry = {"name": row} if isinstance(row, str) else dict(row)
    return {"id": fixed_id(kind, str(entry.get("name", entry))), **entry}
