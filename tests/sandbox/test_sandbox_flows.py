"""Listing flows, their versions and schemas."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from sandbox_api import FLOWS

LIST = "/api/v2/flows"


def names(answer):
    assert answer.status_code == 200, answer.text
    return [flow["name"] for flow in answer.json()["entities"]]


def test_pages_lead_to_each_other_until_the_list_is_complete(sandbox, api):
    """Following nextUri from the first page shows every flow once, in order of id."""
    seen, path = [], f"{LIST}?pageSize=3"
    while path:
        page = api.call("GET", path).json()
        assert page["pageSize"] == 3
        assert len(page["entities"]) <= 3
        seen += [flow["id"] for flow in page["entities"]]
        path = page.get("nextUri")
    assert seen == sorted(seen)
    assert len(seen) == len(set(seen)) == page["total"]
    assert page["pageNumber"] == page["pageCount"]
    assert dict(parse_qsl(urlsplit(page["previousUri"]).query))["pageNumber"] == str(page["pageCount"] - 1)


def test_lists_start_with_25_flows_sorted_by_id_without_schemas(sandbox, api):
    """The defaults are page 1 of 25 by id, ascending, deleted flows and schemas left out."""
    page = api.get(LIST).json()
    assert (page["pageNumber"], page["pageSize"]) == (1, 25)
    assert FLOWS["deleted"] not in [flow["id"] for flow in page["entities"]]
    assert not any("inputSchema" in flow for flow in page["entities"])


def test_a_page_beyond_the_end_is_empty(sandbox, api):
    """A page number past the last one gives an empty page that leads back."""
    page = api.get(LIST, pageNumber=99, pageSize=100).json()
    assert page["entities"] == []
    assert "nextUri" not in page
    assert "pageNumber=1" in page["previousUri"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"name": "Order follow-up"}, ["Order follow-up"]),
        ({"name": "order FOLLOW-UP"}, ["Order follow-up"]),
        ({"name": "Order"}, []),
        ({"name": "*follow*"}, ["Order follow-up"]),
        ({"name": "Callback request"}, ["Callback request", "Callback request"]),
        ({"type": "inboundcall"}, ["Main IVR"]),
        ({"type": ["inboundcall", "workflow"], "name": "Main*"}, ["Main IVR"]),
        ({"divisionId": "d0000000-0000-4000-8000-000000000002"}, ["Callback request"]),
        ({"id": [FLOWS["ivr"], FLOWS["order"]], "name": "ignored"}, ["Order follow-up", "Main IVR"]),
        ({"deleted": "true"}, ["Old returns"]),
        ({"description": "Answers the phone."}, ["Main IVR"]),
        ({"nameOrDescription": "main ivr"}, ["Main IVR"]),
        ({"publishVersionId": "1.0", "name": "Returns intake"}, []),
        ({"publishedAfter": "2999-01-01T00:00:00Z"}, []),
        ({"publishedBefore": "2000-01-01T00:00:00Z"}, []),
        ({"secure": "published"}, []),
        ({"virtualAgentEnabled": "true"}, []),
        ({"lockedBy": "somebody"}, []),
    ],
    ids=str,
)
def test_filters_narrow_the_list(sandbox, api, query, expected):
    """Each filter of GET /flows narrows the list as documented."""
    assert names(api.get(LIST, **query)) == expected


@pytest.mark.parametrize(
    ("way", "wanted", "count"), [("exact", "Order", 0), ("contains", "Order", 1), ("exact", "*follow*", 0)]
)
def test_how_names_match_is_a_switch(open_sandbox, connect, way, wanted, count):
    """name_filter switches between the whole name, a part of it and wildcards."""
    assert len(names(connect(open_sandbox(name_filter=way)).get(LIST, name=wanted))) == count


def test_lists_sort_both_ways(sandbox, api):
    """sortBy and sortOrder are honoured."""
    up = names(api.get(LIST, sortBy="name"))
    down = names(api.get(LIST, sortBy="name", sortOrder="desc"))
    assert up == sorted(up, key=str.casefold)
    assert down == up[::-1]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"pageSize": "0"}, "invalid.value"),
        ({"pageSize": "501"}, "invalid.value"),
        ({"pageNumber": "x"}, "invalid.value"),
        ({"sortBy": "colour"}, "invalid.value"),
        ({"sortOrder": "up"}, "invalid.value"),
        ({"includeSchemas": "yes"}, "invalid.value"),
        ({"publishedAfter": "yesterday"}, "invalid.date"),
        ({"secure": "maybe"}, "invalid.value"),
    ],
    ids=str,
)
def test_bad_queries_are_refused(sandbox, api, query, code):
    """A query value that cannot be used is 400 with an official code."""
    answer = api.get(LIST, **query)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_schemas_come_on_request_and_name_what_is_required(sandbox, api):
    """includeSchemas adds the input and output schemas; required inputs follow our convention."""
    flow = api.get(LIST, name="Order follow-up", includeSchemas="true").json()["entities"][0]
    assert sorted(flow["inputSchema"]["properties"]) == [
        "Flow.customerName", "Flow.orderId", "Flow.priority", "Flow.timestamp",
    ]  # fmt: skip
    assert flow["inputSchema"]["required"] == ["Flow.customerName", "Flow.orderId"]
    assert sorted(flow["outputSchema"]["properties"]) == ["Flow.followUpHours", "Flow.message", "Flow.team"]


def test_one_flow_is_shown_with_its_published_version_and_schemas(sandbox, api):
    """GET /flows/{id} names division, type and published version, and carries the schemas."""
    flow = api.get(f"{LIST}/{FLOWS['order']}").json()
    assert (flow["type"], flow["division"]["name"], flow["publishedVersion"]["id"]) == ("WORKFLOW", "Home", "1.0")
    assert flow["inputSchema"]["properties"]
    draft = api.get(f"{LIST}/{FLOWS['draft']}").json()
    assert "publishedVersion" not in draft
    assert draft["savedVersion"]["type"] == "SAVE"


@pytest.mark.parametrize(
    ("flow", "status", "code"),
    [
        ("f0000000-0000-4000-8000-00000000ffff", 404, "architect.flow.not.found"),
        (FLOWS["deleted"], 410, "architect.flow.deleted"),
    ],
)
def test_flows_that_are_not_there_have_official_codes(sandbox, api, flow, status, code):
    """An unknown flow is 404, a deleted one 410 unless asked for."""
    answer = api.get(f"{LIST}/{flow}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if status == 410:
        assert api.get(f"{LIST}/{flow}", deleted="true").status_code == 200


def test_versions_and_configurations_can_be_read(sandbox, api):
    """A flow's versions carry schemas and lead to a configuration with its variables."""
    base = f"{LIST}/{FLOWS['order']}"
    versions = api.get(f"{base}/versions").json()["entities"]
    assert [(version["id"], version["type"]) for version in versions] == [("1.0", "PUBLISH")]
    assert versions[0]["inputSchema"]["properties"]
    assert isinstance(versions[0]["dateCreated"], int)
    assert api.get(f"{base}/versions/1").json()["id"] == "1.0"
    missing = api.get(f"{base}/versions/9.0")
    assert (missing.status_code, missing.json()["code"]) == (404, "architect.flow.version.missing")
    for path in (versions[0]["configurationUri"], f"{base}/latestconfiguration"):
        variables = api.get(path).json()["variables"]
        assert [v["name"] for v in variables if v["isInput"]][:2] == ["Flow.customerName", "Flow.orderId"]


def test_lookup_finds_flows_by_id(sandbox, api):
    """GET /flows/lookup gives the flows named; without ids it is refused."""
    assert names(api.get(f"{LIST}/lookup", id=[FLOWS["order"], FLOWS["ivr"]])) == ["Order follow-up", "Main IVR"]
    assert api.get(f"{LIST}/lookup").status_code == 400


def test_division_views_show_published_flows(sandbox, api):
    """GET /flows/divisionviews lists what is published, with schemas on request."""
    page = api.get(f"{LIST}/divisionviews", includeSchemas="true", name="Order*").json()
    assert [view["name"] for view in page["entities"]] == ["Order follow-up"]
    assert page["entities"][0]["inputSchema"]["properties"]
    assert "Returns intake" not in names(api.get(f"{LIST}/divisionviews"))


@pytest.mark.parametrize(
    ("client", "allowed", "refused"),
    [
        (
            "demo-readonly",
            ["/api/v2/flows", "/api/v2/flows/divisionviews"],
            ["/api/v2/flows/instances/querycapabilities"],
        ),
        ("demo-nolaunch", ["/api/v2/flows"], []),
    ],
)
def test_permissions_decide_who_may_read(sandbox, connect, client, allowed, refused):
    """A client only reads what its roles permit."""
    api = connect(sandbox, client)
    assert {api.get(path).status_code for path in allowed} == {200}
    for path in refused:
        assert api.get(path).status_code == 403


@pytest.mark.parametrize("client", ["demo-readonly", "demo-nolaunch"])
def test_a_client_without_the_permission_cannot_launch(sandbox, connect, client):
    """Launching without architect:flow:launch is 403 missing.any.permissions in the official words."""
    answer = connect(sandbox, client).launch()
    assert (answer.status_code, answer.json()["code"]) == (403, "missing.any.permissions")
    assert answer.json()["message"] == (
        "Unable to perform the requested action. You must have at least one of the following permissions assigned: "
        "architect:flow:launch"
    )
    assert sandbox.launches() == []


def test_divisions_bound_what_a_client_sees_and_launches(sandbox, connect):
    """A client limited to Support sees, launches and reads there and nowhere else."""
    api, everything = connect(sandbox, "demo-support"), connect(sandbox)
    assert names(api.get(LIST)) == ["Callback request"]
    assert api.get(f"{LIST}/{FLOWS['order']}").status_code == 403
    assert api.launch("order").status_code == 403
    assert api.launch("callback-support", {}).status_code == 200
    foreign = everything.launch().json()["selfUri"]
    assert api.get(foreign).status_code == 403


def test_another_division_can_look_like_nothing(open_sandbox, connect):
    """other_division switches the guess from 403 to 404."""
    api = connect(open_sandbox(other_division="not_found"), "demo-support")
    assert api.get(f"{LIST}/{FLOWS['order']}").json()["code"] == "architect.flow.not.found"
    assert api.launch("order").status_code == 404


@pytest.mark.parametrize("path", ["/api/v2/flows/instances", "/api/v2/flows/datatables", "/api/v2/flows/jobs"])
def test_other_collections_under_flows_are_no_flow_ids(sandbox, api, path):
    """A path of another part of the API is not taken for a flow's id."""
    assert api.get(path).json()["code"] == "sandbox.not.emulated"
