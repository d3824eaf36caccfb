"""Did you mean: the known name that a wrong one most likely stands for."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_NOISE: Final = re.compile(r"[^a-z0-9]+")
_PREFIX: Final = re.compile(r"^(flow|common|task|state)\.", re.IGNORECASE)


def folded(name: str) -> str:
    """Return `name` without case, prefix, underscores and blanks: what people get wrong."""
    return _NOISE.sub("", _PREFIX.sub("", name.strip()).lower())


def suggest(name: str, known: Iterable[str]) -> str | None:
    """Return the one of `known` that `name` most likely stands for, or None when none is near."""
    by_fold: dict[str, str] = {}
    for candidate in known:
        by_fold.setdefault(folded(candidate), candidate)
    wanted = folded(name)
    if wanted in by_fold:
        return by_fold[wanted]
    near = get_close_matches(wanted, by_fold, n=1, cutoff=0.72)
    return by_fold[near[0]] if near else None
