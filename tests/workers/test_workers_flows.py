"""A flow that is published anew while workers launch it is told once, whoever of them sees it first."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from worker_world import ORDER_FLOW, key_of, row_plan

import flowlaunch.sandbox
from flowlaunch import AsyncClient
from flowlaunch._io.clock_async import SystemAsyncClock
from flowlaunch.batch.ledger import BatchSpec, crew, handovers, open_ledger
from flowlaunch.batch.stop import Stop
from flowlaunch.batch.work import WorkOptions
from flowlaunch.batch.workers.handing import hand_over
from flowlaunch.batch.workers.watching import FlowWatch
from flowlaunch.sandbox import Sandbox

FLOWS = Path(flowlaunch.sandbox.__file__).parent / "flows"


class World:
    """A ledger with batches of workers, and the sandbox that their flow is in."""

    def __init__(self, ledger, sandbox):
        self.ledger, self.sandbox, self.key = ledger, sandbox, key_of(sandbox.url, "demo")
        self.heard = []

    def load(self, flow_version="1.0"):
        spec = BatchSpec(source="rows", flow_id=ORDER_FLOW, flow_version=flow_version)
        batch_id = self.ledger.create_batch(spec)
        self.ledger.add_rows(batch_id, [row_plan(1)])
        self.ledger.finish_loading(batch_id)
        handovers.give(self.ledger.store, batch_id, client_key=self.key, profile="")
        return batch_id

    def publish(self, mark):
        text = (FLOWS / "order-follow-up.yaml").read_text("utf-8")
        self.sandbox.upload_flow(f"{text}# {mark}\n", "order-follow-up.yaml")

    @asynccontextmanager
    async def watch(self, name):
        """One worker's watch, with a client of its own."""
        async with AsyncClient(
            self.sandbox.url, client_id="demo", client_secret="demo-secret", pace_per_minute=None
        ) as client:
            yield FlowWatch(
                self.ledger, {self.key: client}, name, SystemAsyncClock(),
                on_event=lambda batch_id, event: self.heard.append((name, batch_id, event.kind)),
            )  # fmt: skip

    def told(self, batch_id):
        return [one.facts for one in self.ledger.events(batch_id) if one.kind == "flow-republished"]


@pytest.fixture
def world(tmp_path):
    with Sandbox(rate_per_minute=None) as sandbox, open_ledger(tmp_path / "a.db") as ledger:
        yield World(ledger, sandbox)


async def test_a_flow_published_anew_is_told_once_by_one_worker(world):
    """The alarm names both versions; it comes once of each version, and not again when another worker takes over."""
    batch_id = world.load()
    async with world.watch("one") as one, world.watch("two") as two:
        await one.look()
        assert world.told(batch_id) == [], "nothing has changed yet"
    world.publish("again")
    async with world.watch("one") as one, world.watch("two") as two:
        for watch in (one, two, one):
            await watch.look()
        (told,) = world.told(batch_id)
        assert (told["pinned"], told["published"]) == ("1.0", "2.0")
        assert told["message"] == "version 2.0 was published; the batch goes on with version 1.0"
        crew.leave(world.ledger.store, "one")
        await two.look()
    assert world.heard == [("one", batch_id, "flow-republished")]
    world.publish("once more")
    async with world.watch("two") as two:
        await two.look()
    assert [facts["published"] for facts in world.told(batch_id)] == ["2.0", "3.0"]


async def test_batches_that_pin_no_version_or_have_ended_are_not_watched(world):
    """An open-ended batch of the published version has nothing to tell, nor one that is over; no request is made."""
    world.load(flow_version="")
    ended = world.load()
    with world.ledger.store.write("end it") as connection:
        connection.exec_driver_sql("UPDATE rows SET state = 'completed'")
        connection.exec_driver_sql("UPDATE counts SET state = 'completed'")
    handovers.end(world.ledger.store, ended)
    world.publish("again")
    async with world.watch("one") as one:
        await one.look()
    assert world.told(1) == world.told(ended) == []


async def test_whoever_looks_on_hears_of_it(world):
    """`batch run` that looks on while workers launch tells of a flow that was published anew."""
    batch_id, stop, heard = world.load(), Stop(), []

    def hear(event):
        heard.append((event.kind, event.fields.get("published")))
        if event.kind == "progress" and not world.told(batch_id):
            world.ledger.add_event(batch_id, "flow-republished", message="", published="2.0", pinned="1.0")
        elif event.kind == "flow-republished":
            stop.request("seen")

    await hand_over(
        world.ledger, batch_id, WorkOptions(), client_key=world.key, profile="", clock=SystemAsyncClock(),
        on_event=hear, stop=stop,
    )  # fmt: skip
    assert ("flow-republished", "2.0") in heard
