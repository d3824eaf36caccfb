"""Ending a gateway: in order at the first signal, at once at the second, and what is left for the next one."""

from __future__ import annotations

import http.client
import signal
import socket
import threading
from urllib.parse import urlsplit

import msgspec
from gateway_process import rows, serve, wait_until

from flowlaunch.batch.ledger import open_ledger
from flowlaunch.gateway.access.keys import Keys
from flowlaunch.sandbox import Delay, Hang, Sandbox


def ask(url, key, number, prefer=""):
    """Launch once; return status and body."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=90)
    body = {"flow": "Order follow-up", "input": {"customerName": "J", "orderId": number}}
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json", "prefer": prefer}
    connection.request("POST", "/v1/launches", msgspec.json.encode(body), headers)
    answer = connection.getresponse()
    found = answer.status, msgspec.json.decode(answer.read())
    connection.close()
    return found


def is_shut(url):
    """Tell whether nobody listens there any more."""
    with socket.socket() as probe:
        return probe.connect_ex((urlsplit(url).hostname, urlsplit(url).port)) != 0


def made_key(folder):
    with open_ledger(folder / "g.ledger") as ledger:
        return Keys(ledger.store).create("apps", ["launch"], who="test").key


def test_a_signal_ends_the_gateway_in_order(tmp_path):
    """At SIGTERM a launch under way is finished and recorded, who waits for it is answered, and the exit is clean."""
    key = made_key(tmp_path)
    with Sandbox(rate_per_minute=None) as sandbox:
        process, url = serve(tmp_path, sandbox.url, 0)
        try:
            assert ask(url, key, "s-0", "wait=20")[0] == 200
            sandbox.faults.next("executions.launch", Delay(4.0))
            answers = []
            waiting = threading.Thread(target=lambda: answers.append(ask(url, key, "s-1", "wait=60")))
            waiting.start()
            wait_until(lambda: rows(tmp_path)["s-1"].state.value == "launching")
            process.send_signal(signal.SIGTERM)
            waiting.join(60)
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.stdout.close()
    assert answers[0][0] == 202
    assert rows(tmp_path)["s-1"].state.value == "launched"


def test_a_second_signal_ends_it_at_once(tmp_path):
    """A launch that hangs is not waited for at the second signal: it is in doubt, and the process is gone."""
    key = made_key(tmp_path)
    with Sandbox(rate_per_minute=None) as sandbox:
        process, url = serve(tmp_path, sandbox.url, 0)
        try:
            sandbox.faults.next("executions.launch", Hang(60))
            assert ask(url, key, "t-1")[0] == 202
            wait_until(lambda: rows(tmp_path)["t-1"].state.value == "launching")
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: is_shut(url))
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.stdout.close()
    assert rows(tmp_path)["t-1"].state.value == "in_doubt"
