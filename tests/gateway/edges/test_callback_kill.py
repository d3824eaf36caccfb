"""Kill -9 between the ends of launches and their callbacks: a real process, a real receiver."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from contextlib import contextmanager
from urllib.parse import urlsplit

import msgspec
from standardwebhooks import Webhook

from child_processes import ChildProcess
from flowlaunch.batch.ledger import open_ledger
from flowlaunch.gateway.access.keys import Keys
from flowlaunch.gateway.callbacks.masters import read_masters
from flowlaunch.sandbox import Sandbox

LAUNCHES = 20


@contextmanager
def process(sandbox, ledger, inbox):
    """A gateway in a process of its own, killed without notice at the end of the block; yields its address."""
    settings = {"GENESYSCLOUD_REGION": sandbox.url, "GENESYSCLOUD_OAUTHCLIENT_ID": "demo"}
    environment = os.environ | settings | {"GENESYSCLOUD_OAUTHCLIENT_SECRET": "demo-secret"}
    origin = inbox.url.removesuffix("/told")
    command = [sys.executable, "-m", "flowlaunch", "gateway", "serve", "--port", "0", "--rate", "off"]
    with ChildProcess(
        [*command, "--ledger", ledger, "--allow-callback", origin],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as served:  # fmt: skip
        try:
            yield urlsplit(served.stdout.readline().strip()).netloc
        finally:
            served.kill()


def launch(address, key, number, url):
    body = {"flow": "Order follow-up", "input": {"customerName": "K", "orderId": str(number)}, "callback": url}
    connection = http.client.HTTPConnection(address, timeout=60)
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    connection.request("POST", "/v1/launches", msgspec.json.encode(body), headers)
    answer = connection.getresponse()
    told = msgspec.json.decode(answer.read())
    connection.close()
    assert answer.status == 202, told
    return told["id"]


def test_no_end_is_forgotten_when_the_gateway_is_killed(tmp_path, own_inbox):
    """Killed while it tells, then started again: the end of every launch is told, once or again, and verifies."""
    ledger, inbox = tmp_path / "gateway.ledger", own_inbox
    with open_ledger(ledger) as opened:
        issued = Keys(opened.store).create("app", ["launch"], who="test")
    inbox.statuses = [500, 204, 204]  # the first one is tried again, after the kill
    with Sandbox(rate_per_minute=None) as sandbox:
        with process(sandbox, ledger, inbox) as address:
            wanted = {launch(address, issued.key, number, inbox.url) for number in range(LAUNCHES)}
            inbox.wait()
            assert any(answered(ledger) for _ in range(5_000))
        with process(sandbox, ledger, inbox):
            while len(delivered(inbox)) < LAUNCHES:
                inbox.wait()
        assert sum(one.inputs.get("Flow.customerName") == "K" for one in sandbox.launches()) == LAUNCHES
    [secret] = read_masters((), {}, ledger).secrets_of(issued.record.key_id)
    for headers, body in inbox.messages:
        Webhook(secret).verify(body, headers)
    assert delivered(inbox) == wanted


def answered(ledger):
    """Whether the platform has answered each launch, so that the kill leaves none in doubt."""
    with open_ledger(ledger, create=False) as opened:
        [batch] = opened.batches()
        return (
            sum(one.rows for one in opened.counts(batch.batch_id) if one.state in {"launched", "completed"}) == LAUNCHES
        )


def delivered(inbox):
    """The launches whose end was told and taken: all but the very first message, which was refused."""
    return {msgspec.json.decode(body)["data"]["launch_id"] for _, body in inbox.messages[1:]}
