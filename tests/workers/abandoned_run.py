"""A run that is ended from outside while its processes are at work; `test_abandoned_processes.py` starts it."""

import os
import sys
import threading
from pathlib import Path

import pytest

from child_processes import ChildProcess
from flowlaunch.batch.ledger import crew


@pytest.fixture
def processes(worker_world, postgres_server):
    """A worker, a sandbox, a gateway and a PostgreSQL server; their process ids are in a file."""
    worker = worker_world.start()[0]
    asked = [sys.executable, "-m", "flowlaunch"]
    served = (
        ChildProcess([*asked, "sandbox", "serve", "--port", "0"], env=worker_world.environment()),
        ChildProcess([*asked, "gateway", "serve", "--port", "0", "--ledger", str(worker_world.folder / "g.ledger")],
                     env=worker_world.environment()),
    )  # fmt: skip
    pids = [postgres_server.pid, worker.pid, *(one.pid for one in served)]
    assert crew.present(worker_world.ledger.store)
    Path(os.environ["ABANDONED_PIDS"]).write_text(" ".join(map(str, pids)))


def test_that_never_ends(processes):
    """Wait until the time limit, or whoever started this, ends the run."""
    threading.Event().wait()
