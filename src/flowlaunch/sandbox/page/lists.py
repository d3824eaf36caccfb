"""Searching executions and requests, newest first, a slice at a time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.pages.slices import Slice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flowlaunch.pages.slices import Query
    from flowlaunch.sandbox.journal import Note
    from flowlaunch.sandbox.runs import Execution
    from flowlaunch.sandbox.service import Service

__all__ = ["RequestLine", "find_executions", "find_requests"]

SIZE: Final = 50
MOST_LOOKED_AT: Final = 100_000


@dataclass(frozen=True, slots=True)
class RequestLine:
    """A request in a list; a note holds secrets and is never shown itself."""

    number: int
    operation: str
    method: str
    path: str
    status: int
    at: float
    execution_id: str
    fault: str
    notes: tuple[str, ...]


def find_executions(service: Service, query: Query) -> Slice:
    """Find executions by status, flow, and text in name, ids or input data."""
    below = int(query.after) if query.after.isdecimal() else None
    newest = reversed(service.runs.executions.values())
    ahead = ((one.number, one) for one in newest if below is None or one.number < below)
    return _slice(ahead, _execution_filter(query))


def find_requests(service: Service, query: Query) -> Slice:
    """Find requests by operation, kind of status, and text in path or ids."""
    below = int(query.after) if query.after.isdecimal() else None
    found = _slice(service.journal.newest(below), _request_filter(query))
    lines = [request_line(number, note) for number, note in found.items]
    return Slice(lines, found.next_cursor, found.is_partial)


def request_line(number: int, note: Note) -> RequestLine:
    """Keep of a note what a list shows."""
    return RequestLine(
        number, note.operation, note.method, note.path, note.status, note.at, note.execution_id, note.fault, note.notes
    )


def _slice(ahead: Iterable[tuple[int, Any]], wanted: Callable[[Any], bool]) -> Slice:
    """Take the next slice of what is wanted, and stop looking after a bounded number."""
    items: list[tuple[int, Any]] = []
    seen, last = 0, 0
    for number, one in islice(ahead, MOST_LOOKED_AT):
        if len(items) == SIZE and wanted(one):
            return Slice(items, str(items[-1][0]))
        seen, last = seen + 1, number
        if len(items) < SIZE and wanted(one):
            items.append((number, one))
    is_partial = seen == MOST_LOOKED_AT and last > 1
    return Slice(items, str(last) if is_partial else None, is_partial)


def _execution_filter(query: Query) -> Callable[[Execution], bool]:
    status, flow, text = query["status"], query["flow"], query["q"].casefold()

    def wanted(one: Execution) -> bool:
        return (
            (not status or one.status == status)
            and (not flow or one.version.flow.id == flow)
            and (
                not text
                or one.id.startswith(text)
                or one.correlation_id.startswith(text)
                or text in (one.label or "").casefold()
                or text in one.version.flow.name.casefold()
                or text in one.inputs.decode("utf-8", "replace").casefold()
            )
        )

    return wanted


KINDS: Final[dict[str, Callable[[int], bool]]] = {
    "ok": lambda status: 200 <= status < 400,
    "refused": lambda status: 400 <= status < 500,
    "failed": lambda status: status >= 500,
    "none": lambda status: status == 0,
}


def _request_filter(query: Query) -> Callable[[Note], bool]:
    operation, kind, text = query["operation"], KINDS.get(query["status"]), query["q"].casefold()

    def wanted(note: Note) -> bool:
        return (
            (not operation or note.operation == operation)
            and (kind is None or kind(note.status))
            and (
                not text
                or text in note.path.casefold()
                or note.correlation_id.startswith(text)
                or note.execution_id.startswith(text)
                or text in note.fault.casefold()
            )
        )

    return wanted
