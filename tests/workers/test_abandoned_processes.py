"""No process of a test outlives the run, however that ends."""

import os
import sys
import time
from pathlib import Path

import pytest

from child_processes import ChildProcess
from flowlaunch.batch.ledger.liveness import process_exists

RUN = Path(__file__).with_name("abandoned_run.py")
LONGEST_S = 60.0


def until(holds):
    ends_s = time.monotonic() + LONGEST_S
    while not holds():
        assert time.monotonic() < ends_s, "it did not come about"
        time.sleep(0.02)


@pytest.mark.parametrize("how", ["kill", "time-limit"])
def test_a_run_that_is_ended_leaves_no_process_behind(tmp_path, how):
    """A run killed, or ended by its time limit, takes workers, sandboxes, gateways and PostgreSQL with it."""
    told = tmp_path / "pids"
    limit_s = "100" if how == "kill" else "0.5"
    command = [sys.executable, "-m", "pytest", str(RUN), "-q", "-p", "no:cacheprovider", "-p", "no:randomly",
               "-o", "timeout_func_only=true", "--timeout", limit_s]  # fmt: skip
    settings = os.environ | {"ABANDONED_PIDS": str(told)}
    with (tmp_path / "log").open("wb") as log:
        run = ChildProcess(command, env=settings, stdout=log, stderr=log)
    try:
        until(lambda: told.exists() and told.read_text().count(" ") == 3)
        pids = [int(one) for one in told.read_text().split()]
        if how == "kill":
            assert [pid for pid in pids if not process_exists(pid)] == [], (tmp_path / "log").read_text()
            run.kill()
        assert run.wait(LONGEST_S) != 0
    finally:
        run.kill()
        run.wait()
    until(lambda: not any(process_exists(pid) for pid in pids))
