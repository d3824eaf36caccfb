"""Two processes and one ledger: nothing that one of them does takes SQLite's locks away from the other."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ledger_world import HandClock, filled, opened

TRIES_THE_LOCK = """
import fcntl, struct, sys
with open(sys.argv[1] + "-shm", "r+b") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 128)
    except OSError:
        print("held")
    else:
        print("free")
"""
"""Asks for the lock by which SQLite knows that some process uses the log: byte 128 of its index."""


def lock_of(place):
    """Tell from another process whether anybody holds the log of a ledger."""
    asked = [sys.executable, "-c", TRIES_THE_LOCK, str(place)]
    return subprocess.run(asked, capture_output=True, text=True, check=True, timeout=90).stdout.strip()


@pytest.fixture
def ledger(tmp_path):
    with opened(tmp_path, HandClock()) as one:
        filled(one, 3)
        yield one


def test_asking_for_the_history_keeps_the_locks(ledger, tmp_path):
    """Looking for other ledgers in the folder opens no file of our own: its locks would be gone, unnoticed."""
    assert lock_of(tmp_path / "a.db") == "held"

    ledger.history().close()

    assert lock_of(tmp_path / "a.db") == "held"


def test_opening_a_ledger_twice_keeps_the_locks(ledger, tmp_path):
    """A second handle in one process, as a program that steers its own batch has, takes no lock of the first away."""
    with opened(tmp_path, HandClock()) as second:
        second.batches()

    assert lock_of(tmp_path / "a.db") == "held"
    ledger.add_event(1, "note", text="still there")


def test_a_closed_ledger_is_looked_into_again(ledger, tmp_path):
    """Once a ledger is closed its mark is read from the file; a file that replaces it is not taken for it."""
    from flowlaunch.batch.ledger import sqlite

    place = tmp_path / "a.db"
    assert sqlite.application_id(place) == sqlite.APPLICATION_ID
    ledger.close()
    place.unlink()
    place.write_text("no ledger any more")

    assert sqlite.application_id(place) is None
    assert sqlite.application_id(tmp_path / "a.db-shm") is None
