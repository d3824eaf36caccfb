"""What all sieges share: how long and how hard, seeds, storms, and striking at moments that the seed chose."""

import os
import random
import signal
import time
from abc import ABC, abstractmethod

from chaos_network import WAYS

from flowlaunch.sandbox.faults import Delay, DropAfterProcessing, DropBeforeReading, HtmlBadGateway, Status

IS_LONG = bool(os.environ.get("FLOWLAUNCH_CHAOS"))
GIVEN_SEEDS = [int(one) for one in os.environ.get("FLOWLAUNCH_SEEDS", "").split(",") if one]
WITHIN_S = 400.0 if IS_LONG else 60.0
JUMPS_S = (-3_600.0, -5.0, 5.0, 3_600.0)
DRIFTS = (-0.05, 0.05)
LAUNCH, READ = "executions.launch", "executions.get"
STORM = 9 if IS_LONG else 4
STORMS = (
    Status(429, retry_after_s=1),
    Status(429),
    Status(503),
    Status(500),
    HtmlBadGateway(),
    DropAfterProcessing(),
    DropBeforeReading(),
    Delay(4.0),
)


def seeds(short, long):
    """The seeds of this run: those asked for, else the first few."""
    return GIVEN_SEEDS or list(range(1, (long if IS_LONG else short) + 1))


class Siege:
    """A sandbox under whose journal something is struck again and again.

    A subclass names its blows in BLOWS; each is a method that adds to `doubts` how many rows it may put in doubt.
    """

    BLOWS = ()

    def __init__(self, sandbox, seed):
        self.sandbox, self.seed = sandbox, seed
        self.chance = random.Random(seed)  # noqa: S311 - a story to be told again
        self.doubts, self.story = 0, []

    def is_alive(self):
        """Whether progress can still be made."""
        return True

    def until(self, holds):
        ends_s = time.monotonic() + WITHIN_S
        while not holds():
            assert time.monotonic() < ends_s, f"no progress: {self}"
            time.sleep(0.005)

    def until_launched(self, rows):
        self.until(lambda: len(self.sandbox.launches()) >= rows or not self.is_alive())

    def pause(self):
        time.sleep(self.chance.uniform(0.1, 4.0))

    def storm(self):
        kind = self.chance.choice(STORMS)
        self.story.append(type(kind).__name__ + str(getattr(kind, "code", "")))
        self.sandbox.faults.next(LAUNCH, kind, STORM)
        self.doubts += STORM

    def strike(self, rows, blows):
        """Strike when so many rows were launched as the seed says."""
        for moment in sorted(self.chance.sample(range(1, rows * 9 // 10), blows)):
            self.until_launched(moment)
            blow = self.chance.choice(self.BLOWS)
            self.story.append(f"{blow}@{moment}")
            getattr(self, blow)()
        self.sandbox.faults.clear()

    def __str__(self):
        return f"seed {self.seed}: {' '.join(self.story)}"


class MachineSiege(Siege, ABC):
    """A siege of one process on a machine of its own; at most `CONCURRENCY` of its launches are in flight."""

    CONCURRENCY = 8

    def __init__(self, sandbox, seed):
        super().__init__(sandbox, seed)
        self.machine = self.service = None

    @abstractmethod
    def start(self):
        """Begin the process, or begin it anew."""

    def kill(self):
        self.machine.close()
        self.doubts += self.CONCURRENCY
        self.start()

    def freeze(self):
        self.machine.process.send_signal(signal.SIGSTOP)
        self.pause()
        self.machine.process.send_signal(signal.SIGCONT)
        self.doubts += self.CONCURRENCY

    def cut(self):
        self.service.cut()
        self.doubts += self.CONCURRENCY

    def partition(self):
        """Cut it off from the service, from a database on another machine, and where it can from who asks it."""
        way = self.chance.choice(WAYS)
        self.story.append(way)
        self.machine.partition(way)
        self.pause()
        self.machine.heal()
        self.doubts += self.CONCURRENCY

    def jump(self):
        off_s = self.chance.choice(JUMPS_S)
        self.story.append(f"{off_s:+g}s")
        self.machine.clock.jump_to(off_s)

    def drift(self):
        s_per_s = self.chance.choice(DRIFTS)
        self.story.append(f"{s_per_s:+g}s/s")
        self.machine.clock.drift(s_per_s)
