"""Decide again about rows whose calling window shut while they waited: by rules that are data, alike everywhere."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from flowlaunch.batch.rules.book import read_rules
from flowlaunch.batch.rules.deciding import Rules
from flowlaunch.batch.rules.windows import CallingWindows, WindowRules

if TYPE_CHECKING:
    from flowlaunch.batch.decisions import Decision
    from flowlaunch.batch.ledger import ChunkRow

__all__ = ["Reopener", "reopener_of"]

DAY_US: Final = 86_400_000_000


class _Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Window rules as JSON; `book` holds the texts of the rule files, not their paths."""

    windows: tuple[str, ...] = ()
    holidays: tuple[tuple[str, str], ...] = ()
    book: tuple[str, ...] | None = None
    default_region: str | None = None
    when_ambiguous: Literal["hold", "all-open"] = "hold"


class Reopener:
    """Says when a row may leave whose window shut before it was sent.

    Attributes:
        rules: the windows that hold; None: none do, and it may leave at once.

    """

    def __init__(self, rules: WindowRules | None) -> None:
        self.rules = rules
        self._made: tuple[int, Rules] | None = None

    def __call__(self, row: ChunkRow, at_us: int) -> Decision:
        """Decide about a row at the instant at which it would leave."""
        return self._on(at_us // DAY_US).reopen(row.calendars, at_us, None, row.not_after_us)

    def _on(self, day: int) -> Rules:
        """Return the rules; what they computed of openings is let go once a day."""
        if self._made is None or self._made[0] != day:
            windows = CallingWindows(self.rules, day * DAY_US) if self.rules is not None else None
            self._made = (day, Rules(windows=windows))
        return self._made[1]

    def recorded(self) -> str:
        """Return the rules as text, from which `reopener_of` makes the same on another machine."""
        rules = self.rules
        if rules is None:
            return "null"
        record = _Record(
            windows=rules.windows,
            holidays=rules.holidays,
            book=None if rules.book is None else tuple(one.text for one in rules.book.values()),
            default_region=rules.default_region,
            when_ambiguous=rules.when_ambiguous,
        )
        return msgspec.json.encode(record).decode()


@functools.lru_cache(maxsize=256)
def reopener_of(recorded: str) -> Reopener:
    """Return what a text of `Reopener.recorded` tells; one for all who ask for the same."""
    record = msgspec.json.decode(recorded, type=_Record | None)
    if record is None:
        return Reopener(None)
    book = None
    if record.book is not None:
        book = {one.code: one for one in (read_rules(text, "the recorded rules") for text in record.book)}
    return Reopener(
        WindowRules(
            windows=record.windows,
            holidays=record.holidays,
            book=book,
            default_region=record.default_region,
            when_ambiguous=record.when_ambiguous,
        )
    )
