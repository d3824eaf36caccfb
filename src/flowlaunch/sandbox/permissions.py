"""Permissions, roles and divisions: who may do what, where.

Permission names are official (Source: gc CLI 166.0.0 and the SDK's operation docs). That a role's divisions
decide is inferred from the flow's `division` and the client's `roleDivisions`.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "AGGREGATE_VIEW",
    "ALL_PERMISSIONS",
    "EXECUTION_VIEW",
    "FLOW_LAUNCH",
    "FLOW_SEARCH",
    "FLOW_VIEW",
    "GUIDE_EXECUTE",
    "GUIDE_READ",
    "GUIDE_SCOPES",
    "GUIDE_WRITE",
    "INSTANCE_SEARCH",
    "INSTANCE_VIEW",
    "SETTINGS_VIEW",
    "Rights",
    "grant",
    "lax_rights",
    "reaches",
]

FLOW_VIEW = "architect:flow:view"
FLOW_SEARCH = "architect:flow:search"
FLOW_LAUNCH = "architect:flow:launch"
EXECUTION_VIEW = "architect:flowExecution:view"
INSTANCE_SEARCH = "architect:flowInstance:search"
INSTANCE_VIEW = "architect:flowInstance:view"
SETTINGS_VIEW = "architect:flowinstanceexecutiondata:view"
AGGREGATE_VIEW = "analytics:flowExecutionAggregate:view"
ALL_PERMISSIONS = (
    FLOW_VIEW,
    FLOW_SEARCH,
    FLOW_LAUNCH,
    EXECUTION_VIEW,
    INSTANCE_SEARCH,
    INSTANCE_VIEW,
    SETTINGS_VIEW,
    AGGREGATE_VIEW,
)

GUIDE_WRITE = "flow:execution:write"
GUIDE_READ = "flow:execution:read"
GUIDE_EXECUTE = "architect:flow:execute"
GUIDE_SCOPES = (GUIDE_WRITE, GUIDE_READ, GUIDE_EXECUTE)

Rights: TypeAlias = "Mapping[str, frozenset[str] | None]"
"""Permission -> ids of the divisions it reaches; None: every division. Absent: not held."""


def grant(roles: Iterable[tuple[Iterable[str], frozenset[str] | None]]) -> dict[str, frozenset[str] | None]:
    """Work out the rights of (permission patterns, divisions) pairs; `*` in a pattern matches anything."""
    rights: dict[str, frozenset[str] | None] = {}
    for patterns, divisions in roles:
        for permission in ALL_PERMISSIONS:
            if not any(fnmatchcase(permission, pattern) for pattern in patterns):
                continue
            held = rights.get(permission, frozenset())
            rights[permission] = None if held is None or divisions is None else held | divisions
    return rights


def lax_rights() -> dict[str, frozenset[str] | None]:
    """Give every permission in every division."""
    return dict.fromkeys(ALL_PERMISSIONS)


def reaches(rights: Rights, permission: str, division_id: str) -> bool:
    """Tell whether the permission is held in that division."""
    divisions = rights.get(permission, frozenset())
    return divisions is None or division_id in divisions
