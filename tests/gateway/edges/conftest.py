"""A clock, and a ledger behind the gateway's door."""

import pytest
from edges_world import Door, HandClock


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def door(tmp_path, clock):
    world = Door(tmp_path, clock)
    yield world
    world.close()
