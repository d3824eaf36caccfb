"""Fixtures of the batch's tests."""

import os

import pytest
from runner_world import World

from flowlaunch.sandbox import Sandbox

IS_LONG = bool(os.environ.get("FLOWLAUNCH_CHAOS"))
DATABASES = ("sqlite", "postgresql")


def pytest_generate_tests(metafunc):
    """Ask both databases what is asked of one, unless a mark of the test says why not.

    Everything runs on SQLite. On PostgreSQL always runs what depends on statements, locks and transactions: faults,
    controls, settling, privacy, and the machine with fewer lives. Tests marked `by_the_clock` run there with
    FLOWLAUNCH_CHAOS alone: they wait seconds for a pace or an end, with statements that the others ask as well.
    """
    if "database" not in metafunc.fixturenames:
        return
    marks = {one.name: one for one in metafunc.definition.iter_markers()}
    if "one_database" in marks:
        asked = (marks["one_database"].args[0],)
    elif "by_the_clock" in marks and not IS_LONG:
        asked = DATABASES[:1]
    else:
        asked = DATABASES
    metafunc.parametrize("database", asked)


@pytest.fixture
def home(request, database, tmp_path):
    """Where a ledger lives: a folder, or the URL of a database. What is asked of ledgers is asked of both."""
    return tmp_path if database == "sqlite" else request.getfixturevalue("postgres_ledger_url")


@pytest.fixture
def new_place(request, database, tmp_path):
    """Make places for ledgers, each of its own; databases go with the test."""
    made = []

    def make():
        if database == "sqlite":
            made.append(tmp_path / f"{len(made)}.db")
        else:
            server, template = request.getfixturevalue("postgres_server"), request.getfixturevalue("ledger_template")
            made.append(server.database(template=template))
        return made[-1]

    yield make
    for place in made if database == "postgresql" else ():
        request.getfixturevalue("postgres_server").drop(place)


@pytest.fixture
def open_world(new_place):
    """Make worlds of a sandbox without a rate limit and a ledger; they close with the test."""
    opened = []

    def make(**options):
        clock = options.pop("fast_clock", None)
        sandbox = Sandbox(**{"rate_per_minute": None, **options})
        sandbox.__enter__()
        world = World(sandbox, new_place(), clock)
        opened.append(world)
        return world

    yield make
    for world in opened:
        world.close()
        world.sandbox.close()
