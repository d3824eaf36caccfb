"""The gateway: launches a second that are on the disk before they are answered, and how long an app waits."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from bench.measure import PYTHON, QUIET, Row, program, sandbox

COUNT, CONNECTIONS = int(os.environ.get("BENCH_ACCEPTED", "20000")), 64


def rows():
    """Measure accepting alone and beside launching; the best of two runs, since noise only takes away."""
    with sandbox() as url:
        for keyed, what in ((0, "without"), (1, "with")):
            with gateway(url, "--accept-only") as (door, key):
                found = _best(door, key, keyed)
            yield Row(f"gateway, accepted and on disk, {CONNECTIONS} connections, {what} keys", _shown(found))
        with gateway(url) as (door, key):
            yield Row("the same, with keys, while launching as fast as it can", _shown(_best(door, key, 1)))


def _best(door, key, keyed):
    program("gateway_load.py", door, key, 500, CONNECTIONS, keyed)
    runs = [program("gateway_load.py", door, key, COUNT, CONNECTIONS, keyed) for _ in range(2)]
    return max(runs, key=lambda run: run["per_s"])


def _shown(found):
    return f"{found['per_s']:.0f}/s, p50 {found['p50_ms']:.0f} ms, p99 {found['p99_ms']:.0f} ms"


@contextmanager
def gateway(sandbox_url, *options):
    """Run a gateway in a process of its own; yield its URL and a key."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        ledger = Path(folder) / "gateway.ledger"
        key = _key(ledger)
        command = [PYTHON, "-m", "flowlaunch", "gateway", "serve", "--port", "0", "--rate", "off", "--quiet",
                   "--ledger", str(ledger), "--max-waiting", "10000000", *options]  # fmt: skip
        env = QUIET | {
            "GENESYSCLOUD_REGION": sandbox_url, "GENESYSCLOUD_OAUTHCLIENT_ID": "demo",
            "GENESYSCLOUD_OAUTHCLIENT_SECRET": "demo-secret",
        }  # fmt: skip
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
        try:
            yield process.stdout.readline().strip(), key
        finally:
            process.kill()
            process.wait(10)


def _key(ledger):
    from flowlaunch.batch.ledger import open_ledger
    from flowlaunch.gateway.access.keys import Keys

    with open_ledger(ledger) as opened:
        return Keys(opened.store).create("bench", ["launch"], who="bench").key
