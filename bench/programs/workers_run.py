"""Workers on PostgreSQL: `speed WORKERS ROWS`, `pace WORKERS PER_MINUTE SECONDS` or `takeover SILENCE_S`.

Brings up a server, a sandbox and workers of its own; prints one line of JSON.
"""

import json
import os
import signal
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "workers"), str(ROOT / "tests" / "batch")]

from bench.measure import sandbox
from pace_world import NOT_PACED, most_within
from worker_world import WorkerWorld

from flowlaunch.batch.ledger import crew, handovers
from flowlaunch.sandbox import Sandbox
from postgres_server import bring_up

WINDOW_S = 60.5


def speed(world, workers, rows):
    batch_id = world.load(rows, hand_over=False, track=False, concurrency=64)
    world.start(workers)
    cpu, server_cpu = _cpu_s(world), _server_cpu_s(world)
    began = time.monotonic()
    world.hand_over(batch_id)
    world.until(lambda: world.has_ended(batch_id), 600)
    took = time.monotonic() - began
    worked, served = _cpu_s(world) - cpu, _server_cpu_s(world) - server_cpu
    memory = [one.memory_bytes / 1e6 for one in crew.present(world.ledger.store)]
    return {
        "per_s": rows / took,
        "cpu_us": worked / rows * 1e6,
        "server_cpu_us": served / rows * 1e6,
        "memory_mb": max(memory),
        "counts": world.counts(batch_id),
    }


def _cpu_s(world):
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0
    for one in world.workers:
        fields = Path(f"/proc/{one.pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / ticks


def _server_cpu_s(world):
    """CPU of the server's processes, of those that have ended as well."""
    root, ticks, total = world.server.pid, os.sysconf("SC_CLK_TCK"), 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        fields = text.rpartition(")")[2].split()
        is_root = int(stat.parent.name) == root
        if is_root or int(fields[1]) == root:
            total += sum(map(int, fields[11:15] if is_root else fields[11:13]))
    return total / ticks


def pace(world, workers, per_minute, seconds):
    batch_id = world.load(per_minute * seconds // 60, hand_over=False, track=False, concurrency=32,
                          pace_per_minute=float(per_minute))  # fmt: skip
    world.start(workers)
    world.hand_over(batch_id)
    world.until(lambda: world.has_ended(batch_id), seconds * 2 + 60)
    seen_s = sorted(one.monotonic_s for one in world.sandbox.journal() if one.operation not in NOT_PACED)
    whole = int((seen_s[-1] - seen_s[0]) / WINDOW_S)
    used = sum(at_s < seen_s[0] + whole * WINDOW_S for at_s in seen_s) / (whole * per_minute)
    return {
        "most_in_60_s": most_within(seen_s),
        "used": used,
        "requests": len(seen_s),
        "counts": world.counts(batch_id),
    }


def takeover(world, silence_s):
    """Stop a worker in the middle of a chunk: how long until others have its rows and its job."""
    batch_id = world.load(100_000, track=False, pace_per_minute=3_000.0)
    sleeper, _other = world.start(2)
    world.until(
        lambda: any(one.worker.pid == sleeper.pid and one.rows_in_hand for one in world.ledger.workers(batch_id))
    )
    sleeper.send_signal(signal.SIGSTOP)
    stopped = time.monotonic()
    world.until(lambda: "taken-over" in world.kinds(batch_id), silence_s + 60)
    rows_s = time.monotonic() - stopped
    statement = "SELECT count(*) FROM flowlaunch_jobs.procrastinate_events WHERE type = 'deferred_for_retry'"
    world.until(lambda: world.server.admin(statement, world.database)[0][0] > 0, silence_s + 60)
    return {"rows_s": rows_s, "job_s": time.monotonic() - stopped, "silence_s": silence_s}


@contextmanager
def outside():
    """A sandbox in a process of its own: it takes a core."""
    with sandbox() as url:
        yield SimpleNamespace(url=url)


class BenchWorld(WorkerWorld):
    """The world of the tests."""

    def hand_over(self, batch_id):
        handovers.give(self.ledger.store, batch_id, client_key=self.key, profile="")


def main():
    way, *numbers = sys.argv[1], *map(int, sys.argv[2:])
    server = bring_up()
    try:
        beside = outside() if way == "speed" else Sandbox(rate_per_minute=None, journal_size=100_000)
        with tempfile.TemporaryDirectory() as folder, beside as org:
            world = BenchWorld(server.database(name="bench"), org, Path(folder))
            world.server, world.database = server, "bench"
            world.takeover_s = numbers[0] if way == "takeover" else 20
            try:
                print(json.dumps({"speed": speed, "pace": pace, "takeover": takeover}[way](world, *numbers)))
            finally:
                world.close()
    finally:
        server.close()


main()
