"""Calling windows on a fake clock: the wall clock of the contact decides, and a slow walk by minutes is the judge."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings, strategies as st

from flowlaunch.batch.decisions import Prepared
from flowlaunch.batch.rules import CallingWindows, WindowRules, load_rule_book, regional_notes
from flowlaunch.batch.rules.calendars import (
    Calendar,
    easter_sunday,
    parse_holidays,
    parse_span,
    parse_week,
    parse_windows,
)
from flowlaunch.batch.rules.openings import Openings, next_opening
from flowlaunch.batch.rules.windows import Held, zone_named
from flowlaunch.errors import InputError

ZONES = (
    *("Europe/Berlin", "Europe/London", "Europe/Lisbon", "Europe/Helsinki", "Europe/Istanbul", "Europe/Moscow"),
    *("Atlantic/Azores", "Atlantic/Reykjavik", "Africa/Casablanca", "Africa/Cairo", "Africa/Lagos"),
    *("Africa/Johannesburg", "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix"),
    *("America/Los_Angeles", "America/Anchorage", "America/Adak", "Pacific/Honolulu", "America/Halifax"),
    *("America/St_Johns", "America/Havana", "America/Santiago", "America/Asuncion", "America/Sao_Paulo"),
    *("America/Nuuk", "Asia/Beirut", "Asia/Jerusalem", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tokyo"),
    *("Asia/Shanghai", "Asia/Dubai", "Australia/Sydney", "Australia/Adelaide", "Australia/Lord_Howe"),
    *("Australia/Eucla", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Pago_Pago"),
)
WINDOWS = (
    ("09:00-20:00",),
    ("mon-fri 09:00-12:30,13:30-20:00", "sat 10:00-14:00"),
    ("22:00-06:00",),
    ("fri-sun 20:00-03:30",),
    ("00:00-24:00",),
    ("01:15-02:45",),
    ("sun 00:00-24:00", "mon 23:00-01:30"),
)
HOLIDAYS = {
    "03-29": "closed",
    "10-25": "10:00-11:00",
    "1st sun nov": "closed",
    "easter+1": "closed",
    "12-24": "22:00-02:00",
}
MINUTE = dt.timedelta(minutes=1)


def calendar_of(windows, holidays=None):
    return Calendar("own", parse_windows(windows), parse_holidays(holidays or {}))


def wall_says_open(calendar, zone, moment):
    """Judge one instant by the wall clock alone, with no instants, offsets or transitions."""
    wall = moment.astimezone(zone)
    minute = wall.hour * 60 + wall.minute
    return any(start <= minute < end for start, end in calendar.spans_on(wall.date()))


def micros(moment):
    return round(moment.timestamp() * 1_000_000)


def instant(micro):
    return dt.datetime.fromtimestamp(micro / 1_000_000, dt.UTC)


def check(calendar, zone_name, moment):
    """Compare the computed next opening with a walk by minutes."""
    zone = ZoneInfo(zone_name)
    found = next_opening([Openings(calendar, zone)], micros(moment))
    walk = moment
    for _step in range(3 * 1_440):
        if wall_says_open(calendar, zone, walk):
            break
        walk += MINUTE
    else:
        assert found is None or instant(found.open_us) >= walk
        return
    assert found is not None
    assert instant(found.open_us) == walk
    for _step in range(1_600):
        if not wall_says_open(calendar, zone, walk):
            assert instant(found.close_us) == walk
            return
        walk += MINUTE
    assert instant(found.close_us) >= walk


def test_forty_zones_are_tried():
    """The windows are tried in at least forty zones of every habit."""
    assert len(set(ZONES)) >= 40


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(WINDOWS),
    st.booleans(),
    st.integers(0, 2 * 365 * 1_440),
)
@example("Europe/Berlin", ("01:15-02:45",), False, 0)
def test_next_opening_is_what_the_wall_clock_says(zone, windows, has_holidays, minute):
    """In any zone, at any minute of two years, the next opening and its end are where the wall clock puts them."""
    calendar = calendar_of(windows, HOLIDAYS if has_holidays else None)
    check(calendar, zone, dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + minute * MINUTE)


def clock_changes(zone_name):
    zone = ZoneInfo(zone_name)
    hour = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    while hour.year < 2028:
        after = hour + dt.timedelta(hours=1)
        if hour.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            yield after
        hour = after


@pytest.mark.parametrize("zone", ZONES)
def test_changes_of_the_clocks_move_no_window(zone):
    """Around every change of a zone's clocks in two years, both ways, openings stay where the wall clock puts them."""
    for change in clock_changes(zone):
        for windows in WINDOWS:
            calendar = calendar_of(windows, HOLIDAYS)
            for hours in (-26, -3, -1, 0, 1, 22):
                check(calendar, zone, change + dt.timedelta(hours=hours))


def test_spring_opens_late_and_autumn_twice():
    """A window inside the skipped hour has no length; one inside the repeated hour is open both times it is shown."""
    zone = ZoneInfo("Europe/Berlin")
    calendar = calendar_of(("02:15-02:45",))
    spring = next_opening([Openings(calendar, zone)], micros(dt.datetime(2026, 3, 28, 22, tzinfo=dt.UTC)))
    assert instant(spring.open_us) == dt.datetime(2026, 3, 30, 0, 15, tzinfo=dt.UTC)
    first = next_opening([Openings(calendar, zone)], micros(dt.datetime(2026, 10, 24, 22, tzinfo=dt.UTC)))
    second = next_opening([Openings(calendar, zone)], first.close_us)
    assert instant(first.open_us) == dt.datetime(2026, 10, 25, 0, 15, tzinfo=dt.UTC)
    assert instant(second.open_us) == dt.datetime(2026, 10, 25, 1, 15, tzinfo=dt.UTC)


def test_midnight_windows_do_not_reach_into_holidays():
    """A window that crosses midnight ends at midnight before a holiday, and a holiday's own begins no night."""
    calendar = calendar_of(("22:00-06:00",), {"12-25": "closed"})
    spans = {day: calendar.spans_on(dt.date(2026, 12, day)) for day in (24, 25, 26)}
    assert spans == {24: ((0, 360), (1_320, 1_440)), 25: (), 26: ((1_320, 1_440),)}


def test_holidays_are_found_by_any_rule():
    """Fixed days, days of one year, nth weekdays and days around Easter are holidays."""
    calendar = calendar_of(
        ("09:00-10:00",),
        {
            "12-25": "closed",
            "2026-07-01": "closed",
            "4th thu nov": "closed",
            "last mon may": "closed",
            "easter-2": "closed",
        },
    )
    closed = [
        dt.date(2026, 12, 25),
        dt.date(2026, 7, 1),
        dt.date(2026, 11, 26),
        dt.date(2026, 5, 25),
        dt.date(2026, 4, 3),
    ]
    assert all(calendar.spans_on(day) == () for day in closed)
    assert calendar.spans_on(dt.date(2027, 7, 1)) == ((540, 600),)
    assert [easter_sunday(year).isoformat() for year in (2024, 2025, 2026, 2027)] == [
        *("2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28")
    ]


@pytest.mark.parametrize("text", ["9-20", "09:00-25:00", "09:60-10:00", "09:00-09:00", "", "24:00-08:00"])
def test_windows_that_mean_nothing_are_refused(text):
    """A window without times or length is an error with the form to write."""
    with pytest.raises(InputError) as caught:
        parse_span(text)
    assert ":00" in caught.value.hint


@pytest.mark.parametrize(
    ("parse", "given"),
    [
        (parse_windows, ["moon 09:00-10:00"]),
        (parse_week, {"mon-xyz": "09:00-10:00"}),
        (parse_holidays, {"13-45": "closed"}),
    ],
)
def test_days_that_mean_nothing_are_refused(parse, given):
    """A weekday or a holiday that does not exist is an error."""
    with pytest.raises(InputError):
        parse(given)


def windows_at(moment, **rules):
    return CallingWindows(WindowRules(**rules), micros(moment))


def row(**facts):
    return Prepared(row_number=1, line=2, key="k", input_data={}, **facts)


NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)  # a Monday


def test_several_numbers_must_all_be_open():
    """A contact with numbers in two zones is called only while both are open."""
    windows = windows_at(NOON, windows=("09:00-20:00",))
    calendars = windows.calendars_of(row(phones=("+4930123456", "+12125551234")))
    assert calendars == ("own@Europe/Berlin", "own@America/New_York")
    decision = windows.decide(calendars, micros(NOON), micros(NOON), None, "ready")
    assert decision.reason == "waits-for-window"
    assert instant(decision.not_before_us) == dt.datetime(2026, 11, 23, 14, tzinfo=dt.UTC)
    assert instant(decision.closes_us) == dt.datetime(2026, 11, 23, 19, tzinfo=dt.UTC)


def test_numbers_that_are_never_open_together_are_held():
    """A contact whose numbers share no open minute is held, not sent in one of them."""
    windows = windows_at(NOON, windows=("09:00-10:00",))
    calendars = windows.calendars_of(row(phones=("+4930123456", "+12125551234")))
    assert windows.decide(calendars, micros(NOON), micros(NOON), None, "ready").reason == "no-opening"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({}, "unknown-zone"),
        ({"zone": "EST"}, "unknown-zone"),
        ({"zone": "+02:00"}, "unknown-zone"),
        ({"zone": "Etc/GMT+5"}, "unknown-zone"),
        ({"zone": "Europe/Berln"}, "unknown-zone"),
        ({"zone": "europe/berlin"}, "unknown-zone"),
        ({"phones": ("12",)}, "unknown-number"),
        ({"phones": ("+4930123456", "tomorrow")}, "unknown-number"),
        ({"phones": ("+18005551234",)}, "ambiguous-zone"),
        ({"phones": ("+79161234567",)}, "ambiguous-zone"),
        ({"phones": ("+34612345678",)}, "ambiguous-zone"),
        ({"phones": ("+883510001234567",)}, "unknown-zone"),
    ],
)
def test_untold_zones_are_held_with_the_reason(facts, reason):
    """A contact whose zone is unknown or ambiguous is held with the reason, never sent."""
    with pytest.raises(Held) as caught:
        windows_at(NOON, windows=("00:00-24:00",)).calendars_of(row(**facts))
    assert caught.value.reason == reason
    assert caught.value.message


def test_zone_column_comes_before_the_number():
    """A zone in the row is believed before the number's prefix; a slip in it names the zone that was meant."""
    windows = windows_at(NOON, windows=("09:00-20:00",))
    assert windows.calendars_of(row(zone="Asia/Tokyo", phones=("+4930123456",))) == ("own@Asia/Tokyo",)
    assert "did you mean Europe/Berlin?" in zone_named("Europe/Berln").message


def test_ambiguous_zones_can_be_sent_where_all_are_open():
    """When the caller says so, a number of several zones is sent while every one of them is open."""
    windows = windows_at(NOON, windows=("09:00-20:00",), when_ambiguous="all-open")
    calendars = windows.calendars_of(row(phones=("+34612345678",)))
    assert set(calendars) == {"own@Atlantic/Canary", "own@Europe/Madrid"}


def test_regional_rules_come_from_the_number_or_the_region():
    """The country comes from the number, the region from its column; both zones and rules are kept in the calendars."""
    windows = windows_at(NOON, book=load_rule_book())
    assert windows.calendars_of(row(phones=("+33140123456",))) == ("FR@Europe/Paris",)
    florida = row(phones=("+13055551234",), region="FL")
    assert windows.calendars_of(florida) == ("US-FL@America/New_York",)
    assert windows.calendars_of(row(zone="America/New_York", region="us-fl")) == ("US-FL@America/New_York",)
    assert windows.calendars_of(row(phones=("+12125551234",))) == ("US-*@America/New_York",)
    for facts in (
        {"phones": ("+13055551234",), "region": "FLA"},
        {"phones": ("+81312345678",)},
        {"zone": "Asia/Tokyo"},
    ):
        with pytest.raises(Held) as caught:
            windows.calendars_of(row(**facts))
        assert caught.value.reason == "unknown-region"


@pytest.mark.parametrize(
    ("facts", "opens", "closes"),
    [
        ({"phones": ("+13055551234",), "region": "FL"}, "2026-11-23 13:00", "2026-11-24 01:00"),
        ({"phones": ("+13055551234",)}, "2026-11-23 15:00", "2026-11-23 23:00"),
        ({"phones": ("+33140123456",)}, "2026-11-23 13:00", "2026-11-23 19:00"),
        ({"phones": ("+12145551234",), "region": "TX"}, "2026-11-23 15:00", "2026-11-24 03:00"),
    ],
)
def test_regional_windows_open_and_shut(facts, opens, closes):
    """France pauses at lunch, Florida ends at eight, and an untold state keeps the strictest hours of all."""
    windows = windows_at(NOON, book=load_rule_book())
    calendars = windows.calendars_of(row(**facts))
    decision = windows.decide(calendars, micros(NOON), micros(NOON), None, "ready")
    shown = [f"{instant(at):%Y-%m-%d %H:%M}" for at in (decision.not_before_us or micros(NOON), decision.closes_us)]
    assert shown == [opens, closes]


def test_own_windows_hold_beside_the_regional_ones():
    """Office hours and regional rules must both be open."""
    windows = windows_at(NOON, windows=("mon-fri 18:00-22:00",), book=load_rule_book())
    calendars = windows.calendars_of(row(phones=("+33140123456",)))
    decision = windows.decide(calendars, micros(NOON), micros(NOON), None, "ready")
    assert [instant(at).hour for at in (decision.not_before_us, decision.closes_us)] == [17, 19]


def test_every_rule_file_says_what_it_rests_on():
    """Every packaged table has a basis and its evidence; what is official or reported names where it was read."""
    book = load_rule_book()
    assert set(book) >= {"US", "FR", "ES", "DE", "GB", "AU", "CA"}
    for rules in book.values():
        assert "Not legal advice" in rules.note
        for name, one in rules.grounds.items():
            assert one.basis, name
            assert one.evidence == "unverified" or "http" in one.source, name
    assert {name for name, one in book["US"].grounds.items() if one.evidence == "official"} == {"US-FL", "US-WA"}


def test_the_page_of_rules_lists_every_table_with_its_evidence():
    """The reference names each packaged table with how sure it is, so nobody takes a custom for a law."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "batch-rules.md").read_text("utf-8")
    for rules in load_rule_book().values():
        for name, one in rules.grounds.items():
            assert f"| `{name}` | {one.title} | {one.evidence} |" in page


def test_notes_tell_only_of_the_rules_that_hold():
    """A plan is told what its own rows rest on: the table, the strictest of a country, and the country's note."""
    notes = regional_notes(load_rule_book(), ["FR", "US-FL", "US-*", "XX"])

    assert [note.partition(":")[0] for note in notes] == [
        "France (official)", "France", notes[2].partition(":")[0], "United States", "Florida (official)",
    ]  # fmt: skip
    assert notes[2].startswith("United States, the strictest of ")
    assert "official" in notes[2]


def test_rule_files_of_the_caller_replace_and_fail_clearly(tmp_path):
    """A caller's file replaces a country's rules; one with a slip is an error that names the file."""
    path = tmp_path / "us.toml"
    text = (
        'code = "US"\ntitle = "Ours"\nbasis = "house"\nnote = "Not legal advice."\n[windows]\ndaily = "10:00-11:00"\n'
    )
    path.write_text(text, encoding="utf-8")
    assert load_rule_book([path])["US"].title == "Ours"
    for broken in (
        text.replace("daily", "dayly"),
        text + "[regionen]\n",
        text.replace("windows]", "windows"),
        "x = 1\n",
    ):
        path.write_text(broken, encoding="utf-8")
        with pytest.raises(InputError, match=r"us\.toml"):
            load_rule_book([path])


def test_an_open_stretch_is_found_at_any_microsecond():
    """An instant between two seconds inside a window is open at once, not at the next second."""
    openings = [Openings(calendar_of(("09:00-20:00",)), ZoneInfo("Europe/Berlin"))]
    assert next_opening(openings, micros(NOON) + 1).open_us == micros(NOON) + 1
