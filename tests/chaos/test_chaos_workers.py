"""Many machines under fire: a seed makes the whole story, as on one machine."""

import pytest
from chaos_siege import IS_LONG, seeds
from chaos_workers import WorkersSiege

from flowlaunch.sandbox import Sandbox
from postgres_server import bring_up


@pytest.fixture
def server():
    """A database server that may be struck."""
    one = bring_up()
    yield one
    one.close()


@pytest.mark.timeout(1_500 if IS_LONG else 180)
@pytest.mark.parametrize("seed", seeds(short=1, long=6))
def test_nothing_is_lost_or_sent_twice_on_many_machines(tmp_path, server, machines, seed):
    """Workers, wires, clocks and the database may fail in any order: each row is launched at most once, and known."""
    with Sandbox(rate_per_minute=None, journal_size=100_000, allowed_hosts=[machines.address]) as sandbox:
        siege = WorkersSiege(sandbox, server, machines, tmp_path, seed)
        assert siege.judged() == [], str(siege)
