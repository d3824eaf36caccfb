"""One machine under fire: a batch is killed, frozen, cut off, lied to and sent through time, and judged afterwards.

A seed makes the whole story; a failing one is named in the test's id and message, and is replayed by
`FLOWLAUNCH_SEEDS=that pytest tests/chaos`.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from chaos_clock import JumpyClock
from chaos_history import History, Said, Seen, findings_of
from chaos_proxy import Proxy

from flowlaunch.batch.ledger import open_ledger
from flowlaunch.sandbox import Sandbox
from flowlaunch.sandbox.faults import Delay, DropAfterProcessing, DropBeforeReading, HtmlBadGateway, Status

HERE = Path(__file__).parent
IS_LONG = bool(os.environ.get("FLOWLAUNCH_CHAOS"))
ROWS, BLOWS, STORM = (1_500, 14, 9) if IS_LONG else (150, 4, 4)
SEEDS = [int(one) for one in os.environ.get("FLOWLAUNCH_SEEDS", "").split(",") if one] or (
    list(range(1, 7)) if IS_LONG else [1, 2]
)
CONCURRENCY = 8
PACE = 6_000
WITHIN_S = 400.0 if IS_LONG else 60.0
LAUNCH, READ = "executions.launch", "executions.get"


class Siege:
    """One batch in a child process, and what is done to it."""

    def __init__(self, sandbox, folder, seed):
        self.sandbox, self.folder, self.chance = sandbox, folder, random.Random(seed)  # noqa: S311 - a story to be told again
        place = urlsplit(sandbox.url)
        self.proxy = Proxy(place.hostname, place.port)
        self.clock = JumpyClock(folder / "clock")
        self.source, self.ledger = folder / "rows.csv", folder / "rows.ledger"
        lines = "".join(f"Ada,order-{number}\n" for number in range(1, ROWS + 1))
        self.source.write_text("customerName,orderId\n" + lines, "utf-8")
        self.doubts, self.story, self.child = 0, [], None

    def start(self):
        options = {"pace_per_minute": PACE, "concurrency": CONCURRENCY, "ramp": [], "max_failed": None,
                   "max_in_doubt": None, "timeout_s": 3.0, "track": True}  # fmt: skip
        url = f"http://127.0.0.1:{self.proxy.port}"
        command = [sys.executable, HERE / "chaos_batch.py", self.ledger, self.source, url, self.folder / "clock",
                   json.dumps(options)]  # fmt: skip
        self.child = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)

    def until_launched(self, rows):
        ends_s = time.monotonic() + WITHIN_S
        while len(self.sandbox.launches()) < rows and self.child.poll() is None:
            assert time.monotonic() < ends_s, f"no progress: {self.story}"
            time.sleep(0.005)

    # blows: each notes how many rows it may put in doubt -------------------------------------------------------

    def kill(self):
        self.child.kill()
        self.child.wait(10)
        self.child.stdout.close()
        self.doubts += CONCURRENCY
        self.start()

    def freeze(self):
        self.child.send_signal(signal.SIGSTOP)
        time.sleep(self.chance.uniform(0.1, 4.0))
        self.child.send_signal(signal.SIGCONT)
        self.doubts += CONCURRENCY

    def cut(self):
        self.proxy.cut()
        self.doubts += CONCURRENCY

    def partition(self):
        self.proxy.partition()
        time.sleep(self.chance.uniform(0.1, 4.0))
        self.proxy.heal()
        self.doubts += CONCURRENCY

    def jump(self):
        self.clock.jump_to(self.chance.choice((-3_600.0, -5.0, 5.0, 3_600.0)))

    def storm(self):
        kind = self.chance.choice(
            (Status(429, retry_after_s=1), Status(429), Status(503), Status(500), HtmlBadGateway(),
             DropAfterProcessing(), DropBeforeReading(), Delay(4.0))
        )  # fmt: skip
        self.story.append(type(kind).__name__ + str(getattr(kind, "code", "")))
        self.sandbox.faults.next(LAUNCH, kind, STORM)
        self.doubts += STORM

    BLOWS = ("kill", "kill", "freeze", "cut", "partition", "jump", "storm", "storm")

    def rage(self):
        """Strike at moments chosen by the seed, then let the batch come to its end."""
        self.start()
        moments = sorted(self.chance.sample(range(1, ROWS * 9 // 10), BLOWS))
        for moment in moments:
            self.until_launched(moment)
            blow = self.chance.choice(self.BLOWS)
            self.story.append(f"{blow}@{moment}")
            getattr(self, blow)()
        self.sandbox.faults.clear()
        told, _ = self.child.communicate(timeout=WITHIN_S)
        assert self.child.returncode == 0
        return json.loads(told)

    def history(self):
        with open_ledger(self.ledger) as ledger:
            rows = tuple(
                Said(json.loads(row.payload)["Flow.orderId"], row.state, row.execution_id) for row in ledger.rows(1)
            )
        return History(
            launches=tuple(Seen(one.inputs["Flow.orderId"], one.execution_id) for one in self.sandbox.launches()),
            rows=rows,
            sent_s=tuple(one.monotonic_s for one in self.sandbox.journal() if one.operation in {LAUNCH, READ}),
            budget_per_minute=PACE,
            most_in_doubt=self.doubts,
        )

    def close(self):
        if self.child is not None and self.child.poll() is None:
            self.child.send_signal(signal.SIGCONT)
            self.child.kill()
            self.child.wait(10)
        if self.child is not None and self.child.stdout is not None:
            self.child.stdout.close()
        self.proxy.close()


@pytest.mark.timeout(900 if IS_LONG else 120)
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_or_sent_twice_on_one_machine(tmp_path, seed):
    """Whatever happens to it, each row is launched at most once, known or in doubt, and within the pace."""
    with Sandbox(rate_per_minute=None, journal_size=100_000) as sandbox:
        siege = Siege(sandbox, tmp_path, seed)
        try:
            ended = siege.rage()
            history = siege.history()
        finally:
            siege.close()

    sys.stdout.write(f"seed {seed}: {' '.join(siege.story)} -> {ended}\n")
    assert findings_of(history) == [], f"seed {seed}: {siege.story}"
    assert ended["ended"] == "finished"
