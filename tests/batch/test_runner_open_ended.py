"""Batches that do not end by themselves, or end sooner: what a gateway and a worker are made of."""

import asyncio

from runner_world import ORDER_FLOW, FastClock, row_plan

from flowlaunch import AsyncClient
from flowlaunch.batch.doorbell import Doorbell
from flowlaunch.batch.ledger import BatchSpec
from flowlaunch.batch.permits import govern
from flowlaunch.batch.states import Event
from flowlaunch.batch.stop import Stop
from flowlaunch.batch.work import WorkOptions, work_on

HOUR_US = 3_600_000_000


class Heard:
    """A watch that remembers, and can be waited for until so many executions have ended."""

    def __init__(self):
        self.launched, self.completed, self._more = [], [], asyncio.Event()

    def written(self, results):
        self.launched.extend(one.row.key for one in results if one.event is Event.ACCEPTED)

    def ended(self, results):
        self.completed.extend(one.row_id for one in results if one.event is Event.COMPLETED)
        self._more.set()

    async def wait_for(self, completed):
        while len(self.completed) < completed:
            self._more.clear()
            await self._more.wait()


async def test_an_open_ended_batch_launches_rows_as_they_come(open_world):
    """With nothing left to do it waits; a ring has it launch what was added, and only a stop ends it."""
    world = open_world().load(2)
    doorbell, heard = Doorbell(), Heard()
    options = WorkOptions(pace_per_minute=None, ramp=(), ends_when="never")
    async with asyncio.timeout(20), AsyncClient(world.url, client_id="demo", client_secret="demo-secret") as client:
        working = asyncio.create_task(
            work_on(world.ledger, world.batch_id, options, client=client, clock=world.clock, stop=world.stop,
                    doorbell=doorbell, watch=heard)
        )  # fmt: skip
        await heard.wait_for(2)
        world.ledger.add_rows(world.batch_id, [row_plan(3), row_plan(4)])
        doorbell.ring()
        await heard.wait_for(4)
        assert not working.done()
        world.stop.request("enough")
        outcome = await working

    assert (outcome.ended, outcome.counts) == ("stopped", {"completed": 4})
    assert heard.launched == ["k1", "k2", "k3", "k4"]
    assert set(world.launches().values()) == {1}


async def test_a_run_that_ends_when_idle_leaves_rows_that_are_not_due(open_world):
    """It launches what is due and says whether rows wait for their time."""
    world = open_world()
    later_us = round(world.clock.now().unix_s * 1e6) + HOUR_US
    world.load([row_plan(1), row_plan(2, not_before_us=later_us)])

    outcome = await world.run(ends_when="idle", track=False)

    assert (outcome.ended, outcome.counts) == ("idle", {"launched": 1, "pending": 1})


async def test_a_run_takes_no_more_rows_than_it_may(open_world):
    """A worker that was handed ten rows leaves the rest to others."""
    world = open_world().load(25)

    outcome = await world.run(ends_when="idle", most_rows=10, track=False)

    assert (outcome.ended, outcome.counts) == ("idle", {"launched": 10, "pending": 15})


async def test_batches_that_share_a_client_are_all_told_to_be_silent(open_world):
    """The service asks one OAuth client for silence; every batch on it hears that."""
    heard = []
    async with AsyncClient("http://127.0.0.1:1", client_id="demo", client_secret="demo-secret") as client:
        first, second = govern(client), govern(client)
        end = first.listen(lambda seconds: heard.append(("first", seconds)))
        second.listen(lambda seconds: heard.append(("second", seconds)))
        first.push_back(0.0, 3.0)
        end()
        first.push_back(0.0, 4.0)

    assert first is second
    assert heard == [("first", 3.0), ("second", 3.0), ("second", 4.0)]


async def test_two_batches_run_beside_each_other_on_one_client(open_world):
    """Each launches its own rows, once."""
    world = open_world().load(20)
    other = world.ledger.create_batch(BatchSpec(source="more", flow_id=ORDER_FLOW, flow_version="1.0"))
    world.ledger.add_rows(other, [row_plan(100 + number) for number in range(20)])
    world.ledger.finish_loading(other)
    options = WorkOptions(pace_per_minute=None, ramp=())
    async with asyncio.timeout(20), AsyncClient(world.url, client_id="demo", client_secret="demo-secret") as client:
        both = [
            work_on(world.ledger, batch_id, options, client=client, clock=FastClock(), stop=Stop())
            for batch_id in (world.batch_id, other)
        ]
        outcomes = await asyncio.gather(*both)

    assert [outcome.counts for outcome in outcomes] == [{"completed": 20}, {"completed": 20}]
    assert set(world.launches().values()) == {1}
    assert len(world.launches()) == 40
