"""A gateway that is served, a ledger behind it, and a clock that moves when told."""

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
sys.path[:0] = [str(TESTS / "gateway" / "core"), str(TESTS / "batch")]  # their worlds: a served gateway, a ledger

from gateway_world import gateway  # noqa: E402 - the path first
from ledger_world import HandClock  # noqa: E402

from flowlaunch.batch.ledger import open_ledger  # noqa: E402
from flowlaunch.sandbox import Sandbox  # noqa: E402


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory):
    """A ledger that tests copy: making one anew takes longer than most of them."""
    path = tmp_path_factory.mktemp("empty") / "gateway.ledger"
    open_ledger(path, clock=HandClock()).close()
    return path


@pytest.fixture
def file_ledger(tmp_path, clock, empty_ledger):
    (tmp_path / "gateway.ledger").write_bytes(empty_ledger.read_bytes())
    with open_ledger(tmp_path / "gateway.ledger", clock=clock) as opened:
        yield opened


@pytest.fixture
def ledger(file_ledger):
    return file_ledger


@pytest.fixture(params=["sqlite", "postgresql"])
def any_ledger(request, clock):
    """A ledger of each kind, in turn."""
    if request.param == "sqlite":
        yield request.getfixturevalue("file_ledger")
        return
    with open_ledger(request.getfixturevalue("postgres_ledger_url"), clock=clock) as opened:
        yield opened


@pytest.fixture(scope="session")
def ops_sandbox():
    with Sandbox(rate_per_minute=None, clock="virtual") as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def door(ops_sandbox, tmp_path_factory):
    """A gateway that many tests ask."""
    with gateway(ops_sandbox, tmp_path_factory.mktemp("ops")) as world:
        yield world


@pytest.fixture
def open_door(ops_sandbox, tmp_path):
    """Open a gateway of a test's own."""
    with ExitStack() as stack:

        def opened(**options):
            return stack.enter_context(gateway(ops_sandbox, tmp_path, **options))

        yield opened
