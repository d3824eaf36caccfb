"""`worker reserve` leaves a share of an OAuth client's pace to other apps."""

import json

import pytest
from sqlalchemy import select

from flowlaunch.batch.ledger.schema import pace_clients

pytestmark = pytest.mark.timeout(300)  # processes begin, on machines with other work


def kept_back(world):
    with world.ledger.store.read("look at the clients") as connection:
        found = connection.execute(select(pace_clients.c.client_key, pace_clients.c.kept_back)).all()
    return {one.client_key: one.kept_back for one in found}


def test_a_share_of_the_pace_of_one_client_is_kept_back_by_name_of_its_profile(worker_world):
    """The share counts for the OAuth client at hand, by the very key that workers spend by; 0 gives it back."""
    done = worker_world.run("worker", "reserve", "20%", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kept_back"] == 0.2
    assert kept_back(worker_world) == {worker_world.key: 0.2}
    granted = worker_world.ledger.reserve_slots(worker_world.key, 100, budget_per_minute=600.0, horizon_s=1.0)
    assert granted.at_us[-1] - granted.at_us[-2] > 120_000, "eight a second, and two for others"
    assert worker_world.run("worker", "reserve", "0").returncode == 0
    assert kept_back(worker_world) == {worker_world.key: 0.0}


@pytest.mark.parametrize("share", ["100%", "1.5", "half"])
def test_what_is_no_share_is_refused(worker_world, share):
    """A share is at most 95 %: with all of the pace kept back nothing would ever leave."""
    done = worker_world.run("worker", "reserve", share)
    assert done.returncode == 2
    assert "is no share" in done.stderr
    assert kept_back(worker_world) == {}
