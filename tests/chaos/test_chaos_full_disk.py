"""The database's disk is full: on a small file system of its own, filled to the last byte again and again.

Of the long form only: mounting needs the right to, and each seed takes a minute.
"""

import contextlib
import signal
import tempfile
import time

import psycopg
import pytest
from chaos_disk import NoDiskError, small_disk
from chaos_siege import seeds
from chaos_workers import CONCURRENCY, WORKERS, WorkersSiege

from flowlaunch.sandbox import Sandbox
from postgres_server import NoServerError, bring_up

SMALL_DISK_MB = 256
RECOVERS_WITHIN_S = 5.0
STOPS_WITHIN_S, STANDS_S = 15.0, 1.5
LITTLE_LOG = {"max_wal_size": "48MB", "min_wal_size": "32MB"}
"""A new cluster takes about 60 MB of the small disk; its log must leave room for what the batch needs."""


class FullDiskSiege(WorkersSiege):
    """The database's disk fills up in the middle, the server breaks down or stands, and space is made again."""

    SETTINGS = LITTLE_LOG
    BLOWS = ("fill_disk", "fill_disk", "kill", "partition")
    HOW_MANY = 6

    def __init__(self, sandbox, server, network, folder, seed, disk):
        self.disk = disk
        super().__init__(sandbox, server, network, folder, seed)

    def fill_disk(self):
        """Leave no byte until nothing more leaves, and then for a while.

        The server is started again only if it did not live through it.
        """
        ballast = self.disk / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"\0" * 65_536)
        self.story.append("stopped" if self._until_it_stops() else "went on")
        self.pause()
        ballast.unlink()
        is_up = self._is_up()
        self.story.append("stood" if is_up else "broke")
        if not is_up:
            with contextlib.suppress(NoServerError, OSError):
                self.server.stop(signal.SIGQUIT)
            self.server.start(**self.settings)
        self.doubts += CONCURRENCY * WORKERS

    def _until_it_stops(self):
        """Whether launching came to a stand: what has room in the server's own files goes on."""
        ends_s = time.monotonic() + STOPS_WITHIN_S
        seen, since_s = -1, time.monotonic()
        while time.monotonic() < ends_s:
            launches = len(self.sandbox.launches())
            if launches != seen:
                seen, since_s = launches, time.monotonic()
            elif time.monotonic() - since_s > STANDS_S:
                return True
            time.sleep(0.05)
        return False

    def _is_up(self):
        """Whether the server answers, or does so once it has recovered by itself."""
        ends_s = time.monotonic() + RECOVERS_WITHIN_S
        while time.monotonic() < ends_s:
            with contextlib.suppress(psycopg.OperationalError):
                self.server.admin("SELECT 1")
                return True
            time.sleep(0.1)
        return False


@pytest.fixture
def disk(monkeypatch):
    """A file system of its own for the database; needs the right to mount one."""
    try:
        with small_disk(SMALL_DISK_MB) as folder, monkeypatch.context() as there:
            there.setattr(tempfile, "tempdir", str(folder))
            yield folder
    except NoDiskError as error:
        pytest.skip(f"no file system can be mounted here: {error}")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", seeds(short=1, long=3))
def test_a_database_that_ran_out_of_disk_loses_nothing(tmp_path, machines, disk, seed):
    """When the disk is full nothing more is sent; with space again the batch goes on, nothing lost or sent twice."""
    server = bring_up()
    try:
        with Sandbox(rate_per_minute=None, journal_size=100_000, allowed_hosts=[machines.address]) as sandbox:
            siege = FullDiskSiege(sandbox, server, machines, tmp_path, seed, disk)
            assert siege.judged() == [], str(siege)
    finally:
        server.close()
