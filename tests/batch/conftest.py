"""Fixtures of the batch's tests."""

import pytest
from runner_world import World

from flowlaunch.sandbox import Sandbox


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request, tmp_path):
    """Where a ledger lives: a folder, or the URL of a database. What is asked of ledgers is asked of both."""
    return tmp_path if request.param == "sqlite" else request.getfixturevalue("postgres_ledger_url")


@pytest.fixture
def open_world(tmp_path):
    """Make worlds of a sandbox without a rate limit and a ledger; they close with the test."""
    opened = []

    def make(**options):
        clock = options.pop("fast_clock", None)
        sandbox = Sandbox(**{"rate_per_minute": None, **options})
        sandbox.__enter__()
        world = World(sandbox, tmp_path / f"{len(opened)}.db", clock)
        opened.append(world)
        return world

    yield make
    for world in opened:
        world.close()
        world.sandbox.close()
