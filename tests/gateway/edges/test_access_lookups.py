"""Keys while the database is away: nobody else waits, and who needs one is asked for patience."""

import asyncio
import threading

import pytest

from flowlaunch.errors import LedgerUnreachableError
from flowlaunch.gateway.access import lookups as lookups_module
from flowlaunch.gateway.access.lookups import Lookups
from flowlaunch.gateway.api.problems import Problem


class Source:
    """Where names are looked up: it hangs while `shut`, and fails while `away`."""

    def __init__(self):
        self.asked, self.away = [], False
        self.open = threading.Event()
        self.open.set()

    def find(self, name):
        self.asked.append(name)
        self.open.wait(30)
        if self.away:
            raise LedgerUnreachableError("reach the server: refused")
        return name.upper()


@pytest.fixture
async def source():
    made = Source()
    yield made
    made.open.set()


async def refused(lookups, name):
    with pytest.raises(Problem) as told:
        await lookups.find(name)
    return told.value


async def test_a_key_is_read_once_however_many_ask(source):
    """Requests with the same key that come together share one read."""
    lookups = Lookups(source.find)
    source.open.clear()
    asking = [asyncio.create_task(lookups.find("a")) for _ in range(5)]
    await asyncio.sleep(0)
    source.open.set()

    assert await asyncio.gather(*asking) == ["A"] * 5
    assert source.asked == ["a"]


async def test_a_database_that_is_away_is_not_asked_by_everybody(source):
    """After a failure requests are answered 503 with Retry-After and the database is left alone for a while."""
    lookups = Lookups(source.find)
    source.away = True

    told = [await refused(lookups, name) for name in "abc"]

    assert [(one.status, one.slug, one.headers["retry-after"]) for one in told] == [(503, "storage-away", "2")] * 3
    assert source.asked == ["a"]


async def test_a_database_that_is_back_is_found_by_the_first_who_asks(source, monkeypatch):
    """Once the pause is over one request tries, and with its answer the door is open to all."""
    monkeypatch.setattr(lookups_module, "AWAY_S", 0.0)
    lookups = Lookups(source.find)
    source.away = True
    await refused(lookups, "a")
    source.away = False

    source.open.clear()
    trying = asyncio.create_task(lookups.find("a"))
    await asyncio.sleep(0)
    assert (await refused(lookups, "b")).status == 503
    source.open.set()
    assert await trying == "A"
    assert await lookups.find("b") == "B"


async def test_a_read_that_hangs_is_waited_for_in_bounded_time(source, monkeypatch):
    """A database that says nothing is answered for with 503, and the next request does not wait at all."""
    monkeypatch.setattr(lookups_module, "PATIENCE_S", 0.01)
    lookups = Lookups(source.find)
    source.open.clear()

    assert (await refused(lookups, "a")).status == 503
    assert (await refused(lookups, "b")).status == 503
    assert source.asked == ["a"]


async def test_a_flood_of_keys_waits_in_bounded_number(source, monkeypatch):
    """Beyond so many keys that wait to be read, requests are answered 503 at once."""
    monkeypatch.setattr(lookups_module, "MOST_WAITING", 3)
    lookups = Lookups(source.find)
    source.open.clear()
    waiting = [asyncio.create_task(lookups.find(name)) for name in "abc"]
    await asyncio.sleep(0)

    assert (await refused(lookups, "d")).status == 503
    source.open.set()
    assert await asyncio.gather(*waiting) == ["A", "B", "C"]
