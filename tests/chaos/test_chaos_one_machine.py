"""One machine under fire: a batch is killed, frozen, cut off, lied to and sent through time, and judged afterwards.

A seed makes the whole story; a failing one is named in the test's id and message, and is replayed by
`FLOWLAUNCH_SEEDS=that pytest tests/chaos`.
"""

import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from chaos_history import History, Said, Seen, findings_of
from chaos_proxy import Proxy
from chaos_siege import IS_LONG, LAUNCH, READ, WITHIN_S, MachineSiege, seeds

from flowlaunch.batch.ledger import open_ledger
from flowlaunch.sandbox import Sandbox

HERE = Path(__file__).parent
ROWS, BLOWS, PACE = (1_500, 14, 2_000) if IS_LONG else (150, 4, 6_000)


class BatchSiege(MachineSiege):
    """One batch in a child process, and what is done to it."""

    def __init__(self, sandbox, network, folder, seed):
        super().__init__(sandbox, seed)
        self.network, self.folder = network, folder
        place = urlsplit(sandbox.url)
        self.service = Proxy(place.hostname, place.port, at=network.address)
        self.source, self.ledger = folder / "rows.csv", folder / "rows.ledger"
        lines = "".join(f"Ada,order-{number}\n" for number in range(1, ROWS + 1))
        self.source.write_text("customerName,orderId\n" + lines, "utf-8")

    def start(self):
        options = {"pace_per_minute": PACE, "concurrency": self.CONCURRENCY, "ramp": [], "max_failed": None,
                   "max_in_doubt": None, "timeout_s": 3.0, "track": True}  # fmt: skip
        url = f"http://{self.network.address}:{self.service.port}"
        words = [HERE / "chaos_batch.py", self.ledger, self.source, url, json.dumps(options)]
        self.machine = self.network.machine(words, {}, folder=self.folder, service=self.service, named=False)

    def is_alive(self):
        return self.machine.process.poll() is None

    BLOWS = ("kill", "kill", "freeze", "cut", "partition", "jump", "drift", "storm", "storm")

    def rage(self):
        """Strike, then let the batch come to its end; return how it told that."""
        self.start()
        self.strike(ROWS, BLOWS)
        self.machine.process.wait(WITHIN_S)
        assert self.machine.process.returncode == 0, self.machine.trouble()
        return json.loads(self.machine.said())

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
        if self.machine is not None:
            self.machine.close()
        self.service.close()

    def __str__(self):
        return f"{super().__str__()} ({self.network.kind})"


@pytest.mark.timeout(900 if IS_LONG else 120)
@pytest.mark.parametrize("seed", seeds(short=1, long=6))
def test_nothing_is_lost_or_sent_twice_on_one_machine(tmp_path, machines, seed):
    """Whatever happens to it, each row is launched at most once, known or in doubt, and within the pace."""
    with Sandbox(rate_per_minute=None, journal_size=100_000, allowed_hosts=[machines.address]) as sandbox:
        siege = BatchSiege(sandbox, machines, tmp_path, seed)
        try:
            ended = siege.rage()
            history = siege.history()
        finally:
            siege.close()

    sys.stdout.write(f"{siege} -> {ended}\n")
    assert findings_of(history) == [], str(siege)
    assert ended["ended"] == "finished"
    assert history.tries_the_pace or not IS_LONG
