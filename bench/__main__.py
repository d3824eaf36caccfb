"""Measure everything and print the table; name benches to run only those."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

from bench import batches, engine, gateway, gateway_page, launches, ledgers, pace, peers, sandboxes, startup, workers

if TYPE_CHECKING:
    from bench.measure import Row

BENCHES = {
    "startup": startup.rows,
    "launches": launches.rows,
    "sandbox": sandboxes.rows,
    "engine": engine.rows,
    "batches": batches.rows,
    "ledgers": ledgers.rows,
    "pace": pace.rows,
    "gateway": gateway.rows,
    "gateway-page": gateway_page.rows,
    "workers": workers.rows,
    "peers": peers.rows,
}


def main() -> None:
    """Run the benches and print a Markdown table."""
    chosen = sys.argv[1:] or list(BENCHES)
    print(f"Python {platform.python_version()}, {platform.machine()}; shared machine: trust ratios, not figures.\n")
    print("| what | flowlaunch | peer | ratio | bar |\n|---|---|---|---|---|")
    for name in chosen:
        for row in BENCHES[name]():
            show(row)


def show(row: Row) -> None:
    """Print one line of the table."""
    print(f"| {row.what} | {row.ours} | {row.peer} | {row.ratio} | {row.bar} |", flush=True)


main()
