"""Pace by the sandbox's own journal in real minutes: through kill -9 and resume, and over four processes."""

from __future__ import annotations

from bench.measure import Row, program

PROGRAM = "pace_witness.py"
SECONDS = 150
WAYS = {"kill": "kill -9 and resume at once", "four": "four processes on one ledger"}


def rows():
    """Watch each way at 300 and at 6,000 requests a minute for two and a half minutes."""
    for per_minute in (300, 6_000):
        for way, shown in WAYS.items():
            found = program(PROGRAM, way, per_minute, SECONDS)
            over = max(0, found["most_in_60_s"] - per_minute)
            what = f"pace of {per_minute:,} a minute, {shown}"
            yield Row(what, f"{over} over in any 60 s, {found['most_in_60_s']:,} at most", "", "", "0 over")
            yield Row("its use while running", f"{found['used_while_running']:.1%}", "", "", "99 %")
