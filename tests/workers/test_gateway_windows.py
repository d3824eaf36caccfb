"""Launches of a gateway whose calling window shuts while they wait go out when it opens, whoever launches them."""

from __future__ import annotations

import asyncio
from datetime import datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from flowlaunch import AsyncClient
from flowlaunch._core.steps import Moment
from flowlaunch._io.clock_async import SystemAsyncClock
from flowlaunch.batch.ledger import crew, handovers, open_ledger
from flowlaunch.batch.permits import client_key
from flowlaunch.batch.rules import Reopener, WindowRules, load_rule_book, reopener_of
from flowlaunch.batch.states import RowState
from flowlaunch.batch.workers.feeding import Feeder
from flowlaunch.batch.workers.hands import Hands
from flowlaunch.batch.workers.queue import JobStanding
from flowlaunch.gateway.access.caller import Caller
from flowlaunch.gateway.assembly import assembled
from flowlaunch.gateway.launches.ordering import Ask
from flowlaunch.gateway.options import GatewayOptions
from flowlaunch.gateway.store import launches
from flowlaunch.sandbox import Sandbox

CRM = Caller("flk-crm", "crm", frozenset({"launch"}))
ROUTES = """
[routes.calls]
flow = "Order follow-up"

[routes.calls.row]
contact = "phone"
phones = ["phone"]
zone = "zone"

[routes.calls.rules]
windows = ["mon-fri 09:00-21:00"]
attempts = "1/1d"
do_not_contact = ["dnc.csv"]
"""
PHONES = {"Europe/Berlin": "+4930123456", "America/New_York": "+12125550123"}


def at(text, zone):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


FRIDAY_EVENING = at("2027-03-05 20:30", "Europe/Berlin")
SATURDAY = at("2027-03-06 04:00", "Europe/Berlin")
MONDAY_IN_BERLIN = at("2027-03-08 09:00", "Europe/Berlin")
MONDAY_IN_NEW_YORK = at("2027-03-08 09:00", "America/New_York")


class WallClock:
    """A clock that is set to an instant, and goes on from there."""

    def __init__(self, unix_s):
        self._own = SystemAsyncClock()
        self.sleep, self.wait = self._own.sleep, self._own.wait
        self.set(unix_s)

    def set(self, unix_s):
        self._ahead_s = unix_s - self._own.now().unix_s

    def now(self):
        moment = self._own.now()
        return Moment(moment.mono_s, moment.unix_s + self._ahead_s)


class Jobs:
    """The job queue in memory: a worker's own process does what is due, by the test's clock."""

    def __init__(self):
        self.waiting = {}

    async def offer_chunk(self, order):
        return self.waiting.setdefault((order.batch_id, order.chunk), order) is order

    async def offer_following(self, _order):
        return False

    async def standing(self):
        return tuple(
            JobStanding(job_id=1, task="launch", worker=one.worker, batch_id=one.batch_id, chunk=one.chunk,
                        is_running=False)
            for one in self.waiting.values()
        )  # fmt: skip

    async def reclaim(self, _stale_after_s):
        return 0

    async def withdraw(self, job):
        del self.waiting[job.batch_id, job.chunk]

    def due(self, now_us):
        found = [key for key, one in self.waiting.items() if (one.at_us or 0) <= now_us]
        return [self.waiting.pop(key) for key in found]


class World:
    """A gateway on a ledger, and one worker of the ledger that is called upon."""

    def __init__(self, place, sandbox, folder, clock):
        self.place, self.sandbox, self.folder, self.clock = place, sandbox, folder, clock
        self.ledger = open_ledger(place, clock=clock)
        self.client = AsyncClient(sandbox.url, client_id="demo", client_secret="demo-secret", pace_per_minute=None)
        (folder / "routes.toml").write_text(ROUTES)
        (folder / "dnc.csv").write_text("phone\n+442079460018\n")
        self.gateway = self.new_gateway(hands_over=True)
        self.jobs = Jobs()

    def new_gateway(self, *, hands_over):
        options = GatewayOptions(
            ledger=self.place, routes_file=self.folder / "routes.toml", hands_over=hands_over, pace_per_minute=None
        )
        return assembled(options, client=self.client, ledger=self.ledger, clock=self.clock)

    async def accept(self, zone):
        given = {"customerName": "Ada", "orderId": zone, "phone": PHONES[zone], "zone": zone}
        found = await self.gateway.launcher.launch(Ask(route="calls", input=given), CRM)
        assert isinstance(found, launches.Accepted)

    def rows(self):
        found = self.ledger.rows(1)
        return {zone: row for row in found for zone in PHONES if zone.encode() in (row.payload or b"")}

    def launched(self):
        return [one.inputs["Flow.orderId"] for one in self.sandbox.launches()]

    async def work(self, who):
        """Have whoever launches do what there is to do now, until nobody has anything in hand."""
        if who == "gateway":
            await self._engine_works()
            return
        key = client_key(self.client)
        hands = Hands(self.ledger, self.jobs, {key: self.client}, self.clock, me="worker-one")
        now_us = self.ledger.store.now_us()
        me = crew.Process(process_id="worker-one", host="here", pid=1, started_us=now_us, heartbeat_us=now_us,
                          clients=(crew.Client(profile="", client_key=key),))  # fmt: skip
        crew.join(self.ledger.store, me)
        await Feeder(self.ledger, self.jobs, "worker-one", self.clock).look()
        for one in self.jobs.due(self.ledger.store.now_us()):
            await hands.launch(one.batch_id, one.chunk, one.client_key, one.rows, one.until_left, one.worker)
        crew.leave(self.ledger.store, "worker-one")

    async def _engine_works(self):
        state = self.new_gateway(hands_over=False)
        state.engine.start()
        async with asyncio.timeout(60):
            while self._has_work() or not state.engine.works_on(1):  # noqa: ASYNC110 - the ledger sets no event
                await asyncio.sleep(0.01)
        await state.engine.stop(5)

    def _has_work(self):
        due_us = self.ledger.next_due_us(1)
        launching = any(one.state is RowState.LAUNCHING for one in self.ledger.counts(1) if one.rows)
        return launching or (due_us is not None and due_us <= self.ledger.store.now_us())

    async def close(self):
        await self.gateway.accepter.close()
        await self.client.close()
        self.ledger.close()


@pytest.fixture(params=["file", "postgres"])
async def world(request, tmp_path):
    """A gateway and a worker on Friday evening in Berlin, on a ledger in either database."""
    place = tmp_path / "gateway.ledger"
    if request.param == "postgres":
        place = request.getfixturevalue("postgres_ledger_url")
    with Sandbox(rate_per_minute=None) as sandbox:
        world = World(place, sandbox, tmp_path, WallClock(FRIDAY_EVENING))
        yield world
        await world.close()


@pytest.mark.parametrize("who", ["worker", "gateway"])
async def test_a_launch_whose_window_shut_goes_out_when_it_opens_in_the_contacts_zone(world, who):
    """Two launches that nobody sent on Friday go out on Monday at nine in Berlin and at nine in New York."""
    for zone in PHONES:
        await world.accept(zone)
    world.clock.set(SATURDAY)
    await world.work(who)
    due = {zone: row.not_before_us / 1e6 for zone, row in world.rows().items()}
    assert due == {"Europe/Berlin": MONDAY_IN_BERLIN, "America/New_York": MONDAY_IN_NEW_YORK}
    assert {row.reason for row in world.rows().values()} == {"waits-for-window"}
    assert world.launched() == []
    world.clock.set(MONDAY_IN_BERLIN + 1)
    await world.work(who)
    assert world.launched() == ["Europe/Berlin"]
    world.clock.set(MONDAY_IN_NEW_YORK + 1)
    await world.work(who)
    assert world.launched() == ["Europe/Berlin", "America/New_York"]
    assert all(row.launched_us / 1e6 >= due[zone] for zone, row in world.rows().items())


@pytest.mark.parametrize("who", ["worker", "gateway"])
async def test_rules_that_are_asked_when_a_launch_is_taken_are_not_asked_again(world, who):
    """A contact who came on the list meanwhile, or whose attempt was spent, is launched as was decided: by either."""
    for _twice in range(2):
        await world.accept("Europe/Berlin")
    (world.folder / "dnc.csv").write_text(f"phone\n{PHONES['Europe/Berlin']}\n")
    assert world.gateway.routes.reload()
    world.clock.set(SATURDAY)
    await world.work(who)
    world.clock.set(MONDAY_IN_BERLIN + 1)
    await world.work(who)
    assert world.launched() == ["Europe/Berlin"] * 2


async def test_workers_heed_the_windows_that_the_routes_give_now(world):
    """Windows that were changed while a launch waited count for workers as well, once the gateway has told them."""
    await world.accept("Europe/Berlin")
    routes = world.folder / "routes.toml"
    routes.write_text(ROUTES.replace("mon-fri 09:00-21:00", "sat-sun 10:00-12:00"))
    assert world.gateway.routes.reload()
    world.gateway.engine.hand_over(1)
    world.clock.set(SATURDAY)
    await world.work("worker")
    assert world.rows()["Europe/Berlin"].not_before_us / 1e6 == at("2027-03-06 10:00", "Europe/Berlin")


@pytest.mark.parametrize("who", ["worker", "gateway"])
async def test_a_launch_leaves_when_its_route_has_no_windows_any_more(world, who):
    """A route from which all rules were taken lets go what waited for its window."""
    await world.accept("Europe/Berlin")
    (world.folder / "routes.toml").write_text(ROUTES.partition("[routes.calls.rules]")[0])
    assert world.gateway.routes.reload()
    world.gateway.engine.hand_over(1)
    world.clock.set(SATURDAY)
    await world.work(who)
    assert world.launched() == ["Europe/Berlin"]


async def test_a_new_routes_batch_is_the_workers_before_its_first_launch_is_taken(world):
    """A gateway that dies right after its first launch was accepted leaves workers that know what to do."""
    await world.accept("Europe/Berlin")
    held = handovers.find(world.ledger.store, 1)
    assert (held.client_key, held.overrides["ends_when"]) == (client_key(world.client), "never")
    assert reopener_of(held.overrides["reopen"]).rules.windows == ("mon-fri 09:00-21:00",)


def test_rules_of_a_country_are_recorded_without_their_files(tmp_path):
    """What decides again is text with the rule files' contents in it: it decides alike where there are no files."""
    file = tmp_path / "fr.toml"
    file.write_text('code = "FR"\ntitle = "France"\nbasis = "own"\nnote = ""\n[windows]\nmon = "10:00-11:00"\n')
    here = Reopener(WindowRules(windows=("daily 08:00-20:00",), holidays=(("12-25", "closed"),),
                                book=load_rule_book([file]), default_region="FR"))  # fmt: skip
    recorded = here.recorded()
    file.unlink()
    there = reopener_of(recorded)
    row = SimpleNamespace(calendars=("own@Europe/Paris", "FR@Europe/Paris"), not_after_us=None)
    found = there(row, round(SATURDAY * 1e6))
    assert found == here(row, round(SATURDAY * 1e6))
    assert found.not_before_us / 1e6 == at("2027-03-08 10:00", "Europe/Paris")
    assert str(tmp_path) not in recorded


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (WindowRules(windows=("mon 09:00-10:00",)), ("launch", "waits-for-window")),
        (WindowRules(book=load_rule_book()), ("hold", "unknown-region")),
    ],
)
def test_rules_of_another_kind_than_a_row_waited_by_decide_all_the_same(rules, expected):
    """Own windows in the place of a country's use the row's zone; a country's rules that it never had hold it."""
    calendars = ("own@Europe/Berlin",) if rules.book else ("XX-YY@Europe/Berlin",)
    found = Reopener(rules)(SimpleNamespace(calendars=calendars, not_after_us=None), round(SATURDAY * 1e6))
    assert (found.kind, found.reason) == expected
