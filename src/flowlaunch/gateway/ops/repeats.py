"""Lines that strangers can cause: so many of a kind are written a minute, the others are counted and told at once."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

__all__ = ["ACCESS", "Repeats", "kind_of"]

ACCESS: Final = "flowlaunch.gateway.access_log"
HOOKS: Final = "flowlaunch.gateway.hooks"
SERVER: Final = "uvicorn"
MOST: Final = 20
"""Lines of one kind in one interval."""
EVERY_S: Final = 60.0
LOOK_S: Final = 1.0
MOST_KINDS: Final = 200
"""Kinds that are told apart; they are made of our own words, so there are a few dozen."""
OTHERS: Final = "others"


@dataclass(slots=True)
class Kind:
    """The records of one kind in the present interval; `last` is the newest that was not written."""

    began_s: float
    seen: int = 0
    untold: int = 0
    last: logging.LogRecord | None = None


class Repeats:
    """Counts records by kind; a handler asks it about each, under the handler's own lock."""

    def __init__(
        self, *, most: int = MOST, every_s: float = EVERY_S, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._every_s, self._now_s = most, every_s, now_s
        self._kinds: dict[Hashable, Kind] = {}
        self._looked_s = float("-inf")

    def takes(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is written; one that is not is counted."""
        name = kind_of(record)
        if name is None:
            return True
        if name not in self._kinds and len(self._kinds) >= MOST_KINDS:
            name = OTHERS
        kind = self._kinds.setdefault(name, Kind(self._now_s()))
        kind.seen += 1
        if kind.seen <= self._most:
            return True
        kind.untold, kind.last = kind.untold + 1, record
        return False

    def told(self, *, is_over: bool = False) -> list[logging.LogRecord]:
        """Return a record for each kind that had too many in an interval that has ended; `is_over`: that ends now."""
        now_s = self._now_s()
        if now_s - self._looked_s < LOOK_S and not is_over:
            return []
        self._looked_s, summaries = now_s, []
        for name, kind in list(self._kinds.items()):
            if now_s - kind.began_s < self._every_s and not is_over:
                continue
            if kind.last is not None:
                summaries.append(_summary(kind.last, kind.untold))
            del self._kinds[name]
        return summaries


def kind_of(record: logging.LogRecord) -> Hashable | None:
    """Return what a record is counted with; None for one that nobody can cause who has no key or good signature."""
    own = vars(record)
    if record.name == ACCESS:
        is_taken = own.get("operation") == "receiveWebhook" and int(own.get("status") or 0) < 400
        return None if own.get("key_id") or is_taken else (ACCESS, own.get("operation"), own.get("status"))
    if record.name == HOOKS:
        return HOOKS, own.get("hook")
    if record.name.partition(".")[0] == SERVER:
        return record.name, str(record.msg)
    return None


def _summary(last: logging.LogRecord, count: int) -> logging.LogRecord:
    told = logging.makeLogRecord(vars(last))
    told.msg, told.args = f"{last.getMessage()} (and {count:,} more like it)", ()
    told.exc_info = None
    return told
