"""The database's disk is full: on a small file system of its own, filled to the last byte again and again.

Of the long form only: mounting needs the right to, and each seed takes a minute.
"""

import contextlib
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest
from chaos_siege import seeds
from test_chaos_workers import CONCURRENCY, WORKERS, WorkersSiege, judged

from flowlaunch.sandbox import Sandbox
from postgres_server import NoServerError, bring_up

SMALL_DISK_MB = 256
LITTLE_LOG = {"max_wal_size": "48MB", "min_wal_size": "32MB"}
"""A new cluster takes about 60 MB of the small disk; its log must leave room for what the batch needs."""


class FullDiskSiege(WorkersSiege):
    """The database's disk fills up in the middle, the server breaks down, and space is made again."""

    def __init__(self, sandbox, server, folder, seed, disk):
        self.disk = disk
        server.stop()
        server.start(**LITTLE_LOG)
        super().__init__(sandbox, server, folder, seed)

    def fill_disk(self):
        ballast = self.disk / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"\0" * 65_536)
        self.pause()
        ballast.unlink()
        with contextlib.suppress(NoServerError, OSError):
            self.server.stop(signal.SIGQUIT)
        self.server.start(**LITTLE_LOG)
        self.doubts += CONCURRENCY * WORKERS

    BLOWS = ("fill_disk",)
    HOW_MANY = 3


@pytest.fixture
def small_disk(monkeypatch):
    """A file system of its own for the database; needs the right to mount one."""
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_MB}m,mode=755", "tmpfs", folder],
                                 check=False, capture_output=True, text=True)  # fmt: skip
        if mounted.returncode:
            pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
        monkeypatch.setattr(tempfile, "tempdir", folder)
        try:
            yield folder
        finally:
            monkeypatch.undo()
            subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", seeds(short=1, long=2))
def test_a_database_that_ran_out_of_disk_loses_nothing(tmp_path, small_disk, seed):
    """When the disk is full nothing more is sent; with space again the batch goes on, nothing lost or sent twice."""
    server = bring_up()
    try:
        with Sandbox(rate_per_minute=None, journal_size=100_000) as sandbox:
            siege = FullDiskSiege(sandbox, server, tmp_path, seed, Path(small_disk))
            assert judged(siege) == [], str(siege)
    finally:
        server.close()
