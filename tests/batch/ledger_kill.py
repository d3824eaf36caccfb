"""Run a small batch on a ledger and die at the n-th place where that can matter; one process for each n.

Run as a program: `ledger_kill.py FOLDER`. Makes FOLDER/<n>/ with the ledger as it was left and `sent.txt`, the
requests that left. The first run, in FOLDER/0, dies nowhere and says how many places there are. With the server of
`ledger_kill.py FOLDER CONNINFO TEMPLATE URL STRIDE` the ledgers are databases of it, and only every STRIDE-th place is
died at.
"""

from __future__ import annotations

import os
import shutil
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


class Homes:
    """Where the ledger of each death is: in its folder, or in a database of a server."""

    def __init__(self, conninfo=None, template="", url=""):
        self._conninfo, self._template, self._url = conninfo, template, url

    def make(self, folder):
        """Return the home of a new ledger."""
        return self._copied(folder, self._template) if self._conninfo else folder

    def copy(self, left, to):
        """Return a copy of what a death left, to go on with."""
        shutil.copytree(left, to)
        return self._copied(to, self._name(left)) if self._conninfo else to

    def of(self, folder):
        """Return the home that a folder's ledger has."""
        return f"{self._url}/{self._name(folder)}" if self._conninfo else folder

    def _copied(self, folder, template):
        import psycopg

        how = f'CREATE DATABASE "{self._name(folder)}" OWNER owner TEMPLATE "{template}" STRATEGY FILE_COPY'
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            connection.execute(how)
        return self.of(folder)

    def drop_all(self):
        """Remove the databases."""
        import psycopg

        if not self._conninfo:
            return
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            for (name,) in connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'kill%'").fetchall():
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    @staticmethod
    def _name(folder):
        return f"kill_{folder.parent.name}_{folder.name}"


def go(folder, places, home=None):
    """Do everything from an empty folder to the last result."""
    clock = HandClock()
    with opened(home or folder, clock, boundary=places) as ledger:
        batch_id = filled(ledger, plans=[plan(number) for number in range(1, ROWS + 1)])
        launch(ledger, batch_id, clock, folder, places)
        ledger.control(batch_id, by="test", change=_paused())


def _paused():
    from flowlaunch.batch.ledger import Change

    return Change(paused=True)


def main(root, homes, stride):
    """Run once to count the places, then once for each, each in a process of its own."""
    (root / "0").mkdir()
    places = Places(0)
    go(root / "0", places, homes.make(root / "0"))
    for chosen in range(1, places.passed + 1, stride):
        folder = root / str(chosen)
        folder.mkdir()
        home = homes.make(folder)
        child = os.fork()
        if child == 0:
            go(folder, Places(chosen), home)
            os._exit(3)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            raise SystemExit(f"place {chosen} was not reached: {status}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Homes(*sys.argv[2:5]), int(sys.argv[5]) if len(sys.argv) > 5 else 1)
