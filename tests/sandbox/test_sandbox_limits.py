"""Rate limits, limits of the organization, and execution data."""

import pytest
from hypothesis import given, strategies as st
from sandbox_api import FLOWS

from flowlaunch.sandbox.limits import Budget

FLOWS_URI = "/api/v2/flows"


@pytest.mark.parametrize("window", ["fixed", "sliding"])
def test_beyond_the_rate_the_official_429_is_sent(open_sandbox, connect, window):
    """Request 301 of a minute gets 429 with Retry-After in whole seconds, the official body, and launches nothing."""
    sandbox = open_sandbox(clock="frozen", rate_window=window)
    api = connect(sandbox)
    for _ in range(300):
        assert api.launch().status_code == 200
    sandbox.advance(18.5)
    answer = api.launch()
    body = answer.json()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "42")
    assert body["code"] == "too.many.requests.retry.after"
    assert body["message"] == "Rate limit exceeded the maximum. Retry the request in [42] seconds"
    assert body["limit"] == {
        "key": "client.credentials.token.rate.per.minute", "namespace": "platform.api", "value": 300,
    }  # fmt: skip
    assert not any(name.lower().startswith("inin-ratelimit") for name in answer.headers)
    assert len(sandbox.launches()) == 300
    sandbox.advance(42)
    assert api.launch().status_code == 200


def test_each_token_has_its_own_rate(open_sandbox, connect):
    """A second token of the same client has a rate of its own."""
    sandbox = open_sandbox(clock="frozen", rate_per_minute=2)
    first, second = connect(sandbox), connect(sandbox)
    assert [first.get(FLOWS_URI).status_code for _ in range(3)] == [200, 200, 429]
    assert second.get(FLOWS_URI).status_code == 200


def test_the_dead_rate_headers_come_only_when_asked_for(open_sandbox, connect):
    """`rate_headers` brings the headers back that the platform dropped in 2021."""
    api = connect(open_sandbox(rate_headers=True))
    answer = api.get(FLOWS_URI)
    assert (answer.headers["inin-ratelimit-count"], answer.headers["inin-ratelimit-allowed"]) == ("1", "300")


def test_lists_of_flows_have_a_limit_by_page_size(open_sandbox, connect):
    """Lists of flows may deliver so many rows a minute, over all tokens."""
    sandbox = open_sandbox(clock="frozen", rate_per_minute=None, flow_list_budget=1_000)
    api, other = connect(sandbox), connect(sandbox)
    assert [api.get(FLOWS_URI, pageSize=500).status_code for _ in range(2)] == [200, 200]
    refused = other.get(FLOWS_URI, pageSize=500)
    assert (refused.status_code, refused.json()["limit"]["value"]) == (429, 2)


@given(
    st.integers(1, 20), st.booleans(), st.lists(st.floats(0, 30, allow_nan=False, allow_infinity=False), max_size=200)
)
def test_no_window_exceeds_its_budget(per_minute, slides, gaps):
    """However requests come, a sliding budget never admits more than its number in any 60 s, a fixed one twice it."""
    budget, now, admitted = Budget(per_minute, slides=slides), 0.0, []
    for gap in gaps:
        now += gap
        wait_s = budget.spend(now)
        assert wait_s == 0 or 1 <= wait_s <= 60
        if not wait_s:
            admitted.append(now)
    bound = per_minute if slides else 2 * per_minute
    for start in admitted:
        assert sum(start <= at < start + 60 for at in admitted) <= bound


@given(st.integers(1, 5), st.booleans(), st.integers(0, 600))
def test_waiting_as_told_is_enough(per_minute, slides, tenths):
    """Whoever waits Retry-After seconds is admitted."""
    budget, now = Budget(per_minute, slides=slides), 0.0
    for _ in range(per_minute):
        assert budget.spend(now) == 0
    now += tenths / 10
    wait_s = budget.spend(now)
    assert wait_s == 0 or budget.spend(now + wait_s) == 0


def test_limits_can_be_read_with_any_token(open_sandbox, connect):
    """Limits need no permission and tell the rate that this sandbox enforces."""
    api = connect(open_sandbox(rate_per_minute=120), "demo-readonly")
    base = "/api/v2/organizations/limits"
    assert any(space["name"] == "platform.api" for space in api.get(f"{base}/docs").json()["namespaces"])
    assert "platform.api" in api.get(f"{base}/namespaces").json()["entities"]
    rows = {row["key"]: row["value"] for row in api.get(f"{base}/namespaces/platform.api").json()["entities"]}
    assert (rows["token.rate.per.minute"], rows["request.bytes.max"]) == (120, 512_000)
    rows = {row["key"]: row["value"] for row in api.get(f"{base}/namespaces/platform.api/defaults").json()["entities"]}
    assert rows["token.rate.per.minute"] == 300
    assert api.get(f"{base}/namespaces/nonsense").status_code == 404


INSTANCES = "/api/v2/flows/instances"


def query(api, *groups, **parameters):
    return api.call("POST", "/api/v2/flows/instances/query", json={"query": list(groups)}, params=parameters)


def item(key, value=None, operator="eq"):
    return {"key": key, "operator": operator, "value": value}


def test_execution_data_is_off_by_default(sandbox, api):
    """As on the platform nothing is stored until it is switched on."""
    assert query(api).status_code == 400
    assert api.get("/api/v2/flows/instances/querycapabilities").status_code == 400
    assert api.get("/api/v2/flows/instances/settings/executiondata").json()["enabled"] is False


def test_execution_data_finds_runs_by_flow_and_time(open_sandbox, connect):
    """With execution data on, runs are found by flow, start time and error reason; never by name."""
    sandbox = open_sandbox(execution_data=True, clock="frozen")
    api = connect(sandbox)
    first = api.run()
    sandbox.advance(60)
    failed = api.run("refund", {})
    ids = lambda answer: [row["id"] for row in answer.json()["entities"]]  # noqa: E731
    assert ids(query(api)) == [failed["id"], first["id"]]
    assert ids(query(api, {"criteria": item("FlowId", FLOWS["order"])})) == [first["id"]]
    window = {
        "and": [
            item("FlowStartDateTime", first["dateLaunched"], "gte"),
            item("FlowStartDateTime", failed["dateLaunched"], "lt"),
        ]
    }
    assert ids(query(api, window)) == [first["id"]]
    assert ids(query(api, {"criteria": item("FlowErrorReason", operator="not_null")})) == [failed["id"]]
    either = {"or": [item("FlowId", FLOWS["order"]), item("FlowId", FLOWS["refund"])]}
    assert len(ids(query(api, either))) == 2
    assert ids(query(api, either, {"not": [item("FlowId", FLOWS["order"])]})) == [failed["id"]]
    assert ids(query(api, {"criteria": item("ConversationId", "c")})) == []
    assert len(ids(query(api, pageSize=1))) == 1
    keys = {row["criteriaKey"] for row in api.get("/api/v2/flows/instances/querycapabilities").json()["criteria"]}
    assert "FlowId" in keys


def test_execution_data_tells_what_a_run_did(open_sandbox, connect):
    """With execution data on, a finished run's actions, paths and changes can be read by its instance id."""
    api = connect(open_sandbox(execution_data=True, clock="frozen"))
    run = api.run()
    result = api.get(f"{INSTANCES}/{run['id']}").json()
    (entity,) = result["entities"]
    assert (result["jobState"], entity["id"], entity["failed"]) == ("Success", run["id"], False)
    assert entity["downloadUri"].startswith("http")
    history = api.get("/sandbox" + entity["downloadUri"].partition("/sandbox")[2]).json()
    assert (history["executionId"], history["flowExitReason"]) == (run["id"], run["completionReason"])
    assert len(history["execution"]) == len(history["trace"]) > 0
    assert any(item.get("outputPathId") for item in history["execution"])
    assert any(entry["changes"] for entry in history["trace"])
    assert history["execution"][-1]["objectType"] == "endWorkflow"


def test_execution_data_jobs_fetch_several_runs(open_sandbox, connect):
    """A job names a download for each finished run, and says of the others that there is none."""
    api = connect(open_sandbox(execution_data=True, clock="frozen"))
    failed, waiting = api.run("refund", {}), api.run("reminder", {})
    ids = [failed["id"], waiting["id"], "nothing"]
    job = api.call("POST", f"{INSTANCES}/jobs", json={"ids": ids}).json()
    assert [(entity["id"], entity["statusCode"]) for entity in job["entities"]] == [
        (failed["id"], "200"), (waiting["id"], "404"), ("nothing", "404"),
    ]  # fmt: skip
    assert api.get(f"{INSTANCES}/jobs/{job['id']}").json() == job
    history = api.get(f"/sandbox/executions/{failed['id']}/history").json()
    assert history["errors"][0]["reason"]
    assert history["execution"][-1]["error"] == history["errors"][-1]
    assert api.get(f"/sandbox/executions/{waiting['id']}/history").status_code == 404


def test_execution_data_of_single_runs_is_refused_too(open_sandbox, connect, api):
    """Single histories need execution data switched on, a known id, a well-formed body and the permission."""
    assert api.get(f"{INSTANCES}/{api.run()['id']}").status_code == 400
    assert api.call("POST", f"{INSTANCES}/jobs", json={"ids": ["x"]}).status_code == 400
    sandbox = open_sandbox(execution_data=True)
    open_api = connect(sandbox)
    run_id = open_api.run()["id"]
    assert open_api.get(f"{INSTANCES}/nothing").status_code == 404
    assert open_api.get(f"{INSTANCES}/jobs/nothing").status_code == 404
    for body in ({}, {"ids": []}, {"ids": ["x"] * 51}, {"ids": "x"}):
        assert open_api.call("POST", f"{INSTANCES}/jobs", json=body).status_code == 400
    assert open_api.call("POST", f"{INSTANCES}/jobs", data="{").status_code == 400
    assert open_api.get(f"{INSTANCES}/query").status_code in {404, 405, 501}
    assert connect(sandbox, "demo-support").get(f"{INSTANCES}/{run_id}").status_code == 404


@pytest.mark.parametrize(
    "criteria",
    [item("Name", "x"), item("FlowId", "x", "gt"), item("FlowStartDateTime", "noon", "gt"), {"operator": "eq"}],
    ids=str,
)
def test_queries_that_cannot_be_answered_are_refused(open_sandbox, connect, criteria):
    """An unknown key, operator or date is 400; there is no key for the execution's name."""
    assert query(connect(open_sandbox(execution_data=True)), {"criteria": criteria}).status_code == 400


def test_a_query_gives_200_rows_at_most(open_sandbox, connect):
    """The page size of the instances query ends at 200."""
    api = connect(open_sandbox(execution_data=True))
    assert query(api, pageSize=200).status_code == 200
    assert query(api, pageSize=201).status_code == 400


AGGREGATES = "/api/v2/analytics/flowexecutions/aggregates/query"
EVER = "2026-01-01T00:00:00Z/2126-01-01T00:00:00Z"


def counts(api, interval=EVER, **asked):
    return api.call("POST", AGGREGATES, json={"interval": interval, "metrics": ["nFlowExecutions"], **asked})


def told(answer):
    """Return group -> interval -> count."""
    return {
        tuple(one["group"].values()): {part["interval"]: part["metrics"][0]["stats"]["count"] for part in one["data"]}
        for one in answer.json()["results"]
    }


def only(dimension, value=None, operator="matches"):
    predicate = {"type": "dimension", "dimension": dimension, "operator": operator, "value": value}
    return {"type": "and", "predicates": [predicate]}


def test_aggregates_count_runs_by_flow_and_minute(open_sandbox, connect):
    """Runs are counted without execution data: by flow, by minute, filtered; nothing but numbers is told."""
    sandbox = open_sandbox(clock="frozen")
    api = connect(sandbox)
    first = api.run()["dateLaunched"]
    sandbox.advance(60)
    for _ in range(2):
        later = api.run()["dateLaunched"]
    api.run("refund", {})
    assert sum(told(counts(api))[()].values()) == 4
    by_flow = told(counts(api, groupBy=["flowId"]))
    assert {key[0]: sum(parts.values()) for key, parts in by_flow.items()} == {FLOWS["order"]: 3, FLOWS["refund"]: 1}
    assert list(told(counts(api, filter=only("flowId", FLOWS["refund"])))) == [()]
    assert told(counts(api, filter=only("flowObjectId", operator="exists"))) == {}
    either = {"type": "or", "clauses": [{"type": "and", "predicates": only("flowId", FLOWS["order"])["predicates"]}]}
    assert sum(told(counts(api, filter=either))[()].values()) == 3
    span = f"{first}/{later}"
    assert told(counts(api, span)) == {(): {span: 1}}
    minutes = told(counts(api, f"{first}/2126-01-01T00:00:00Z", granularity="P9999D"))
    assert list(minutes[()].values()) == [4]


def test_aggregates_show_runs_late_when_told_to(open_sandbox, connect):
    """With a delay, a run is counted once it is old enough."""
    sandbox = open_sandbox(clock="frozen", aggregate_delay_s=60)
    api = connect(sandbox)
    api.run()
    assert told(counts(api)) == {}
    sandbox.advance(61)
    assert sum(told(counts(api))[()].values()) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"metrics": ["nCalls"]},
        {"interval": "today"},
        {"interval": "2026-01-02T00:00:00Z/2026-01-01T00:00:00Z"},
        {"groupBy": ["name"]},
        {"filter": only("name", "x")},
        {"granularity": "soon"},
        {"granularity": "PT1S"},
        {"metrics": None},
    ],
    ids=str,
)
def test_aggregates_that_cannot_be_answered_are_refused(api, wrong):
    """Another metric, dimension, interval or granularity than the published ones is 400."""
    assert counts(api, **{"interval": EVER, **wrong}).status_code == 400


def test_aggregates_need_their_permission(sandbox, connect):
    """A client without analytics:flowExecutionAggregate:view is refused by that name."""
    refused = counts(connect(sandbox, "demo-readonly"))
    assert refused.status_code == 403
    assert "analytics:flowExecutionAggregate:view" in refused.json()["message"]
