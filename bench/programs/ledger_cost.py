"""What a row costs a ledger: PLACE (a path or URL), rows, rows worked (all): load, launch in groups of 64, end.

Nothing is sent; prints microseconds a row of each step, seconds of the steps that are one for the batch, bytes a row
when all is done, of the database and of PostgreSQL's log, and the most memory of this process in megabytes.
"""

import itertools
import json
import resource
import sys
import time
import uuid
from pathlib import Path

from flowlaunch.batch.decisions import Decision, Prepared, RowPlan
from flowlaunch.batch.ledger import BatchSpec, Result, open_ledger
from flowlaunch.batch.states import Event

PLACE, ROWS = sys.argv[1], int(sys.argv[2])
WORKED = min(ROWS, int(sys.argv[3])) if len(sys.argv) > 3 else ROWS
CHUNK, GROUP = 2_000, 64
OUTPUTS = b'{"Flow.message":"Hello Ada, we will call you about order 00004711","Flow.team":"orders"}'


def plan(number):
    data = {"Flow.customerName": f"Customer {number}", "Flow.orderId": f"{number:08d}", "Flow.priority": "high"}
    prepared = Prepared(
        row_number=number,
        line=number + 1,
        key=f"{number:08d}",
        input_data=data,
        contact=f"+4930{number:08d}",
        token=uuid.uuid4().hex,
    )
    return RowPlan(
        row_number=number, line=number + 1, decision=Decision(kind="launch", reason="ready"), prepared=prepared
    )


def groups(rows, size):
    given = iter(rows)
    while part := list(itertools.islice(given, size)):
        yield part


def launch(ledger, worker):
    results, launched = [], []
    while len(launched) < WORKED and (chunk := ledger.take_chunk(worker, min(CHUNK, WORKED - len(launched)))):
        for part in groups(chunk.rows, GROUP):
            ledger.commit(worker, intents=part, results=results)
            results = [row.outcome(Event.ACCEPTED, execution_id=str(uuid.uuid4()), look_at_us=1) for row in part]
            launched += [(one.row_id, one.execution_id) for one in results]
    ledger.commit(worker, results=results)
    ledger.stop_work(worker)
    return launched


def end(ledger, batch_id, launched):
    for part in groups(launched, 500):
        ledger.record_results(
            batch_id,
            [
                Result(
                    row_id=row_id, execution_id=execution_id, event=Event.COMPLETED, status="COMPLETED", outputs=OUTPUTS
                )
                for row_id, execution_id in part
            ],
        )


def size_bytes(ledger):
    if "://" not in PLACE:
        return Path(PLACE).stat().st_size
    with ledger.store.read("size") as connection:
        return connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar()


def log_bytes(ledger):
    """What PostgreSQL wrote to its log so far; 0 for a file."""
    if "://" not in PLACE:
        return 0
    with ledger.store.read("log") as connection:
        return int(connection.exec_driver_sql("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").scalar())


def timed(figures, name, rows, function, *given):
    """Note microseconds a row, or with no number of rows the seconds of it all."""
    began = time.perf_counter()
    made = function(*given)
    took_s = time.perf_counter() - began
    figures[f"{name}_us" if rows else f"{name}_s"] = took_s / rows * 1e6 if rows else took_s
    return made


figures = {}
with open_ledger(PLACE) as ledger:
    empty_bytes, began_bytes = size_bytes(ledger), log_bytes(ledger)
    batch_id = ledger.create_batch(BatchSpec(source="rows", flow_id="flow", flow_version="1"))
    timed(figures, "load", ROWS, ledger.add_rows, batch_id, map(plan, range(1, ROWS + 1)))
    timed(figures, "finish", None, ledger.finish_loading, batch_id)
    worker = timed(figures, "start", None, ledger.start_work, batch_id)
    launched = timed(figures, "launch", WORKED, launch, ledger, worker)
    timed(figures, "end", WORKED, end, ledger, batch_id, launched)
    timed(figures, "count", None, ledger.counts, batch_id)
with open_ledger(PLACE) as ledger:  # opened anew: a file's log is part of it now
    figures["log_bytes"] = (log_bytes(ledger) - began_bytes) / ROWS
    figures["bytes"] = (size_bytes(ledger) - empty_bytes) / ROWS
figures["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps(figures))
