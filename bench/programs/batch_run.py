"""One batch from a file: URL, rows, requests a minute (0: no pace), launches in flight, 1 to follow ends, `load`.

Prints rows a second of reading and of launching, CPU a row and peak memory; with `load` nothing is launched but the
first row after a resume, whose time is told.
"""

import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from flowlaunch import AsyncClient
from flowlaunch.batch.job import BatchJob, resume_batch, run_batch
from flowlaunch.batch.outside import run_outside
from flowlaunch.batch.stop import Stop

URL, ROWS, PACE, IN_FLIGHT = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
FOLLOWS, IS_LOAD = sys.argv[5] == "1", sys.argv[6:] == ["load"]


class Loaded(Exception):  # noqa: N818 - no error
    """Ends a run when all rows are in the ledger."""


class Times:
    """When each kind of event was told first, and the CPU used until then."""

    def __init__(self):
        self.seen = {}

    def __call__(self, event):
        self.seen.setdefault(event.kind, (time.perf_counter(), time.process_time(), time.thread_time()))
        if event.kind == "loaded" and IS_LOAD:
            raise Loaded

    def between(self, first, last):
        return self.seen[last][0] - self.seen[first][0]


async def resumed(job, client):
    """Resume until the first row is launched; return the seconds."""
    stop, began, found = Stop(), time.perf_counter(), []

    async def watch():
        while not found:
            await asyncio.sleep(0.01)
            if launched():
                found.append(time.perf_counter() - began)
        stop.request()

    original, calls = client.launch, []

    def launched():
        return bool(calls)

    async def launch(*given, **named):
        accepted = await original(*given, **named)
        calls.append(accepted.id)
        return accepted

    client.launch = launch
    watching = asyncio.create_task(watch())
    await resume_batch(job.ledger_place, client=client, stop=stop)
    await watching
    return found[0]


async def main(folder):
    source = folder / "rows.csv"
    with source.open("w", encoding="utf-8") as file:
        file.write("customerName,orderId,priority\n")
        file.writelines(f"Customer {number},{number:08d},high\n" for number in range(ROWS))
    job = BatchJob(
        source=source, flow="Order follow-up", pace_per_minute=PACE or None, concurrency=IN_FLIGHT, ramp=(),
        track=FOLLOWS, max_failed=None,
    )  # fmt: skip
    times, figures = Times(), {}
    async with AsyncClient(URL, client_id="demo", client_secret="demo-secret", pace_per_minute=None) as client:
        try:
            await run_batch(job, client=client, on_event=times)
        except Loaded:
            figures["resume_s"] = await resumed(job, client)
        else:
            seconds = time.perf_counter() - times.seen["started"][0]
            cpu_s = time.process_time() - times.seen["started"][1]
            loop_s = time.thread_time() - times.seen["started"][2]
            figures |= {"per_s": ROWS / seconds, "cpu_us": cpu_s / ROWS * 1e6, "loop_us": loop_s / ROWS * 1e6}
    figures["load_per_s"] = ROWS / times.between("created", "loaded")
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(figures))


with tempfile.TemporaryDirectory() as name:
    run_outside(main(Path(name)), None)
