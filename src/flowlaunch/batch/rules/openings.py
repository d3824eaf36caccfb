"""When a calendar is open in a time zone, as instants: exact over changes of the clocks, both ways.

An instant is open when the clock on the contact's wall shows a minute inside a window. So a window loses the hour
that is skipped in spring; in autumn, when an hour is shown twice, it is open whenever the wall says so.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

    from flowlaunch.batch.rules.calendars import Calendar

DAY_S: Final = 86_400
MICROS: Final = 1_000_000
HORIZON_DAYS: Final = 370
_LONGEST_DAYS: Final = 8
_EPOCH: Final = dt.date(1970, 1, 1).toordinal()
Piece = tuple[int, int]
"""Seconds since 1970, end not included."""


class Opening(NamedTuple):
    """One stretch of time, in microseconds since 1970, in which all calendars asked about are open."""

    open_us: int
    close_us: int


class Openings:
    """The open stretches of one calendar in one zone, a UTC day at a time, each computed once."""

    def __init__(self, calendar: Calendar, zone: ZoneInfo) -> None:
        self.calendar = calendar
        self.zone = zone
        self._kept: dict[int, tuple[Piece, ...]] = {}

    def on(self, day: int) -> tuple[Piece, ...]:
        """Return the open stretches of UTC day `day` (days since 1970)."""
        if day not in self._kept:
            self._kept[day] = tuple(self._computed(day))
        return self._kept[day]

    def _computed(self, day: int) -> Iterator[Piece]:
        for start, end, offset in constant_offsets(self.zone, day):
            first, last = (start + offset) // DAY_S, (end - 1 + offset) // DAY_S
            for local_day in range(first, last + 1):
                base = local_day * DAY_S - offset
                for span_start, span_end in self.calendar.spans_on(dt.date.fromordinal(_EPOCH + local_day)):
                    piece = (max(start, base + span_start * 60), min(end, base + span_end * 60))
                    if piece[0] < piece[1]:
                        yield piece


def constant_offsets(zone: ZoneInfo, day: int) -> Iterator[tuple[int, int, int]]:
    """Yield the stretches of UTC day `day` in which `zone` keeps one offset: start, end and offset, in seconds."""
    start, end = day * DAY_S, (day + 1) * DAY_S
    offset = _offset_s(zone, start)
    while offset != _offset_s(zone, end - 1):
        low, high = start, end - 1
        while high - low > 1:
            middle = (low + high) // 2
            if _offset_s(zone, middle) == offset:
                low = middle
            else:
                high = middle
        yield (start, high, offset)
        start, offset = high, _offset_s(zone, high)
    yield (start, end, offset)


def _offset_s(zone: ZoneInfo, at_s: int) -> int:
    offset = dt.datetime.fromtimestamp(at_s, zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def common(left: Sequence[Piece], right: Sequence[Piece]) -> tuple[Piece, ...]:
    """Return the stretches that two ordered lists have in common."""
    result, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        piece = (max(left[i][0], right[j][0]), min(left[i][1], right[j][1]))
        if piece[0] < piece[1]:
            result.append(piece)
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(result)


def next_opening(openings: Sequence[Openings], from_us: int) -> Opening | None:
    """Return the first stretch at or after `from_us` in which all of `openings` are open, or None within a year.

    Its end is exact up to eight days ahead; a longer stretch ends there for this purpose and is asked about again.
    """
    first = from_us // (DAY_S * MICROS)
    for day in range(first, first + HORIZON_DAYS):
        for start, end in _joint(openings, day):
            if end * MICROS > from_us:
                return Opening(max(start * MICROS, from_us), _end_of(openings, day, start, end) * MICROS)
    return None


def _joint(openings: Sequence[Openings], day: int) -> tuple[Piece, ...]:
    pieces = openings[0].on(day)
    for other in openings[1:]:
        pieces = common(pieces, other.on(day))
    return pieces


def _end_of(openings: Sequence[Openings], day: int, start: int, end: int) -> int:
    """Return where the stretch that reaches `end` ends: adjoining pieces of a day, and of the next days, go on."""
    for later in range(day, day + _LONGEST_DAYS):
        for piece_start, piece_end in _joint(openings, later):
            if piece_start == end and piece_start > start:
                end = piece_end
        if end < (later + 1) * DAY_S:
            break
    return end


def clock_signature(zone: ZoneInfo, day: int) -> tuple[int, ...]:
    """Return the zone's offsets over the year from UTC day `day` on: zones alike in these show the same time."""
    return tuple(_offset_s(zone, (day + step) * DAY_S) for step in range(HORIZON_DAYS + 30))
