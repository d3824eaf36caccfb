"""CPU of one launch in the client's process, beside the official SDK's; the sandbox runs in its own."""

from __future__ import annotations

from bench.measure import Row, best_of, program, sandbox

COUNT, RUNS = 4000, 3


def rows():
    """Measure async launches with and without uvloop, and sync ones on one and on sixteen threads."""
    with sandbox() as url:
        best = best_of(
            RUNS,
            {
                ("sdk", 1): lambda: program("launch_sdk.py", url, COUNT // 4, 1),
                ("sync", 1): lambda: program("launch_sync.py", url, COUNT // 2, 1),
                "asyncio": lambda: program("launch_async.py", url, COUNT, 64, "asyncio"),
                "uvloop": lambda: program("launch_async.py", url, COUNT, 64, "uvloop"),
                ("sdk", 16): lambda: program("launch_sdk.py", url, COUNT // 4, 16),
                ("sync", 16): lambda: program("launch_sync.py", url, COUNT // 2, 16),
            },
        )
    for loop, bar in (("asyncio", "1/4"), ("uvloop", "1/5")):
        yield _row(f"async launch, 64 in flight, {loop}", best[loop], best["sdk", 1], bar)
    for threads in (1, 16):
        what = f"sync launch, {threads} thread{'s' * (threads > 1)}"
        yield _row(what, best["sync", threads], best["sdk", threads], "1")


def _row(what, ours, peer, bar):
    shown, other = (f"{found['cpu_us']:.0f} µs CPU, {found['per_s']:.0f}/s" for found in (ours, peer))
    return Row(what, shown, f"SDK {other}", f"{ours['cpu_us'] / peer['cpu_us']:.2f}", bar)
