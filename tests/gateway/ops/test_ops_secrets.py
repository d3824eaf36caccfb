"""Secrets: planted everywhere, found in no page, log, metric, document or ledger."""

import io
import json
from urllib.parse import urlsplit

import pytest
from gateway_world import gateway
from receiving import ask, inbox, signed_in

from flowlaunch.gateway.access.keys import Keys
from flowlaunch.gateway.ops.logs import configure
from flowlaunch.gateway.ops.options import OpsOptions

HOOK = "whsec_UGxhbnRlZEhvb2tTZWNyZXRQbGFudGVkSG9vaw=="
CALLBACKS = "whsec_UGxhbnRlZENhbGxiYWNrU2VjcmV0UGxhbnRlZA=="
PLANTED_INPUT = "PlantedInputOfJane"
PLANTED_QUERY = "PlantedQueryToken"
ROUTES = """
any_flow = true
[routes.orders]
flow = "Order follow-up"
[hooks.shop]
route = "orders"
secrets = ["env:PLANTED_HOOK"]
"""
PAGES = ("/", "/launches", "/batches", "/routes", "/keys", "/callbacks", "/settings", "/audit", "/sign-in")


@pytest.fixture(scope="module")
def traffic(ops_sandbox, tmp_path_factory):
    """A gateway that did all it does with secrets planted; what it showed, by where; and the secrets, by what."""
    folder, stream = tmp_path_factory.mktemp("secrets"), io.StringIO()
    (folder / "routes.toml").write_text(ROUTES, "utf-8")
    undo = configure(OpsOptions(log_format="json", log_level="DEBUG"), stream)
    with pytest.MonkeyPatch.context() as patch, inbox(500) as (url, came):
        patch.setenv("PLANTED_HOOK", HOOK)
        patch.setenv("FLOWLAUNCH_CALLBACK_SECRET", CALLBACKS)
        how = {"routes_file": folder / "routes.toml", "callback_allow": (url,)}
        try:
            with gateway(ops_sandbox, folder, **how) as world:
                shown, secrets = _exercise(world, f"{url}/told?token={PLANTED_QUERY}", came)
        finally:
            undo()
    shown["log"] = stream.getvalue()
    shown["ledger"] = "".join(
        file.read_bytes().decode("latin-1") for file in sorted(folder.glob("gateway.ledger*")) if file.is_file()
    )
    return shown, secrets


def _exercise(world, callback, came):
    key, link = world.key("test"), world.state.sessions.link("test", "ann", ["admin"])
    rotated = Keys(world.state.ledger.store).rotate(world.key("old").split("_")[1], who="test").key
    reply = world.launch({"customerName": PLANTED_INPUT, "orderId": "7"}, callback=callback, wait_s=50)
    refused = world.launch({"customerName": PLANTED_INPUT, "orderId": 7, "odd": PLANTED_INPUT})
    came.get(timeout=60)
    forged = {"webhook-id": "m1", "webhook-timestamp": "1", "webhook-signature": f"v1,{HOOK[6:]}"}
    world.call(
        "POST", "/hooks/shop", {"customerName": PLANTED_INPUT}, **{k.replace("-", "_"): v for k, v in forged.items()}
    )
    world.call("GET", f"/v1/launches?search={PLANTED_INPUT}", key=rotated)
    world.call("GET", "/v1/launches", key=key[:-4] + "AAAA")
    world.call("GET", f"/nothing?key={key}")
    world.call("GET", f"/v1/keys/{key}")
    cookie = signed_in(world.url, key)
    shown = {}
    for path in (*PAGES, f"/launches/{reply.json['id']}"):
        status, _headers, body = ask(world.url, "GET", path, cookie=cookie)
        assert status == 200, path
        shown[f"page {path}"] = body.decode()
    for name, path in (("metrics", "/metrics"), ("openapi", "/v1/openapi.json"), ("ready", "/readyz")):
        shown[name] = world.call("GET", path).raw.decode()
    shown["problem"] = refused.raw.decode()
    secrets = {
        "API key": key[17:],
        "rotated key": rotated[17:],
        "session cookie": cookie.partition("=")[2],
        "sign-in link": link,
        "webhook secret": HOOK[6:],
        "callback secret": CALLBACKS[6:],
        "client secret": "demo-secret",
    }
    return shown, secrets


def test_no_secret_is_anywhere(traffic):
    """No key, cookie, link or signing secret is in a page, the log, metrics, OpenAPI, problems or the ledger."""
    shown, secrets = traffic

    assert min(map(len, shown.values())) > 50
    assert min(map(len, secrets.values())) >= len("demo-secret")

    found = [(what, where) for where, text in shown.items() for what, secret in secrets.items() if secret in text]

    assert found == []


def test_inputs_are_in_no_log_metric_or_document(traffic):
    """What flows are launched with is personal: it is not in the log, the metrics or the documents."""
    shown, _secrets = traffic

    assert [name for name in ("log", "metrics", "openapi", "ready") if PLANTED_INPUT in shown[name]] == []


def test_a_callbacks_query_is_in_no_log_or_metric(traffic):
    """A token in the address of a callback is kept to send to, and shown nowhere else."""
    shown, _secrets = traffic

    assert [where for where, text in shown.items() if PLANTED_QUERY in text and where != "ledger"] == []


def test_the_log_tells_enough_all_the_same(traffic):
    """Every request is in the log with its id, its status and whose key it was."""
    shown, _secrets = traffic
    lines = [json.loads(line) for line in shown["log"].splitlines()]
    access = [line for line in lines if line["logger"].endswith("access_log")]

    assert {line["status"] for line in access} >= {200, 401, 404, 422}
    assert all(len(line["request_id"]) == 16 for line in access)
    assert all("?" not in line["path"] and urlsplit(line["path"]).path == line["path"] for line in access)
    assert any(line.get("launch_id", "").startswith("ln_") for line in access)
