from __future__ import annotations

import datetime as dt

from flowlaunch.batch.decisions import Decision, Prepared
from flowlaunch.batch.rules import CallingWindows, Forecaster, Rules, WindowRules

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)  # a Monday; 13:00 in Berlin
NOW_US = round(NOW.timestamp() * 1_000_000)
MINUTE_US = 60_000_000


def planned(count, rules=None, **facts):
    rules = rules or Rules()
    forecaster = Forecaster(NOW_US)
    for number in range(1, count + 1):
        prepared = Prepared(row_number=number, line=number + 1, key=f"k{number}", input_data={}, **facts)
        forecaster.add(number + 1, rules.decide(prepared, None, NOW_US))
    return forecaster


def hours_of_berlin(window="09:00-20:00"):
    return Rules(windows=CallingWindows(WindowRules(windows=(window,)), NOW_US))


def finish(forecast):
    return dt.datetime.fromtimestamp(forecast.finish_us / 1_000_000, dt.UTC)


def test_without_windows_the_budget_decides():
    """3,000 rows at 300 a minute take ten minutes, and use the whole budget until then."""
    forecast = planned(3_000).forecast(300)
    assert finish(forecast) == NOW + dt.timedelta(minutes=10)
    assert (forecast.launches, forecast.late, forecast.budget_share) == (3_000, 0, 1.0)


def test_part_of_a_minute_counts_as_part():
    """The last minute counts for as much of its budget as it uses; a budget below one a minute adds up."""
    assert finish(planned(450).forecast(300)) == NOW + dt.timedelta(seconds=90)
    assert NOW + dt.timedelta(minutes=8) <= finish(planned(5).forecast(0.5)) <= NOW + dt.timedelta(minutes=11)


def test_a_window_that_shuts_moves_rows_to_the_next():
    """Rows that the budget leaves over at closing time wait for the next window, and are counted."""
    rules = hours_of_berlin("09:00-14:00")
    forecast = planned(1_000, rules, phones=("+4930123456",)).forecast(10, rules.reopen)
    assert forecast.moved_to_next_window == 400
    assert forecast.late == 0
    assert finish(forecast) == dt.datetime(2026, 11, 24, 8, 40, tzinfo=dt.UTC)
    assert forecast.idle_minutes == 19 * 60
    assert 0 < forecast.budget_share < 0.1


def test_rows_that_run_out_of_time_are_named():
    """Rows that the budget leaves over at their not-after are late: counted, with line, calendars and instant."""
    rules = hours_of_berlin()
    until_us = NOW_US + 30 * MINUTE_US
    forecast = planned(1_000, rules, phones=("+4930123456",), not_after_us=until_us).forecast(10, rules.reopen)
    assert (forecast.launches, forecast.late) == (300, 700)
    [group] = forecast.late_groups
    assert (group.count, group.not_after_us, group.calendars) == (700, until_us, ("own@Europe/Berlin",))


def test_zones_take_their_turn():
    """Rows of a zone that opens later are sent when it opens, while others are sent before."""
    rules = hours_of_berlin()
    forecaster = Forecaster(NOW_US)
    for number, phone in enumerate(["+4930123456"] * 60 + ["+12125551234"] * 60, 1):
        prepared = Prepared(row_number=number, line=number + 1, key=f"k{number}", input_data={}, phones=(phone,))
        forecaster.add(number + 1, rules.decide(prepared, None, NOW_US))
    forecast = forecaster.forecast(60, rules.reopen)
    assert finish(forecast) == dt.datetime(2026, 11, 23, 14, 1, tzinfo=dt.UTC)
    assert forecast.busy_minutes == 2


def test_only_launches_count():
    """Skipped, held and rejected rows use no budget; nothing to send has no finish."""
    forecaster = Forecaster(NOW_US)
    forecaster.add(2, Decision(kind="skip", reason="over-limit"))
    forecast = forecaster.forecast(300)
    assert (forecast.launches, forecast.finish_us) == (0, None)


def test_without_a_budget_windows_alone_decide():
    """With no limit everything is sent as soon as it is open."""
    forecast = planned(10_000).forecast(None)
    assert (forecast.finish_us, forecast.launches) == (NOW_US, 10_000)


def test_a_million_rows_are_forecast_from_few_groups():
    """Memory and time of a forecast grow with different times, not with rows."""
    forecaster = Forecaster(NOW_US)
    decision = Decision(kind="launch", reason="ready")
    for line in range(1_000_000):
        forecaster.add(line, decision)
    assert len(forecaster._groups) == 1
    assert finish(forecaster.forecast(300)) == NOW + dt.timedelta(minutes=1_000_000 / 300)
