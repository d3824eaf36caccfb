"""Read a ledger of many ended rows: makes it once, then times one reader in this process.

Arguments: the folder, rows, and `make`, `csv`, `ndjson`, `parquet`, `report` or `plan`. Prints seconds and peak memory.
"""

import json
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

FOLDER, ROWS, WHAT = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
SOURCE, LEDGER = FOLDER / "rows.csv", FOLDER / "rows.csv.ledger"
AT_ONCE = 2_000


def make():
    """Write the file of rows and a ledger in which every row was launched and has ended."""
    from flowlaunch.batch.decisions import Decision, Prepared, RowPlan
    from flowlaunch.batch.ledger import BatchSpec, Result, open_ledger
    from flowlaunch.batch.rows import file_sha256
    from flowlaunch.batch.states import Event

    with SOURCE.open("w", encoding="utf-8") as file:
        file.write("customerName,orderId,priority\n")
        file.writelines(f"Customer {number},{number:08d},high\n" for number in range(1, ROWS + 1))
    ready = Decision(kind="launch", reason="ready")
    plans = (
        RowPlan(row_number=number, line=number + 1, decision=ready, prepared=Prepared(
            row_number=number, line=number + 1, key=f"{number:08d}", token=f"t{number}",
            input_data={"Flow.customerName": f"Customer {number}", "Flow.orderId": f"{number:08d}"}))
        for number in range(1, ROWS + 1)
    )  # fmt: skip
    spec = BatchSpec(source=str(SOURCE), source_sha256=file_sha256(SOURCE), flow_id="f", flow_version="1.0",
                     settings={"pace_per_minute": 300.0})  # fmt: skip
    with open_ledger(LEDGER) as ledger:
        batch_id = ledger.create_batch(spec)
        ledger.add_rows(batch_id, plans)
        ledger.finish_loading(batch_id)
        worker = ledger.start_work(batch_id)
        outputs = b'{"Flow.message":"Thank you for your order","Flow.score":7}'
        while chunk := ledger.take_chunk(worker, AT_ONCE):
            ledger.commit(worker, intents=chunk.rows)
            ledger.commit(worker, results=[
                row.outcome(Event.ACCEPTED, execution_id=f"e{row.number:035d}", correlation_id=f"c{row.number:035d}")
                for row in chunk.rows
            ])  # fmt: skip
            now_us = round(time.time() * 1e6)
            ledger.record_results(batch_id, [
                Result(row_id=row.row_id, execution_id=f"e{row.number:035d}", status="COMPLETED", outputs=outputs,
                       event=Event.COMPLETED, started_us=now_us - 2_000_000, ended_us=now_us)
                for row in chunk.rows
            ])  # fmt: skip
        ledger.stop_work(worker)


def export(file_format):
    from flowlaunch.batch.ledger import open_ledger
    from flowlaunch.batch.results.export import Export
    from flowlaunch.batch.results.source import source_again

    with open_ledger(LEDGER, create=False) as ledger, (FOLDER / f"out.{file_format}").open("wb") as stream:
        again = source_again(ledger.batch(1).spec)
        whole = Export(ledger=ledger, batch_id=1, open_source=again.rows, columns=again.columns)
        return whole.write(stream, file_format)


def report():
    from flowlaunch.batch.ledger import open_ledger
    from flowlaunch.batch.report.page import report_of

    with open_ledger(LEDGER, create=False) as ledger:
        page = report_of(ledger, 1, now=datetime.now(UTC), zone=UTC)
    (FOLDER / "report.html").write_text(page, encoding="utf-8")


began = time.perf_counter()
{"make": make, "report": report}.get(WHAT, lambda: export(WHAT))()
seconds = time.perf_counter() - began
peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "per_s": ROWS / seconds, "peak_mb": peak_mb}))
