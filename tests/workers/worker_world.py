"""A world for tests of workers: PostgreSQL, a sandbox, and workers as processes of their own."""

from __future__ import annotations

import csv
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from child_processes import ChildProcess, run_child
from flowlaunch import AsyncClient
from flowlaunch.batch.decisions import Decision, Prepared, RowPlan
from flowlaunch.batch.ledger import BatchSpec, Change, crew, handovers, open_ledger
from flowlaunch.batch.permits import client_key
from flowlaunch.batch.states import RowState
from flowlaunch.batch.work import row_counts

ORDER_FLOW = "f0000000-0000-4000-8000-000000000001"
LONGEST_S = 60.0
TAKEOVER_S = 4.0
UNHURRIED_S = 20.0
"""For tests in which nobody dies: a worker that a busy machine lets wait is not held for dead."""
HASTY = (str(Path(__file__).with_name("hasty_worker.py")),)
"""The program with less patience for a database that is away."""
IS_LONG = os.environ.get("FLOWLAUNCH_CHAOS") == "1"


def row_plan(number, **decided):
    """A row with an order of its own number."""
    row = Prepared(row_number=number, line=number + 1, key=f"k{number}", token=f"token-{number}",
                   input_data={"Flow.customerName": "Ada", "Flow.orderId": f"order-{number}"}, **decided)  # fmt: skip
    decision = Decision(kind="launch", reason="ready", **decided)
    return RowPlan(row_number=number, line=number + 1, decision=decision, prepared=row)


class WorkerWorld:
    """One ledger, one sandbox, and the workers that a test starts."""

    def __init__(self, url, sandbox, folder):
        self.url, self.sandbox, self.folder = url, sandbox, folder
        self.ledger = open_ledger(url)
        self.workers = []
        self.key = key_of(sandbox.url, "demo")
        self.takeover_s = TAKEOVER_S
        self.workers_url = url
        self.program = ("-m", "flowlaunch")

    # batches -------------------------------------------------------------------------------------------------

    def load(self, rows, *, hand_over=True, priority=10, **settings):
        """Record a batch; its rows are not paced, not ramped and followed unless `settings` say otherwise."""
        given = {"pace_per_minute": None, "ramp": [], "concurrency": 8, "max_in_doubt": None, **settings}
        spec = BatchSpec(source="rows", flow_id=ORDER_FLOW, flow_version="1.0", settings=given)
        batch_id = self.ledger.create_batch(spec)
        plans = (row_plan(number) for number in range(1, rows + 1)) if isinstance(rows, int) else rows
        self.ledger.add_rows(batch_id, plans)
        self.ledger.finish_loading(batch_id)
        if priority != 10:
            self.ledger.control(batch_id, by="test", change=Change(priority=priority))
        if hand_over:
            handovers.give(self.ledger.store, batch_id, client_key=self.key, profile="")
        return batch_id

    def file_of_rows(self, rows):
        path = self.folder / "people.csv"
        with path.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["customerName", "orderId"])
            writer.writerows(["Ada", f"order-{number}"] for number in range(1, rows + 1))
        return path

    def counts(self, batch_id):
        return {state: rows for state, rows in row_counts(self.ledger, batch_id).items() if rows}

    def left(self, batch_id):
        """How many rows have left or may have."""
        counts = self.counts(batch_id)
        return sum(counts.get(state, 0) for state in ("launched", "completed", "failed", "in_doubt", "refused"))

    def has_ended(self, batch_id):
        return handovers.find(self.ledger.store, batch_id).done_us is not None

    def kinds(self, batch_id):
        return [one.kind for one in self.ledger.events(batch_id)]

    def doubtful_orders(self, batch_id):
        return {f"order-{row.number}" for row in self.ledger.rows(batch_id) if row.state is RowState.IN_DOUBT}

    def launches(self):
        """How often each order was launched, by the sandbox's journal."""
        return Counter(one.inputs["Flow.orderId"] for one in self.sandbox.launches())

    # processes -----------------------------------------------------------------------------------------------

    def environment(self, client_id="demo", **more):
        return {
            **{name: text for name, text in os.environ.items() if not name.startswith(("GENESYS", "FLOWLAUNCH"))},
            "GENESYSCLOUD_REGION": self.sandbox.url,
            "GENESYSCLOUD_OAUTHCLIENT_ID": client_id,
            "GENESYSCLOUD_OAUTHCLIENT_SECRET": f"{client_id}-secret",
            "FLOWLAUNCH_LEDGER": self.workers_url,
            "FLOWLAUNCH_KEYRING": "off",
            **more,
        }

    def start(self, many=1, *options, client_id="demo", **environment):
        """Start workers and return them once they are on the list."""
        command = [sys.executable, *self.program, "worker", "run", "--takeover", str(self.takeover_s), *options]
        started = []
        for _ in range(many):
            log = (self.folder / f"worker-{len(self.workers)}.log").open("wb")
            with log:
                one = ChildProcess(command, env=self.environment(client_id, **environment), stdout=log, stderr=log)
            self.workers.append(one)
            started.append(one)
        pids = {one.pid for one in started}
        self.until(lambda: pids <= {one.pid for one in crew.present(self.ledger.store)})
        return started

    def run(self, *arguments, **environment):
        """Run a command of the program to its end."""
        return run_child([sys.executable, "-m", "flowlaunch", *arguments], env=self.environment(**environment),
                              capture_output=True, text=True, timeout=LONGEST_S, check=False)  # fmt: skip

    def kill(self, worker):
        worker.kill()
        worker.wait(LONGEST_S)

    def log_of(self, worker):
        return (self.folder / f"worker-{self.workers.index(worker)}.log").read_text("utf-8", "replace")

    def until(self, holds, longest_s=LONGEST_S):
        """Return what `holds` returns once that is true."""
        ends_s = time.monotonic() + longest_s
        while not (found := holds()):
            if time.monotonic() > ends_s:
                raise TimeoutError(f"it did not come about; workers said: {self._said()}")
            time.sleep(0.02)
        return found

    def _said(self):
        held = [handovers.find(self.ledger.store, one.batch_id) for one in self.ledger.batches()]
        with self.ledger.store.read("look at the jobs") as connection:
            jobs = connection.exec_driver_sql("SELECT * FROM flowlaunch_jobs.procrastinate_jobs").all()
        logs = {one.pid: self.log_of(one)[-800:] for one in self.workers}
        return f"{logs}; batches: {held}; jobs: {jobs}; workers: {self.ledger.workers()}"

    def close(self):
        for one in self.workers:
            if one.poll() is None:
                one.send_signal(signal.SIGCONT)
                one.kill()
                one.wait(LONGEST_S)
        self.ledger.close()


def key_of(url, client_id):
    """Whose budget an OAuth client spends."""
    return client_key(AsyncClient(url, client_id=client_id, client_secret=f"{client_id}-secret"))
