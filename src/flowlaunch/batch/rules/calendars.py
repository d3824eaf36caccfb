"""When people may be called, in local time: windows of the week and holidays, read from short texts."""

from __future__ import annotations

import calendar
import datetime as dt
import functools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES: Final = 1_440
Span = tuple[int, int]
"""Minutes of a local day, end not included; an end beyond 1,440 reaches into the next day."""

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SPAN: Final = re.compile(r"(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)")
_NTH: Final = re.compile(r"(1st|2nd|3rd|4th|5th|last) (\w{3}) (\w{3})")
_EASTER: Final = re.compile(r"easter([+-]\d{1,2})?")
_ORDINALS: Final = {"1st": 0, "2nd": 1, "3rd": 2, "4th": 3, "5th": 4, "last": -1}


@dataclass(frozen=True)
class Holiday:
    """A day with windows of its own, none when closed; `rule` is `12-25`, `2026-12-25`, `4th thu nov` or `easter+1`."""

    rule: str
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Calendar:
    """The windows of one set of rules: seven days from Monday on, and holidays, which come before the week.

    A window that crosses midnight belongs to the day on which it begins; it does not reach into a holiday.
    """

    name: str
    week: tuple[tuple[Span, ...], ...]
    holidays: tuple[Holiday, ...] = ()
    _kept: dict[int, tuple[Span, ...]] = field(default_factory=dict, compare=False, repr=False)

    def spans_on(self, day: dt.date) -> tuple[Span, ...]:
        """Return the open minutes of a local day, those that the day before reaches into it among them."""
        ordinal = day.toordinal()
        if ordinal not in self._kept:
            self._kept[ordinal] = self._computed(day)
        return self._kept[ordinal]

    def _computed(self, day: dt.date) -> tuple[Span, ...]:
        own = [(start, min(end, DAY_MINUTES)) for start, end in self._begun_on(day)]
        if self._special(day) is None:
            before = self._begun_on(day - dt.timedelta(days=1))
            own += [(0, end - DAY_MINUTES) for _start, end in before if end > DAY_MINUTES]
        return merged(own)

    def _begun_on(self, day: dt.date) -> tuple[Span, ...]:
        special = self._special(day)
        return self.week[day.weekday()] if special is None else special

    def _special(self, day: dt.date) -> tuple[Span, ...] | None:
        return next((one.spans for one in self.holidays if day in days_of(one.rule, day.year)), None)


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans in order, overlapping and touching ones as one."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return tuple(result)


def parse_span(text: str) -> Span:
    """Return `09:00-20:30` as minutes; `22:00-06:00` crosses midnight, `00:00-24:00` is all day."""
    found = _SPAN.fullmatch(text.strip())
    hours_and_minutes = [int(part) for part in found.groups()] if found else [99]
    if not found or max(hours_and_minutes[::2]) > 24 or max(hours_and_minutes[1::2]) > 59:
        raise _wrong(f"the window {text!r} is not a time of day to another", "Write it as 09:00-20:00.")
    start = hours_and_minutes[0] * 60 + hours_and_minutes[1]
    end = hours_and_minutes[2] * 60 + hours_and_minutes[3]
    if start >= DAY_MINUTES or end > DAY_MINUTES or start == end:
        raise _wrong(f"the window {text!r} has no length", "Write all day as 00:00-24:00.")
    return (start, end if end > start else end + DAY_MINUTES)


def parse_spans(text: str | Iterable[str]) -> tuple[Span, ...]:
    """Return one or several windows, separated by commas; `closed` is none."""
    parts = text.split(",") if isinstance(text, str) else [part for one in text for part in one.split(",")]
    return tuple(parse_span(part) for part in parts if part.strip().lower() not in {"", "closed"})


def parse_days(text: str) -> tuple[int, ...]:
    """Return `mon-fri`, `sat`, `mon,wed` or `daily` as weekdays, Monday being 0."""
    days: list[int] = []
    for part in text.lower().split(","):
        first, _dash, last = (name.strip() for name in part.partition("-"))
        if first in {"daily", "all"}:
            days += range(7)
            continue
        if first not in WEEKDAYS or (last and last not in WEEKDAYS):
            raise _wrong(f"{text!r} is no weekday", f"Write {', '.join(WEEKDAYS)}, mon-fri or daily.")
        start = WEEKDAYS.index(first)
        length = (WEEKDAYS.index(last or first) - start) % 7 + 1
        days += [(start + step) % 7 for step in range(length)]
    return tuple(dict.fromkeys(days))


def parse_week(windows: Mapping[str, str | Iterable[str]]) -> tuple[tuple[Span, ...], ...]:
    """Return a week from days and their windows, e.g. `{"mon-fri": "09:00-20:00", "sat": ["10:00-14:00"]}`."""
    week: list[list[Span]] = [[] for _day in WEEKDAYS]
    for days, spans in windows.items():
        for day in parse_days(days):
            week[day] += parse_spans(spans)
    return tuple(tuple(sorted(spans)) for spans in week)


def parse_windows(texts: Iterable[str]) -> tuple[tuple[Span, ...], ...]:
    """Return a week from texts such as `mon-fri 09:00-12:00,13:00-20:00`; without days a window is daily."""
    week: list[list[Span]] = [[] for _day in WEEKDAYS]
    for text in texts:
        found = re.match(r"\s*([A-Za-z][A-Za-z, -]*?)\s+(?=\d)", text)
        days = parse_days(found.group(1)) if found else range(7)
        spans = parse_spans(text[found.end() :] if found else text)
        for day in days:
            week[day] += spans
    return tuple(tuple(sorted(spans)) for spans in week)


def parse_holidays(rules: Mapping[str, str | Iterable[str]]) -> tuple[Holiday, ...]:
    """Return holidays from days and `closed` or their windows; a rule that cannot be read is an InputError."""
    for rule in rules:
        days_of(rule.strip().lower(), 2024)
    return tuple(Holiday(rule.strip().lower(), parse_spans(spans)) for rule, spans in rules.items())


@functools.lru_cache(maxsize=4_096)
def days_of(rule: str, year: int) -> frozenset[dt.date]:
    """Return the days of `year` that a holiday's rule names."""
    try:
        found = _days_of(rule, year)
    except (ValueError, IndexError, KeyError):
        found = None
    if found is None:
        raise _wrong(
            f"{rule!r} is no holiday", "Write 12-25, 2026-12-25, '4th thu nov', 'last mon may', easter, easter+1."
        )
    return found


def _days_of(rule: str, year: int) -> frozenset[dt.date] | None:
    easter = _EASTER.fullmatch(rule)
    if easter:
        return frozenset({easter_sunday(year) + dt.timedelta(days=int(easter.group(1) or 0))})
    nth = _NTH.fullmatch(rule)
    if nth:
        month, weekday = _MONTHS.index(nth.group(3)) + 1, WEEKDAYS.index(nth.group(2))
        length = calendar.monthrange(year, month)[1]
        days = [dt.date(year, month, day) for day in range(1, length + 1)]
        matching = [day for day in days if day.weekday() == weekday]
        place = _ORDINALS[nth.group(1)]
        return frozenset(matching[place : place + 1] if place >= 0 else matching[-1:])
    if re.fullmatch(r"\d{4}-\d\d-\d\d", rule):
        day = dt.date.fromisoformat(rule)
        return frozenset({day} if day.year == year else ())
    if not re.fullmatch(r"\d\d-\d\d", rule):
        return None
    month, number = int(rule[:2]), int(rule[3:])
    dt.date(2024, month, number)  # a leap year has every day
    is_missing = (month, number) == (2, 29) and not calendar.isleap(year)
    return frozenset(() if is_missing else {dt.date(year, month, number)})


def easter_sunday(year: int) -> dt.date:
    """Return Western Easter Sunday by the Gregorian computus.

    Source: the anonymous algorithm as Meeus gives it (Astronomical Algorithms, chapter 8).
    """
    century, of_century = divmod(year, 100)
    golden = year % 19
    skipped, leaps = divmod(century, 4)
    moon = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - skipped - moon + 15) % 30
    quarters, left = divmod(of_century, 4)
    to_sunday = (32 + 2 * leaps + 2 * quarters - epact - left) % 7
    shift = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day = divmod(epact + to_sunday - 7 * shift + 114, 31)
    return dt.date(year, month, day + 1)


def _wrong(message: str, hint: str) -> InputError:
    return InputError(message, code="rules-windows", hint=hint)
