"""A gateway under fire: apps ask again with the same key until they are answered, whatever happens to it."""

import contextlib
import http.client
import json
import os
import signal
import sys
import threading
import time
from urllib.parse import urlsplit

import pytest
from chaos_database import let_in
from chaos_history import History, Said, Seen, findings_of
from chaos_proxy import Proxy
from chaos_siege import IS_LONG, LAUNCH, READ, MachineSiege, seeds

from child_processes import run_child
from flowlaunch.batch.ledger import open_ledger
from flowlaunch.batch.states import RowState
from flowlaunch.sandbox import Sandbox
from postgres_server import bring_up

LAUNCHES, BLOWS, APPS, PACE = (2_000, 12, 24, 2_400) if IS_LONG else (150, 4, 8, 6_000)
AT_WORK = {RowState.PENDING, RowState.LAUNCHING, RowState.LAUNCHED}
ASK_AGAIN_S = 0.05


class App(threading.Thread):
    """An app without any library: posts launches, each with a key, until each is answered with 202."""

    def __init__(self, siege, numbers):
        super().__init__(daemon=True)
        self.siege, self.numbers = siege, numbers
        self.accepted, self.refused = {}, []

    def run(self):
        for number in self.numbers:
            while not self.siege.is_closing:
                status, answer = self.ask(number)
                if status == 202:
                    self.accepted[f"order-{number}"] = answer["id"]
                    break
                if status is not None and status < 500 and status != 429:
                    self.refused.append((status, answer))
                    return
                time.sleep(ASK_AGAIN_S)

    def ask(self, number):
        body = {"flow": "Order follow-up", "input": {"customerName": "Ada", "orderId": f"order-{number}"}}
        headers = {"authorization": f"Bearer {self.siege.key}", "content-type": "application/json",
                   "idempotency-key": f"k{number}", "host": "localhost"}  # fmt: skip
        try:
            with contextlib.closing(http.client.HTTPConnection(*self.siege.place, timeout=10)) as wire:
                wire.request("POST", "/v1/launches", json.dumps(body), headers)
                answer = wire.getresponse()
                return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            return None, None


class GatewaySiege(MachineSiege):
    """One gateway process on its ledger, apps that ask it, and what is done to it."""

    BLOWS = ("kill", "kill", "freeze", "cut", "partition", "partition", "jump", "drift", "storm")
    OF_THE_DATABASE = ("crash_database", "restart_database")

    def __init__(self, sandbox, network, folder, ledger, server, settings, seed):
        super().__init__(sandbox, seed)
        self.network, self.folder, self.ledger = network, folder, ledger
        self.server, self.settings = server, settings
        if server is not None and IS_LONG:
            self.BLOWS += self.OF_THE_DATABASE
        place = urlsplit(sandbox.url)
        self.service = Proxy(place.hostname, place.port, at=network.address)
        self.environment = {
            "GENESYSCLOUD_REGION": f"http://{network.address}:{self.service.port}",
            "GENESYSCLOUD_OAUTHCLIENT_ID": "demo",
            "GENESYSCLOUD_OAUTHCLIENT_SECRET": "demo-secret",
        }
        self.key = self._told("keys", "create", "apps", "--ledger", self.ledger, "-q", "-o", "json")["key"]
        self.place, self.is_closing = (), False
        self.start()
        self.apps = [App(self, range(1 + first, LAUNCHES + 1, APPS)) for first in range(APPS)]

    def _told(self, *words):
        done = run_child([sys.executable, "-m", "flowlaunch", "gateway", *map(str, words)], check=True,
                              env={**os.environ, **self.environment}, capture_output=True, text=True)  # fmt: skip
        return json.loads(done.stdout)

    def start(self):
        place = str(self.ledger).replace("@127.0.0.1:", f"@{self.network.address}:")
        words = ("gateway", "serve", "--host", self.network.own_host, "--port", "0", "--ledger", place, "--rate", PACE,
                 "--concurrency", self.CONCURRENCY)  # fmt: skip
        self.machine = self.network.machine(words, self.environment, folder=self.folder, database=self.server,
                                            service=self.service, named=False)  # fmt: skip
        self.until(lambda: self.machine.said().endswith("\n") or self.machine.process.poll() is not None)
        told = self.machine.said()
        assert told.startswith("http://"), self.machine.trouble()
        self.place = (self.machine.address, urlsplit(told.split()[0]).port)

    def crash_database(self):
        self.server.stop(signal.SIGQUIT)
        self.pause()
        self.server.start(**self.settings)
        self.doubts += self.CONCURRENCY

    def restart_database(self):
        self.server.stop()
        self.server.start(**self.settings)
        self.doubts += self.CONCURRENCY

    def is_alive(self):
        return any(app.is_alive() for app in self.apps)

    def states(self):
        with open_ledger(self.ledger) as ledger:
            return {count.state for batch in ledger.batches() for count in ledger.counts(batch.batch_id)}

    def rage(self):
        """Strike while apps ask, then wait until all they asked for has ended."""
        for app in self.apps:
            app.start()
        self.strike(LAUNCHES, BLOWS)
        self.until(lambda: not self.is_alive())
        assert [app.refused for app in self.apps if app.refused] == []
        self.until(lambda: not AT_WORK & self.states())

    def history(self):
        with open_ledger(self.ledger) as ledger:
            rows = tuple(
                Said(json.loads(row.payload)["Flow.orderId"], row.state, row.execution_id)
                for batch in ledger.batches()
                for row in ledger.rows(batch.batch_id)
            )
        return History(
            launches=tuple(Seen(one.inputs["Flow.orderId"], one.execution_id) for one in self.sandbox.launches()),
            rows=rows,
            sent_s=tuple(one.monotonic_s for one in self.sandbox.journal() if one.operation in {LAUNCH, READ}),
            budget_per_minute=PACE,
            most_in_doubt=self.doubts,
            accepted=tuple(order for app in self.apps for order in app.accepted),
        )

    def close(self):
        self.is_closing = True
        if self.machine is not None:
            self.machine.close()
        self.service.close()
        for app in self.apps:
            app.join(15)

    def __str__(self):
        return f"{super().__str__()} ({self.network.kind})"


@pytest.fixture
def place(request, tmp_path, machines):
    """Where the gateway keeps its launches, the database server that it is in, and how to start that."""
    if request.param == "sqlite":
        yield tmp_path / "gateway.db", None, {}
        return
    server = bring_up()
    settings = let_in(server, machines)
    yield server.database(), server, settings
    server.close()


@pytest.mark.timeout(900 if IS_LONG else 120)
@pytest.mark.parametrize("seed", seeds(short=1, long=4))
@pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)
def test_every_launch_that_a_gateway_accepted_ends_and_none_runs_twice(tmp_path, machines, place, seed):
    """Each launch answered with 202 is one row and one execution or in doubt, however often its app had to ask."""
    with Sandbox(rate_per_minute=None, journal_size=100_000, allowed_hosts=[machines.address]) as sandbox:
        siege = GatewaySiege(sandbox, machines, tmp_path, *place, seed)
        try:
            siege.rage()
            history = siege.history()
        finally:
            siege.close()

    states = {state.value: sum(row.state is state for row in history.rows) for state in RowState}
    sys.stdout.write(f"{siege} -> { {state: rows for state, rows in states.items() if rows} }\n")
    assert findings_of(history) == [], str(siege)
    assert len(history.accepted) == len(history.rows) == LAUNCHES
    assert history.tries_the_pace or not IS_LONG
