"""The header of a table: clean names, each once, or an error that says which and what to do."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

_INVISIBLE: Final = re.compile("[\ufeff\u200b\u200e\u200f\u00ad]")
_SHOWN: Final = 8


def clean_name(name: str) -> str:
    """Return a column's name without blanks around it and without invisible characters."""
    return _INVISIBLE.sub("", name).replace("\xa0", " ").strip()


def checked_header(cells: Sequence[str], source: str) -> tuple[str, ...]:
    """Return the columns that a header names.

    Raises InputError when a name is empty, occurs twice or holds a NUL.
    """
    names = tuple(clean_name(cell) for cell in cells)
    empty = [place for place, name in enumerate(names, 1) if not name]
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    if any("\0" in name for name in names):
        raise InputError(
            f"read {source}: its header holds NUL bytes",
            code="rows-header",
            hint="Save the file as plain text (UTF-8); a file in UTF-16 needs --encoding utf-16.",
        )
    if twice:
        places = "; ".join(f"{name!r} in columns {_places(names, name)}" for name in twice[:_SHOWN])
        raise InputError(
            f"read {source}: its header has the same name more than once: {places}",
            code="rows-header",
            hint="Rename or delete one of them: a mapping could not tell which one is meant.",
        )
    if empty:
        shown = ", ".join(map(str, empty[:_SHOWN])) + (" and more" if len(empty) > _SHOWN else "")
        raise InputError(
            f"read {source}: its header has no name for column {shown} of {len(names)}",
            code="rows-header",
            hint="Name these columns in the first line, or delete them if they are empty.",
        )
    return names


def _places(names: Sequence[str], name: str) -> str:
    return " and ".join(str(place) for place, one in enumerate(names, 1) if one == name)


_LOOKS_LIKE_VALUE: Final = re.compile(r"[+\d(][\d ()./+-]{3,}|\S+@\S+\.\w+|\d+|\d{4}-\d\d-\d\d")


def looks_like_values(names: Sequence[str]) -> str | None:
    """Return the first name that looks like a number, an address or a date, as in a file without a header."""
    return next((name for name in names if _LOOKS_LIKE_VALUE.fullmatch(name)), None)
