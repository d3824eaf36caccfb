"""A small batch in a real ledger: what was read, what was sent and what came back."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from flowlaunch.batch.decisions import Decision, Prepared, RowPlan
from flowlaunch.batch.ledger import BatchSpec, Evidence, Result, open_ledger
from flowlaunch.batch.rows import open_rows
from flowlaunch.batch.states import Event

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = """id,name,phone
7,Ada,+4930123456
8,=1+1,+4930123457
9,Grace,nonsense
10,Linus
11,Ken,+4930123459
"""
"""Lines 2 to 6: sent, sent, held, ragged, sent and lost."""


def small_batch(folder: Path, text: str = PEOPLE, *, contacts=None, **spec) -> tuple[Path, Path]:
    """Write people.csv and a ledger in which its rows have been worked on; tell both files."""
    source, place = folder / "people.csv", folder / "people.csv.ledger"
    source.write_text(text, encoding="utf-8")
    known = {"source": str(source), "source_sha256": hashlib.sha256(source.read_bytes()).hexdigest(), "flow_id": "f-1",
             "flow_name": "Payment reminder", "settings": {"pace_per_minute": 300.0}}  # fmt: skip
    with open_ledger(place) as ledger, open_rows(source) as rows:
        batch_id = ledger.create_batch(BatchSpec(**(known | spec)))
        ledger.add_rows(batch_id, [_planned(number, row, contacts or {}) for number, row in enumerate(rows, start=1)])
        ledger.finish_loading(batch_id)
        worker = ledger.start_work(batch_id)
        chunk = ledger.take_chunk(worker, 10)
        assert chunk is not None
        ledger.commit(worker, intents=chunk.rows)
        good, bad, lost = chunk.rows
        ledger.commit(worker, results=[
            good.outcome(Event.ACCEPTED, execution_id="e-1", correlation_id="c-1"),
            bad.outcome(Event.ACCEPTED, execution_id="e-2"),
            lost.outcome(Event.LOST, reason="launch-in-doubt", message="the connection closed"),
        ])  # fmt: skip
        ledger.record_results(batch_id, [
            Result(row_id=good.row_id, execution_id="e-1", event=Event.COMPLETED, status="COMPLETED",
                   outputs=json.dumps({"Flow.team": "-2+3", "Flow.score": 4.5}).encode(),
                   started_us=1_000_000, ended_us=3_500_000),
            Result(row_id=bad.row_id, execution_id="e-2", event=Event.FAILED, status="FAILED", reason="flow.error",
                   error_code="flow.error", error_message="it <b>broke</b>"),
        ])  # fmt: skip
        ledger.stop_work(worker)
    return source, place


def _planned(number, row, contacts):
    cells = getattr(row, "cells", None)
    if cells is None:
        decision = Decision(kind="reject", reason=row.reason, message="3 cells expected, 2 found")
        return RowPlan(row_number=number, line=row.line, decision=decision, raw=row.raw)
    held = cells["phone"] == "nonsense"
    prepared = Prepared(row_number=number, line=row.line, key=cells["id"], input_data={"Flow.name": cells["name"]},
                        cells=cells, contact=contacts.get(cells["id"]))  # fmt: skip
    kind, reason = ("hold", "unknown-number") if held else ("launch", "ready")
    decision = Decision(kind=kind, reason=reason)
    return RowPlan(row_number=number, line=row.line, decision=decision, prepared=prepared, cells=cells)


def settled(ledger, batch_id, row_id):
    """Settle a row as absent, as a person would."""
    return ledger.settle(batch_id, [row_id], "absent", Evidence(by="ada", grounds="looked"))
