"""Workers on PostgreSQL: rows a second, the pace over four of them, takeover, memory, cost a row as rows grow."""

from __future__ import annotations

import os

from bench.measure import Row, program

PROGRAM = "workers_run.py"
ROWS = int(os.environ.get("BENCH_WORKER_ROWS", "20000"))
SECONDS = 150
SIZES = (10_000, 100_000)


def rows():
    """Measure one, two and four workers, then what they heed together."""
    speeds = {many: program(PROGRAM, "speed", many, ROWS) for many in (1, 2, 4)}
    for many, found in speeds.items():
        cost = f"{found['cpu_us']:.0f} + {found['server_cpu_us']:.0f} µs CPU a row (worker + PostgreSQL)"
        shown = f"{found['per_s']:.0f}/s, {cost}, {found['memory_mb']:.0f} MB a worker"
        yield Row(f"{many} workers, pace off, {ROWS:,} rows", shown, "", f"{found['per_s'] / speeds[1]['per_s']:.2f}")
    few, many = (program(PROGRAM, "speed", 2, size) for size in SIZES)
    ratio = _cost_us(many) / _cost_us(few)
    yield Row(f"CPU a row at {SIZES[1]:,} rows over {SIZES[0]:,}, 2 workers", f"{ratio:.2f}", "", "", "linear: 1.0")
    for per_minute in (300, 6_000):
        found = program(PROGRAM, "pace", 4, per_minute, SECONDS)
        over = max(0, found["most_in_60_s"] - per_minute)
        shown = f"{over} over in any 60 s, {found['most_in_60_s']:,} at most, {found['used']:.1%} used"
        yield Row(f"pace of {per_minute:,} a minute over 4 workers", shown, "", "", "0 over, 99 %")
    found = program(PROGRAM, "takeover", 20)
    shown = f"rows after {found['rows_s']:.1f} s, job after {found['job_s']:.1f} s"
    yield Row("takeover from a silent worker", shown, "", "", "30 s")


def _cost_us(found):
    return found["cpu_us"] + found["server_cpu_us"]
