"""Launching through the gateway: once, durably, with an answer that says everything."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from gateway_world import ORDER, gateway
from sqlalchemy import func, select, update
from starlette.responses import PlainTextResponse

from flowlaunch.batch import durations
from flowlaunch.batch.ledger.schema import pace_slots, rows
from flowlaunch.batch.ledger.schema_edges import keys
from flowlaunch.cli.gateway_ledger import instant as cli_instant, store_at
from flowlaunch.errors import SettingsError
from flowlaunch.gateway.access.keys import Keys
from flowlaunch.gateway.app import HostGuard
from flowlaunch.gateway.ops.options import OpsOptions
from flowlaunch.gateway.options import GatewayOptions
from flowlaunch.gateway.serve import addressed
from flowlaunch.gateway.store import audit
from flowlaunch.sandbox import ConnectionsRefused, DropAfterProcessing, Status


def order(number, **more):
    return {"customerName": "Jane", "orderId": number, **more}


def test_a_launch_is_accepted_and_its_end_can_be_asked_for(door):
    """A launch is answered with 202 and an address, and that address tells how it ended and what the flow gave."""
    reply = door.launch(order("A-1"), name="order A-1")
    assert reply.status == 202
    assert reply.headers["location"] == reply.json["url"] == f"{door.url}/v1/launches/{reply.json['id']}"

    ended = door.launch(order("A-2"), wait_s=50)
    assert (ended.status, ended.json["state"]) == (200, "completed")
    assert ended.json["input"] == {"Flow.customerName": "Jane", "Flow.orderId": "A-2"}
    assert ended.json["outputs"]["Flow.team"] == "orders"
    assert door.show(ended.json["id"])["history"][0]["outcome"] == "accepted"


def test_a_repeated_request_is_the_same_launch(door):
    """The same key and body give the same answer, however often, and one launch."""
    first = door.launch(order("B-1"), h_idempotency_key="b-1", wait_s=50)
    again = [door.launch(order("B-1"), h_idempotency_key="b-1") for _ in range(3)]
    assert {one.raw for one in again} == {again[0].raw}
    assert all(one.status == 202 and one.headers["idempotent-replayed"] == "true" for one in again)
    assert again[0].json["id"] == first.json["id"]
    assert door.launched(orderId="B-1") == 1


def test_the_order_of_members_is_no_other_body(door):
    """A client that writes the members of its body in another order repeats the same request."""
    one = door.launch({"customerName": "J", "orderId": "B-2"}, h_idempotency_key="b-2")
    other = door.launch({"orderId": "B-2", "customerName": "J"}, h_idempotency_key="b-2")
    assert one.json == other.json


def test_a_key_is_not_taken_for_another_request(door):
    """The same key with another body is refused with 409, and nothing is launched."""
    assert door.launch(order("B-3"), h_idempotency_key="b-3").status == 202
    refused = door.launch(order("B-4"), h_idempotency_key="b-3")
    assert (refused.status, refused.problem) == (409, "key-reused")
    assert door.launched(orderId="B-4") == 0


def test_keys_of_two_apps_do_not_meet(door):
    """Two apps may use the same idempotency key for different launches."""
    one = door.launch(order("B-5"), key=door.key("crm", "launch"), h_idempotency_key="same")
    other = door.launch(order("B-6"), key=door.key("shop", "launch"), h_idempotency_key="same")
    assert (one.status, other.status) == (202, 202)
    assert one.json["id"] != other.json["id"]


def test_fifty_threads_with_one_key_make_one_launch(door):
    """Fifty requests at once with the same key and body get the same launch, which the platform sees once."""
    with ThreadPoolExecutor(50) as pool:
        replies = list(pool.map(lambda _n: door.launch(order("C-1"), h_idempotency_key="race"), range(50)))
    assert {one.status for one in replies} == {202}
    assert len({one.raw for one in replies}) == 1
    door.launch(order("C-1"), h_idempotency_key="race", wait_s=50)
    assert door.launched(orderId="C-1") == 1


def test_fifty_threads_with_one_key_and_two_bodies_agree_on_one(door):
    """When two bodies race under one key, one of them is the launch and every other request is refused."""
    with ThreadPoolExecutor(50) as pool:
        replies = list(pool.map(lambda n: door.launch(order(f"C-{2 + n % 2}"), h_idempotency_key="race-2"), range(50)))
    assert {one.status for one in replies} == {202, 409}
    assert len({one.json["id"] for one in replies if one.status == 202}) == 1


def test_every_problem_of_the_input_is_told_at_once(door):
    """Input that does not fit is 422 with each problem and its cure; nothing is recorded."""
    reply = door.launch({"custName": "J", "priority": 3})
    assert (reply.status, reply.problem) == (422, "input-rejected")
    told = {(one["kind"], one["key"]) for one in reply.json["problems"]}
    assert {("unknown-key", "custName"), ("wrong-type", "Flow.priority"), ("missing-input", "Flow.orderId")} <= told
    assert all(one["cure"] for one in reply.json["problems"])


def test_a_flow_that_is_not_there_is_told_with_what_was_meant(door):
    """An unknown flow is 422 and names the flows that may have been meant."""
    reply = door.launch(flow="Order folow-up")
    assert (reply.status, reply.problem) == (422, "flow-unknown")
    assert reply.json["candidates"] == [ORDER]


def test_a_launch_that_waits_can_be_cancelled(door):
    """A launch for later waits, and once it is cancelled it is never sent; a second cancel says why not."""
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    launch_id = door.launch(order("D-1"), not_before=later).json["id"]
    assert (door.show(launch_id)["state"], door.show(launch_id)["reason"]) == ("pending", "waits-for-not-before")
    assert door.call("POST", f"/v1/launches/{launch_id}/cancel").json["state"] == "cancelled"
    again = door.call("POST", f"/v1/launches/{launch_id}/cancel")
    assert (again.status, again.problem, again.json["state"]) == (409, "launch-state", "cancelled")
    assert door.launched(orderId="D-1") == 0


def test_a_refused_launch_can_be_retried(open_door):
    """What the platform refused is told with its cause, and a retry sends it again as a second attempt."""
    door = open_door()
    door.sandbox.faults.next("executions.launch", Status(400))
    refused = door.launch(order("E-1"), wait_s=50).json
    assert (refused["state"], bool(refused["error"]["message"])) == ("refused", True)
    assert door.call("POST", f"/v1/launches/{refused['id']}/retry").status == 200
    ended = _until(door, refused["id"], "completed")
    assert [one["outcome"] for one in ended["history"]] == ["refused", "accepted"]


def _until(door, launch_id, state):
    """Ask until a launch is in a state: the gateway is another thread, and nothing but its answers tells."""
    pause = threading.Event()
    for _ in range(3_000):
        found = door.show(launch_id)
        if found["state"] == state:
            return found
        pause.wait(0.02)
    raise AssertionError(f"still {found['state']}")


def test_a_lost_answer_is_shown_as_doubt_and_proved_by_reconcile(open_door):
    """A launch whose answer was lost is in doubt, is not sent again, and reconcile finds its run by its name."""
    door = open_door({"execution_data": True})
    door.sandbox.faults.next("executions.launch", DropAfterProcessing())
    doubtful = door.launch(order("F-1"), wait_s=50)
    assert (doubtful.status, doubtful.json["state"]) == (200, "in_doubt")
    assert "Reconcile" in doubtful.json["error"]["cure"]
    found = door.call("POST", f"/v1/launches/{doubtful.json['id']}/reconcile")
    assert (found.status, found.json["settled"]) == (200, "launched"), found.raw
    assert _until(door, doubtful.json["id"], "completed")["execution_id"]
    assert door.launched(orderId="F-1") == 1


def test_a_person_may_settle_a_doubt(open_door):
    """A doubt settled as absent by a person is sent again, and the audit log says who settled it."""
    door = open_door()
    door.sandbox.faults.next("executions.launch", DropAfterProcessing())
    doubtful = door.launch(order("F-2"), wait_s=50).json
    body = {"verdict": "absent", "grounds": "looked in the org"}
    assert door.call("POST", f"/v1/launches/{doubtful['id']}/settle", body).status == 200
    assert _until(door, doubtful["id"], "completed")["attempts"] == 2
    (line,) = audit.read(door.state.ledger.store, target=doubtful["id"])
    assert (line.what, line.name, line.facts["grounds"]) == ("launch.settle", "test", "looked in the org")


def test_a_full_queue_is_told_with_when_to_come_back(open_door):
    """When too many launches wait, another one is 429 with Retry-After, and is not recorded."""
    door = open_door(max_waiting_rows=2)
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert [door.launch(order(f"G-{n}"), not_before=later).status for n in range(3)] == [202, 202, 429]
    full = door.launch(order("G-4"))
    assert (full.problem, int(full.headers["retry-after"]) >= 1) == ("queue-full", True)
    assert len(door.call("GET", "/v1/launches").json["launches"]) == 2


def test_what_a_full_queue_refuses_costs_no_quota(open_door):
    """An app that keeps asking while the queue is full has its whole quota when there is room again."""
    door = open_door(max_waiting_rows=1)
    key = door.call("POST", "/v1/keys", {"name": "eager", "per_day": 2}).json["key"]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    waits = door.launch(order("L-1"), not_before=later, key=key).json["id"]
    assert [door.launch(order("L-2"), key=key).problem for _ in range(3)] == ["queue-full"] * 3
    door.call("POST", f"/v1/launches/{waits}/cancel")
    assert door.launch(order("L-3"), key=key).status == 202


def test_fifty_threads_with_one_key_cost_one_launch_of_the_quota(open_door):
    """However many repetitions meet, what they cost together is one launch."""
    door = open_door()
    key = door.call("POST", "/v1/keys", {"name": "meeting", "per_day": 50}).json["key"]
    with ThreadPoolExecutor(25) as threads:
        asked = [threads.submit(door.launch, order("M-1"), key=key, h_idempotency_key="m-1") for _ in range(50)]
        assert {one.result().status for one in asked} == {202}
    more = [door.launch(order(f"M-{n}"), key=key).status for n in range(50)]
    assert more == [202] * 49 + [429]


def test_launches_are_taken_while_the_platform_is_away(open_door):
    """While the platform cannot be reached, launches of a known flow are taken; they are sent when it is back."""
    door = open_door()
    assert door.launch(order("H-1"), wait_s=50).json["state"] == "completed"
    door.sandbox.faults.next("executions.get", ConnectionsRefused(2.0))
    ended = door.launch(order("H-2"), wait_s=50)
    assert (ended.status, ended.json["state"]) == (200, "completed"), ended.raw


@pytest.mark.parametrize(
    ("change", "status", "problem"),
    [
        ({"body": b"{", "headers": {}}, 400, "body-malformed"),
        ({"body": b'{"input": {"a": ' + b"[" * 200_000, "headers": {}}, 400, "body-malformed"),
        ({"body": b'{"flow": 3}', "headers": {}}, 422, "body-invalid"),
        ({"body": b'{"flou": "x"}', "headers": {}}, 422, "body-invalid"),
        ({"body": b'{"flow": "x", "name": "a\\u0000b"}', "headers": {}}, 422, "body-invalid"),
        ({"body": b'{"flow": "x", "route": "y"}', "headers": {}}, 422, "route-or-flow"),
        ({"body": b"{}", "headers": {"content_type": "text/plain"}}, 415, "media-type"),
        ({"body": b" " * 1_000_001, "headers": {}}, 413, "body-too-large"),
        ({"body": b"{}", "headers": {"host": "evil.example"}}, 421, "host"),
        ({"body": b"{}", "headers": {"authorization": "Bearer nonsense"}}, 401, "unauthenticated"),
        ({"body": b"{}", "headers": {"authorization": ""}}, 401, "unauthenticated"),
        ({"body": b"{}", "headers": {"idempotency_key": "x" * 256}}, 400, "key-malformed"),
    ],
)
def test_a_request_that_cannot_be_taken_says_why(door, change, status, problem):
    """Whatever is wrong with a request is a problem with its own name, in JSON, and launches nothing."""
    reply = door.call("POST", "/v1/launches", change["body"], **change["headers"])
    assert (reply.status, reply.problem) == (status, problem)


@pytest.mark.parametrize(
    "at", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "1999-12-31T23:59:59Z", "2200-01-01T00:00:00Z"]
)
def test_an_instant_that_nobody_can_mean_is_refused(door, at):
    """A launch or a key whose instant is centuries away, or beyond the calendar, is 422, and nothing is made."""
    before = len(door.call("GET", "/v1/keys").json["keys"])
    refused = door.launch(order("K-1"), not_before=at)
    assert (refused.status, refused.problem) == (422, "body-invalid"), refused.raw
    refused = door.call("POST", "/v1/keys", {"name": "far", "expires_at": at})
    assert (refused.status, refused.problem) == (422, "body-invalid"), refused.raw
    assert len(door.call("GET", "/v1/keys").json["keys"]) == before


@pytest.mark.parametrize("at_us", [2**62, -(2**62), 253_402_387_139_000_000])
def test_an_instant_beyond_the_calendar_in_the_ledger_does_not_hide_the_launches(open_door, at_us):
    """Launches and keys are listed and shown although an instant of one of them is no date."""
    door = open_door()
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    launch_id = door.launch(order("K-2"), not_before=later).json["id"]
    door.call("POST", "/v1/keys", {"name": "far", "expires_at": later})
    with door.state.ledger.store.write("write what an older gateway took") as connection:
        connection.execute(update(rows).values(not_before_us=at_us))
        connection.execute(update(keys).where(keys.c.name == "far").values(expires_us=at_us))
    assert door.show(launch_id)["not_before"][:4] in {"9999", "0001"}
    assert [one["id"] for one in door.call("GET", "/v1/launches").json["launches"]] == [launch_id]
    ends = {one["name"]: one["expires_at"] for one in door.call("GET", "/v1/keys").json["keys"]}
    assert ends["far"][:4] in {"9999", "0001"}
    with store_at(str(door.ledger)) as store:
        assert [(cli_instant(one.expires_us) or "")[:4] for one in Keys(store).all() if one.name == "far"] == [
            ends["far"][:4]
        ]


def test_an_app_sees_its_own_launches_only(door):
    """A key that may only launch sees, lists and cancels what was launched with it, and nothing else."""
    one, other = door.key("mine", "launch"), door.key("theirs", "launch")
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    launch_id = door.launch(order("I-1"), key=one, not_before=later).json["id"]
    assert door.call("GET", f"/v1/launches/{launch_id}", key=other).status == 404
    assert door.call("POST", f"/v1/launches/{launch_id}/cancel", key=other).status == 404
    assert door.call("GET", "/v1/launches", key=other).json["launches"] == []
    assert [one["id"] for one in door.call("GET", "/v1/launches", key=one).json["launches"]] == [launch_id]
    assert door.call("POST", f"/v1/launches/{launch_id}/retry", key=one).problem == "scope-missing"
    assert door.call("POST", f"/v1/launches/{launch_id}/cancel", key=one).json["state"] == "cancelled"


def test_a_list_is_read_page_by_page_to_its_end(open_door):
    """Pages are newest first, never repeat a launch, and end; a filter by state finds what is in that state."""
    door = open_door()
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    made = [door.launch(order(f"J-{n}"), not_before=later).json["id"] for n in range(7)]
    made.append(door.launch({}, flow="Refund check", wait_s=50).json["id"])
    seen, cursor = [], ""
    while cursor is not None:
        page = door.call("GET", f"/v1/launches?limit=3{cursor and '&cursor=' + cursor}").json
        seen += [one["id"] for one in page["launches"]]
        cursor = page["next"]
    assert seen == made[::-1]
    failed = door.call("GET", "/v1/launches?state=failed,refused").json["launches"]
    assert [one["id"] for one in failed] == made[-1:]
    found = door.call("GET", f"/v1/launches?search={made[2]}").json["launches"]
    assert [one["id"] for one in found] == [made[2]]
    assert door.call("GET", "/v1/launches?limit=0").problem == "query-malformed"
    assert door.call("GET", "/v1/launches?cursor=nonsense").problem == "query-malformed"


@pytest.mark.parametrize(
    "path", ["/v1/launches", "/v1/audit", "/v1/callbacks", "/v1/hooks/any/messages", "/v1/batches", "/v1/keys"]
)
@pytest.mark.parametrize("cursor", ["c9999999999999999999", "c9223372036854775808", "c-1", "wK", "ksCBAc-AAAAAAAAAAA"])
def test_a_cursor_made_up_is_told(door, path, cursor):
    """A cursor that no page gave is 400 on every list."""
    reply = door.call("GET", f"{path}?cursor={cursor}")
    assert (reply.status, reply.problem) in {(400, "cursor"), (400, "query-malformed"), (404, "hook-unknown")}


def test_keys_and_batches_are_read_page_by_page_to_their_end(open_door):
    """The lists of keys, oldest first, and of batches, newest first, have pages that never repeat anything and end."""
    door = open_door()
    for number in range(6):
        door.key(f"app {number}", "launch")
        rows_of = b'{"customerName": "A", "orderId": "1"}\n'
        taken = door.call("POST", "/v1/batches?flow=Order%20follow-up", rows_of, content_type="application/x-ndjson")
        assert taken.status == 202, taken.raw
    names = ["app 0", "test", *(f"app {number}" for number in range(1, 6))]
    assert read_all(door, "/v1/keys", "keys", lambda one: one["name"]) == names
    numbers = read_all(door, "/v1/batches", "batches", lambda one: one["id"])
    assert (len(numbers), numbers) == (6, sorted(set(numbers), reverse=True))


def read_all(door, path, what, of):
    """Read a list in pages of three."""
    seen, cursor = [], ""
    while cursor is not None:
        page = door.call("GET", f"{path}?limit=3{cursor and '&cursor=' + cursor}").json
        assert len(page[what]) <= 3
        seen += map(of, page[what])
        cursor = page["next"]
    return seen


def test_what_an_earlier_process_accepted_is_launched_by_the_next(open_door, tmp_path):
    """A gateway that only accepts leaves its launches in the ledger; one that works sends each of them once."""
    first = open_door(works=False)
    ids = [first.launch(order(f"K-{n}")).json["id"] for n in range(3)]
    assert {first.show(one)["state"] for one in ids} == {"pending"}
    with gateway(first.sandbox, tmp_path) as second:
        second.made = dict(first.made)
        assert [_until(second, one, "completed")["attempts"] for one in ids] == [1, 1, 1]
    assert first.launched() == 3


def test_a_launch_that_somebody_waits_for_is_looked_at_soon(open_door, monkeypatch):
    """The first launches of a flow, of which nothing is learnt, do not keep a request waiting for the usual look."""
    monkeypatch.setattr(durations, "FIRST_S", 600.0)
    door = open_door()
    assert [door.launch(order(f"J-{n}"), wait_s=50).json["state"] for n in range(2)] == ["completed", "completed"]
    unwatched = door.launch(order("J-9")).json["id"]
    assert door.show(unwatched)["state"] != "completed"


@pytest.mark.parametrize(("host", "status"), [("launch.example.com", 200), ("127.0.0.1:8086", 200), ("x.example", 421)])
def test_the_host_of_the_base_url_is_answered(host, status):
    """Behind a proxy the name in --base-url is one that requests may be for; other names are not."""
    options = addressed(GatewayOptions(ledger="x", base_url="https://Launch.example.com:8443/gw"), None)
    app = HostGuard(PlainTextResponse("here"), SimpleNamespace(options=options))
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", host.encode())]}
    asyncio.run(app(scope, None, send))
    assert sent[0]["status"] == status


def test_a_base_url_that_is_none_is_refused():
    """A base URL without a scheme or a host is told at the start."""
    for text in ("launch.example.com", "ftp://x", "https://", "http://[::1"):
        with pytest.raises(SettingsError) as raised:
            addressed(GatewayOptions(ledger="x", base_url=text), None)
        assert raised.value.code == "base-url"


@pytest.mark.parametrize("name", [ORDER, "No such flow"])
def test_a_flow_is_looked_up_within_the_pace(open_door, name):
    """Each request that looking up a flow takes has a slot of the pace, those for near names of an unknown one too."""
    door = open_door(pace_per_minute=60_000, ops=OpsOptions(org_silence_s=None))
    door.launch(flow=name, not_before="2199-01-01T00:00:00Z")
    asked = [one for one in door.sandbox.journal() if one.operation.startswith("flows.")]
    assert len(asked) == slots(door) == (1 if name == ORDER else 3)


def slots(door):
    """Count the slots that were taken beside launches and looks."""
    with door.state.ledger.store.read("count slots") as connection:
        taken = select(func.count()).select_from(pace_slots).where(pace_slots.c.lane == "beside")
        return connection.execute(taken).scalar_one()
