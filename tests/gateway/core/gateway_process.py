"""A gateway as a process of its own, to be killed and to be sent signals; its ledger is read from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress

import msgspec

from child_processes import ChildProcess
from flowlaunch.batch.ledger import open_ledger

DEADLINE_S = 90


def serve(folder, sandbox_url, port):
    """Start the gateway as its own process and return it with its URL."""
    environment = os.environ | {
        "GENESYSCLOUD_REGION": sandbox_url, "GENESYSCLOUD_OAUTHCLIENT_ID": "demo",
        "GENESYSCLOUD_OAUTHCLIENT_SECRET": "demo-secret",
    }  # fmt: skip
    command = [sys.executable, "-m", "flowlaunch", "gateway", "serve", "--ledger", str(folder / "g.ledger"),
               "--port", str(port), "--rate", "off", "--quiet"]  # fmt: skip
    process = ChildProcess(command, env=environment, stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


def rows(folder):
    with open_ledger(folder / "g.ledger", create=False) as ledger:
        return {
            msgspec.json.decode(row.payload)["Flow.orderId"]: row
            for batch in ledger.batches()
            for row in ledger.rows(batch.batch_id)
        }


def wait_until(is_so):
    """Return once it is so: it is other processes that make it so, and nothing tells."""
    until_s = time.monotonic() + DEADLINE_S
    pause = threading.Event()
    while time.monotonic() < until_s:
        with suppress(KeyError):
            if is_so():
                return
        pause.wait(0.05)
    raise AssertionError("it never came to that")
