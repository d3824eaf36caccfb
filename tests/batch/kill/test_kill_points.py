"""Killed at every write and every send, resumed, and judged by the sandbox's journal."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from child_processes import ChildProcess
from flowlaunch.batch.ledger import open_ledger
from flowlaunch.batch.states import RowState
from flowlaunch.sandbox import Sandbox

CHILD = Path(__file__).parent / "batch_child.py"
EVERY_POINT = bool(os.environ.get("FLOWLAUNCH_CHAOS"))
STRIDES = {"sqlite": 1, "postgresql": 1} if EVERY_POINT else {"sqlite": 9, "postgresql": 23}
SPEEDS = {"sqlite": 20.0, "postgresql": 4.0}
"""How fast time flies: a slot must not be late by the time that its reservation is on a server's disk."""
ROWS, CONCURRENCY = 6, 3
MOST_POINTS = 1_000


class Trials:
    """Runs trials of one small batch each, killed once or twice, on one sandbox; each in a ledger of its own."""

    def __init__(self, url, make_place, speed):
        self.url, self._make_place, self._places, self.speed = url, make_place, {}, speed
        self.children = ChildProcess([sys.executable, str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True)  # fmt: skip
        self.epoch_s = time.time()
        self.run("warm", 0)

    def place(self, trial):
        if trial not in self._places:
            self._places[trial] = self._make_place(trial)
        return self._places[trial]

    def run(self, trial, kill_at):
        order = {"ledger": self.place(trial), "url": self.url, "prefix": trial, "rows": ROWS,
                 "kill_at": kill_at, "epoch_s": self.epoch_s, "speed": self.speed}  # fmt: skip
        self.children.stdin.write(json.dumps(order) + "\n")
        self.children.stdin.flush()
        ended = json.loads(self.children.stdout.readline())
        assert ended["code"] == 0, ended["told"]
        return ended

    def close(self):
        self.children.stdin.close()
        self.children.wait(30)
        self.children.stdout.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def trials(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kill")
    databases = []

    def in_server(_trial):
        server = request.getfixturevalue("postgres_server")
        databases.append(server.database(template=request.getfixturevalue("ledger_template")))
        return databases[-1]

    make_place = in_server if request.param == "postgresql" else lambda trial: str(folder / f"{trial}.db")
    with Sandbox(rate_per_minute=None, journal_size=50) as sandbox:
        made = Trials(sandbox.url, make_place, SPEEDS[request.param])
        made.sandbox, made.stride = sandbox, STRIDES[request.param]
        yield made
        made.close()
    for url in databases:
        request.getfixturevalue("postgres_server").drop(url)


def judge(trials, trial):
    """Compare the ledger with what the sandbox launched; return how many rows are in doubt."""
    launches = trials.sandbox.launches()
    of_trial = [one for one in launches if str(order_of(one)).rsplit("-", 1)[0] == trial]
    by_row = Counter(int(order_of(one).rsplit("-", 1)[1]) for one in of_trial)
    ids = {one.execution_id: int(order_of(one).rsplit("-", 1)[1]) for one in of_trial}
    assert max(by_row.values(), default=0) <= 1, f"{trial}: launched twice: {by_row}"
    with open_ledger(trials.place(trial), create=False) as ledger:
        (batch,) = ledger.batches()
        rows = list(ledger.rows(batch.batch_id))
    assert len(rows) == ROWS
    for row in rows:
        if row.state is not RowState.IN_DOUBT:
            assert row.state is RowState.COMPLETED, f"{trial}: row {row.number} is {row.state}"
            assert ids[row.execution_id] == row.number
    doubtful = sum(row.state is RowState.IN_DOUBT for row in rows)
    assert sum(by_row.values()) >= ROWS - doubtful
    return doubtful


def order_of(launch):
    return launch.inputs["Flow.orderId"]


def enumerate_points(trials, name, stride, second):
    """Kill at every `stride`th point until a run ends by itself; `second` kills the resumed run too."""
    kill_at, points = 1, []
    while kill_at < MOST_POINTS:
        trial = f"{name}{kill_at}"
        ended = trials.run(trial, kill_at)
        if not ended["signal"]:
            judge(trials, trial)
            return points
        points.append(ended["told"])
        killed = 1
        if second:
            killed += trials.run(trial, second(kill_at))["signal"] == 9
        trials.run(trial, 0)
        assert judge(trials, trial) <= CONCURRENCY * killed
        kill_at += stride
    raise AssertionError("the batch never ended")


@pytest.mark.timeout(600)
def test_a_batch_killed_anywhere_launches_each_row_once_and_loses_none(trials):
    """Killed at each write and send and resumed: no duplicates, no loss, in doubt at most what was in flight."""
    points = enumerate_points(trials, "once", trials.stride, None)

    kinds = {point.split(" ", 1)[1].split(":")[0] for point in points}
    assert len(points) * trials.stride > 60
    assert {"before", "after"} <= kinds


@pytest.mark.timeout(600)
def test_a_batch_killed_again_while_it_resumes_is_safe_too(trials):
    """Killed at a point, killed once more while it resumes, and resumed: the same holds."""
    points = enumerate_points(trials, "twice", trials.stride * 3, lambda first: 5 + first * 7 % 60)

    assert points
