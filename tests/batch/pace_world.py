"""Batches at a pace, each in a process of its own, judged by the sandbox's own journal in real time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from child_processes import ChildProcess
from flowlaunch.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MINUTE_S = 60.0
NOT_PACED = frozenset({"token", "authorize"})
"""Operations that the budget of the API is not about."""


def most_within(seen_s: list[float], window_s: float = MINUTE_S) -> int:
    """Return the most requests in any sliding window."""
    most, first = 0, 0
    for last, at_s in enumerate(seen_s):
        while at_s - seen_s[first] >= window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


class PaceWorld:
    """One sandbox without a limit of its own, and batches that run against it as `flowlaunch batch run` does."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder, self.sandbox = folder, sandbox
        self.children: list[subprocess.Popen[bytes]] = []
        self.stalled_s = 0.0
        """The longest time that the sandbox, and whoever asks it, did not run: what came meanwhile came at once."""

    def rows(self, name: str, count: int) -> Path:
        """Write a file of so many orders."""
        file = self.folder / f"{name}.csv"
        lines = (f"{name}-{number},Jane {number}\n" for number in range(count))
        file.write_text("orderId,customerName\n" + "".join(lines), encoding="utf-8")
        return file

    def start(self, file: Path, per_minute: float, ledger: str = "shared.ledger") -> subprocess.Popen[bytes]:
        """Run a batch of a file in a process of its own; several of one ledger share its pace."""
        command = [
            sys.executable, "-m", "flowlaunch", "batch", "run", str(file), "--flow", "Order follow-up", "--no-track",
            "--key", "orderId", "--rate", str(per_minute), "--ramp", "off", "--yes", "--max-in-doubt", "off",
            "--ledger", str(self.folder / ledger), "--quiet",
        ]  # fmt: skip
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("GENESYS", "FLOWLAUNCH"))}
        settings = {"GENESYSCLOUD_REGION": self.sandbox.url, "GENESYSCLOUD_OAUTHCLIENT_ID": "demo",
                    "GENESYSCLOUD_OAUTHCLIENT_SECRET": "demo-secret"}  # fmt: skip
        child = ChildProcess(command, env={**kept, **settings}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.children.append(child)
        return child

    def seen_s(self) -> list[float]:
        """Return when each paced request arrived, in seconds of a steady clock."""
        return sorted(one.monotonic_s for one in self.sandbox.journal() if one.operation not in NOT_PACED)

    def launches(self) -> Counter[str]:
        """Return how often each order was launched."""
        return Counter(one.inputs["Flow.orderId"] for one in self.sandbox.launches())

    def wait_for(self, requests: int, longest_s: float = 60.0) -> None:
        """Wait until so many paced requests arrived."""
        ends_s = time.monotonic() + longest_s
        asked_s = time.monotonic()
        while self._arrived() < requests:
            now_s = time.monotonic()
            self.stalled_s, asked_s = max(self.stalled_s, now_s - asked_s), now_s
            if now_s > ends_s:
                raise AssertionError(f"only {self._arrived()} of {requests} requests arrived")
            time.sleep(0.05)

    def _arrived(self) -> int:
        """Count the requests so far, those for tokens among them, without holding up the sandbox that serves them."""
        last = self.sandbox.journal(limit=1)
        return last[-1].number if last else 0

    def close(self) -> None:
        """End what still runs."""
        for child in self.children:
            if child.poll() is None:
                child.send_signal(signal.SIGKILL)
            child.wait()
            if child.stderr is not None:
                child.stderr.close()


@contextmanager
def pace_world(folder: Path, journal_size: int = 10_000) -> Iterator[PaceWorld]:
    """Open a world; its processes end with it."""
    with Sandbox(rate_per_minute=None, journal_size=journal_size) as sandbox:
        world = PaceWorld(folder, sandbox)
        try:
            yield world
        finally:
            world.close()


def killed_and_resumed(world: PaceWorld, per_minute: float, kill_at: int, requests: int) -> None:
    """Kill -9 a batch after so many requests, start it again at once, and wait for the rest of them."""
    file = world.rows("orders", requests * 2)
    first = world.start(file, per_minute)
    world.wait_for(kill_at, kill_at * MINUTE_S / per_minute + 60.0)
    first.send_signal(signal.SIGKILL)
    first.wait()
    world.start(file, per_minute)
    world.wait_for(requests, requests * MINUTE_S / per_minute + 120.0)


def side_by_side(world: PaceWorld, per_minute: float, requests: int, processes: int = 4) -> None:
    """Run batches of several files at once on one ledger until so many requests arrived."""
    for number in range(processes):
        world.start(world.rows(f"file{number}", requests), per_minute)
    world.wait_for(requests, requests * MINUTE_S / per_minute + 120.0)
