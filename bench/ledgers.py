"""What a row costs in each database as rows grow: time of every step, and room on the disk.

BENCH_LEDGER_ROWS shortens it (`10000,100000`) or makes it longer; BENCH_LEDGER_WORKED launches and ends only so many
rows of each batch, so that loading can be measured at sizes whose work takes hours; BENCH_LEDGER_IN (PostgreSQL,
SQLite) measures one database.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bench.measure import Row, postgres, program

COUNTS = tuple(int(one) for one in os.environ.get("BENCH_LEDGER_ROWS", "10000,100000,1000000").split(","))
WORKED = int(os.environ.get("BENCH_LEDGER_WORKED", max(COUNTS)))
ONLY = os.environ.get("BENCH_LEDGER_IN", "")
PROGRAM = "ledger_cost.py"
LONGEST_S = 600
SLOWEST_ROW_S = 0.001


def rows():
    """Measure ever more rows in a file, then in PostgreSQL."""
    if ONLY in {"", "SQLite"}:
        with tempfile.TemporaryDirectory() as folder:
            for count in COUNTS:
                yield _row("SQLite", count, Path(folder) / f"{count}.db")
    if ONLY in {"", "PostgreSQL"}:
        with postgres() as server:
            for count in COUNTS:
                url = server.database()
                yield _row("PostgreSQL", count, url)
                server.drop(url)


def _row(database, count, place):
    found = program(PROGRAM, place, count, WORKED, timeout_s=LONGEST_S + count * SLOWEST_ROW_S)
    steps = ", ".join(f"{step} {found[f'{step}_us']:.0f}" for step in ("load", "launch", "end"))
    once = ", ".join(f"{step} {found[f'{step}_s'] * 1e3:.0f}" for step in ("finish", "start", "count"))
    room = f"{found['bytes']:.0f} bytes" + (f", {found['log_bytes']:.0f} of log" if found["log_bytes"] else "")
    worked = "" if count <= WORKED else f", {WORKED:,} of them worked"
    shown = f"µs a row: {steps}; {room}; ms in all: {once}; {found['memory_mb']:.0f} MB of memory"
    return Row(f"ledger in {database}, {count:,} rows{worked}", shown, "", "", "")
