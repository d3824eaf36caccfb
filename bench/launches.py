"""CPU of one launch in the client's process, beside the official SDK's; the sandbox runs in its own."""

from __future__ import annotations

from bench.measure import Row, best_of, program, sandbox

COUNT, RUNS = 4000, 3


def rows():
    """Measure async launches with and without uvloop, and sync ones on one and on sixteen threads."""
    with sandbox() as url:
        sdk = {n: best_of(RUNS, lambda n=n: program("launch_sdk.py", url, COUNT // 4, n)) for n in (1, 16)}
        for loop, bar in (("asyncio", "1/4"), ("uvloop", "1/5")):
            ours = best_of(RUNS, lambda loop=loop: program("launch_async.py", url, COUNT, 64, loop))
            yield _row(f"async launch, 64 in flight, {loop}", ours, sdk[1], bar)
        for threads in (1, 16):
            ours = best_of(RUNS, lambda n=threads: program("launch_sync.py", url, COUNT // 2, n))
            yield _row(f"sync launch, {threads} thread{'s' * (threads > 1)}", ours, sdk[threads], "1")


def _row(what, ours, peer, bar):
    shown, other = (f"{found['cpu_us']:.0f} µs CPU, {found['per_s']:.0f}/s" for found in (ours, peer))
    return Row(what, shown, f"SDK {other}", f"{ours['cpu_us'] / peer['cpu_us']:.2f}", bar)
