"""A world for the runner's tests: a sandbox, a ledger, rows, and a clock on which time flies."""

import asyncio
import time
from collections import Counter
from types import MappingProxyType

from flowlaunch import AsyncClient
from flowlaunch._core.steps import Moment
from flowlaunch.batch.decisions import Decision, Prepared, RowPlan
from flowlaunch.batch.ledger import BatchSpec, open_ledger
from flowlaunch.batch.stop import Stop
from flowlaunch.batch.work import WorkOptions, row_counts, work_on

ORDER_FLOW = "f0000000-0000-4000-8000-000000000001"
SPEED = 20.0
LONGEST_S = 60.0


async def until(holds):
    """Wait until something holds that comes about elsewhere."""
    async with asyncio.timeout(LONGEST_S):
        while not holds():  # noqa: ASYNC110 - what happens in the sandbox's thread sets no event here
            await asyncio.sleep(0.005)


class FastClock:
    """A clock on which a real second is twenty; `jump` moves its wall clock alone."""

    def __init__(self, speed=SPEED):
        self.speed, self.jumped_s, self._began_s = speed, 0.0, time.time()

    def now(self):
        wall_s = self._began_s + (time.time() - self._began_s) * self.speed + self.jumped_s
        return Moment(time.monotonic() * self.speed, wall_s)

    def jump(self, seconds):
        self.jumped_s += seconds

    async def sleep(self, seconds):
        await asyncio.sleep(seconds / self.speed)

    async def wait(self, event, seconds):
        try:
            async with asyncio.timeout(seconds / self.speed):
                await event.wait()
        except TimeoutError:
            return


def jump_meanwhile(world, monkeypatch, what, seconds, launched=1):
    """Move the wall clock on while the ledger does something, once so many rows were launched."""
    asked = getattr(world.ledger, what)

    def jumping(*given, **named):
        answer = asked(*given, **named)
        if len(world.sandbox.launches()) >= launched and not world.clock.jumped_s:
            world.clock.jump(seconds)
        return answer

    monkeypatch.setattr(world.ledger, what, jumping, raising=False)


def row_plan(number, *, data=None, **prepared):
    """A row that may leave now, with an order of its own number."""
    given = {"Flow.customerName": "Ada", "Flow.orderId": f"order-{number}", **(data or {})}
    decided = {name: prepared.pop(name) for name in ("closes_us", "calendars") if name in prepared}
    bounds = {name: prepared[name] for name in ("not_before_us", "not_after_us") if name in prepared}
    row = Prepared(row_number=number, line=number + 1, key=f"k{number}", input_data=given, token=f"token-{number}",
                   **prepared)  # fmt: skip
    decision = Decision(kind="launch", reason="ready", **decided, **bounds)
    return RowPlan(row_number=number, line=number + 1, decision=decision, prepared=row)


class World:
    """One sandbox and one ledger; `run` works on the batch until it ends."""

    OPTIONS = MappingProxyType({"pace_per_minute": None, "concurrency": 4, "ramp": ()})

    def __init__(self, sandbox, place, clock=None):
        self.sandbox, self.place, self.url = sandbox, place, sandbox.url
        self.clock = clock or FastClock()
        self.events = []
        self.stop = Stop()
        self.ledger = open_ledger(place, clock=self.clock)
        self.batch_id = 0

    def load(self, rows, **spec):
        given = {"source": "rows", "flow_id": ORDER_FLOW, "flow_version": "1.0", **spec}
        self.batch_id = self.ledger.create_batch(BatchSpec(**given))
        plans = [row_plan(number) for number in range(1, rows + 1)] if isinstance(rows, int) else rows
        self.ledger.add_rows(self.batch_id, plans)
        self.ledger.finish_loading(self.batch_id)
        return self

    async def run(self, on_event=None, **options):
        def tell(event):
            self.events.append(event)
            if on_event is not None:
                on_event(event)

        given = WorkOptions(**{**self.OPTIONS, **options})
        async with (
            asyncio.timeout(LONGEST_S),
            AsyncClient(self.url, client_id="demo", client_secret="demo-secret") as client,
        ):
            return await work_on(self.ledger, self.batch_id, given, client=client, clock=self.clock, on_event=tell,
                                 stop=self.stop)  # fmt: skip

    def kinds(self):
        return [event.kind for event in self.events if event.kind != "progress"]

    def rows(self):
        return list(self.ledger.rows(self.batch_id))

    async def until_launched(self, rows):
        await until(lambda: len(self.sandbox.launches()) >= rows)

    def counts(self):
        return row_counts(self.ledger, self.batch_id)

    def launches(self):
        """How often each row was launched, by the sandbox."""
        return Counter(one.inputs["Flow.orderId"] for one in self.sandbox.launches())

    def close(self):
        self.ledger.close()
