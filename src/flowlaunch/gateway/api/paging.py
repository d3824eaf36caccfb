"""Cursors of lists that are read newest first: the place where the next page begins, as opaque text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from flowlaunch.gateway.api.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["cursor_after", "no_cursor", "place_of"]

Record = TypeVar("Record")
PREFIX: Final = "c"
LONGEST: Final = 20
MOST_PLACE: Final = 2**63 - 1
"""What the databases count to."""


def place_of(cursor: str | None) -> int | None:
    """Return the place that a cursor names; Problem 400 when it is none of ours."""
    if cursor is None:
        return None
    digits = cursor.removeprefix(PREFIX)
    is_number = cursor.startswith(PREFIX) and digits.isdecimal() and digits.isascii() and len(cursor) <= LONGEST
    if not is_number or int(digits) > MOST_PLACE:
        raise no_cursor()
    return int(digits)


def no_cursor() -> Problem:
    """Return what is raised about a cursor that is none of ours."""
    return Problem(400, "cursor", "The cursor cannot be used", "Give `next` of the page before, as it was.")


def cursor_after(page: Sequence[Record], limit: int, place: Callable[[Record], int]) -> str | None:
    """Return the cursor of the next page; None when this one is the last."""
    return f"{PREFIX}{place(page[-1])}" if len(page) == limit else None
