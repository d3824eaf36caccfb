"""A gateway under fire: apps ask again with the same key until they are answered, whatever happens to it."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

import pytest
from chaos_history import History, Said, Seen, findings_of
from chaos_proxy import Proxy
from chaos_siege import IS_LONG, LAUNCH, READ, Siege, seeds

from flowlaunch.batch.ledger import open_ledger
from flowlaunch.batch.states import RowState
from flowlaunch.sandbox import Sandbox

LAUNCHES, BLOWS, APPS = (2_000, 12, 24) if IS_LONG else (150, 4, 8)
CONCURRENCY = 8
PACE = 6_000
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
                   "idempotency-key": f"k{number}"}  # fmt: skip
        try:
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.siege.port, timeout=10)) as wire:
                wire.request("POST", "/v1/launches", json.dumps(body), headers)
                answer = wire.getresponse()
                return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            return None, None


class GatewaySiege(Siege):
    """One gateway process on its ledger, apps that ask it, and what is done to it."""

    BLOWS = ("kill", "kill", "freeze", "cut", "partition", "storm")

    def __init__(self, sandbox, folder, ledger, seed):
        super().__init__(sandbox, seed)
        self.folder, self.ledger = folder, ledger
        place = urlsplit(sandbox.url)
        self.service = Proxy(place.hostname, place.port)
        self.environment = {
            **os.environ,
            "GENESYSCLOUD_REGION": f"http://127.0.0.1:{self.service.port}",
            "GENESYSCLOUD_OAUTHCLIENT_ID": "demo",
            "GENESYSCLOUD_OAUTHCLIENT_SECRET": "demo-secret",
        }
        self.key = self._told("keys", "create", "apps", "--ledger", self.ledger, "-q", "-o", "json")["key"]
        self.child, self.port, self.is_closing = None, 0, False
        self.start()
        self.apps = [App(self, range(1 + first, LAUNCHES + 1, APPS)) for first in range(APPS)]

    def _command(self, *words):
        return [sys.executable, "-m", "flowlaunch", "gateway", *map(str, words)]

    def _told(self, *words):
        done = subprocess.run(self._command(*words), env=self.environment, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def start(self):
        with (self.folder / "gateway.log").open("ab") as log:
            self.child = subprocess.Popen(
                self._command("serve", "--port", self.port, "--ledger", self.ledger, "--rate", PACE,
                              "--concurrency", CONCURRENCY),
                env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        told = self.child.stdout.readline()
        assert told.startswith("http://"), (self.folder / "gateway.log").read_text("utf-8")[-2_000:]
        self.port = urlsplit(told.strip()).port

    def is_alive(self):
        return any(app.is_alive() for app in self.apps)

    def kill(self):
        self._end()
        self.doubts += CONCURRENCY
        self.start()

    def freeze(self):
        self.child.send_signal(signal.SIGSTOP)
        self.pause()
        self.child.send_signal(signal.SIGCONT)
        self.doubts += CONCURRENCY

    def cut(self):
        self.service.cut()
        self.doubts += CONCURRENCY

    def partition(self):
        self.service.partition()
        self.pause()
        self.service.heal()
        self.doubts += CONCURRENCY

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

    def _end(self):
        self.child.send_signal(signal.SIGCONT)
        self.child.kill()
        self.child.wait(10)
        self.child.stdout.close()

    def close(self):
        self.is_closing = True
        self._end()
        self.service.close()
        for app in self.apps:
            app.join(15)


@pytest.fixture
def ledger(request, tmp_path):
    """Where the gateway keeps its launches."""
    return request.getfixturevalue("postgres_url") if request.param == "postgresql" else tmp_path / "gateway.db"


@pytest.mark.timeout(900 if IS_LONG else 120)
@pytest.mark.parametrize("seed", seeds(short=1, long=4))
@pytest.mark.parametrize("ledger", ["sqlite", "postgresql"], indirect=True)
def test_every_launch_that_a_gateway_accepted_ends_and_none_runs_twice(tmp_path, ledger, seed):
    """Each launch answered with 202 is one row and one execution or in doubt, however often its app had to ask."""
    with Sandbox(rate_per_minute=None, journal_size=100_000) as sandbox:
        siege = GatewaySiege(sandbox, tmp_path, ledger, seed)
        try:
            siege.rage()
            history = siege.history()
        finally:
            siege.close()

    states = {state.value: sum(row.state is state for row in history.rows) for state in RowState}
    sys.stdout.write(f"{siege} -> { {state: rows for state, rows in states.items() if rows} }\n")
    assert findings_of(history) == [], str(siege)
    assert len(history.accepted) == len(history.rows) == LAUNCHES
