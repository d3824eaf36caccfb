"""The commands: batch run hands its rows to workers and looks on; worker list and watch show who is there."""

import json
import signal
import subprocess
import sys

import pytest
from worker_world import LONGEST_S, ORDER_FLOW, UNHURRIED_S

from child_processes import ChildProcess
from flowlaunch.batch.ledger import crew, handovers

pytestmark = pytest.mark.timeout(300)  # several processes begin, on machines with other work


def run_command(world, rows, *more):
    source = world.file_of_rows(rows)
    return ["batch", "run", str(source), "--flow", ORDER_FLOW, "--yes", "--rate", "off", "--ramp", "off", *more]


def test_batch_run_hands_its_rows_to_the_workers_and_tells_how_it_ended(worker_world):
    """With workers there, `batch run` launches nothing itself, shows progress, and ends as the batch did."""
    worker_world.start(2)
    done = worker_world.run(*run_command(worker_world, 80, "-o", "jsonl"))
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines() if '"kind"' in line]
    kinds = [one["kind"] for one in events]
    assert kinds[:2] == ["created", "loaded"]
    assert "workers" in kinds
    assert kinds[-1] == "progress"
    assert events[-1]["counts"]["completed"] == 80
    assert sum(one.launched for one in crew.present(worker_world.ledger.store)) <= 80
    assert set(worker_world.launches().values()) == {1}
    password = worker_world.url.split(":")[2].split("@")[0]
    assert password not in done.stdout + done.stderr


def test_batch_run_works_here_when_there_is_no_worker_or_it_is_told_to(worker_world):
    """Without workers, and with --here, the rows leave from the process of the command."""
    done = worker_world.run(*run_command(worker_world, 20))
    assert done.returncode == 0, done.stderr
    assert handovers.find(worker_world.ledger.store, 1) is None
    worker_world.start()
    done = worker_world.run(*run_command(worker_world, 20, "--here", "--new"))
    assert done.returncode == 0, done.stderr
    assert handovers.find(worker_world.ledger.store, 2) is None
    assert set(worker_world.launches().values()) == {2}


def test_ctrl_c_ends_the_looking_on_and_the_workers_go_on(worker_world):
    """An interrupted `batch run` says that the workers go on; they do, and `batch watch` sees it through."""
    worker_world.takeover_s = UNHURRIED_S
    worker_world.start()
    command = [sys.executable, "-m", "flowlaunch", *run_command(worker_world, 100), "--rate", "1200"]
    looking_on = ChildProcess(command, env=worker_world.environment(), stderr=subprocess.PIPE, text=True)
    worker_world.until(lambda: worker_world.ledger.batches() and worker_world.left(1) >= 10)
    looking_on.send_signal(signal.SIGINT)
    _, said = looking_on.communicate(timeout=LONGEST_S)
    assert looking_on.returncode == 130
    assert "the workers go on" in said
    watched = worker_world.run("batch", "watch", worker_world.url, "--interval", "1")
    assert watched.returncode == 0, watched.stderr
    assert worker_world.counts(1) == {"completed": 100}


def test_the_list_of_workers_says_who_is_there_and_what_each_does(worker_world):
    """`worker list` has host, pid, batch, rows in hand, speed, memory and sign of life of each worker."""
    batch_id = worker_world.load(400, pace_per_minute=1_200.0, track=False)
    worker = worker_world.start()[0]
    worker_world.until(lambda: worker_world.left(batch_id) >= 40)
    listed = worker_world.until(lambda: [one for one in records(worker_world) if one["launched"] or one["in_hand"]])
    assert listed[0]["pid"] == worker.pid
    assert listed[0]["batches"] == str(batch_id)
    assert listed[0]["state"] == "working"
    assert listed[0]["memory_mb"] > 10
    watched = worker_world.run("worker", "watch", "--times", "1")
    assert str(worker.pid) in watched.stdout


def records(world):
    return json.loads(world.run("worker", "list", "-o", "json").stdout)


@pytest.mark.parametrize("command", [("worker", "run"), ("worker", "list")])
def test_a_ledger_in_a_file_is_refused_with_the_way_out(worker_world, command):
    """Workers need a database that all machines reach; the error says how to move the ledger there."""
    done = worker_world.run(*command, "--ledger", "people.ledger")
    assert done.returncode == 2
    assert "ledger copy" in done.stderr


def test_draining_a_worker_that_is_not_there_is_an_error(worker_world):
    """A worker's id that nobody has is told, and nobody is asked to leave."""
    worker = worker_world.start()[0]
    done = worker_world.run("worker", "drain", "zzzz")
    assert done.returncode == 2
    assert "no such worker" in done.stderr
    assert worker.poll() is None
