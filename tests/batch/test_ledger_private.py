"""A ledger holds people's data: the files that are made for it are for its owner alone."""

from __future__ import annotations

import os
import stat

import pytest
from ledger_world import HandClock, filled, opened

from flowlaunch.batch.ledger import backup, spare
from flowlaunch.sandbox import Sandbox

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no modes: who may read is the folder's affair")


@pytest.fixture(autouse=True)
def _open_umask():
    """Have new files be readable for all unless they are made otherwise."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder):
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def test_the_files_of_a_ledger_are_for_its_owner(tmp_path):
    """The ledger, its log, the space set aside beside it and a copy of it are made with mode 0600."""
    with opened(tmp_path, HandClock()) as ledger:
        filled(ledger, 2)
        spare.keep(ledger.store)
        backup.copy(ledger.store, tmp_path / "copy.db")
        found = modes(tmp_path)
    assert {"a.db", "a.db-wal", "a.db-shm", "a.db.spare", "copy.db"} <= set(found)
    assert set(found.values()) == {0o600}


def test_the_state_of_a_sandbox_is_for_its_owner(tmp_path):
    """The file in which a sandbox keeps its executions is made with mode 0600, its log too."""
    with Sandbox(db=tmp_path / "a.sandbox"):
        found = modes(tmp_path)
    assert "a.sandbox" in found
    assert set(found.values()) == {0o600}


def test_a_ledger_that_others_were_let_read_stays_readable(tmp_path):
    """The mode of a file that exists is left as somebody set it."""
    with opened(tmp_path, HandClock()) as ledger:
        filled(ledger, 2)
    (tmp_path / "a.db").chmod(0o640)
    opened(tmp_path, HandClock()).close()
    assert modes(tmp_path)["a.db"] == 0o640
