"""A gateway hands its launches to the workers of its ledger, and tells how they ended."""

import http.client
import json
import re
import subprocess
import sys

import pytest
from worker_world import LONGEST_S, ORDER_FLOW

from flowlaunch.batch.ledger import crew, handovers

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


def test_launches_at_a_gateway_are_done_by_workers_and_waited_for(worker_world):
    """`gateway serve --workers` launches nothing itself: workers do, and a request that waits gets its result."""
    made = worker_world.run("gateway", "keys", "create", "crm", "--scope", "launch", "--ledger", worker_world.url)
    key = re.search(r"flk_\S+", made.stdout + made.stderr)[0].strip('",')
    command = [sys.executable, "-m", "flowlaunch", "gateway", "serve", "--port", "0", "--workers", "--rate", "off",
               "--ledger", worker_world.url]  # fmt: skip
    serving = subprocess.Popen(command, env=worker_world.environment(), stdout=subprocess.PIPE, text=True)
    try:
        url = serving.stdout.readline().strip()
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
    finally:
        serving.terminate()
        serving.wait(20)
        serving.stdout.close()
