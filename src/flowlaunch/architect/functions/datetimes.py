"""Functions on date-times and durations."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from flowlaunch.architect.functions.catalogue import Family
from flowlaunch.architect.functions.operators import add_to_date_time
from flowlaunch.architect.iso import checked_datetime, checked_duration
from flowlaunch.architect.values import NOT_SET, Duration, NotSet
from flowlaunch.errors import FlowRuntimeError

_DATES: Final = Family("datetime")

_SECOND_MS: Final = 1000
_MINUTE_MS: Final = 60 * _SECOND_MS
_HOUR_MS: Final = 60 * _MINUTE_MS
_DAY_MS: Final = 24 * _HOUR_MS
_ROUND_UP_MS: Final = 5 * _MINUTE_MS
"""Interval that RoundUp uses when none is given."""


@_DATES.define("Day(value: dtm) -> int", "Day(value: dat) -> int")
def _day(value: date) -> int:
    return value.day


@_DATES.define("Month(value: dtm) -> int", "Month(value: dat) -> int")
def _month(value: date) -> int:
    return value.month


@_DATES.define("Year(value: dtm) -> int", "Year(value: dat) -> int")
def _year(value: date) -> int:
    return value.year


@_DATES.define("Hour(value: dtm) -> int", "Hour(value: tim) -> int")
def _hour(value: datetime) -> int:
    return value.hour


@_DATES.define("Minute(value: dtm) -> int", "Minute(value: tim) -> int")
def _minute(value: datetime) -> int:
    return value.minute


@_DATES.define("Second(value: dtm) -> int", "Second(value: tim) -> int")
def _second(value: datetime) -> int:
    return value.second


@_DATES.define("DayOfWeek(value: dtm) -> int", "DayOfWeek(value: dat) -> int")
def _day_of_week(value: date) -> int:
    return value.isoweekday() % 7 + 1


@_DATES.define("WeekNum(value: dtm) -> int", "WeekNum(value: dat) -> int")
def _week_number(value: date) -> int:
    """Count weeks from the one that holds January 1st; each begins on a Sunday."""
    first = date(value.year, 1, 1)
    days = (date(value.year, value.month, value.day) - first).days
    return (days + first.isoweekday() % 7) // 7 + 1


@_DATES.define("DateTimeDiff(dateTime1: dtm, dateTime2: dtm) -> dur")
def _difference(left: datetime, right: datetime) -> Duration:
    return checked_duration((left - right) // timedelta(milliseconds=1))


@_DATES.define("GetCurrentDateTimeUtc() -> dtm", needs_host=True)
def _now(host: Any) -> datetime:
    return checked_datetime(host.now().astimezone(UTC))


def _make(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    try:
        return checked_datetime(datetime(year, month, day, hour, minute, second, tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        written = f"{year}-{month}-{day} {hour}:{minute}:{second}"
        raise FlowRuntimeError(f"there is no date-time {written}") from error


@_DATES.define(
    "MakeDateTime(year: int, month: int, day: int, hour: int, minute: int, second: int) -> dtm",
    "MakeDateTime(year: int, month: int, day: int) -> dtm",
)
def _make_date_time(*parts: int) -> datetime:
    return _make(*parts)


@_DATES.define(
    "MakeDuration(day: int, hour: int, minute: int, second: int) -> dur",
    "MakeDuration(day: int, hour: int, minute: int, second: int, milliseconds: int) -> dur",
)
def _make_duration(days: int, hours: int, minutes: int, seconds: int, milliseconds: int = 0) -> Duration:
    return checked_duration(
        days * _DAY_MS + hours * _HOUR_MS + minutes * _MINUTE_MS + seconds * _SECOND_MS + milliseconds
    )


def _occurrence(days: list[date], weekday: int, occurrence: int) -> date | None:
    if not 1 <= weekday <= 7:
        raise FlowRuntimeError(f"a day of the week is 1 (Sunday) to 7 (Saturday), not {weekday}")
    fitting = [day for day in days if day.isoweekday() % 7 + 1 == weekday]
    if occurrence == 0 or abs(occurrence) > len(fitting):
        return None
    return fitting[occurrence - 1 if occurrence > 0 else occurrence]


def _days(year: int, first_month: int, last_month: int) -> list[date]:
    if not (1800 <= year <= 2200 and 1 <= first_month <= last_month <= 12):
        raise FlowRuntimeError(f"there is no month {first_month} in the year {year}")
    start = date(year, first_month, 1)
    end = date(year, last_month, calendar.monthrange(year, last_month)[1])
    return [start + timedelta(days=count) for count in range((end - start).days + 1)]


def _at(day: date | None, hour: int = 0, minute: int = 0, second: int = 0) -> datetime | NotSet:
    return NOT_SET if day is None else _make(day.year, day.month, day.day, hour, minute, second)


@_DATES.define(
    "GetDayOfWeekOccurrence(dayOfWeek: int, occurrence: int, year: int) -> dtm",
    "GetDayOfWeekOccurrence(dayOfWeek: int, occurrence: int, year: int, hour: int, minute: int, second: int) -> dtm",
)
def _occurrence_in_year(weekday: int, occurrence: int, year: int, *clock: int) -> datetime | NotSet:
    return _at(_occurrence(_days(year, 1, 12), weekday, occurrence), *clock)


@_DATES.define(
    "GetDayOfWeekOccurrence(dayOfWeek: int, occurrence: int, year: int, month: int) -> dtm",
    "GetDayOfWeekOccurrence("
    "dayOfWeek: int, occurrence: int, year: int, month: int, hour: int, minute: int, second: int) -> dtm",
)
def _occurrence_in_month(weekday: int, occurrence: int, year: int, month: int, *clock: int) -> datetime | NotSet:
    return _at(_occurrence(_days(year, month, month), weekday, occurrence), *clock)


@_DATES.define("AddDuration(startDateTime: dtm, durationToAdd: dur) -> dtm")
def _add_duration(start: datetime, length: Duration) -> datetime:
    return add_to_date_time(start, length)


@_DATES.define("AddDays(startDateTime: dtm, days: int) -> dtm")
def _add_days(start: datetime, days: int) -> datetime:
    return add_to_date_time(start, Duration(days * _DAY_MS))


@_DATES.define("AddHours(startDateTime: dtm, hoursToAdd: int) -> dtm")
def _add_hours(start: datetime, hours: int) -> datetime:
    return add_to_date_time(start, Duration(hours * _HOUR_MS))


@_DATES.define("AddMinutes(startDateTime: dtm, minutesToAdd: int) -> dtm")
def _add_minutes(start: datetime, minutes: int) -> datetime:
    return add_to_date_time(start, Duration(minutes * _MINUTE_MS))


@_DATES.define("AddSeconds(startDateTime: dtm, secondsToAdd: int) -> dtm")
def _add_seconds(start: datetime, seconds: int) -> datetime:
    return add_to_date_time(start, Duration(seconds * _SECOND_MS))


@_DATES.define("AddMonths(startDateTime: dtm, monthsToAdd: int) -> dtm")
def _add_months(start: datetime, months: int) -> datetime:
    years, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if not 1800 <= years <= 2200:
        raise FlowRuntimeError("the date-time leaves the range of 1800 to 2200")
    last_day = calendar.monthrange(years, month + 1)[1]
    return checked_datetime(start.replace(year=years, month=month + 1, day=min(start.day, last_day)))


@_DATES.define("AddYears(startDateTime: dtm, yearsToAdd: int) -> dtm")
def _add_years(start: datetime, years: int) -> datetime:
    return _add_months(start, years * 12)


def _interval(value: Duration) -> int:
    if value.milliseconds <= 0:
        raise FlowRuntimeError("the interval must be longer than nothing")
    return value.milliseconds


def _multiple_above(length_ms: int, interval_ms: int) -> int:
    return -(-length_ms // interval_ms) * interval_ms


@_DATES.define("RoundUp(durationToRound: dur) -> dur")
def _round_up(length: Duration) -> Duration:
    return checked_duration(_multiple_above(length.milliseconds, _ROUND_UP_MS))


@_DATES.define("RoundUp(durationToRound: dur, intervalDurationValue: dur) -> dur")
def _round_up_to(length: Duration, interval: Duration) -> Duration:
    return checked_duration(_multiple_above(length.milliseconds, _interval(interval)))


@_DATES.define("RoundUp(durationToRound: dur, intervalDurationValue: dur, specificDurationValues: dur[]) -> dur")
def _round_up_among(length: Duration, interval: Duration, specific: tuple[Duration | NotSet, ...]) -> Duration:
    above = [value for value in specific if value is not NOT_SET and value >= length]
    return min(above, default=None) or _round_up_to(length, interval)


@_DATES.define("Range(durationToRound: dur, intervalDuration: dur) -> dur[]")
def _range(length: Duration, interval: Duration) -> tuple[Duration, Duration]:
    upper = _round_up_to(length, interval)
    return checked_duration(length.milliseconds // interval.milliseconds * interval.milliseconds), upper
