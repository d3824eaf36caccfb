"""A gateway hands its launches to the workers of its ledger, and tells how they ended."""

import base64
import http.client
import json
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from worker_world import LONGEST_S, ORDER_FLOW

from child_processes import ChildProcess
from flowlaunch.batch.ledger import crew, handovers

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
pytestmark = pytest.mark.timeout(300)  # several processes begin, on machines with other work


def ask(url, method, path, key, body=None, **headers):
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=LONGEST_S)
    text = None if body is None else json.dumps(body)
    connection.request(
        method, path, text, {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers}
    )
    reply = connection.getresponse()
    found = json.loads(reply.read())
    connection.close()
    return reply.status, found


@contextmanager
def gateway(world, *options):
    """A gateway that launches nothing itself, and an API key of it."""
    made = world.run("gateway", "keys", "create", "crm", "--scope", "launch", "--ledger", world.url)
    key = re.search(r"flk_\S+", made.stdout + made.stderr)[0].strip('",')
    command = [sys.executable, "-m", "flowlaunch", "gateway", "serve", "--port", "0", "--workers", "--rate", "off",
               "--ledger", world.url, *options]  # fmt: skip
    settings = world.environment(FLOWLAUNCH_CALLBACK_SECRET=SECRET)
    serving = ChildProcess(command, env=settings, stdout=subprocess.PIPE, text=True)
    try:
        yield serving.stdout.readline().strip(), key
    finally:
        serving.terminate()
        serving.wait(LONGEST_S)
        serving.stdout.close()


class Receiver(BaseHTTPRequestHandler):
    """An app that is called back."""

    heard: ClassVar[list[dict]] = []

    def do_POST(self):
        self.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_words):
        """Keep quiet."""


@contextmanager
def receiver():
    """The app, and its address."""
    Receiver.heard.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(10)


def test_launches_at_a_gateway_are_done_by_workers_and_waited_for(worker_world):
    """`gateway serve --workers` launches nothing itself: workers do, and a request that waits gets its result."""
    with gateway(worker_world) as (url, key):
        worker = worker_world.start()[0]
        body = {"flow": ORDER_FLOW, "input": {"customerName": "Ada", "orderId": "o-1"}}
        status, found = ask(url, "POST", "/v1/launches", key, body, Prefer="wait=30")
        assert status == 200, found
        assert found["state"] == "completed"
        for number in range(2, 12):
            more = {"flow": ORDER_FLOW, "input": {"customerName": "Ada", "orderId": f"o-{number}"}}
            assert ask(url, "POST", "/v1/launches", key, more)[0] == 202
        worker_world.until(lambda: worker_world.counts(1).get("completed") == 11)
        assert set(worker_world.launches().values()) == {1}
        assert handovers.find(worker_world.ledger.store, 1).overrides["ends_when"] == "never"
        worker_world.until(
            lambda: {one.pid: one.launched for one in crew.present(worker_world.ledger.store)}[worker.pid] == 11
        )


def test_workers_call_back_when_the_gateway_that_took_the_wish_is_gone(worker_world):
    """A launch accepted with a callback is launched and called back by a worker with --callbacks, once."""
    with receiver() as address:
        with gateway(worker_world, "--allow-callback", address) as (url, key):
            body = {"flow": ORDER_FLOW, "input": {"customerName": "Ada", "orderId": "o-1"}, "callback": address}
            status, accepted = ask(url, "POST", "/v1/launches", key, body)
            assert status == 202, accepted
        worker_world.start(1, "--callbacks", "--allow-callback", address, FLOWLAUNCH_CALLBACK_SECRET=SECRET)
        worker_world.until(lambda: Receiver.heard)
    assert [accepted["id"] in json.dumps(one) for one in Receiver.heard] == [True]
