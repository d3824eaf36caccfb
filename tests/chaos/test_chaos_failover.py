"""The database fails over: the primary is gone for good, and a standby with all its commits takes its place."""

import signal

import psycopg
import pytest
from chaos_siege import IS_LONG, seeds
from chaos_standby import Standby
from chaos_workers import CONCURRENCY, WORKERS, WorkersSiege

from flowlaunch.sandbox import Sandbox
from postgres_server import bring_up


class FailoverSiege(WorkersSiege):
    """A batch on a server whose standbys take over one after another."""

    BLOWS = ("fail_over", "fail_over", "kill", "partition", "storm") if IS_LONG else ("fail_over",)
    HOW_MANY = 8 if IS_LONG else 1

    def __init__(self, sandbox, server, network, folder, seed):
        super().__init__(sandbox, server, network, folder, seed)
        self.standby = Standby(self.server)
        self.past = []

    def fail_over(self):
        """The primary dies; for a while there is none; then the standby is found at its address."""
        self.server.stop(signal.SIGQUIT)
        self.pause()
        self.standby.take_over(**self.settings)
        self.past.append(self.server)
        self.server, self.standby = self.standby, Standby(self.standby)
        self.doubts += CONCURRENCY * WORKERS

    def close(self):
        super().close()
        for server in (self.standby, self.server, *self.past):
            server.close()


@pytest.fixture
def server():
    """A database server that may be struck."""
    one = bring_up()
    yield one
    one.close()


def test_a_standby_that_takes_over_has_every_commit_at_the_same_address(server):
    """What was committed before the primary died is there afterwards, by the same URL, and can be written to."""
    url = server.database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (what text)")
    standby = Standby(server)
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("INSERT INTO kept VALUES ('the last one')")
        server.stop(signal.SIGQUIT)
        standby.take_over()
        with psycopg.connect(url, autocommit=True) as connection:
            assert connection.execute("SELECT what FROM kept").fetchall() == [("the last one",)]
            connection.execute("INSERT INTO kept VALUES ('a new one')")
    finally:
        standby.close()


@pytest.mark.timeout(1_500 if IS_LONG else 180)
@pytest.mark.parametrize("seed", seeds(short=1, long=4))
def test_nothing_is_lost_or_sent_twice_when_the_database_fails_over(tmp_path, server, machines, seed):
    """With a synchronous standby a failover loses no intent: each row is launched at most once, and known."""
    with Sandbox(rate_per_minute=None, journal_size=100_000, allowed_hosts=[machines.address]) as sandbox:
        siege = FailoverSiege(sandbox, server, machines, tmp_path, seed)
        assert siege.judged() == [], str(siege)
