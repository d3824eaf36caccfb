"""A batch's concurrency holds over all of its workers, as they come and go."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from worker_world import ORDER_FLOW, key_of, row_plan

from flowlaunch import AsyncClient
from flowlaunch._io.clock_async import SystemAsyncClock
from flowlaunch.batch import dispatch
from flowlaunch.batch.ledger import BatchSpec, Change, handovers, open_ledger
from flowlaunch.batch.workers.hands import Hands
from flowlaunch.sandbox import Sandbox

LONGEST_S = 30.0


class NoJobs:
    """A queue that nobody takes from: chunks are begun by hand."""

    async def offer_chunk(self, _order):
        return True


class Crowd:
    """Workers in one process, whose launches are all held until the test lets them go."""

    def __init__(self, ledger, url, key, names):
        self.ledger, self.key = ledger, key
        self.in_flight, self.most = Counter(), Counter()
        self.changed, self.may_go = asyncio.Condition(), asyncio.Event()
        self.clients = {
            name: AsyncClient(url, client_id="demo", client_secret="demo-secret", pace_per_minute=None)
            for name in names
        }
        self.hands = {
            name: Hands(ledger, NoJobs(), {key: client}, SystemAsyncClock(), me=name)
            for name, client in self.clients.items()
        }
        self.launch_ready = dispatch.launch_ready

    async def held(self, client, *given, **more):
        (name,) = (name for name, one in self.clients.items() if one is client)
        async with self.changed:
            self.in_flight[name] += 1
            self.most[name] = max(self.most[name], self.in_flight[name])
            self.changed.notify_all()
        await self.may_go.wait()
        self.in_flight[name] -= 1
        return await self.launch_ready(client, *given, **more)

    async def until_in_flight(self, many):
        async with asyncio.timeout(LONGEST_S), self.changed:
            await self.changed.wait_for(lambda: self.in_flight.total() >= many)

    def see(self, *names):
        """Have the workers see these ones."""
        for one in self.hands.values():
            one.crew = {self.key: names}

    def begin(self, chunks=1):
        loop = asyncio.get_running_loop()
        return [
            loop.create_task(one.launch(1, f"{name}-{number}", self.key, 40, None, name))
            for name, one in self.hands.items()
            for number in range(chunks)
        ]

    async def end(self, at_work):
        self.may_go.set()
        async with asyncio.timeout(LONGEST_S):
            await asyncio.gather(*at_work)
        for one in self.clients.values():
            await one.close()


@pytest.fixture
def crowd_of(tmp_path, monkeypatch):
    """Workers of those names, on a batch of 160 rows with 8 launches at once."""
    with Sandbox(rate_per_minute=None) as sandbox, open_ledger(tmp_path / "a.db") as ledger:
        spec = BatchSpec(source="rows", flow_id=ORDER_FLOW, flow_version="1.0",
                         settings={"pace_per_minute": None, "ramp": [], "concurrency": 8})  # fmt: skip
        batch_id = ledger.create_batch(spec)
        ledger.add_rows(batch_id, [row_plan(number) for number in range(1, 161)])
        ledger.finish_loading(batch_id)
        key = key_of(sandbox.url, "demo")
        handovers.give(ledger.store, batch_id, client_key=key, profile="")

        def made(*names):
            crowd = Crowd(ledger, sandbox.url, key, names)
            crowd.see(*names)
            monkeypatch.setattr(dispatch, "launch_ready", crowd.held)
            return crowd

        yield made


async def test_four_workers_have_the_batchs_concurrency_together(crowd_of):
    """With 8 launches at once four workers have two in flight each, also one that works on two chunks."""
    crowd = crowd_of("a", "b", "c", "d")
    at_work = crowd.begin()
    await crowd.until_in_flight(8)
    assert crowd.most == {"a": 2, "b": 2, "c": 2, "d": 2}
    await crowd.end(at_work)
    assert set(crowd.most.values()) == {2}


async def test_two_chunks_of_one_worker_share_what_is_its_own(crowd_of):
    """A worker that has two chunks of a batch at hand has no more in flight than with one."""
    crowd = crowd_of("a", "b")
    at_work = crowd.begin(chunks=2)
    await crowd.until_in_flight(8)
    await crowd.end(at_work)
    assert max(crowd.most.values()) <= 4 + 2, "a chunk that began alone is heard of at the next look"


async def test_what_a_worker_had_that_left_is_the_others(crowd_of):
    """When one of two workers goes, the other one has all launches; `batch concurrency` counts at once, too."""
    crowd = crowd_of("a")
    crowd.see("a", "b")
    at_work = crowd.begin()
    await crowd.until_in_flight(4)
    assert crowd.most == {"a": 4}
    crowd.see("a")
    await crowd.until_in_flight(8)
    assert crowd.most == {"a": 8}
    crowd.ledger.control(1, by="test", change=Change(concurrency=12))
    await crowd.until_in_flight(12)
    assert crowd.most == {"a": 12}
    await crowd.end(at_work)
    assert [one.kind for one in crowd.ledger.events(1)].count("changed") == 1, "that others come and go is no change"
