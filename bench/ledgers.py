"""What a row costs in each database: time of every step, and room on the disk."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bench.measure import Row, postgres, program

COUNTS = tuple(int(one) for one in os.environ.get("BENCH_LEDGER_ROWS", "10000,100000").split(","))
PROGRAM = "ledger_cost.py"


def rows():
    """Measure ever more rows in a file, then in PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder:
        for count in COUNTS:
            yield _row("SQLite", count, program(PROGRAM, Path(folder) / f"{count}.db", count))
    with postgres() as server:
        for count in COUNTS:
            url = server.database()
            yield _row("PostgreSQL", count, program(PROGRAM, url, count))
            server.drop(url)


def _row(database, count, found):
    steps = ", ".join(f"{step} {found[f'{step}_us']:.0f}" for step in ("load", "launch", "end"))
    room = f"{found['bytes']:.0f} bytes" + (f", {found['log_bytes']:.0f} of log" if found["log_bytes"] else "")
    return Row(f"ledger in {database}, {count:,} rows", f"µs a row: {steps}; {room}", "", "", "")
