"""A clock, a ledger behind the gateway's door, and a gateway that is really served."""

import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))  # the world of a served gateway is the core's

from edges_world import SECRET, Door, HandClock
from gateway_world import gateway

from flowlaunch.sandbox import Sandbox

ROUTES = """
any_flow = true

[routes.orders]
flow = "Order follow-up"

[routes.partners]
flow = "Order follow-up"
callers = ["partner-*"]

[routes.narrow]
flow = "Order follow-up"
quota.per_key_per_minute = 2

[hooks.shop]
route = "orders"
secrets = ["env:SHOP_SECRET"]
when = "type == 'order.created'"
input = "data"
max_bytes = 2000
keep_body = true
"""


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory):
    """A ledger that tests copy: making one anew takes longer than most of them."""
    world = Door(tmp_path_factory.mktemp("empty"), HandClock())
    world.close()
    return world.path


@pytest.fixture
def door(tmp_path, clock, empty_ledger):
    (tmp_path / "gateway.db").write_bytes(empty_ledger.read_bytes())
    world = Door(tmp_path, clock)
    yield world
    world.close()


class Inbox(ThreadingHTTPServer):
    """A receiver of callbacks as an app would write it; `statuses` are answered one after the other, then 204."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses, self.messages, self.came = [], [], threading.Semaphore(0)
        self.url = f"http://127.0.0.1:{self.server_port}/told"

    def wait(self):
        """Return the next message: headers by lower-case name, and the body."""
        assert self.came.acquire(timeout=60), "no callback came"
        return self.messages[-1]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.messages.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 204)
        self.end_headers()
        self.server.came.release()

    def log_message(self, *_args):
        pass


@contextmanager
def receiving():
    with Inbox() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def inbox():
    """The receiver of the served gateway: each test waits for all that it causes."""
    with receiving() as server:
        yield server


@pytest.fixture
def own_inbox():
    """A receiver for a test that may be told things again."""
    with receiving() as server:
        yield server


@pytest.fixture(scope="session")
def served(inbox, tmp_path_factory):
    """A gateway with routes and a webhook in front of a sandbox; callbacks may reach the inbox."""
    folder = tmp_path_factory.mktemp("edges")
    (folder / "routes.toml").write_text(ROUTES, "utf-8")
    with pytest.MonkeyPatch.context() as patch, Sandbox(rate_per_minute=None) as sandbox:
        patch.setenv("SHOP_SECRET", SECRET)
        allow = (inbox.url.removesuffix("/told"),)
        with gateway(sandbox, folder, routes_file=folder / "routes.toml", callback_allow=allow) as world:
            yield world
