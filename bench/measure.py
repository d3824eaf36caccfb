"""Start programs, read their figures, keep medians."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(__file__)), "tests"))
from child_processes import ChildProcess, run_child

PYTHON = sys.executable
QUIET = {name: text for name, text in os.environ.items() if not name.startswith(("GENESYS", "FLOWLAUNCH", "PYTHON"))}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    ours: str
    peer: str = ""
    ratio: str = ""
    bar: str = ""


def wall_s(command, runs=7):
    """Return the median wall time of a command, in seconds; its first run does not count."""
    times = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, env=QUIET, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def program(name, *arguments, env=None, timeout_s=600):
    """Run one of `bench/programs` and return the JSON that it prints last."""
    path = os.path.join(os.path.dirname(__file__), "programs", name)
    command = [PYTHON, "-W", "ignore", path, *map(str, arguments)]
    settings = {**QUIET, **(env or {})}
    ended = run_child(command, check=True, env=settings, capture_output=True, text=True, timeout=timeout_s)
    return json.loads(ended.stdout.strip().splitlines()[-1])


@contextmanager
def sandbox(*options):
    """Run a sandbox in a process of its own, without a rate limit; yield its URL."""
    command = [PYTHON, "-m", "flowlaunch", "sandbox", "serve", "--port", "0", "--rate", "0", *options]
    process = ChildProcess(command, env=QUIET, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for line in process.stdout:
            if "http://" in line:
                yield "http://" + line.split("http://", 1)[1].split()[0].rstrip("/.,;")
                break
        else:
            raise RuntimeError("the sandbox did not start")
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def postgres():
    """Run the tests' own PostgreSQL server, with its commits on the disk as in real life."""
    from postgres_server import bring_up

    server = bring_up()
    try:
        server.stop()
        server.start(fsync="on", full_page_writes="on")
        yield server
    finally:
        server.close()


def best_of(runs, measures):
    """Return each measure's run with the smallest figure: on a shared machine noise only adds.

    They run in turn, so that a busy minute falls on all of them and not on one side of a comparison.
    """
    found = [{name: measure() for name, measure in measures.items()} for _ in range(runs)]
    return {name: min((each[name] for each in found), key=lambda run: run["cpu_us"]) for name in measures}
