"""One batch from a file of rows to its end: URL, rows, requests a minute (0: no pace), launches in flight, 1 to follow.

Prints rows a second of loading and of launching, CPU a row, peak memory, and how long a resume takes to its first
transaction.
"""

import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from flowlaunch import AsyncClient
from flowlaunch.batch.events import RunEvent
from flowlaunch.batch.job import BatchJob, resume_batch, run_batch
from flowlaunch.batch.outside import run_outside

URL, ROWS, PACE, IN_FLIGHT, FOLLOWS = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), sys.argv[5] == "1"
LAUNCH = len(sys.argv) < 7 or sys.argv[6] != "load"


def write_rows(path):
    with path.open("w", encoding="utf-8") as file:
        file.write("customerName,orderId,priority\n")
        for number in range(ROWS):
            file.write(f"Customer {number},{number:08d},high\n")


class Loaded(Exception):
    """Raised when all rows are in the ledger and only that was to be measured."""


async def main(folder):
    source = folder / "rows.csv"
    write_rows(source)
    job = BatchJob(source=source, flow="Order follow-up", pace_per_minute=PACE or None, concurrency=IN_FLIGHT, ramp=(),
                   track=FOLLOWS, max_failed=None)
    times = {}

    def on_event(event: RunEvent):
        times.setdefault(event.kind, (time.perf_counter(), time.process_time()))
        if event.kind == "loaded" and not LAUNCH:
            raise Loaded

    began = time.perf_counter()
    async with AsyncClient(URL, client_id="demo", client_secret="demo-secret", pace_per_minute=None) as client:
        try:
            outcome = await run_batch(job, client=client, on_event=on_event)
        except Loaded:
            outcome = None
        ended, cpu = time.perf_counter(), time.process_time()
        figures = {"load_per_s": ROWS / (times["loaded"][0] - times["created"][0]), "load_s": times["loaded"][0] - began}
        if outcome is not None:
            assert outcome.ended == "finished", outcome
            launching = ended - times["started"][0]
            figures |= {"per_s": ROWS / launching, "seconds": launching, "cpu_us": (cpu - times["started"][1]) / ROWS * 1e6}
        seen = []
        again = time.perf_counter()
        if outcome is None:
            from flowlaunch.batch.stop import Stop

            stop = Stop()

            def first(event):
                seen.append(time.perf_counter())
                if event.kind == "progress":
                    stop.request()

            await resume_batch(job.ledger_place, client=client, on_event=first, stop=stop, track=False)
            figures["resume_s"] = time.perf_counter() - again
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(figures))


with tempfile.TemporaryDirectory() as name:
    run_outside(main(Path(name)), None)
