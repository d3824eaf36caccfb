"""Fixtures of the workers' tests."""

import pytest
from worker_world import WorkerWorld

from flowlaunch.sandbox import Sandbox

CLIENTS = [
    {"id": name, "secret": f"{name}-secret", "name": name, "roles": ["everything"], "scopes": ["architect"],
     "grants": ["CLIENT-CREDENTIALS"]}
    for name in ("demo", "second")
]  # fmt: skip


@pytest.fixture
def worker_world(postgres_ledger_url, tmp_path):
    """A ledger in PostgreSQL, a sandbox with two OAuth clients and no rate limit, and no worker yet."""
    with Sandbox(world={"clients": CLIENTS}, rate_per_minute=None) as sandbox:
        world = WorkerWorld(postgres_ledger_url, sandbox, tmp_path)
        yield world
        world.close()
