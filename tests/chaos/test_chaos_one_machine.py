"""One machine under fire: a batch is killed, frozen, cut off, lied to and sent through time, and judged afterwards.

A seed makes the whole story; a failing one is named in the test's id and message, and is replayed by
`FLOWLAUNCH_SEEDS=that pytest tests/chaos`.
"""

import json
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from chaos_clock import JumpyClock
from chaos_history import History, Said, Seen, findings_of
from chaos_proxy import Proxy
from chaos_siege import IS_LONG, LAUNCH, READ, WITHIN_S, Siege, seeds

from flowlaunch.batch.ledger import open_ledger
from flowlaunch.sandbox import Sandbox

HERE = Path(__file__).parent
ROWS, BLOWS = (1_500, 14) if IS_LONG else (150, 4)
CONCURRENCY = 8
PACE = 6_000


class BatchSiege(Siege):
    """One batch in a child process, and what is done to it."""

    BLOWS = ("kill", "kill", "freeze", "cut", "partition", "jump", "storm", "storm")

    def __init__(self, sandbox, folder, seed):
        super().__init__(sandbox, seed)
        self.folder = folder
        place = urlsplit(sandbox.url)
        self.proxy = Proxy(place.hostname, place.port)
        self.clock = JumpyClock(folder / "clock")
        self.source, self.ledger = folder / "rows.csv", folder / "rows.ledger"
        lines = "".join(f"Ada,order-{number}\n" for number in range(1, ROWS + 1))
        self.source.write_text("customerName,orderId\n" + lines, "utf-8")
        self.child = None

    def start(self):
        options = {"pace_per_minute": PACE, "concurrency": CONCURRENCY, "ramp": [], "max_failed": None,
                   "max_in_doubt": None, "timeout_s": 3.0, "track": True}  # fmt: skip
        url = f"http://127.0.0.1:{self.proxy.port}"
        command = [sys.executable, HERE / "chaos_batch.py", self.ledger, self.source, url, self.folder / "clock",
                   json.dumps(options)]  # fmt: skip
        self.child = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)

    def is_alive(self):
        return self.child.poll() is None

    def kill(self):
        self.child.kill()
        self.child.wait(10)
        self.child.stdout.close()
        self.doubts += CONCURRENCY
        self.start()

    def freeze(self):
        self.child.send_signal(signal.SIGSTOP)
        self.pause()
        self.child.send_signal(signal.SIGCONT)
        self.doubts += CONCURRENCY

    def cut(self):
        self.proxy.cut()
        self.doubts += CONCURRENCY

    def partition(self):
        self.proxy.partition()
        self.pause()
        self.proxy.heal()
        self.doubts += CONCURRENCY

    def jump(self):
        self.clock.jump_to(self.chance.choice((-3_600.0, -5.0, 5.0, 3_600.0)))

    def rage(self):
        """Strike, then let the batch come to its end; return how it told that."""
        self.start()
        self.strike(ROWS, BLOWS)
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
@pytest.mark.parametrize("seed", seeds(short=2, long=6))
def test_nothing_is_lost_or_sent_twice_on_one_machine(tmp_path, seed):
    """Whatever happens to it, each row is launched at most once, known or in doubt, and within the pace."""
    with Sandbox(rate_per_minute=None, journal_size=100_000) as sandbox:
        siege = BatchSiege(sandbox, tmp_path, seed)
        try:
            ended = siege.rage()
            history = siege.history()
        finally:
            siege.close()

    sys.stdout.write(f"{siege} -> {ended}\n")
    assert findings_of(history) == [], str(siege)
    assert ended["ended"] == "finished"
