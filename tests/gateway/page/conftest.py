"""A gateway with a page to look at: one for the whole run, or one of a test's own."""

import sys
from pathlib import Path

import pytest

from flowlaunch.sandbox import Sandbox

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))  # the world of the gateway's other tests

from gateway_world import gateway

NOBODY = "http://127.0.0.1:9"
"""An allowed receiver of callbacks at which nobody listens."""
ROUTES = """
any_flow = true
[routes.orders]
flow = "Order follow-up"
[routes.listed]
flow = "Order follow-up"
[routes.stopped]
flow = "Order follow-up"
"""


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """One gateway in front of a sandbox of its own; each test launches under names of its own."""
    folder = tmp_path_factory.mktemp("page")
    routes = folder / "routes.toml"
    routes.write_text(ROUTES, "utf-8")
    options = {"routes_file": routes, "callback_allow": (NOBODY,)}
    with Sandbox(rate_per_minute=None) as sandbox, gateway(sandbox, folder, **options) as running:
        yield running
