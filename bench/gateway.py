"""The gateway: launches a second that are on the disk before they are answered, and how long an app waits."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from bench.measure import PYTHON, QUIET, ChildProcess, Row, program, sandbox

COUNT, CONNECTIONS = int(os.environ.get("BENCH_ACCEPTED", "20000")), 64


def rows():
    """Measure accepting alone and beside launching; the best of two runs, since noise only takes away."""
    with sandbox() as url:
        for keyed, what in ((0, "without"), (1, "with")):
            with gateway(url, "--accept-only") as (door, key, pid):
                found = _best(door, key, keyed, [pid])
            other = _peer(keyed)
            ratio = f"{other['cpu_us'] / found['cpu_us']:.1f}x less CPU" if other else ""
            shown = f"{_shown(other)} (FastAPI, Dramatiq, Redis)" if other else "no redis-server here"
            yield Row(
                f"gateway, accepted and on disk, {CONNECTIONS} connections, {what} keys", _shown(found), shown, ratio
            )
        with gateway(url) as (door, key, pid):
            found = _best(door, key, 1, [pid])
            yield Row("the same, with keys, while launching as fast as it can", _shown(found))


def _peer(keyed):
    """Measure the usual door with the same durability, where there is a Redis server to be had."""
    server = os.environ.get("BENCH_REDIS_SERVER") or shutil.which("redis-server")
    if server is None:
        return None
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder,
        peer_door(server, folder) as (door, pids),
    ):
        return _best(door, "none", keyed, pids)


@contextmanager
def peer_door(server, folder):
    """Run Redis, each command on the disk before its answer, and the usual door before it; yield its URL and pids."""
    place = Path(folder) / "redis.sock"
    command = [server, "--port", "0", "--unixsocket", str(place), "--appendonly", "yes", "--appendfsync", "always",
               "--dir", folder]  # fmt: skip
    redis = ChildProcess(command, stdout=subprocess.DEVNULL)
    door = None
    try:
        wait_for(place.exists)
        env = QUIET | {"PEER_REDIS": f"unix://{place}"}
        programs = str(Path(__file__).parent / "programs")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [PYTHON, "-m", "uvicorn", "peer_door:app", "--app-dir", programs, "--port", str(port),
                   "--log-level", "error"]  # fmt: skip
        door = ChildProcess(command, env=env)
        wait_for(lambda: _answers(port))
        yield f"http://127.0.0.1:{port}", [door.pid, redis.pid]
    finally:
        for process in filter(None, (door, redis)):
            process.kill()
            process.wait(10)


def wait_for(is_so):
    """Return once it is so, within a minute."""
    until_s = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until_s, "it did not start"
        time.sleep(0.05)


def _answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _best(door, key, keyed, pids):
    program("gateway_load.py", door, key, 500, CONNECTIONS, keyed)
    began_s = cpu_s(pids)
    runs = [program("gateway_load.py", door, key, COUNT, CONNECTIONS, keyed) for _ in range(2)]
    used_us = (cpu_s(pids) - began_s) / COUNT / 2 * 1e6
    return {**max(runs, key=lambda run: run["per_s"]), "cpu_us": used_us}


def cpu_s(pids):
    """Return the CPU time of processes."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")


def _shown(found):
    return (
        f"{found['per_s']:.0f}/s, p50 {found['p50_ms']:.0f} ms, p99 {found['p99_ms']:.0f} ms, "
        f"{found['cpu_us']:.0f} µs CPU"
    )


@contextmanager
def gateway(sandbox_url, *options):
    """Run a gateway in a process of its own; yield its URL, a key and its pid."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        ledger = Path(folder) / "gateway.ledger"
        key = _key(ledger)
        command = [PYTHON, "-m", "flowlaunch", "gateway", "serve", "--port", "0", "--rate", "off", "--quiet",
                   "--ledger", str(ledger), "--max-waiting", "10000000", *options]  # fmt: skip
        env = QUIET | {
            "GENESYSCLOUD_REGION": sandbox_url, "GENESYSCLOUD_OAUTHCLIENT_ID": "demo",
            "GENESYSCLOUD_OAUTHCLIENT_SECRET": "demo-secret",
        }  # fmt: skip
        process = ChildProcess(command, env=env, stdout=subprocess.PIPE, text=True)
        try:
            yield process.stdout.readline().strip(), key, process.pid
        finally:
            process.kill()
            process.wait(10)


def _key(ledger):
    from flowlaunch.batch.ledger import open_ledger
    from flowlaunch.gateway.access.keys import Keys

    with open_ledger(ledger) as opened:
        return Keys(opened.store).create("bench", ["launch"], who="bench").key
