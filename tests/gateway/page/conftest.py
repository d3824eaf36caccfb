"""A gateway with a page to look at: one for the whole run, or one of a test's own."""

import base64
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

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
[routes.paged]
flow = "Order follow-up"
[routes.stopped]
flow = "Order follow-up"
[hooks.shop]
route = "orders"
secrets = ["file:{folder}/signing"]
when = "type == 'order'"
input = "data"
[hooks.mistaken]
route = "orders"
secrets = ["file:{folder}/signing"]
input = "envelope"
keep_body = true
"""
SIGNING = "whsec_" + base64.b64encode(b"k" * 24).decode()
MOST_UPLOADED = 400_000


def write_routes(folder):
    """Write the routes file with the secret that its webhooks are signed with."""
    (folder / "signing").write_text(SIGNING, "utf-8")
    (folder / "signing").chmod(0o600)
    routes = folder / "routes.toml"
    routes.write_text(ROUTES.replace("{folder}", str(folder)), "utf-8")
    return routes


@pytest.fixture
def send_message():
    """Post a signed message to a webhook of a gateway, as another system would."""

    def send(world, hook, message_id, message):
        raw, at = json.dumps(message), datetime.now(UTC)
        signed = {
            "webhook_id": message_id, "webhook_timestamp": str(int(at.timestamp())),
            "webhook_signature": Webhook(SIGNING).sign(message_id, at, raw),
        }  # fmt: skip
        return world.call("POST", f"/hooks/{hook}", raw.encode(), key="none", **signed)

    return send


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """One gateway in front of a sandbox of its own; each test launches under names of its own."""
    folder = tmp_path_factory.mktemp("page")
    options = {"routes_file": write_routes(folder), "callback_allow": (NOBODY,), "max_upload_bytes": MOST_UPLOADED}
    with Sandbox(rate_per_minute=None) as sandbox, gateway(sandbox, folder, **options) as running:
        yield running


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def any_world(request, tmp_path_factory):
    """A gateway with a ledger of each kind, in turn."""
    if request.param == "sqlite":
        yield request.getfixturevalue("world")
        return
    folder = tmp_path_factory.mktemp("page-on-postgresql")
    template = request.getfixturevalue("ledger_template")
    ledger = request.getfixturevalue("postgres_server").database(template=template)
    options = {"routes_file": write_routes(folder), "callback_allow": (NOBODY,), "ledger": ledger}
    options |= {"callback_secrets": (f"file:{folder}/signing",)}
    with Sandbox(rate_per_minute=None) as sandbox, gateway(sandbox, folder, **options) as running:
        yield running
