"""Lists in slices: newest first, reached by a cursor, never by counting from the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

__all__ = ["Query", "Slice"]

MAX_TEXT_CHARS = 255
MAX_CURSOR_CHARS = 16_000
"""One that goes on in each of many lists is long."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One screenful of a list.

    Attributes:
        items: what is shown.
        next_cursor: `after` of the slice that follows; None: this is the end.
        is_partial: the search stopped early; the next slice goes on from there.

    """

    items: Sequence[Any]
    next_cursor: str | None = None
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """The filters of a list, as they stand in its address."""

    path: str
    values: Mapping[str, str]
    after: str = ""

    @classmethod
    def of(cls, request: Request, *names: str) -> Query:
        """Read the named filters and the cursor; anything else in the address is dropped."""
        given = request.query_params
        values = {name: given.get(name, "").strip()[:MAX_TEXT_CHARS] for name in names}
        return cls(request.url.path, values, given.get("after", "")[:MAX_CURSOR_CHARS])

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    @property
    def is_filtered(self) -> bool:
        """Tell whether any filter is set."""
        return any(self.values.values())

    def address(self, **changes: str) -> str:
        """Give the address of this list with some filters changed, from its first slice unless `after` is given."""
        merged = {**self.values, **changes}
        chosen = {name: value for name, value in merged.items() if value}
        return f"{self.path}?{urlencode(chosen)}" if chosen else self.path
