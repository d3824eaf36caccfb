"""What a worker makes of signs of life that it cannot give: it says so, breaks what hangs, and gives up in the end."""

import asyncio
import itertools
import logging
import math

import pytest

from flowlaunch._core.steps import Moment
from flowlaunch.batch.ledger.outage import Outage
from flowlaunch.batch.workers.presence import Presence
from flowlaunch.errors import LedgerUnreachableError


class HandClock:
    """Time passes only while somebody waits."""

    def __init__(self):
        self.now_s = 1_000.0

    def now(self):
        return Moment(self.now_s, self.now_s)

    async def sleep(self, seconds):
        await asyncio.sleep(0)
        self.now_s += seconds

    async def wait(self, event, seconds):
        for _ in range(3):  # whoever is about to set it may
            await asyncio.sleep(0)
        if not event.is_set():
            self.now_s += seconds

    async def until(self, holds):
        while not holds():
            await self.sleep(0)


class Database:
    """Answers, refuses or hangs; counts what is asked of it and how often connections were broken."""

    def __init__(self):
        self.clock = HandClock()
        self.is_away = self.hangs = False
        self.asked = self.broken = self.returned = 0
        self._breaks = asyncio.Event()

    async def give_sign(self):
        self.asked += 1
        if self.hangs:
            await self._breaks.wait()
        if self.is_away or self.hangs:
            await self.clock.sleep(10)  # the ledger's own patience
            raise LedgerUnreachableError("reach it: refused")

    def break_off(self):
        self.broken += 1
        self._breaks.set()
        self._breaks.clear()

    def returns(self):
        self.returned += 1

    def presence(self, give_up_after_s=900.0):
        return Presence(
            self.give_sign, self.break_off, self.clock, on_return=self.returns, give_up_after_s=give_up_after_s
        )


def told(caplog):
    return [one.getMessage() for one in caplog.records if one.name == "flowlaunch.workers"]


async def test_a_worker_gives_up_when_its_database_stays_away_and_says_so_once_a_minute_until_then(caplog):
    """After the time that was set a worker ends with an error; until then it says once a minute why it waits."""
    database = Database()
    database.is_away = True
    with pytest.raises(LedgerUnreachableError, match="15 min: reach it: refused"):
        await database.presence().run()
    assert 900 <= database.clock.now_s - 1_000 <= 915
    assert 13 <= len(told(caplog)) <= 16
    assert all("reach it: refused" in text for text in told(caplog))
    assert database.asked <= 900 / 12 + 1


async def test_connections_to_a_server_that_hangs_are_broken_again_and_again():
    """A server that takes requests and answers none would hold a worker for ever: after half a minute it lets go."""
    database = Database()
    database.hangs = True
    with pytest.raises(LedgerUnreachableError):
        await database.presence(give_up_after_s=300.0).run()
    assert 5 <= database.broken <= 10
    assert database.asked >= 4


async def test_a_worker_hears_that_its_database_is_back(caplog):
    """The first sign of life that gets through ends the outage: what was begun before is begun anew, once."""
    caplog.set_level(logging.WARNING)
    database = Database()
    presence = database.presence()
    running = asyncio.get_running_loop().create_task(presence.run())
    await asyncio.sleep(0.01)
    assert (presence.there.is_set(), database.returned) == (True, 0)
    database.is_away = True
    await database.clock.until(lambda: not presence.there.is_set())
    database.is_away = False
    await presence.there.wait()
    assert database.returned == 1
    assert told(caplog)[-1].startswith("the database is back after")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_worker_may_be_told_to_wait_for_ever():
    """Without a bound a worker is still there after a day."""
    database = Database()
    database.is_away = True
    running = asyncio.get_running_loop().create_task(database.presence(give_up_after_s=None).run())
    await database.clock.until(lambda: database.clock.now_s > 90_000)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_attempts_to_reach_a_server_grow_rare_and_stay_so():
    """The pause between two attempts doubles up to four seconds, and begins anew after a success."""
    now_s = [0.0]
    outage = Outage(now_s=lambda: now_s[0], part=lambda: 1.0)
    tries = []
    while now_s[0] < 60:
        if outage.may_try(-math.inf):
            tries.append(now_s[0])
            outage.failed()
        now_s[0] += 0.01
    pauses = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert pauses[0] == pytest.approx(0.05, abs=0.02)
    assert pauses[-1] == pytest.approx(4.0, abs=0.02)
    assert len(tries) <= 22
    while not outage.may_try(-math.inf):
        now_s[0] += 0.01
    assert not outage.may_try(-math.inf), "somebody else tries meanwhile"
    outage.over()
    assert outage.may_try(-math.inf)
    assert outage.may_try(-math.inf), "without an outage nobody waits"


def test_whoever_is_less_patient_is_not_refused_untried():
    """The pause is never longer than half the patience of whoever asked, so that somebody tries before that ends."""
    outage = Outage(now_s=lambda: 0.0, part=lambda: 1.0)
    for _ in range(10):
        outage.failed(longest_s=0.0)
        assert outage.may_try(-math.inf)


def test_nobody_waits_for_a_server_that_was_given_up():
    """A process that ends without its database has every thread that waits for it fail at once."""
    outage = Outage()
    outage.failed()
    outage.give_up()
    assert not outage.may_try(math.inf)
