"""How flows are found: by id, by exact name, through another permission, and with one deadline for it all."""

import json

import pytest
from driving import FLOW_ID, Hand, api, response

from flowlaunch._core.flows import NEVER_STALE_S, is_flow_id, launchable, lookup_plan, page_plan, version_plan
from flowlaunch._core.steps import Deadline, Once, Send
from flowlaunch.errors import DecodeError, FlowLookupError, PermissionDeniedError
from flowlaunch.models import Flow, FlowVersion

OTHER_ID = FLOW_ID.replace("1", "2")
DENIED = response(403, b'{"code": "missing.any.permissions", "message": "no"}')
MISSING = response(404, b'{"code": "not.found"}', inin_correlation_id="c-4")


def flow_json(name="Order follow-up", flow_id=FLOW_ID, kind="WORKFLOW", **more):
    """Return a flow as the API writes it."""
    return {"id": flow_id, "name": name, "type": kind, "publishedVersion": {"id": "3.0"}, "inputSchema": {}, **more}


def page(*flows, number=1, count=1):
    """Return one page of flows."""
    return response(200, json.dumps({"entities": list(flows), "pageNumber": number, "pageCount": count}).encode())


def one(**more):
    """Return the answer of GET /flows/{id}."""
    return response(200, json.dumps(flow_json(**more)).encode())


def find(hand, ref, timeout_s=30.0):
    """Look `ref` up by `hand`."""
    return hand.run(lookup_plan(api(), ref, timeout_s))


def urls(hand):
    """Return path and query of each request."""
    return [request.call.url.removeprefix("http://localhost:1") for request in hand.sent]


def test_an_id_costs_one_read_by_id():
    """A flow given by id is read by id, once."""
    hand = Hand([one()])

    assert find(hand, f"  {FLOW_ID} ").published_version.id == "3.0"
    assert urls(hand) == [f"/api/v2/flows/{FLOW_ID}"]


def test_a_name_costs_one_listing_with_schemas():
    """A flow given by name is asked for by that name, its schemas with it."""
    hand = Hand([page(flow_json())])

    assert find(hand, "Order follow-up").id == FLOW_ID
    assert urls(hand) == ["/api/v2/flows?includeSchemas=true&pageSize=100&name=Order+follow-up&pageNumber=1"]


def test_only_the_exact_name_counts():
    """How the API's name filter matches is not published, so near names in its answer are passed by."""
    near = flow_json("Order follow-up 2", OTHER_ID)

    assert find(Hand([page(near, flow_json())]), "Order follow-up").id == FLOW_ID


def test_an_exact_name_is_found_on_a_later_page():
    """When the filter matches more than a page, the pages are read on until the last."""
    near = flow_json("Order follow-up 2", OTHER_ID)
    hand = Hand([page(near, number=1, count=3), page(flow_json(), number=2, count=3), page(number=3, count=3)])

    assert find(hand, "Order follow-up").id == FLOW_ID
    assert [url[-1] for url in urls(hand)] == ["1", "2", "3"]


def test_of_several_flows_with_a_name_the_only_workflow_wins():
    """A workflow is what can be launched, so it is meant."""
    bot = flow_json(flow_id=OTHER_ID, kind="BOT")

    assert find(Hand([page(bot, flow_json())]), "Order follow-up").id == FLOW_ID


def test_an_ambiguous_name_lists_its_candidates():
    """Two workflows with one name are an error that gives both ids and where they live."""
    other = flow_json(flow_id=OTHER_ID, division={"id": "d-1", "name": "Sales"})

    with pytest.raises(FlowLookupError) as caught:
        find(Hand([page(flow_json(), other)]), "Order follow-up")

    assert caught.value.code == "flow-ambiguous"
    assert caught.value.candidates == (FLOW_ID, OTHER_ID)
    assert f"{OTHER_ID} (workflow, division Sales)" in caught.value.message
    assert "no division" in caught.value.message


def test_an_unknown_name_is_answered_with_a_near_one():
    """A misspelt name is an error that says which was meant."""
    with pytest.raises(FlowLookupError) as caught:
        find(Hand([page(), page(flow_json(), flow_json("Night shift", OTHER_ID))]), "order followup")

    assert caught.value.code == "flow-unknown"
    assert caught.value.hint == "Did you mean 'Order follow-up'?"
    assert caught.value.candidates == ("Order follow-up",)


def test_an_unknown_name_without_a_near_one_says_how_to_list():
    """A name that resembles nothing is an error that says how to see what there is."""
    with pytest.raises(FlowLookupError) as caught:
        find(Hand([page(), DENIED]), "Zebra")

    assert caught.value.candidates == ()
    assert "flows list" in caught.value.hint


def test_a_deleted_flow_of_that_name_does_not_count():
    """Listings may hold deleted flows; they are not found by name."""
    with pytest.raises(FlowLookupError):
        find(Hand([page(flow_json(deleted=True)), page()]), "Order follow-up")


@pytest.mark.parametrize("ref", ["", "  "])
def test_naming_no_flow_is_an_error_before_anything_is_sent(ref):
    """An empty name costs no request."""
    hand = Hand([])

    with pytest.raises(FlowLookupError):
        find(hand, ref)

    assert hand.sent == []


def test_an_unknown_id_says_so_with_the_correlation_id():
    """A 404 by id is a lookup error that keeps what support asks for."""
    with pytest.raises(FlowLookupError) as caught:
        find(Hand([MISSING]), FLOW_ID)

    assert (caught.value.code, "c-4" in caught.value.message) == ("flow-unknown", True)


@pytest.mark.parametrize("ref", [FLOW_ID, "Order follow-up"])
def test_a_client_that_may_not_view_flows_searches_for_them(ref):
    """A 403 falls back to the division views, which another permission opens."""
    hand = Hand([DENIED, page(flow_json())])

    assert find(hand, ref).id == FLOW_ID
    assert urls(hand)[1].startswith("/api/v2/flows/divisionviews?")


def test_when_both_ways_are_denied_the_error_names_both_permissions():
    """Without either permission the error says that one of two is enough, and how to do without."""
    with pytest.raises(PermissionDeniedError) as caught:
        find(Hand([DENIED]), "Order follow-up")

    assert "architect:flow:view" in caught.value.hint
    assert "architect:flow:search" in caught.value.hint


def test_a_division_view_that_lacks_the_id_is_no_flow():
    """A search by id that answers with other flows finds nothing."""
    with pytest.raises(FlowLookupError):
        find(Hand([DENIED, page(flow_json(flow_id=OTHER_ID))]), FLOW_ID)


def test_all_reads_of_one_lookup_share_one_deadline():
    """However many requests a lookup takes, the whole ends with the time of the call."""
    hand = Hand([DENIED, DENIED], send_s=20.0)

    with pytest.raises(PermissionDeniedError):
        find(hand, "Order follow-up")

    assert {step.deadline_s for step in hand.of(Send)} == {30.0}
    assert {step.deadline_s for step in hand.of(Once)} == {30.0}


def test_a_flow_is_kept_for_a_minute_and_a_version_for_good():
    """What was read is believed for a minute; a version's schema, which never changes, for ever."""
    hand = Hand([one(), response(200, b'{"id": "2.0", "inputSchema": {"title": "old"}}')])
    flow = find(hand, FLOW_ID)

    older = hand.run(version_plan(api(), flow, "2.0", Deadline(30.0, 30.0)))

    assert [step.fresh_s for step in hand.of(Once)] == [60.0, NEVER_STALE_S]
    assert (older.published_version.id, older.input_schema) == ("2.0", {"title": "old"})


@pytest.mark.parametrize("version", [None, "3.0"])
def test_the_published_version_needs_no_second_read(version):
    """Asking for the version that is published costs nothing."""
    hand = Hand([])
    flow = Flow(id=FLOW_ID, name="F", published_version=FlowVersion(id="3.0"))

    assert hand.run(version_plan(api(), flow, version, Deadline(30.0, 30.0))) is flow


def test_an_unknown_version_is_a_lookup_error():
    """A version that does not exist is an error that says how to launch the published one."""
    with pytest.raises(FlowLookupError) as caught:
        Hand([MISSING]).run(version_plan(api(), Flow(id=FLOW_ID, name="F"), "9.0", Deadline(30.0, 30.0)))

    assert caught.value.code == "flow-version-unknown"
    assert "'F' has no version '9.0'" in caught.value.message


def test_only_a_living_published_flow_can_be_launched():
    """Deleted and unpublished flows are refused before anything is sent; a named version needs no publication."""
    published = Flow(id=FLOW_ID, name="F", published_version=FlowVersion(id="1.0"))
    unpublished = Flow(id=FLOW_ID, name="F")

    assert launchable(published, None) is published
    assert launchable(unpublished, "2.0") is unpublished
    for flow, code in ((unpublished, "flow-not-published"), (Flow(id="x", name="F", deleted=True), "flow-deleted")):
        with pytest.raises(FlowLookupError) as caught:
            launchable(flow, None)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "is_id"),
    [(FLOW_ID, True), (FLOW_ID.replace("1", "A"), True), (FLOW_ID[:-1], False), ("Order", False), ("", False)],
)
def test_an_id_is_told_from_a_name_by_its_form(text, is_id):
    """A UUID is an id; anything else is a name."""
    assert is_flow_id(text) is is_id


def test_a_listing_that_forgets_to_count_its_pages_ends():
    """Pages end at the count the service gave, even if every page calls itself the first."""
    stuck = page(flow_json(), number=1, count=3)

    mores = [Hand([stuck]).run(page_plan(api(), {}, number, 30.0))[1] for number in (1, 2, 3, 4)]

    assert mores == [True, True, False, False]


def test_a_listing_without_counts_follows_its_next_link():
    """Without a page count a next link means more, unless the page is empty."""
    more = response(200, json.dumps({"entities": [flow_json()], "nextUri": "/x"}).encode())
    empty = response(200, b'{"entities": [], "nextUri": "/x"}')

    assert [Hand([answer]).run(page_plan(api(), {}, 1, 30.0))[1] for answer in (more, empty)] == [True, False]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"entities": [{"name": "no id"}]}', "$.entities[0]"),
        (b'{"entities": [{"id": 1}]}', "$.entities[0].id"),
        (b'{"entities": {}}', "$.entities"),
        (b'{"entities": [{"id": "x", "inputSchema": []}]}', "$.entities[0].inputSchema"),
    ],
)
def test_a_listing_of_the_wrong_shape_is_told_by_its_json_path(body, path):
    """A listing that lacks the promised shape names the place where it differs."""
    with pytest.raises(DecodeError) as caught:
        Hand([response(200, body)]).run(page_plan(api(), {}, 1, 30.0))

    assert f"`{path}`" in caught.value.message
