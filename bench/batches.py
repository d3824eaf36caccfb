"""Batches: rows a second without a pace, memory and linearity, resume of a large ledger, use of the budget."""

from __future__ import annotations

import os
import tempfile

from bench.measure import Row, program, sandbox

LARGE = int(os.environ.get("BENCH_ROWS", "1000000"))
LAUNCHED = int(os.environ.get("BENCH_LAUNCHED", "40000"))
PROGRAM = "batch_run.py"


def rows():
    """Measure launching at 128 in flight, loading of ever more rows, and a minute at two paces."""
    with sandbox() as url:
        few = _best(url, LAUNCHED // 4)
        many = _best(url, LAUNCHED)
        shown = f"{many['per_s']:.0f}/s, {many['cpu_us']:.0f} µs CPU a row"
        shown += f" (event loop {many['loop_us']:.0f}, ledger's thread {many['cpu_us'] - many['loop_us']:.0f})"
        yield Row("batch rows, pace off, ends not followed", shown, "", "", "5,000/s")
        ratio = few["per_s"] / many["per_s"]
        yield Row(f"time a row at {LAUNCHED:,} rows over {LAUNCHED // 4:,}", f"{ratio:.2f}", "", "", "linear: 1.0")
        followed = program(PROGRAM, url, LAUNCHED // 4, 0, 64, 1)
        yield Row(
            "batch rows, ends followed", f"{followed['per_s']:.0f}/s, {followed['cpu_us']:.0f} µs CPU", "", "", ""
        )
        yield from _loading(url)
        planned = program("plan_rows.py", url, LARGE)
        shown = f"{planned['per_s']:.0f}/s, peak {planned['peak_mb']:.0f} MB"
        yield Row(f"batch plan of {LARGE:,} rows", shown, "", "", "200 MB")
        for per_minute in (300, 6_000):
            found = program(PROGRAM, url, round(per_minute * 1.2), per_minute, 32, 0)
            share = found["per_s"] * 60 / per_minute
            yield Row(f"use of {per_minute:,} a minute, launches only", f"{share:.1%}", "", "", "99 %")
    yield from _reading()


def _reading():
    """Read sources of other kinds, then export and report a ledger of many ended rows, each in flat memory."""
    for kind, count in (("xlsx", LARGE // 10), ("parquet", LARGE), ("line", 10)):
        found = program("read_rows.py", kind, count)
        what = "a CSV with a line of 100 MB" if kind == "line" else f"{kind} of {count:,} rows"
        yield Row(f"read {what}", f"{found['per_s']:.0f}/s, peak {found['peak_mb']:.0f} MB", "", "", "200 MB")
    with tempfile.TemporaryDirectory() as folder:
        program("read_ledger.py", folder, LARGE, "make", timeout_s=1_200)
        for kind in ("csv", "ndjson", "parquet", "report"):
            found = program("read_ledger.py", folder, LARGE, kind, timeout_s=1_200)
            shown = f"{found['seconds']:.0f} s, peak {found['peak_mb']:.0f} MB"
            yield Row(f"{kind} of {LARGE:,} ended rows", shown, "", "", "200 MB")


def _best(url, count):
    runs = (program(PROGRAM, url, count, 0, 128, 0) for _ in range(3))
    return min(runs, key=lambda found: found["cpu_us"])


def _loading(url):
    """Read, map, decide and record rows; then resume their ledger up to its first turns."""
    for count in (LARGE // 100, LARGE // 10, LARGE):
        found = program(PROGRAM, url, count, 300, 16, 0, "load")
        shown = f"{found['load_per_s']:.0f}/s, peak {found['peak_mb']:.0f} MB"
        yield Row(f"rows of a CSV into the ledger, {count:,}", shown, "", "", "linear, 200 MB")
        yield Row(f"resume of that ledger until a launch, {count:,}", f"{found['resume_s']:.2f} s", "", "", "5 s")
