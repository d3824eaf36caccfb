"""What a run leaves behind: one entry an action, with bounded values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.values import NOT_SET, Currency, Duration, Json, NetworkObject, Opaque, PhoneNumber

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flowlaunch.architect.flow import ActionRef

__all__ = ["MAX_TEXT_CHARS", "Trace", "TraceEntry", "clip", "readable"]

MAX_TEXT_CHARS: Final = 500
MAX_ITEMS: Final = 20
MAX_JSON_NODES: Final = 100
_PLAIN: Final = frozenset(
    {bool, int, Decimal, float, type(NOT_SET), type(None), datetime, date, time, Duration, Currency}
)
SECURED: Final = "(secured)"


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One executed action.

    Attributes:
        started_at: the run's clock when the action began; it moves only when an effect was answered.
        depth: 0 in the flow itself, 1 in a task or common module it called, and so on.
        inputs: field -> value, clipped.
        path: output path taken; None when the action has none or the run went on with the next action.
        changes: variable -> new value, clipped, in the order they were set.
        error: message of the run-time error that ended the action, or "".
        note: anything else worth knowing, e.g. that the action is not emulated.

    """

    ref: ActionRef
    started_at: datetime
    depth: int
    inputs: tuple[tuple[str, Any], ...]
    path: str | None
    changes: tuple[tuple[str, Any], ...]
    error: str = ""
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """Render for pages and files; NOT_SET is null."""
        entry = {
            "action": self.ref.as_json(),
            "startedAt": self.started_at.isoformat().replace("+00:00", "Z"),
            "depth": self.depth,
            "inputs": {name: readable(value) for name, value in self.inputs},
            "path": self.path,
            "changes": [{"variable": name, "value": readable(value)} for name, value in self.changes],
        }
        return entry | {key: text for key, text in (("error", self.error), ("note", self.note)) if text}


class Trace:
    """Every executed action of one run, oldest first; entries are made when they are first looked at.

    Attributes:
        left_out: entries beyond the limit, which were counted and not kept.

    """

    __slots__ = ("_entries", "_rows", "left_out")

    def __init__(self, rows: Sequence[tuple[Any, ...]] = (), left_out: int = 0) -> None:
        self._rows = rows
        self._entries: tuple[TraceEntry, ...] | None = None
        self.left_out = left_out

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def entries(self) -> tuple[TraceEntry, ...]:
        """Give the entries that were kept."""
        if self._entries is None:
            self._entries = tuple(TraceEntry(*row) for row in self._rows)
        return self._entries

    def as_json(self) -> dict[str, Any]:
        """Render for pages and files."""
        return {"entries": [entry.as_json() for entry in self.entries], "leftOut": self.left_out}

    def executed(self) -> frozenset[tuple[int, str | None]]:
        """Give (action number, path) pairs for coverage; actions of called modules are left out."""
        return frozenset((row[0].number, row[4]) for row in self._rows if row[0].flow == self._rows[0][0].flow)


def clip(value: Any) -> Any:
    """Bound what a trace keeps of a value; small values come back as they are."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is str:
        return value if len(value) <= MAX_TEXT_CHARS else f"{value[:MAX_TEXT_CHARS]}... ({len(value):,} characters)"
    if kind is tuple:
        kept = tuple(clip(item) for item in value[:MAX_ITEMS])
        return kept if len(value) <= MAX_ITEMS else (*kept, f"... ({len(value):,} items)")
    if kind is Json:
        return Json(_clip_json(value.value, [MAX_JSON_NODES]))
    if kind in {dict, list}:
        return _clip_json(value, [MAX_JSON_NODES])
    return value


def _clip_json(value: Any, left: list[int]) -> Any:
    left[0] -= 1
    if isinstance(value, str):
        return clip(value)
    if isinstance(value, dict):
        kept: dict[str, Any] = {}
        for key, item in value.items():
            if left[0] <= 0:
                kept["..."] = f"{len(value):,} properties"
                break
            kept[key[:MAX_TEXT_CHARS]] = _clip_json(item, left)
        return kept
    if isinstance(value, (list, tuple)):
        items: list[Any] = []
        for item in value:
            if left[0] <= 0:
                items.append(f"... ({len(value):,} items)")
                break
            items.append(_clip_json(item, left))
        return items
    return value


def readable(value: Any) -> Any:
    """Turn a value into JSON for people: NOT_SET is null, exact numbers with a fraction are numbers."""
    render = _RENDER.get(type(value))
    if render is not None:
        return render(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _number(value: Decimal) -> float | str:
    as_float = float(value)
    return as_float if Decimal(repr(as_float)) == value else str(value)


def _instant(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


def _mapping(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: readable(item) for key, item in value.items()}


def _items(value: Any) -> list[Any]:
    return [readable(item) for item in value]


_RENDER: Final[dict[type, Callable[[Any], Any]]] = {
    type(NOT_SET): lambda _: None,
    Decimal: _number,
    datetime: _instant,
    date: lambda value: value.isoformat(),
    time: lambda value: value.isoformat(),
    Duration: lambda value: {"milliseconds": value.milliseconds},
    Currency: lambda value: {"amount": readable(value.amount), "code": readable(value.code)},
    PhoneNumber: lambda value: value.raw,
    Json: lambda value: readable(value.value),
    NetworkObject: lambda value: {"kind": value.kind, "id": value.id, "name": value.name},
    Opaque: lambda value: value.text,
    tuple: _items,
    list: _items,
    dict: _mapping,
}
