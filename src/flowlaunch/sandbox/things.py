"""Read the tables, queues, contacts and conversations of a world file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowlaunch.errors import SandboxError
from flowlaunch.sandbox.identifiers import fixed_id
from flowlaunch.sandbox.world import Things

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


def read_things(world: Mapping[str, Any], users: Iterable[User]) -> Things:
    """Build what flows may look up, write or send to."""
    things = Things(
        tables={str(name): _table(str(name), table) for name, table in (world.get("tables") or {}).items()},
        decision_tables=dict(world.get("decision_tables") or {}),
        schedules={str(name): str(state) for name, state in (world.get("schedules") or {}).items()},
    )
    for section, kind in SECTION_KINDS.items():
        things.kinds[kind] = [_thing(kind, row) for row in world.get(section) or []]
    for kind, rows in (world.get("things") or {}).items():
        things.kinds.setdefault(str(kind), []).extend(_thing(str(kind), row) for row in rows)
    things.kinds["user"] = [
        {**user.properties, "id": user.id, "name": user.name, "email": user.email, "username": user.email}
        for user in users
    ]
    for row in world.get("conversations") or []:
        place = (str(row["id"]), str(row.get("participant") or ""))
        things.conversations[place] = {str(k): str(v) for k, v in (row.get("attributes") or {}).items()}
    return things


def _table(name: str, table: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(table, dict) or not isinstance(table.get("rows"), list):
        raise SandboxError(f"table `{name}` of the world lacks `rows`", hint="Write {key: column, rows: [...]}.")
    key = str(table.get("key", "key"))
    missing = [row for row in table["rows"] if key not in row]
    if missing:
        raise SandboxError(f"table `{name}` of the world has a row without its key column `{key}`: {missing[0]}")
    return {str(row[key]): dict(row) for row in table["rows"]}


def _thing(kind: str, row: Any) -> dict[str, Any]:
    entry = {"name": row} if isinstance(row, str) else dict(row)
    return {"id": fixed_id(kind, str(entry.get("name", entry))), **entry}
