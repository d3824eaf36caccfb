"""Many machines under fire: workers die, sleep, are cut from their database, and the database itself is struck.

Each worker reaches PostgreSQL through a wire of its own, and all reach the sandbox through one. A seed makes the
whole story, as on one machine.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest
from chaos_history import History, Said, Seen, findings_of
from chaos_proxy import Proxy
from chaos_siege import IS_LONG, LAUNCH, READ, Siege, seeds

from flowlaunch import AsyncClient
from flowlaunch.batch.decisions import Decision, Prepared, RowPlan
from flowlaunch.batch.ledger import BatchSpec, handovers, open_ledger
from flowlaunch.batch.permits import client_key
from flowlaunch.batch.states import RowState
from flowlaunch.sandbox import Sandbox
from postgres_server import bring_up

ROWS, BLOWS_IN_ALL, WORKERS = (3_000, 16, 4) if IS_LONG else (200, 4, 3)
CONCURRENCY = 8
PACE = 6_000
ORDER_FLOW = "f0000000-0000-4000-8000-000000000001"
RECORDED = {"pace_per_minute": PACE, "concurrency": CONCURRENCY, "ramp": [], "max_failed": None, "max_in_doubt": None,
            "timeout_s": 3.0, "track": True}  # fmt: skip
AT_WORK = {RowState.PENDING, RowState.LAUNCHING, RowState.LAUNCHED}


def row_plan(number):
    data = {"Flow.customerName": "Ada", "Flow.orderId": f"order-{number}"}
    prepared = Prepared(row_number=number, line=number + 1, key=f"k{number}", input_data=data, token=f"t{number}")
    return RowPlan(row_number=number, line=number + 1, decision=Decision(kind="launch", reason="ready"),
                   prepared=prepared)  # fmt: skip


class Worker:
    """One `flowlaunch worker run`, with a wire of its own to the database."""

    def __init__(self, siege):
        self.wire = Proxy("127.0.0.1", siege.server.port)
        url = siege.database.replace(f":{siege.server.port}/", f":{self.wire.port}/")
        environment = {
            **os.environ,
            "FLOWLAUNCH_LEDGER": url,
            "GENESYSCLOUD_REGION": siege.url,
            "GENESYSCLOUD_OAUTHCLIENT_ID": "demo",
            "GENESYSCLOUD_OAUTHCLIENT_SECRET": "demo-secret",
        }
        self.log = (siege.folder / f"worker-{self.wire.port}.log").open("wb")
        self.process = subprocess.Popen([sys.executable, "-m", "flowlaunch", "worker", "run"], env=environment,
                                        stdout=self.log, stderr=self.log)  # fmt: skip

    def end(self):
        """Kill it; its wire goes with it."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait(10)
        self.wire.close()
        self.log.close()


class WorkersSiege(Siege):
    """A batch in PostgreSQL, workers on it, and what is done to them."""

    BLOWS = ("kill", "kill", "sleep", "cut_off", "partition", "lose_service", "crash_database", "restart_database",
             "storm", "storm")  # fmt: skip
    HOW_MANY = BLOWS_IN_ALL

    def __init__(self, sandbox, server, folder, seed):
        super().__init__(sandbox, seed)
        self.server, self.folder = server, folder
        place = urlsplit(sandbox.url)
        self.service = Proxy(place.hostname, place.port)
        self.url = f"http://127.0.0.1:{self.service.port}"
        self.database = server.database()
        self.workers = []
        self.batch_id = self._hand_over()

    def _hand_over(self):
        with open_ledger(self.database) as ledger:
            batch_id = ledger.create_batch(
                BatchSpec(source="rows", flow_id=ORDER_FLOW, flow_version="1.0", settings=RECORDED)
            )
            ledger.add_rows(batch_id, map(row_plan, range(1, ROWS + 1)))
            ledger.finish_loading(batch_id)
            handovers.give(ledger.store, batch_id, client_key=asyncio.run(self._client_key()), profile="")
        return batch_id

    async def _client_key(self):
        async with AsyncClient(self.url, client_id="demo", client_secret="demo-secret") as client:
            return client_key(client)

    def one(self):
        return self.chance.choice(self.workers)

    def kill(self):
        worker = self.one()
        self.workers.remove(worker)
        worker.end()
        self.doubts += CONCURRENCY
        self.workers.append(Worker(self))

    def sleep(self):
        """Stop a worker for longer than it is missed, while others go on."""
        worker = self.one()
        worker.process.send_signal(signal.SIGSTOP)
        time.sleep(26.0 if IS_LONG else 2.0)
        worker.process.send_signal(signal.SIGCONT)
        self.doubts += CONCURRENCY

    def cut_off(self):
        self.one().wire.cut()
        self.doubts += CONCURRENCY

    def partition(self):
        wire = self.one().wire
        wire.partition()
        self.pause()
        wire.heal()
        self.doubts += CONCURRENCY

    def lose_service(self):
        self.service.partition()
        self.pause()
        self.service.heal()
        self.doubts += CONCURRENCY * WORKERS

    def crash_database(self):
        self.server.stop(signal.SIGQUIT)
        self.pause()
        self.server.start()
        self.doubts += CONCURRENCY * WORKERS

    def restart_database(self):
        self.server.stop()
        self.server.start()
        self.doubts += CONCURRENCY * WORKERS

    def counts(self):
        with open_ledger(self.database) as ledger:
            return {one.state: one.rows for one in ledger.counts(self.batch_id)}

    def rage(self):
        """Strike, then wait until no row waits and no execution is followed any more."""
        self.workers = [Worker(self) for _ in range(WORKERS)]
        self.strike(ROWS, self.HOW_MANY)
        self.until(lambda: not AT_WORK & self.counts().keys())

    def history(self):
        with open_ledger(self.database) as ledger:
            rows = tuple(
                Said(json.loads(row.payload)["Flow.orderId"], row.state, row.execution_id)
                for row in ledger.rows(self.batch_id)
            )
        return History(
            launches=tuple(Seen(one.inputs["Flow.orderId"], one.execution_id) for one in self.sandbox.launches()),
            rows=rows,
            sent_s=tuple(one.monotonic_s for one in self.sandbox.journal() if one.operation in {LAUNCH, READ}),
            budget_per_minute=PACE,
            most_in_doubt=self.doubts,
        )

    def close(self):
        for worker in self.workers:
            worker.end()
        self.service.close()


def judged(siege):
    """Let it rage and return what the judge finds."""
    try:
        siege.rage()
        history = siege.history()
    except AssertionError as error:
        logs = "".join(path.read_text("utf-8", "replace")[-1_500:] for path in siege.folder.glob("worker-*.log"))
        raise AssertionError(f"{siege}: {error}\n{siege.counts()}\n{logs}") from error
    finally:
        siege.close()
    states = {state.value: sum(row.state is state for row in history.rows) for state in RowState}
    sys.stdout.write(f"{siege} -> { {state: rows for state, rows in states.items() if rows} }\n")
    return findings_of(history)


@pytest.mark.timeout(1_500 if IS_LONG else 180)
@pytest.mark.parametrize("seed", seeds(short=1, long=6))
def test_nothing_is_lost_or_sent_twice_on_many_machines(tmp_path, seed):
    """Workers, wires and the database may fail in any order: each row is launched at most once, known or in doubt."""
    server = bring_up()
    try:
        with Sandbox(rate_per_minute=None, journal_size=100_000) as sandbox:
            siege = WorkersSiege(sandbox, server, tmp_path, seed)
            assert judged(siege) == [], str(siege)
    finally:
        server.close()
