"""The workers of a ledger, on the page about settings and health."""

import http.client
from urllib.parse import urlsplit

import pytest

from flowlaunch.batch.ledger import crew
from flowlaunch.gateway.access.sessions import Sessions


@pytest.fixture
def settings_page(world):
    """Read the page as an operator."""
    opened = Sessions(world.state.ledger.store).open_by_key(world.key("looker", "operate"))

    def read():
        place = urlsplit(world.url)
        connection = http.client.HTTPConnection(place.netloc, timeout=60)
        connection.request("GET", "/settings", headers={"cookie": f"flowlaunch-{place.port}={opened.cookie}"})
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    return read


def test_workers_are_shown_with_what_they_do(world, settings_page):
    """Each worker is listed with its machine, its batches, its rows in hand and its speed; a silent one says so."""
    store = world.state.ledger.store
    now_us = store.now_us()
    hand = crew.HandStanding(batch_id=7, job="launch", in_hand=12, per_minute=290.0)
    busy = crew.Process(process_id="aa11", host="mill-1", pid=11, started_us=now_us, heartbeat_us=now_us, hands=(hand,))
    silent = crew.Process(process_id="bb22", host="mill-2", pid=22, started_us=now_us, heartbeat_us=now_us)
    try:
        for one in (busy, silent):
            crew.join(store, one)
        crew.beat(store, busy)
        page = settings_page()
    finally:
        for one in (busy, silent):
            crew.leave(store, one.process_id)

    assert "mill-1, process 11" in page
    assert "batch 7" in page
    assert all(f'<td class="number fit">{text}</td>' in page for text in ("12", "290"))
    assert "mill-2, process 22" in page


def test_without_workers_nothing_is_said_of_them(settings_page):
    """A gateway that works by itself shows no empty table."""
    assert "<h2>Workers</h2>" not in settings_page()
