"""Limits: what happens at the bound of each thing that can grow, beside those tested with their owners."""

import http.client
import time
from contextlib import ExitStack, closing
from urllib.parse import urlsplit

import pytest
from ops_world import accept, route_batch
from receiving import signed_in

from flowlaunch.batch.ledger import Result
from flowlaunch.batch.states import Event
from flowlaunch.gateway.access import sessions
from flowlaunch.gateway.launches import accepting, flows, reading
from flowlaunch.gateway.ops import spans as spans_module
from flowlaunch.gateway.ops.options import ConnectionLimits, OpsOptions
from flowlaunch.gateway.ops.spans import LaunchSpans
from flowlaunch.pages import live

LATER = "2199-01-01T00:00:00Z"


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
            connection = stack.enter_context(closing(http.client.HTTPConnection(urlsplit(door.url).netloc, timeout=60)))
            connection.request("GET", "/events", headers={"cookie": cookie})
            answer = stack.enter_context(closing(connection.getresponse()))
            statuses.append(answer.status)
            if answer.status == 200:
                assert answer.readline()

    assert statuses == [200, 200, 503]


def test_connections_of_a_served_gateway_are_bounded(open_door):
    """The option of the gateway is the bound of its connections."""
    world = open_door(ops=OpsOptions(connections=ConnectionLimits(most=1)))
    held = http.client.HTTPConnection(urlsplit(world.url).netloc, timeout=60)
    held.request("GET", "/healthz")
    assert held.getresponse().read() == b'{"alive":true}'

    refused = world.call("GET", "/healthz")
    held.close()

    assert (refused.status, refused.problem) == (503, "connections")


def test_results_sent_at_once_are_bounded(open_door):
    """The results of so many batches are made and sent at once, on the disk; a place is free again when they are."""
    door = open_door(max_exports=1)
    door.launch(wait_s=50)
    path = f"/v1/batches/{door.call('GET', '/v1/batches').json['batches'][0]['id']}/results"
    for _ in range(3):
        assert door.call("GET", path).status == 200
        ends_s = time.monotonic() + 60
        while door.state.exports._out:  # its place is free a moment after the last byte
            assert time.monotonic() < ends_s
    door.state.exports._most = 0
    refused = door.call("GET", path)

    assert (refused.status, refused.problem) == (429, "exports-busy")


def test_names_of_flows_being_looked_up_are_bounded(open_door, monkeypatch):
    """Made-up names of flows do not queue up for the pace: beyond a bound they are 503, and known flows launch."""
    door = open_door()
    assert door.launch(wait_s=50).status == 200
    monkeypatch.setattr(flows, "MOST_READING", 0)
    refused = door.launch(flow="No such flow")

    assert (refused.status, refused.problem) == (503, "lookups-busy")
    assert door.launch(wait_s=50).status == 200


def test_launches_that_wait_for_the_disk_are_bounded(door, monkeypatch):
    """While the disk stands still, so many launches wait for it; the next one is 503 and not recorded."""
    monkeypatch.setattr(accepting, "MOST_WAITING", 0)
    refused = door.launch(h_idempotency_key="no-room")

    assert (refused.status, refused.problem) == (503, "storage-busy")
    assert door.call("GET", "/v1/launches?search=no-room").json["launches"] == []


def test_sessions_and_links_are_bounded(ledger, clock, monkeypatch):
    """Of a key's sessions, and of links that nobody used, only the newest are kept."""
    monkeypatch.setattr(sessions, "MOST", 2)
    held = sessions.Sessions(ledger.store)
    links, opened = [], []
    for _ in range(3):
        clock.advance(1)
        links.append(held.link("test", "ann", ["read"]))
    assert held.open_by_link(links[0]) is None
    opened.append(held.open_by_link(links[2]))
    for _ in range(2):
        clock.advance(1)
        opened.append(held.open_by_link(held.link("test", "ann", ["read"])))

    assert [held.find(one.cookie) is not None for one in opened] == [False, True, True]


def test_batches_that_are_known_are_bounded(ledger, monkeypatch):
    """Who looks at launches of many batches does not fill the memory with them."""
    monkeypatch.setattr(reading, "MOST_BATCHES", 2)
    launched = [accept(ledger, route_batch(ledger, f"route-{number}"))[0] for number in range(5)]
    reader = reading.LaunchReader(ledger)

    assert [reader.find(one).route for one in launched] == [f"route-{number}" for number in range(5)]
    assert len(reader._batches) <= 2


@pytest.mark.parametrize("count", [5, 20])
def test_spans_that_wait_are_bounded(monkeypatch, count):
    """When spans are made more slowly than launches end, the oldest are dropped and memory stays."""
    monkeypatch.setattr(spans_module, "MOST_WAITING", 10)
    looked = []
    spans = LaunchSpans(None, lambda row_ids: looked.extend(row_ids) or [])
    spans.ended([Result(row_id=number, execution_id="x", event=Event.COMPLETED) for number in range(count)])

    spans.flush()

    assert looked == list(range(count))[-10:]
