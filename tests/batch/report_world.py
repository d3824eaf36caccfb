"""Made-up batches for the report and the exports: records as the ledger gives them, without a ledger."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime

from flowlaunch.batch.ledger.shapes import Batch, BatchSpec, EventRecord, RowRecord, row_id_of
from flowlaunch.batch.report.material import Material, Pause
from flowlaunch.batch.results.summary import summary_of
from flowlaunch.batch.results.tally import tally_rows
from flowlaunch.batch.states import RowState

START_US = 1_763_370_000_000_000
"""2025-11-17 09:00 UTC."""
S = 1_000_000
NOW = datetime.fromtimestamp(START_US / S + 3 * 3600, UTC)


def record(number, state="completed", **fields):
    """Return one row."""
    base = {"row_id": row_id_of(1, number), "batch_id": 1, "number": number, "line": number + 1, "key": f"row-{number}"}
    return RowRecord(**(base | {"state": RowState(state)} | fields))


def launched(number, at_us, *, took_s=2.0, state="completed", outputs=None, **fields):
    """Return a row that was launched at an instant and ended."""
    return record(
        number, state, attempts=1, intent_us=at_us, launched_us=at_us + 40_000, execution_id=f"e-{number}",
        status="COMPLETED" if state == "completed" else "FAILED", result_started_us=at_us + 40_000,
        result_ended_us=at_us + 40_000 + round(took_s * S),
        outputs=None if outputs is None else json.dumps(outputs).encode(), **fields,
    )  # fmt: skip


def batch(**fields):
    """Return a batch that is loaded and began with a budget of 300 a minute."""
    spec = {"source": "people.csv", "flow_id": "f-1", "flow_name": "Payment reminder", "flow_version": "3.0",
            "source_sha256": "ab" * 32, "settings": {"pace_per_minute": 300.0, "concurrency": 16}}  # fmt: skip
    return Batch(batch_id=1, spec=BatchSpec(**(spec | fields)), created_us=START_US, loaded_us=START_US, last_number=10)


def campaign(rows=10_000, seed=7):
    """Yield the rows of an ordinary batch: most complete, some fail, some never leave."""
    draw = random.Random(seed)  # noqa: S311 - made-up durations
    at_us = START_US
    for number in range(1, rows + 1):
        if number % 97 == 0:
            yield record(number, "skipped", reason="do-not-contact", message="the number is on stop.txt")
            continue
        if number % 211 == 0:
            yield record(number, "held", reason="unknown-zone", message="no zone can be told from +99 1234")
            continue
        if number % 463 == 0:
            yield record(number, "rejected", reason="bad-value", message="line 5, column amount: 'x' is no number")
            continue
        at_us += round(60 / 297 * S) + (600 * S if number == rows // 2 else 0)
        took_s = draw.lognormvariate(1.2, 0.6)
        if number % 1999 == 0:
            yield record(number, "in_doubt", reason="launch-in-doubt", attempts=1, intent_us=at_us,
                         message="the connection closed", correlation_id=f"c-{number}")  # fmt: skip
        elif number % 53 == 0:
            yield launched(number, at_us, took_s=took_s, state="failed",
                           result_error_code="flow.data.action.failure",
                           result_error_message="the data action 'Get customer' answered 500")  # fmt: skip
        elif number % 701 == 0:
            yield record(number, "refused", reason="bad.request", error_code="bad.request", http_status=400, attempts=1,
                         intent_us=at_us, message="flowId: the flow is locked")  # fmt: skip
        else:
            yield launched(number, at_us, took_s=took_s, outputs={"Flow.team": "reminders"})


def material(rows, *, zone=UTC, events=(), pauses=(), budgets=((START_US, 300.0),), **spec):
    """Return what a report of these rows is drawn from."""
    tally = tally_rows(rows)
    return Material(
        summary=summary_of(batch(**spec), tally, now=NOW), tally=tally, budgets=tuple(budgets), pauses=tuple(pauses),
        events=tuple(events), untold_events=0, zone=zone,
    )  # fmt: skip


def ordinary():
    """Return the material of an ordinary batch that was slowed down and paused."""
    half_us = START_US + round(5000 * 60 / 297 * S)
    events = [
        EventRecord(event_id=1, batch_id=1, at_us=START_US, kind="started", facts={"message": "10,000 rows"}),
        EventRecord(
            event_id=2,
            batch_id=1,
            at_us=half_us,
            kind="controls-changed",
            facts={"paused": True, "pause_reason": "lunch", "by": "ada"},
        ),
        EventRecord(
            event_id=3,
            batch_id=1,
            at_us=half_us + 600 * S,
            kind="controls-changed",
            facts={"paused": False, "pause_reason": "", "by": "ada"},
        ),
    ]
    pauses = [Pause(half_us, half_us + 600 * S, "paused")]
    return material(campaign(), events=events, pauses=pauses)
