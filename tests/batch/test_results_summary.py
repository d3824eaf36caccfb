"""The summary: sums, speed, durations, causes and the verdict on a batch."""

from __future__ import annotations

import json
import math
import random
from itertools import pairwise

import pytest
from report_world import NOW, START_US, S, batch, launched, record
from results_world import small_batch

from flowlaunch.batch.ledger import open_ledger
from flowlaunch.batch.results.series import WIDTHS_S, Durations, TimeCounts
from flowlaunch.batch.results.summary import summarise, summary_of, verdict_of
from flowlaunch.batch.results.tally import cause_of, tally_rows
from flowlaunch.batch.states import RowState


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        ({"completed": 5, "skipped": 2}, "done"),
        ({"completed": 5, "failed": 1}, "failed"),
        ({"completed": 5, "failed": 1, "held": 1}, "not-launched"),
        ({"completed": 5, "refused": 1}, "not-launched"),
        ({"in_doubt": 1, "refused": 1, "failed": 3}, "in-doubt"),
        ({"in_doubt": 1, "pending": 1}, "unfinished"),
        ({"launched": 1}, "unfinished"),
        ({}, "done"),
    ],
)
def test_the_gravest_thing_is_the_verdict(states, verdict):
    """A batch in doubt is not merely failed, and one with rows to go is not over."""
    assert verdict_of({RowState(state): rows for state, rows in states.items()}) == verdict


def test_a_batch_that_is_not_followed_ends_with_its_launches():
    """With --no-track nobody waits for ends, so launched rows leave nothing unfinished."""
    assert verdict_of({RowState.LAUNCHED: 3}, is_followed=False) == "done"
    assert verdict_of({RowState.LAUNCHED: 3, RowState.PENDING: 1}, is_followed=False) == "unfinished"


def test_ends_that_are_given_up_keep_no_batch_open():
    """Rows whose end is not looked for any more leave the batch over, and say that their end is not known."""
    assert verdict_of({RowState.LAUNCHED: 2, RowState.COMPLETED: 5}, ends_unknown=2) == "ends-unknown"
    assert verdict_of({RowState.LAUNCHED: 3}, ends_unknown=2) == "unfinished"
    assert verdict_of({RowState.LAUNCHED: 2, RowState.FAILED: 1}, ends_unknown=2) == "failed"


def test_the_summary_of_a_ledger_adds_up(tmp_path):
    """Every row is in exactly one sum of the summary, and its numbers are those of the ledger."""
    _, place = small_batch(tmp_path)
    with open_ledger(place) as ledger:
        summary = summarise(ledger, 1, now=NOW)
    assert summary.rows == sum(summary.states.values()) == 5
    assert (summary.launched, summary.not_launched, summary.skipped, summary.requests) == (2, 2, 0, 3)
    assert summary.verdict == "in-doubt"
    assert [(cause.code, cause.rows) for cause in summary.causes] == [("flow.error", 1), ("launch-in-doubt", 1)]
    assert [row.key for row in summary.in_doubt] == ["11"]
    assert summary.durations is not None
    assert summary.durations.p50_s == 2.5


def test_the_summary_file_holds_the_same_numbers(tmp_path):
    """summary.json is the summary, as JSON with instants that name their zone."""
    _, place = small_batch(tmp_path)
    with open_ledger(place) as ledger:
        summary = summarise(ledger, 1, now=NOW)
    summary.write(tmp_path / "summary.json")
    found = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    assert found["states"] == {"completed": 1, "failed": 1, "in_doubt": 1, "held": 1, "rejected": 1}
    assert found["made_at"].endswith("Z")
    assert found["schema"] == 1


def test_the_most_requests_in_a_minute_are_found():
    """The busiest 60 s are found wherever they begin, not only at full minutes."""
    rows = [launched(number, START_US + 45 * S + number * S // 10) for number in range(300)]
    rows += [launched(1_000 + number, START_US + 300 * S + number * S) for number in range(20)]
    summary = summary_of(batch(), tally_rows(rows), now=NOW)
    assert summary.most_in_60_s == 300
    assert summary.mean_per_minute == pytest.approx(320 * 60 / 275, rel=0.02)


def test_counts_over_time_are_the_same_whatever_the_width():
    """However far the spans of a series were put together, each wider span holds exactly what lies in it."""
    draw = random.Random(3)  # noqa: S311 - made-up instants
    instants = [START_US + draw.randrange(14 * 86_400 * S) for _ in range(30_000)]
    series = TimeCounts()
    for at_us in instants:
        series.add(at_us)
    assert series.width_s > 1
    assert series.total == len(instants)
    low, high = series.span_us
    for width_s in [width for width in WIDTHS_S if width >= series.width_s]:
        found = series.buckets(width_s, low, high)
        first = low // (width_s * S)
        wanted = [0] * len(found)
        for at_us in instants:
            wanted[at_us // (width_s * S) - first] += 1
        assert found == wanted


def test_every_width_is_a_multiple_of_the_one_before():
    """Spans can be put together without splitting one."""
    assert all(wide % narrow == 0 for narrow, wide in pairwise(WIDTHS_S))


def test_quantiles_are_right_to_three_digits():
    """Quantiles from the counters differ from the true ones by less than half a percent."""
    draw = random.Random(5)  # noqa: S311 - made-up durations
    values = sorted(draw.lognormvariate(1, 1.4) for _ in range(9_999))
    durations = Durations()
    for value in values:
        durations.add(round(value * 1e6))
    for share in (0.0, 0.5, 0.95, 0.999, 1.0):
        true = values[max(math.ceil(share * len(values)) - 1, 0)]
        assert durations.quantiles_s([share])[0] == pytest.approx(true, rel=0.006)


def test_a_histogram_counts_everything_once():
    """Bars hold every duration, those on an edge and beyond the last one too."""
    durations = Durations()
    for seconds in (0, 0.5, 1, 1.5, 2, 9):
        durations.add(round(seconds * S))
    assert durations.histogram([0, 1, 2, 3]) == [2, 2, 2]


def test_there_is_no_quantile_of_nothing():
    """Asking for the median of no duration is an error, not a zero."""
    with pytest.raises(ValueError, match="nothing"):
        Durations().quantiles_s([0.5])


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (record(1, "failed", result_error_code="flow.x", completion_reason="ERROR", reason="r"), "flow.x"),
        (record(1, "failed", completion_reason="ACTION_LIMIT", status="FAILED"), "ACTION_LIMIT"),
        (record(1, "refused", error_code="bad.request", reason="invalid-request"), "bad.request"),
        (record(1, "in_doubt", reason="abandoned"), "abandoned"),
        (record(1, "failed"), "unknown"),
    ],
)
def test_a_cause_is_the_most_telling_name_there_is(row, code):
    """Rows are put together by the platform's own code first, then by what else is known."""
    assert cause_of(row) == code


def test_causes_are_bounded():
    """A batch in which every row fails with a text of its own does not fill the memory or the report."""
    tally = tally_rows(record(number, "failed", result_error_code=f"code-{number}") for number in range(1_000))
    assert len(tally.causes()) == 200
    assert tally.untold_causes == 800


def test_retried_rows_are_told():
    """Requests count every attempt, and rows with more than one are counted."""
    rows = [record(1, "completed", attempts=3, intent_us=START_US), record(2, "completed", attempts=1)]
    summary = summary_of(batch(), tally_rows(rows), now=NOW)
    assert (summary.requests, summary.retried_rows) == (4, 1)


def test_a_ledger_tells_who_works_on_a_batch(tmp_path):
    """Nobody holds a batch before and after work; in between it is this very process."""
    _, place = small_batch(tmp_path)
    with open_ledger(place) as ledger:
        assert ledger.holder(1) is None
        worker = ledger.start_work(1)
        held = ledger.holder(1)
        assert held is not None
        assert (held.worker_id, held.pid) == (worker.worker_id, worker.pid)
        ledger.stop_work(worker)
        assert ledger.holder(1) is None
