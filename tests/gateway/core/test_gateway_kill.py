"""Killed in the middle of 200 clients: what was accepted is launched once or in doubt, judged by the platform."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from urllib.parse import urlsplit

import msgspec
from gateway_process import DEADLINE_S, rows, serve, wait_until

from flowlaunch.batch.ledger import open_ledger
from flowlaunch.gateway.access.keys import Keys
from flowlaunch.sandbox import Sandbox

CLIENTS = 200
EACH = 5


class App(threading.Thread):
    """One client as apps are: it keeps a connection, and repeats a request under its key until it has an answer."""

    def __init__(self, number, netloc, key, accepted, killed):
        super().__init__(daemon=True)
        self.number, self.netloc, self.key, self.accepted, self.killed = number, netloc, key, accepted, killed
        self.until_s = time.monotonic() + DEADLINE_S

    def run(self):
        connection = http.client.HTTPConnection(self.netloc, timeout=10)
        for n in range(EACH):
            name = f"{self.number}-{n}"
            if n == EACH - 1:  # however fast they are, some of it comes after the kill
                self.killed.wait(DEADLINE_S)
            while name not in self.accepted and time.monotonic() < self.until_s:
                try:
                    self._ask(connection, name)
                except (OSError, http.client.HTTPException):
                    connection.close()
                    time.sleep(0.05)
        connection.close()

    def _ask(self, connection, name):
        body = {"flow": "Order follow-up", "input": {"customerName": "J", "orderId": name}}
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json", "idempotency-key": name}
        connection.request("POST", "/v1/launches", msgspec.json.encode(body), headers)
        answer = connection.getresponse()
        raw = answer.read()
        if answer.status == 202:
            self.accepted[name] = msgspec.json.decode(raw)["id"]
        elif answer.status not in {429, 503}:
            raise AssertionError(raw)


def test_a_kill_in_the_middle_of_200_clients_loses_and_doubles_nothing(tmp_path):
    """After kill -9 and a restart every launch that was answered with 202 ran once or is in doubt, and none twice."""
    with open_ledger(tmp_path / "g.ledger") as ledger:
        key = Keys(ledger.store).create("apps", ["launch"], who="test").key
    accepted, killed = {}, threading.Event()
    with Sandbox(rate_per_minute=None) as sandbox:
        process, url = serve(tmp_path, sandbox.url, 0)
        port = urlsplit(url).port
        apps = [App(number, urlsplit(url).netloc, key, accepted, killed) for number in range(CLIENTS)]
        try:
            for app in apps:
                app.start()
            wait_until(lambda: len(accepted) >= CLIENTS * EACH // 3)
            process.kill()
            process.wait()
            killed.set()
            before = len(accepted)
            process.stdout.close()
            process, _url = serve(tmp_path, sandbox.url, port)
            for app in apps:
                app.join(DEADLINE_S)
            wait_until(lambda: all(row.state.value in {"completed", "in_doubt"} for row in rows(tmp_path).values()))
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        launched = Counter(one.inputs["Flow.orderId"] for one in sandbox.launches())
    found = rows(tmp_path)
    assert before < CLIENTS * EACH, "the kill came too late to prove anything"
    assert set(accepted) == set(found), "every app got its answer, and every answer is in the ledger"
    assert max(launched.values()) == 1, "nothing was launched twice"
    states = Counter(row.state.value for row in found.values())
    assert all(launched[name] == 1 for name, row in found.items() if row.state.value == "completed"), states
    assert states["completed"] + states["in_doubt"] == CLIENTS * EACH
