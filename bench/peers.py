"""One flow per row of a file: flowlaunch beside a loop over the official SDK and a Dramatiq task per row on Redis."""

from __future__ import annotations

import os
import shutil

from bench.measure import Row, program

ROWS = 5_000
PEERS = {"sdk": "the official SDK on 16 threads", "dramatiq": "Dramatiq and Redis, 16 threads, SDK"}


def rows():
    """Run each way through, then kill -9 each in the middle and start it again."""
    has_redis = bool(os.environ.get("BENCH_REDIS_SERVER") or shutil.which("redis-server"))
    peers = [peer for peer in PEERS if peer != "dramatiq" or has_redis]
    ours, ours_killed = (program("peer_run.py", "flowlaunch", ROWS, kill) for kill in (0, 1))
    for peer in peers:
        theirs, killed = (program("peer_run.py", peer, ROWS, kill) for kill in (0, 1))
        shown, other = (f"{one['cpu_us']:.0f} µs CPU, {one['per_s']:.0f}/s" for one in (ours, theirs))
        ratio = f"{ours['cpu_us'] / theirs['cpu_us']:.2f}"
        yield Row(f"a row of {ROWS:,}, beside {PEERS[peer]}", shown, other, ratio, "")
        shown, other = (
            f"{one['twice']} twice, {one['missing']} in doubt or not launched" for one in (ours_killed, killed)
        )
        yield Row("rows launched after kill -9 in the middle and another start", shown, other, "", "0 twice")
    if not has_redis:
        yield Row("a Dramatiq task per row", "", "not measured: redis-server is not installed", "", "")
