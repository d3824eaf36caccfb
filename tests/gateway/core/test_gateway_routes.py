"""Routes: named ways to a flow, with a mapping, rules, quotas and callers, changed while the gateway runs."""

from __future__ import annotations

import threading

import pytest
from gateway_world import gateway

from flowlaunch.errors import SettingsError
from flowlaunch.gateway.routing.routes import read_routes

ROUTES = """
[routes.orders]
flow = "Order follow-up"
callers = ["crm", "shop-*"]
priority = 8
by_name = false

[routes.orders.map]
"Flow.customerName" = "jmespath:customer.name"
"Flow.orderId" = "jmespath:to_string(order.number)"

[routes.orders.set]
"Flow.priority" = "{urgency}"

[routes.orders.row]
key = "reference"
name = "order {reference}"

[routes.calls]
flow = "Order follow-up"
max_waiting = 3

[routes.calls.row]
contact = "phone"
phones = ["phone"]

[routes.calls.rules]
do_not_contact = ["dnc.csv"]
attempts = "1/1d"

[routes.later]
flow = "Order follow-up"

[routes.later.map]
"Flow.customerName" = "name"
"Flow.orderId" = "id"

[routes.later.row]
not_before = "when"
not_after = "end"

[routes.few]
flow = "Order follow-up"
quota = {per_minute = 2}
"""
GOOD = {"customer": {"name": "Ann"}, "order": {"number": 7}, "urgency": "high", "reference": "r-7"}


@pytest.fixture
def routed(open_door, tmp_path):
    """A gateway with routes."""
    (tmp_path / "routes.toml").write_text(ROUTES)
    (tmp_path / "dnc.csv").write_text("phone\n+442079460018\n")
    return open_door(routes_file=tmp_path / "routes.toml")


def ask(door, route, given, *, key="crm", wait_s=50, **more):
    return door.launch(given, flow=None, route=route, key=door.key(key, "launch"), wait_s=wait_s, **more)


def test_a_route_makes_the_flows_inputs_of_an_apps_own_document(routed):
    """An app sends what it has; the route's mapping makes inputs, name and key of it."""
    reply = ask(routed, "orders", GOOD)
    assert (reply.status, reply.json["state"], reply.json["route"]) == (200, "completed", "orders"), reply.raw
    assert reply.json["input"] == {"Flow.customerName": "Ann", "Flow.orderId": "7", "Flow.priority": "high"}
    assert reply.json["name"] == "order r-7"
    assert routed.launched(orderId="7") == 1


def test_what_a_mapping_cannot_make_is_told(routed):
    """A document that lacks what a required input needs is 422 and says which input."""
    reply = ask(routed, "orders", {"order": {"number": 1}, "reference": "r-1", "urgency": "low"})
    assert (reply.status, reply.problem) == (422, "input-rejected")
    assert [(one["kind"], one["key"]) for one in reply.json["problems"]] == [("missing-value", "Flow.customerName")]


@pytest.mark.parametrize(
    "when",
    ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2200-01-01T00:00:00Z"],
)
def test_an_instant_that_nobody_can_mean_is_refused_by_a_mapping(routed, when):
    """A document whose instant is beyond the calendar, or centuries ahead, is 422 and names what is wrong."""
    given = {"name": "Ann", "id": "1", "when": when, "end": "9999-12-31T23:59:59Z"}
    reply = ask(routed, "later", given)
    assert (reply.status, reply.problem) == (422, "input-rejected"), reply.raw
    assert [(one["kind"], one["key"]) for one in reply.json["problems"]] == [("bad-time", "not_before")]
    assert ask(routed, "later", given | {"when": "2026-01-01T00:00:00Z"}).status == 200


def test_only_the_callers_of_a_route_may_launch_by_it(routed):
    """A key that the route does not name is refused with 403; `*` stands for any text."""
    assert ask(routed, "orders", GOOD, key="shop-7").status == 200
    refused = ask(routed, "orders", GOOD, key="other")
    assert (refused.status, refused.problem) == (403, "route-not-open")
    listed = routed.call("GET", "/v1/routes", key=routed.key("other")).json["routes"]
    assert [one["name"] for one in listed] == ["calls", "later", "few"]


def test_a_gateway_with_routes_launches_by_them_alone(routed):
    """With a routes file a launch may not name any flow it likes, unless the file says so."""
    refused = routed.launch(key=routed.key("crm", "launch"))
    assert (refused.status, refused.problem) == (403, "flow-not-open")
    assert ask(routed, "nowhere", GOOD).problem == "route-unknown"


def test_the_rules_of_a_route_hold_for_each_launch(routed):
    """A number on the do-not-contact list is skipped and says so; a contact is launched as often as is allowed."""
    skipped = ask(routed, "calls", {"customerName": "Bo", "orderId": "1", "phone": "+44 20 7946 0018"}).json
    assert (skipped["state"], skipped["reason"]) == ("skipped", "do-not-contact")
    called = {"customerName": "Cy", "orderId": "2", "phone": "+442079460019"}
    assert ask(routed, "calls", called).json["state"] == "completed"
    again = ask(routed, "calls", called | {"orderId": "3"}).json
    assert (again["state"], again["reason"]) == ("skipped", "attempts-spent")
    assert (routed.launched(orderId="1"), routed.launched(orderId="3")) == (0, 0)


def test_a_quota_of_a_route_is_kept(routed):
    """The third launch in a minute of a route that takes two is 429 with Retry-After."""
    replies = [ask(routed, "few", {"customerName": "D", "orderId": f"q{n}"}, wait_s=0) for n in range(3)]
    if [one.status for one in replies][2] == 202:  # a minute began in between
        replies = [
            *replies[2:],
            *(ask(routed, "few", {"customerName": "D", "orderId": f"q{n}"}, wait_s=0) for n in "45"),
        ]
    assert [one.status for one in replies][-1] == 429
    assert (replies[-1].problem, int(replies[-1].headers["retry-after"]) > 0) == ("quota-spent", True)


def test_a_changed_routes_file_is_taken_while_running(open_door, tmp_path):
    """A new route works soon after it is written; a wrong file changes nothing and is told."""
    file = tmp_path / "routes.toml"
    file.write_text('[routes.one]\nflow = "Order follow-up"\n')
    door = open_door(routes_file=file)
    book = door.state.routes
    file.write_text('[routes.one]\nflow = "Order follow-up"\n[routes.two]\nflow = "Order follow-up"\npriority = 9\n')
    until(lambda: "two" in book.current.by_name)
    assert door.launch({"customerName": "E", "orderId": "two"}, flow=None, route="two", wait_s=50).status == 200
    (batch_id,) = (batch.batch_id for batch in door.state.ledger.batches())
    assert door.state.ledger.controls(batch_id).priority == 18, "a route's priority is its batch's share of the pace"
    file.write_text("[routes.one]\nflow = 3\n")
    until(lambda: book.trouble)
    told = door.call("GET", "/v1/routes").json
    assert {one["name"] for one in told["routes"]} == {"one", "two"}
    assert "routes.one" in told["trouble"]


def until(is_so):
    """Return once the watching task has seen it: it looks once a second."""
    pause = threading.Event()
    for _ in range(1_200):
        if is_so():
            return
        pause.wait(0.05)
    raise AssertionError("the file was not taken")


def test_a_route_can_be_paused_and_go_on(open_door):
    """While a route is paused its launches are taken and wait; resumed, they are sent."""
    door = open_door()
    first = door.launch({"customerName": "F", "orderId": "p-0"}, wait_s=50).json
    path = f"/v1/routes/{first['route']}"
    assert door.call("POST", f"{path}/pause", {"reason": "lunch"}).json["controls"]["pause_reason"] == "lunch"
    waiting = door.launch({"customerName": "F", "orderId": "p-1"}, wait_s=1, h_idempotency_key="p-1")
    assert (waiting.status, door.show(waiting.json["id"])["state"]) == (202, "pending")
    assert door.call("POST", f"{path}/resume").json["controls"]["paused"] is False
    ended = door.launch({"customerName": "F", "orderId": "p-1"}, wait_s=50, h_idempotency_key="p-1")
    assert (ended.status, ended.json["state"], door.launched(orderId="p-1")) == (200, "completed", 1)


def test_every_mistake_of_a_routes_file_is_told_at_once(shared_sandbox, tmp_path):
    """A wrong file is refused at the start with each mistake by its route, and a guess at what was meant."""
    file = tmp_path / "routes.toml"
    file.write_text(
        '[routes.a]\nflou = "x"\n[routes.b]\nflow = "x"\npriority = 12\nmax_waiting = 0\n'
        '[routes.c]\nflow = "x"\nrules = {attempts = "often"}\n[routes."D d"]\nflow = "x"\n'
    )
    with pytest.raises(SettingsError) as caught:
        read_routes(file, 0)
    told = str(caught.value)
    for part in ("did you mean flow?", "priority is not between 1 and 9", "max_waiting is below 1", "'often'", "D d"):
        assert part in told
    for text in ("[routes", '[route.a]\nflow = "x"\n', "routes = 3"):
        file.write_text(text)
        with pytest.raises(SettingsError, match=r"routes\.toml"):
            read_routes(file, 0)
    with pytest.raises(SettingsError), gateway(shared_sandbox, tmp_path, routes_file=file):
        pass


@pytest.mark.parametrize("mapping", ["", "[routes.one.set]\n'Flow.customerName' = '{who}'\n"], ids=["plain", "mapped"])
@pytest.mark.parametrize("spelt", ["orderId", "Flow.orderId"])
def test_a_token_input_may_be_spelt_both_ways(open_door, tmp_path, mapping, spelt):
    """The launch's id goes into the input that the route names, in either spelling, whatever the app sends there."""
    file = tmp_path / "routes.toml"
    file.write_text(f'[routes.one]\nflow = "Order follow-up"\ntoken_input = "{spelt}"\n{mapping}')
    door = open_door(routes_file=file)
    given = {"customerName": "Ann", "who": "Ann"} if mapping else {"customerName": "Ann"}
    for more in ({}, {"orderId": "mine"}, {"Flow.orderId": "mine"}):
        made = door.launch(given | more, flow=None, route="one", wait_s=50)
        assert made.status == 200, made.raw
        assert made.json["input"] == {"Flow.customerName": "Ann", "Flow.orderId": made.json["id"]}


def test_a_route_that_lost_its_token_input_maps_anew(open_door, tmp_path):
    """After a change of the route, a launch is mapped by the route as it is, not as it was at the first launch."""
    file, route = tmp_path / "routes.toml", '[routes.one]\nflow = "Order follow-up"\n{}\n[routes.one.map]\n{}'
    file.write_text(route.format('token_input = "Flow.orderId"', "customerName = 'who'"))
    door = open_door(routes_file=file)
    given = {"who": "Ann", "orderId": "7"}
    assert door.launch(given, flow=None, route="one", wait_s=50).status == 200
    file.write_text(route.format("", "customerName = 'who'"))
    until(lambda: door.state.routes.current.by_name["one"].spec.token_input is None)
    made = door.launch(given, flow=None, route="one", wait_s=50)
    assert (made.status, made.json.get("input")) == (200, {"Flow.customerName": "Ann", "Flow.orderId": "7"}), made.raw
