"""A database that does not answer: the gateway goes on answering what needs none."""

import asyncio
import threading
from collections import Counter

import pytest
from gateway_world import GOOD

from flowlaunch.batch.ledger.store import Store
from flowlaunch.gateway.store import keys as key_rows
from flowlaunch.sandbox.faults import DropAfterProcessing


@pytest.fixture
def away(monkeypatch):
    """Have reads of keys hang until the returned event is set."""
    begun, release, find = threading.Event(), threading.Event(), key_rows.find

    def hanging(connection, key_id):
        begun.set()
        release.wait(30)
        return find(connection, key_id)

    monkeypatch.setattr(key_rows, "find", hanging)
    yield begun, release
    release.set()


def test_health_is_answered_while_keys_cannot_be_read(open_door, request):
    """With every read of a key hanging, /healthz is answered; the requests with keys are, when it goes on."""
    door = open_door()
    keys = [door.key(f"k{number}") for number in range(3)]
    begun, release = request.getfixturevalue("away")
    replies = []
    asking = [
        threading.Thread(target=lambda key=key: replies.append(door.call("GET", "/v1/launches", key=key)))
        for key in keys
    ]
    for one in asking:
        one.start()
    try:
        assert begun.wait(20)
        alive = door.call("GET", "/healthz", authorization="")
        assert not release.is_set()
    finally:
        release.set()
        for one in asking:
            one.join(20)

    assert alive.status == 200
    assert {one.status for one in replies} <= {200, 503}


def test_nothing_waits_for_the_database_in_the_event_loop(open_door, tmp_path, monkeypatch):
    """Whatever an app asks, and whatever goes on by itself, the ledger is read and written in threads."""
    file = tmp_path / "routes.toml"
    file.write_text('any_flow = true\n[routes.one]\nflow = "Order follow-up"\npriority = 7\nquota = {per_day = 9}\n')
    door = open_door(routes_file=file)
    places = Counter()

    def watched(kind):
        plain = getattr(Store, kind)

        def wrapper(self, doing, **more):
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                pass
            else:
                places[f"{kind}: {doing}"] += 1
            return plain(self, doing, **more)

        return wrapper

    for kind in ("read", "write"):
        monkeypatch.setattr(Store, kind, watched(kind))
    made = door.launch(GOOD, flow=None, route="one", wait_s=50)
    assert made.status == 200, made.raw
    asked = ("/v1/launches", f"/v1/launches/{made.json['id']}", "/v1/routes", "/v1/flows", "/v1/batches", "/v1/keys",
             "/v1/audit", "/v1/callbacks", "/metrics", "/readyz")  # fmt: skip
    statuses = {path: door.call("GET", path).status for path in asked}
    door.call("POST", "/v1/routes/one/pause")
    door.call("POST", "/v1/routes/one/pace", {"rate_per_minute": 60})
    door.call("POST", "/v1/routes/one/resume")
    door.sandbox.faults.next("executions.launch", DropAfterProcessing())
    doubtful = door.launch(GOOD, flow=None, route="one", wait_s=50).json
    assert doubtful["state"] == "in_doubt"
    assert door.call("POST", f"/v1/launches/{doubtful['id']}/reconcile").status == 200
    assert set(statuses.values()) == {200}, statuses
    assert not places
