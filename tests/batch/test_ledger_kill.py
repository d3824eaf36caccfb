"""SIGKILL at every commit and every send, enumerated: what is left on the disk is always a true story."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from ledger_kill import ROWS, Homes, Places, go, launch
from ledger_world import HandClock, kept, opened, plan, spec, states, truth

from flowlaunch.batch.states import RowState
from flowlaunch.errors import LedgerError

HERE = Path(__file__).parent
EVERY_PLACE = bool(os.environ.get("FLOWLAUNCH_CHAOS"))


class Deaths:
    """What the killed processes left: a folder for each, and the ledger's home."""

    def __init__(self, root, homes, stride):
        self.folders = sorted((one for one in root.iterdir() if one.name != "0"), key=lambda one: int(one.name))
        self.homes, self.stride = homes, stride


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def deaths(request, tmp_path_factory):
    """One folder for each place at which the process was killed; on PostgreSQL every place with FLOWLAUNCH_CHAOS."""
    root = tmp_path_factory.mktemp("kill")
    given = []
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        conninfo = f"host={server.folder / 'socket'} port={server.port} user=postgres dbname=postgres"
        url = server.url("").removesuffix("/")
        given = [conninfo, request.getfixturevalue("ledger_template"), url, "1" if EVERY_PLACE else "5"]
    homes = Homes(*given[:3])
    done = subprocess.run(
        [sys.executable, str(HERE / "ledger_kill.py"), str(root), *given],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    yield Deaths(root, homes, int(given[3]) if given else 1)
    homes.drop_all()


def sent(folder):
    """How often each row's request left."""
    path = folder / "sent.txt"
    return Counter(int(line) for line in path.read_text().split()) if path.exists() else Counter()


def last_batch(ledger):
    return ledger.batches()[-1].batch_id if ledger.batches() else None


def test_every_place_is_covered(deaths):
    """The places are enumerated: at least one before and after each of the writes and sends of the run."""
    places = [int(one.name) for one in deaths.folders]
    assert places == list(range(1, places[-1] + 1, deaths.stride))
    assert places[-1] >= 2 * (ROWS + 12)


def test_no_row_is_sent_twice_and_none_is_lost(deaths, tmp_path):
    """Whatever the place of death, going on sends every row at most once; who was in flight is in doubt."""
    for left in deaths.folders:
        folder = tmp_path / left.name
        clock = HandClock()
        with opened(deaths.homes.copy(left, folder), clock) as ledger:
            batch_id = last_batch(ledger)
            if batch_id is None:
                batch_id = ledger.create_batch(spec())
            before = sent(folder)
            ledger.add_rows(batch_id, [plan(number) for number in range(1, ROWS + 1)])
            launch(ledger, batch_id, clock, folder, Places(0))
            after = sent(folder)
            rows = {one.number: one for one in ledger.rows(batch_id)}
            assert len(rows) == ROWS, folder
            assert max(after.values()) == 1, folder
            assert not [n for n, row in rows.items() if row.state is RowState.PENDING], folder
            doubtful = {n for n, row in rows.items() if row.state is RowState.IN_DOUBT}
            assert len(doubtful) <= 2, folder
            assert {n for n in rows if n not in after} <= doubtful, folder
            assert not {n for n in doubtful if n in after and n not in before}, folder
            ended = {n: row.state for n, row in rows.items() if n not in doubtful}
            assert all(state is (RowState.REFUSED if n == 5 else RowState.COMPLETED) for n, state in ended.items()), (
                folder
            )


def test_the_file_is_whole_at_every_death(deaths):
    """After each death the file passes SQLite's own check and the kept counts equal a full count."""
    for folder in deaths.folders:
        with opened(deaths.homes.of(folder), HandClock()) as ledger:
            if ledger.store.path is not None:
                with ledger.store.read("check") as connection:
                    assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
                    assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
            for batch in ledger.batches():
                assert kept(ledger, batch.batch_id) == truth(ledger, batch.batch_id), folder


def test_the_run_that_nobody_killed_ends_well(tmp_path):
    """The same run without a death launches every row once."""
    go(tmp_path, Places(0))
    with opened(tmp_path, HandClock()) as ledger:
        assert states(ledger, last_batch(ledger)) == {"completed": ROWS - 1, "refused": 1}
    assert sent(tmp_path) == Counter(range(1, ROWS + 1))
    with pytest.raises(LedgerError, match="there is no folder"):
        opened(tmp_path / "nowhere", HandClock())
