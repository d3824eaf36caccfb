"""Limits: what happens at the bound of each thing that can grow, beside those tested with their owners."""

import http.client
from contextlib import ExitStack, closing
from urllib.parse import urlsplit

import pytest
from receiving import signed_in

from flowlaunch.batch.ledger import Result
from flowlaunch.batch.states import Event
from flowlaunch.gateway.ops import spans as spans_module
from flowlaunch.gateway.ops.options import ConnectionLimits, OpsOptions
from flowlaunch.gateway.ops.spans import LaunchSpans
from flowlaunch.pages import live

LATER = "2999-01-01T00:00:00Z"


def test_requests_that_wait_are_bounded(open_door):
    """Beyond the number of requests that may wait, one is answered 202 at once instead of waiting."""
    world = open_door(max_waiters=0)

    reply = world.launch(not_before=LATER, wait_s=60)

    assert reply.status == 202
    assert "preference-applied" not in reply.headers


def test_the_time_that_a_request_waits_is_bounded(open_door):
    """A request may wait no longer than the gateway allows, whatever it asks for."""
    world = open_door(longest_wait_s=0.05)

    assert world.launch(not_before=LATER, wait_s=3_600).status == 202


def test_open_pages_are_bounded(door, monkeypatch):
    """One live page too many is refused with 503; those that are open go on."""
    monkeypatch.setattr(live, "MAX_READERS", 2)
    cookie = signed_in(door.url, door.key("test"))
    statuses = []
    with ExitStack() as stack:
        for _ in range(3):
            connection = stack.enter_context(closing(http.client.HTTPConnection(urlsplit(door.url).netloc, timeout=20)))
            connection.request("GET", "/events", headers={"cookie": cookie})
            answer = stack.enter_context(closing(connection.getresponse()))
            statuses.append(answer.status)
            if answer.status == 200:
                assert answer.readline()

    assert statuses == [200, 200, 503]


def test_connections_of_a_served_gateway_are_bounded(open_door):
    """The option of the gateway is the bound of its connections."""
    world = open_door(ops=OpsOptions(connections=ConnectionLimits(most=1)))
    held = http.client.HTTPConnection(urlsplit(world.url).netloc, timeout=20)
    held.request("GET", "/healthz")
    assert held.getresponse().read() == b'{"alive":true}'

    refused = world.call("GET", "/healthz")
    held.close()

    assert (refused.status, refused.problem) == (503, "connections")


@pytest.mark.parametrize("count", [5, 20])
def test_spans_that_wait_are_bounded(monkeypatch, count):
    """When spans are made more slowly than launches end, the oldest are dropped and memory stays."""
    monkeypatch.setattr(spans_module, "MOST_WAITING", 10)
    looked = []
    spans = LaunchSpans(None, lambda row_ids: looked.extend(row_ids) or [])
    spans.ended([Result(row_id=number, execution_id="x", event=Event.COMPLETED) for number in range(count)])

    spans.flush()

    assert looked == list(range(count))[-10:]
