"""Date-times, dates, times and durations."""

from datetime import UTC, date, datetime, time

import pytest

from flowlaunch.architect.expressions import evaluate_text
from flowlaunch.architect.iso import date_time_text, duration_text, parse_date_time, parse_duration
from flowlaunch.architect.standalone import StillHost
from flowlaunch.architect.values import NOT_SET, Duration
from flowlaunch.errors import FlowRuntimeError

HOUR = 3_600_000


def moment(*parts):
    return datetime(*parts, tzinfo=UTC)


CASES = [
    ("MakeDateTime(2024, 2, 29)", moment(2024, 2, 29)),
    ("AddDays(MakeDateTime(2024, 2, 28), 2)", moment(2024, 3, 1)),
    ("AddHours(MakeDateTime(2024, 1, 1), -1)", moment(2023, 12, 31, 23)),
    ("AddMinutes(MakeDateTime(2024, 1, 1), 61)", moment(2024, 1, 1, 1, 1)),
    ("AddSeconds(MakeDateTime(2024, 1, 1), 61)", moment(2024, 1, 1, 0, 1, 1)),
    ("AddMonths(MakeDateTime(2024, 1, 31), 1)", moment(2024, 2, 29)),
    ("AddMonths(MakeDateTime(2024, 3, 31), -13)", moment(2023, 2, 28)),
    ("AddYears(MakeDateTime(2024, 2, 29), 1)", moment(2025, 2, 28)),
    ("AddDuration(MakeDateTime(2024, 1, 1), MakeDuration(1, 2, 3, 4, 5))", moment(2024, 1, 2, 2, 3, 4, 5000)),
    ("MakeDateTime(2024, 1, 1) - MakeDuration(0, 0, 0, 1)", moment(2023, 12, 31, 23, 59, 59)),
    ("MakeDateTime(2024, 1, 1) + MakeDuration(0, 1, 0, 0)", moment(2024, 1, 1, 1)),
    ("DateTimeDiff(MakeDateTime(2024, 1, 2), MakeDateTime(2024, 1, 1))", Duration(24 * HOUR)),
    ("DayOfWeek(MakeDateTime(2024, 1, 6))", 7),
    ("DayOfWeek(MakeDateTime(2024, 1, 7))", 1),
    ("WeekNum(MakeDateTime(2024, 1, 6))", 1),
    ("WeekNum(MakeDateTime(2024, 1, 7))", 2),
    ("WeekNum(MakeDateTime(2009, 12, 31))", 53),
    ("WeekNum(MakeDateTime(2007, 1, 1))", 1),
    ("Year(MakeDateTime(2024, 5, 6)) + Month(MakeDateTime(2024, 5, 6)) + Day(MakeDateTime(2024, 5, 6))", 2035),
    ("GetDayOfWeekOccurrence(5, 4, 2024, 11)", moment(2024, 11, 28)),
    ("GetDayOfWeekOccurrence(2, -1, 2024, 5)", moment(2024, 5, 27)),
    ("GetDayOfWeekOccurrence(2, 1, 2024)", moment(2024, 1, 1)),
    ("GetDayOfWeekOccurrence(2, 5, 2024, 2)", NOT_SET),
    ("GetDayOfWeekOccurrence(2, 1, 2024, 8, 30, 0)", moment(2024, 1, 1, 8, 30)),
    ('ToDateTime("2024-01-01T12:00:00.1239+05:30")', moment(2024, 1, 1, 6, 30, 0, 123000)),
    ('ToDateTime("2024-01-01 12:00")', moment(2024, 1, 1, 12)),
    ('ToDateTime("2024-01-01")', moment(2024, 1, 1)),
    ('ToDateTime(" ")', NOT_SET),
    ("ToDateTime(-1)", moment(1969, 12, 31, 23, 59, 59)),
    ('ToDate("2024-02-29")', date(2024, 2, 29)),
    ('ToTime("08:30")', time(8, 30)),
    ('ToDate(ToDateTime("2024-02-29T08:30:00Z"))', date(2024, 2, 29)),
    ('Hour(ToTime("08:30"))', 8),
    ('ToDate("2024-02-29") < ToDate("2024-03-01")', True),
    ("ToString(MakeDateTime(2024, 1, 2, 3, 4, 5))", "2024-01-02T03:04:05Z"),
    ('ToString(ToDateTime("2024-01-02T03:04:05.060Z"))', "2024-01-02T03:04:05.060Z"),
    ("ToString(MakeDuration(0, 0, 0, 0))", "PT0S"),
    ("ToString(MakeDuration(-1, 0, 0, 0, -5))", "-P1DT0.005S"),
    ("ToString(MakeDuration(1, 0, 2, 0))", "P1DT2M"),
    ('ToDuration("P1W")', Duration(7 * 24 * HOUR)),
    ('ToDuration("-PT1.5S")', Duration(-1500)),
    ('ToDuration("")', NOT_SET),
    ("-MakeDuration(0, 1, 0, 0)", Duration(-HOUR)),
    ("MakeDuration(0, 1, 0, 0) > MakeDuration(0, 0, 59, 59)", True),
    ("MakeDuration(0, 1, 0, 0) == MakeDuration(0, 0, 60, 0)", True),
    ("RoundUp(MakeDuration(0, 0, 7, 0))", Duration(10 * 60_000)),
    ("RoundUp(MakeDuration(0, 0, 7, 0), MakeDuration(0, 0, 2, 0))", Duration(8 * 60_000)),
    (
        (
            "RoundUp(MakeDuration(0, 0, 1, 1), MakeDuration(0, 0, 5, 0),"
            " MakeList(MakeDuration(0, 0, 3, 0), MakeDuration(0, 0, 2, 0)))"
        ),
        Duration(2 * 60_000),
    ),
    ("Range(MakeDuration(0, 0, 7, 0), MakeDuration(0, 0, 5, 0))", (Duration(5 * 60_000), Duration(10 * 60_000))),
    ("Average(MakeDuration(0, 0, 0, 1), MakeDuration(0, 0, 0, 2))", Duration(1500)),
    ("System.MinDateTime", moment(1800, 1, 1)),
]


@pytest.mark.parametrize(("text", "wanted"), CASES)
def test_date_functions(text, wanted):
    """Date-times are UTC with milliseconds, months clamp to their last day, weeks begin on Sunday."""
    found = evaluate_text(text).value
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    "text",
    [
        "MakeDateTime(2023, 2, 29)",
        "MakeDateTime(1799, 12, 31)",
        "MakeDateTime(999999, 1, 1)",
        "AddYears(MakeDateTime(2024, 1, 1), 177)",
        "AddMonths(MakeDateTime(2024, 1, 1), 999999999999999)",
        "AddDays(MakeDateTime(2024, 1, 1), 999999999999999)",
        "ToDateTime(999999999999999)",
        'ToDateTime("yesterday")',
        'ToDateTime("2024-13-01T00:00:00Z")',
        'ToDateTime("2024-01-01T00:00:00+99:00")',
        'ToDuration("P1Y")',
        'ToDuration("P")',
        'ToDuration("PT")',
        'ToDuration("PT999999999999999H")',
        "MakeDuration(999999999999999, 0, 0, 0)",
        "RoundUp(MakeDuration(0, 0, 1, 0), MakeDuration(0, 0, 0, 0))",
        "GetDayOfWeekOccurrence(8, 1, 2024)",
        "GetDayOfWeekOccurrence(1, 1, 2024, 13)",
        "Hour(ToDateTime(NOT_SET))",
    ],
)
def test_dates_that_do_not_exist(text):
    """Dates and durations beyond the calendar or the range are run-time errors with a place."""
    with pytest.raises(FlowRuntimeError) as caught:
        evaluate_text(text)
    assert caught.value.span is not None


def test_the_present_comes_from_the_host():
    """GetCurrentDateTimeUtc is the host's moment in UTC; without one it is an error, never the real clock."""
    host = StillHost(datetime.fromisoformat("2024-05-06T09:30:00.123456+02:00"))
    assert evaluate_text("GetCurrentDateTimeUtc()", host=host).value == moment(2024, 5, 6, 7, 30, 0, 123000)
    with pytest.raises(FlowRuntimeError, match="present time"):
        evaluate_text("GetCurrentDateTimeUtc()")


def test_iso_texts_are_read_back():
    """What ToString writes of date-times and durations, ToDateTime and ToDuration read back."""
    for text in ("2024-01-02T03:04:05.006Z", "1800-01-01T00:00:00Z"):
        assert date_time_text(parse_date_time(text)) == text
    for text in ("PT0S", "-P1DT1H1M1.001S", "P999D", "PT0.010S"):
        assert duration_text(parse_duration(text)) == text
