"""When a planned batch would be through, in fields and in words."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from flowlaunch.batch.report.scales import span_text
from flowlaunch.batch.results.summary import instant
from flowlaunch.batch.rules import Forecaster, Rules, regional_notes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowlaunch.batch.batch_job import BatchJob
    from flowlaunch.batch.decisions import RowPlan
    from flowlaunch.batch.rules import Forecast

__all__ = ["Foresight"]


class Foresight:
    """Plays a plan forward through windows and budget; feed it every row with `add`."""

    def __init__(self, job: BatchJob) -> None:
        self._job = job
        self._now_us = round(time.time() * 1e6)
        self._forecaster = Forecaster(self._now_us)
        self._calendars: set[str] = set()

    def add(self, plan: RowPlan) -> None:
        """Take in a planned row."""
        self._forecaster.add(plan.line, plan.decision)
        self._calendars.update(plan.decision.calendars)

    def forecast(self) -> Forecast:
        """Tell how it will go if nothing fails."""
        pace, rules = self._job.pace_per_minute, self._job.rules
        per_minute = None if pace is None else pace * self._job.pace_share
        return self._forecaster.forecast(per_minute, rules.reopen if isinstance(rules, Rules) else None)

    def grounds(self) -> tuple[str, ...]:
        """Tell what the regional rules that hold for these rows rest on, and how sure that is."""
        rules = self._job.rules
        book = rules.windows.book if isinstance(rules, Rules) and rules.windows is not None else None
        return regional_notes(book, {name.partition("@")[0] for name in self._calendars}) if book else ()

    def fields(self, forecast: Forecast) -> dict[str, Any]:
        """Tell a forecast as a record, with instants that people can read."""
        record = msgspec.to_builtins(forecast)
        finish_us = record.pop("finish_us")
        return {"finish_at": instant(finish_us) if finish_us else None, **record}

    def lines(self, forecast: Forecast) -> Iterator[str]:
        """Tell a forecast in words."""
        pace = self._job.pace_per_minute
        if not forecast.launches:
            yield "nothing would be launched"
        elif pace is None:
            yield "no pace is set: rows leave as fast as the service takes them"
        elif forecast.finish_us is None:
            yield "no end is in sight: some rows wait for windows that do not open"
        else:
            finish = instant(forecast.finish_us).astimezone()
            took = span_text((forecast.finish_us - self._now_us) / 1e6)
            yield (
                f"begun now, the last row leaves {finish:%Y-%m-%d %H:%M}, {took} from now, at {pace:,.0f} requests a "
                f"minute; launching takes {forecast.budget_share:.0%} of that budget, and following results some more"
            )
        if forecast.idle_minutes:
            yield f"no window is open for {span_text(forecast.idle_minutes * 60)} of that time"
        if forecast.moved_to_next_window:
            yield f"{forecast.moved_to_next_window:,} rows cannot all leave in their first window and wait for the next"
        if forecast.late:
            lines = ", ".join(str(group.line) for group in forecast.late_groups[:5])
            yield f"{forecast.late:,} rows will miss their last window or time: lines {lines} and on"
