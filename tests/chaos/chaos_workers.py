"""Many machines under fire: workers die, sleep, lose their network and the right time, and the database is struck."""

import asyncio
import json
import signal
import sys
import time
from types import MappingProxyType
from urllib.parse import urlsplit

from chaos_database import DatabaseClock, let_in
from chaos_history import History, Said, Seen, findings_of
from chaos_network import WAYS
from chaos_proxy import Proxy
from chaos_siege import DRIFTS, IS_LONG, JUMPS_S, LAUNCH, READ, Siege

from flowlaunch import AsyncClient
from flowlaunch.batch.decisions import Decision, Prepared, RowPlan
from flowlaunch.batch.ledger import BatchSpec, handovers, open_ledger
from flowlaunch.batch.permits import client_key
from flowlaunch.batch.states import RowState

ROWS, WORKERS, PACE = (3_000, 4, 3_000) if IS_LONG else (200, 3, 6_000)
CONCURRENCY = 8
TAKEOVER_S = 20.0 if IS_LONG else 4.0
ORDER_FLOW = "f0000000-0000-4000-8000-000000000001"
RECORDED = {"pace_per_minute": PACE, "concurrency": CONCURRENCY, "ramp": [], "max_failed": None, "max_in_doubt": None,
            "timeout_s": 3.0, "track": True}  # fmt: skip
AT_WORK = {RowState.PENDING, RowState.LAUNCHING, RowState.LAUNCHED}


LOOKS = {
    "job": "SELECT id, task_name, queue_name, status, scheduled_at, attempts, worker_id, args"
    " FROM flowlaunch_jobs.procrastinate_jobs",
    "queue's worker": "SELECT id, last_heartbeat, clock_timestamp() FROM flowlaunch_jobs.procrastinate_workers",
    "process": "SELECT id, host, pid, heartbeat_us, is_draining FROM flowlaunch.worker_processes",
    "worker": "SELECT * FROM flowlaunch.workers",
    "duty": "SELECT * FROM flowlaunch.duties",
    "handover": "SELECT * FROM flowlaunch.handovers",
    "client": "SELECT * FROM flowlaunch.pace_clients",
    "session": "SELECT client_addr, state, wait_event, xact_start, left(query, 80) FROM pg_stat_activity"
    " WHERE datname = current_database() AND state <> 'idle'",
}


def row_plan(number):
    data = {"Flow.customerName": "Ada", "Flow.orderId": f"order-{number}"}
    prepared = Prepared(row_number=number, line=number + 1, key=f"k{number}", input_data=data, token=f"t{number}")
    return RowPlan(row_number=number, line=number + 1, decision=Decision(kind="launch", reason="ready"),
                   prepared=prepared)  # fmt: skip


class WorkersSiege(Siege):
    """A batch in PostgreSQL, workers on machines of their own, and what is done to them."""

    SETTINGS = MappingProxyType({})
    """Of the database server."""

    def __init__(self, sandbox, server, network, folder, seed):
        super().__init__(sandbox, seed)
        self.server, self.network, self.folder = server, network, folder
        self.settings = let_in(server, network, **self.SETTINGS)
        place = urlsplit(sandbox.url)
        self.service = Proxy(place.hostname, place.port, at=network.address)
        self.url = f"http://{network.address}:{self.service.port}"
        self.database = server.database()
        self.clock = DatabaseClock(server, self.database)
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

    # workers -------------------------------------------------------------------------------------------------

    def start_worker(self):
        environment = {
            "FLOWLAUNCH_LEDGER": self.database.replace("@127.0.0.1:", f"@{self.network.address}:"),
            "GENESYSCLOUD_REGION": self.url,
            "GENESYSCLOUD_OAUTHCLIENT_ID": "demo",
            "GENESYSCLOUD_OAUTHCLIENT_SECRET": "demo-secret",
        }
        words = ("worker", "run", "--takeover", str(TAKEOVER_S))
        self.workers.append(self.network.machine(words, environment, folder=self.folder, database=self.server))

    def one(self):
        """Return some worker; one that could not begin, as the database was away, is started again first."""
        for ended in [worker for worker in self.workers if worker.process.poll() is not None]:
            self.replace(ended)
        return self.chance.choice(self.workers)

    def replace(self, worker):
        self.workers.remove(worker)
        worker.close()
        self.start_worker()
        self.doubts += CONCURRENCY

    def kill(self):
        worker = self.one()
        worker.end()
        self.replace(worker)

    def lose_machine(self):
        """One is gone, and neither the database nor the service is told."""
        worker = self.one()
        worker.lose()
        self.replace(worker)

    def sleep(self):
        """Stop a worker for longer than it is missed, while others go on."""
        worker = self.one()
        worker.process.send_signal(signal.SIGSTOP)
        time.sleep(TAKEOVER_S * 1.3)
        worker.process.send_signal(signal.SIGCONT)
        self.doubts += CONCURRENCY

    def cut_off(self):
        self.one().cut()
        self.doubts += CONCURRENCY

    def partition(self):
        """Drop what goes to a worker, what comes from it, or both; mostly for less time than it is missed."""
        worker, way = self.one(), self.chance.choice(WAYS)
        self.story.append(way)
        worker.partition(way)
        if self.chance.random() < 0.25:
            time.sleep(TAKEOVER_S * 1.3)
        else:
            self.pause()
        worker.heal()
        self.doubts += CONCURRENCY

    def jump_clock(self):
        off_s = self.chance.choice(JUMPS_S)
        self.story.append(f"{off_s:+g}s")
        self.one().clock.jump_to(off_s)

    def drift_clock(self):
        s_per_s = self.chance.choice(DRIFTS)
        self.story.append(f"{s_per_s:+g}s/s")
        self.one().clock.drift(s_per_s)

    # what they stand on --------------------------------------------------------------------------------------

    def lose_service(self):
        self.service.partition()
        self.pause()
        self.service.heal()
        self.doubts += CONCURRENCY * WORKERS

    def crash_database(self):
        self.server.stop(signal.SIGQUIT)
        self.pause()
        self.server.start(**self.settings)
        self.doubts += CONCURRENCY * WORKERS

    def restart_database(self):
        self.server.stop()
        self.server.start(**self.settings)
        self.doubts += CONCURRENCY * WORKERS

    def jump_database_clock(self):
        """Everybody seems to have been silent for an hour, or to come from the future."""
        off_s = self.chance.choice(JUMPS_S)
        self.story.append(f"{off_s:+g}s")
        self.clock.jump_to(off_s)
        self.doubts += CONCURRENCY * WORKERS

    BLOWS = ("kill", "lose_machine", "sleep", "cut_off", "partition", "partition", "jump_clock", "jump_clock",
             "drift_clock", "lose_service", "crash_database", "restart_database", "storm", "storm",
             *("jump_database_clock",) * IS_LONG)  # fmt: skip
    """A jump of the database's clock costs everybody a minute of silence: too much for the short form."""
    HOW_MANY = 16 if IS_LONG else 4

    # the story -----------------------------------------------------------------------------------------------

    def counts(self):
        with open_ledger(self.database) as ledger:
            return {one.state: one.rows for one in ledger.counts(self.batch_id)}

    def rage(self):
        """Strike, then wait until no row waits and no execution is followed any more."""
        for _ in range(WORKERS):
            self.start_worker()
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

    def judged(self):
        """Rage, print the story and return what the judge finds."""
        try:
            self.rage()
            history = self.history()
        except AssertionError as error:
            raise AssertionError(f"{self}: {error}\n{self._standing()}") from error
        finally:
            self.close()
        states = {state.value: sum(row.state is state for row in history.rows) for state in RowState}
        sys.stdout.write(f"{self} -> { {state: rows for state, rows in states.items() if rows} }\n")
        assert history.tries_the_pace or not IS_LONG
        return findings_of(history)

    def _standing(self):
        """Tell how everything stands, for who looks for the defect."""
        found = [f"rows: {self.counts()}"]
        name = self.database.rpartition("/")[2]
        for what, query in LOOKS.items():
            found += [f"{what}: {one}" for one in self.server.admin(query, name)]
        found += [f"{path.name}: {path.read_text('utf-8', 'replace')[-1_500:]}" for path in self.folder.glob("*.log")]
        return "\n".join(found)

    def close(self):
        for worker in self.workers:
            worker.close()
        self.service.close()

    def __str__(self):
        return f"{super().__str__()} ({self.network.kind})"
