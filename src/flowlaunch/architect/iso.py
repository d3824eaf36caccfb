"""Date-times, dates, times and durations as text, both ways (ISO 8601 and XML Schema)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from flowlaunch.architect.numbers import MAX_INT
from flowlaunch.architect.values import Duration
from flowlaunch.errors import FlowRuntimeError

__all__ = [
    "EARLIEST",
    "LATEST",
    "checked_datetime",
    "checked_duration",
    "date_time_text",
    "duration_text",
    "parse_date",
    "parse_date_time",
    "parse_duration",
    "parse_time",
    "time_text",
]

EARLIEST: Final = datetime(1800, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)

_DATE = r"(\d{4})-(\d\d)-(\d\d)"
_TIME = r"(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
_DATE_TIME_RE: Final = re.compile(rf"{_DATE}(?:[T ]{_TIME})?\s*(Z|z|[+-]\d\d(?::?\d\d)?)?", re.ASCII)
_DATE_RE: Final = re.compile(_DATE, re.ASCII)
_TIME_RE: Final = re.compile(rf"T?{_TIME}", re.ASCII)
_DURATION_RE: Final = re.compile(
    r"([+-]?)P(?:(\d{1,15})W)?(?:(\d{1,15})D)?"
    r"(T(?:(\d{1,15})H)?(?:(\d{1,15})M)?(?:(\d{0,15})(?:\.(\d{1,18}))?S)?)?",
    re.ASCII,
)
_LONGEST_TEXT: Final = 80


def checked_datetime(value: datetime) -> datetime:
    """Give the date-time back with whole milliseconds, or say that it left the range of the language."""
    if EARLIEST <= value <= LATEST:
        return value.replace(microsecond=value.microsecond // 1000 * 1000)
    raise FlowRuntimeError(f"date-time {value:%Y-%m-%d} is outside 1800-01-01 to 2200-12-31")


def checked_duration(milliseconds: int) -> Duration:
    """Make a duration, or say that it left the range of the language."""
    if -MAX_INT <= milliseconds <= MAX_INT:
        return Duration(milliseconds)
    raise FlowRuntimeError(f"a duration cannot be longer than {MAX_INT:,} milliseconds")


def _refuse(kind: str, text: str, example: str) -> FlowRuntimeError:
    shown = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."
    return FlowRuntimeError(f'"{shown}" is not a {kind}', hint=f"Write it like {example}.")


def _micros(fraction: str | None) -> int:
    return int((fraction or "0")[:3].ljust(3, "0")) * 1000


def parse_date_time(text: str) -> datetime:
    """Read an ISO 8601 date-time into UTC; without an offset it is UTC, without a time it is midnight."""
    found = _DATE_TIME_RE.fullmatch(text.strip()) if len(text) <= _LONGEST_TEXT else None
    if found is None:
        raise _refuse("date-time", text, "2009-01-10T06:30:00Z")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        value = datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            _micros(fraction),
            UTC,
        )
        value -= _offset(zone)
    except (ValueError, OverflowError) as error:
        raise _refuse("date-time", text, "2009-01-10T06:30:00Z") from error
    return checked_datetime(value)


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone in "Zz":
        return timedelta()
    digits = zone[1:].replace(":", "").ljust(4, "0")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if size > timedelta(hours=18):
        msg = "offset beyond 18 hours"
        raise ValueError(msg)
    return -size if zone[0] == "-" else size


def parse_date(text: str) -> date:
    """Read `2009-01-10`."""
    found = _DATE_RE.fullmatch(text.strip())
    if found is None:
        raise _refuse("date", text, "2009-01-10")
    try:
        return date(*map(int, found.groups()))
    except ValueError as error:
        raise _refuse("date", text, "2009-01-10") from error


def parse_time(text: str) -> time:
    """Read `06:30:00`, with or without seconds and their fraction."""
    found = _TIME_RE.fullmatch(text.strip())
    if found is None:
        raise _refuse("time", text, "06:30:00")
    hour, minute, second, fraction = found.groups()
    try:
        return time(int(hour), int(minute), int(second or 0), _micros(fraction))
    except ValueError as error:
        raise _refuse("time", text, "06:30:00") from error


def parse_duration(text: str) -> Duration:
    """Read an ISO 8601 duration of weeks, days, hours, minutes, seconds; parts of a millisecond are cut.

    Years and months have no fixed length and are refused.
    """
    stripped = text.strip()
    found = _DURATION_RE.fullmatch(stripped) if len(stripped) <= _LONGEST_TEXT else None
    if found is None or stripped[-1] in "PT":
        raise _refuse("duration", text, "P1DT3H15M30.250S")
    sign, weeks, days, _, hours, minutes, seconds, fraction = found.groups()
    size = int(weeks or 0) * 7 + int(days or 0)
    size = (size * 24 + int(hours or 0)) * 60 + int(minutes or 0)
    size = (size * 60 + int(seconds or 0)) * 1000 + _micros(fraction) // 1000
    return checked_duration(-size if sign == "-" else size)


def _seconds_text(seconds: int, millis: int) -> str:
    return f"{seconds:02d}.{millis:03d}" if millis else f"{seconds:02d}"


def time_text(value: time | datetime) -> str:
    """Write `06:30:00`, with milliseconds only when there are some."""
    return f"{value.hour:02d}:{value.minute:02d}:{_seconds_text(value.second, value.microsecond // 1000)}"


def date_time_text(value: datetime) -> str:
    """Write `2009-01-10T06:30:00Z`, with milliseconds only when there are some."""
    return f"{value.year:04d}-{value.month:02d}-{value.day:02d}T{time_text(value)}Z"


def duration_text(value: Duration) -> str:
    """Write `PT1H`, `-P9DT18H29M59.544S`; nothing at all is `PT0S`."""
    seconds, millis = divmod(abs(value.milliseconds), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    clock = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M")) if count)
    if millis:
        clock += f"{seconds}.{millis:03d}S"
    elif seconds:
        clock += f"{seconds}S"
    text = (f"{days}D" if days else "") + (f"T{clock}" if clock else "")
    return ("-P" if value.milliseconds < 0 else "P") + (text or "T0S")
