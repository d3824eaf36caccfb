"""Fixtures of the workers' tests."""

import pytest
from worker_world import WorkerWorld

from flowlaunch.sandbox import Sandbox


@pytest.fixture
def worker_world(postgres_ledger_url, tmp_path):
    """A ledger in PostgreSQL, a sandbox without a rate limit, and no worker yet."""
    with Sandbox(rate_per_minute=None) as sandbox:
        world = WorkerWorld(postgres_ledger_url, sandbox, tmp_path)
        yield world
        world.close()
