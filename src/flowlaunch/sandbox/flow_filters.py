"""Which flows a list shows, and in which order."""

from __future__ import annotations

from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from flowlaunch.sandbox.answers import Refusal
from flowlaunch.sandbox.paging import flag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flowlaunch.sandbox.options import Options
    from flowlaunch.sandbox.paging import Query
    from flowlaunch.sandbox.world import FlowRecord

__all__ = ["choose", "in_order", "matches_text"]

SECURE_VALUES = ("any", "checkedin", "published")


def matches_text(wanted: str, text: str, way: str) -> bool:
    """Compare in any letter case; `way` is the `name_filter` option."""
    wanted, text = wanted.casefold(), text.casefold()
    if way == "contains":
        return wanted.strip("*") in text
    if way == "wildcard":
        return fnmatchcase(text, wanted.replace("[", "[[]"))
    return wanted == text


def choose(flows: Iterable[FlowRecord], query: dict[str, list[str]], options: Options) -> list[FlowRecord]:
    """Filter flows by the query. If ids are given all other filters are ignored (official)."""
    if query.get("id"):
        wanted = _several(query, "id")
        return [flow for flow in flows if flow.id in wanted and not flow.is_deleted]
    tests = [make(query, options) for name, make in FILTERS.items() if query.get(name, [""])[-1] != ""]
    shows_deleted = flag(query, "deleted") or False
    return [flow for flow in flows if flow.is_deleted == shows_deleted and all(test(flow) for test in tests)]


def _several(query: Query, name: str) -> frozenset[str]:
    return frozenset(part for value in query.get(name, []) for part in value.split(",") if part)


def _instant(query: Query, name: str) -> float:
    text = query[name][-1]
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refusal(400, "invalid.date", f"{name} is not a date-time: '{text}'.") from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _by_type(query: Query, options: Options) -> Any:
    del options
    wanted = frozenset(each.upper() for each in _several(query, "type"))
    return lambda flow: flow.type in wanted


def _by_division(query: Query, options: Options) -> Any:
    del options
    wanted = _several(query, "divisionId")
    return lambda flow: flow.division.id in wanted


def _by_text(name: str, read: Callable[[FlowRecord], tuple[str, ...]]) -> Any:
    def make(query: Query, options: Options) -> Any:
        wanted = query[name][-1]
        return lambda flow: any(matches_text(wanted, text, options.name_filter) for text in read(flow))

    return make


def _by_published(name: str, *, after: bool) -> Any:
    def make(query: Query, options: Options) -> Any:
        del options
        limit = _instant(query, name)

        def test(flow: FlowRecord) -> bool:
            at = flow.current.published_at if flow.current else None
            return at is not None and (at >= limit if after else at <= limit)

        return test

    return make


def _by_version(query: Query, options: Options) -> Any:
    del options
    wanted = query["publishVersionId"][-1]
    return lambda flow: flow.current is not None and flow.current.number == wanted


def _by_secure(query: Query, options: Options) -> Any:
    """Keep none: no flow of the sandbox is secure, but `any` means either."""
    del options
    value = query["secure"][-1].lower()
    if value not in SECURE_VALUES:
        raise Refusal(400, "invalid.value", f"secure must be one of {', '.join(SECURE_VALUES)}, not '{value}'.")
    return lambda _flow: value == "any"


def _by_virtual_agent(query: Query, options: Options) -> Any:
    del options
    wanted = flag(query, "virtualAgentEnabled")
    return lambda _flow: wanted is False


def _nobody(query: Query, options: Options) -> Any:
    """Keep none: no flow of the sandbox is locked or has named editors."""
    del query, options
    return lambda _flow: False


FILTERS: dict[str, Any] = {
    "type": _by_type,
    "divisionId": _by_division,
    "name": _by_text("name", lambda flow: (flow.name,)),
    "description": _by_text("description", lambda flow: (flow.description,)),
    "nameOrDescription": _by_text("nameOrDescription", lambda flow: (flow.name, flow.description)),
    "publishVersionId": _by_version,
    "publishedAfter": _by_published("publishedAfter", after=True),
    "publishedBefore": _by_published("publishedBefore", after=False),
    "secure": _by_secure,
    "virtualAgentEnabled": _by_virtual_agent,
    "editableBy": _nobody,
    "lockedBy": _nobody,
    "lockedByClientId": _nobody,
}
SORT_KEYS: dict[str, Callable[[FlowRecord], Any]] = {
    "id": lambda flow: flow.id,
    "name": lambda flow: (flow.name.casefold(), flow.id),
    "type": lambda flow: (flow.type, flow.name.casefold(), flow.id),
    "description": lambda flow: (flow.description.casefold(), flow.id),
    "division": lambda flow: (flow.division.name.casefold(), flow.name.casefold(), flow.id),
    "publishedversion": lambda flow: (flow.current.number if flow.current else "", flow.id),
    "datepublished": lambda flow: ((flow.current.published_at or 0.0) if flow.current else 0.0, flow.id),
}


def in_order(flows: list[FlowRecord], query: dict[str, list[str]]) -> list[FlowRecord]:
    """Sort by `sortBy` (default id) and `sortOrder` (default asc); an unknown key is refused."""
    key = query.get("sortBy", ["id"])[-1].lower() or "id"
    if key not in SORT_KEYS:
        raise Refusal(400, "invalid.value", f"sortBy must be one of {', '.join(SORT_KEYS)}, not '{key}'.")
    order = query.get("sortOrder", ["asc"])[-1].lower() or "asc"
    if order not in {"asc", "desc", "ascending", "descending"}:
        raise Refusal(400, "invalid.value", f"sortOrder must be asc or desc, not '{order}'.")
    return sorted(flows, key=SORT_KEYS[key], reverse=order.startswith("desc"))
