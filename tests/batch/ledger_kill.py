"""Run a small batch on a ledger and die at the n-th place where that can matter; one process for each n.

Run as a program: `ledger_kill.py FOLDER`. Makes FOLDER/<n>/ with the ledger as it was left and `sent.txt`, the
requests that left. The first run, in FOLDER/0, dies nowhere and says how many places there are.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from ledger_world import HandClock, accepted, filled, opened, plan

from flowlaunch.batch.ledger import Result
from flowlaunch.batch.states import Event

ROWS = 9


class Places:
    """Counts the places passed and ends the process at the chosen one, as a power switch would."""

    def __init__(self, chosen):
        self.chosen, self.passed = chosen, 0

    def __call__(self, _place):
        self.passed += 1
        if self.passed == self.chosen:
            os.kill(os.getpid(), signal.SIGKILL)


def send(folder, places, row):
    """Let a request leave: die before, or after it left."""
    places("before send")
    with (folder / "sent.txt").open("a") as file:
        file.write(f"{row.number}\n")
    places("after send")


def launch(ledger, batch_id, clock, folder, places):
    """Launch all that is due in chunks of four: outcomes go with the next intents."""
    worker = ledger.start_work(batch_id)
    waiting = []
    while chunk := ledger.take_chunk(worker, 4):
        ledger.commit(worker, intents=chunk.rows[:2], results=waiting)
        waiting = [answer(row, clock, folder, places) for row in chunk.rows[:2]]
        ledger.commit(worker, intents=chunk.rows[2:], results=waiting)
        waiting = [answer(row, clock, folder, places) for row in chunk.rows[2:]]
    ledger.commit(worker, results=waiting)
    found = [
        Result(row_id=one.row_id, execution_id=one.execution_id, event=Event.COMPLETED, outputs=b"{}")
        for one in ledger.to_look_at(batch_id, due_us=10**18)
    ]
    ledger.record_results(batch_id, found)
    ledger.stop_work(worker)


def answer(row, clock, folder, places):
    """Send one row; row 5 is refused."""
    send(folder, places, row)
    if row.number == 5:
        return row.outcome(Event.REFUSED, reason="bad.request")
    return accepted(row, clock)


def go(folder, places):
    """Do everything from an empty folder to the last result."""
    clock = HandClock()
    with opened(folder, clock, boundary=places) as ledger:
        batch_id = filled(ledger, plans=[plan(number) for number in range(1, ROWS + 1)])
        launch(ledger, batch_id, clock, folder, places)
        ledger.control(batch_id, by="test", change=_paused())


def _paused():
    from flowlaunch.batch.ledger import Change

    return Change(paused=True)


def main(root):
    """Run once to count the places, then once for each, each in a process of its own."""
    (root / "0").mkdir()
    places = Places(0)
    go(root / "0", places)
    for chosen in range(1, places.passed + 1):
        folder = root / str(chosen)
        folder.mkdir()
        child = os.fork()
        if child == 0:
            go(folder, Places(chosen))
            os._exit(3)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            raise SystemExit(f"place {chosen} was not reached: {status}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
