"""Finding flows and launching them through a whole client."""

import dataclasses
import json
import random

import pytest
from scripted_server import (
    FLOW,
    FLOW_ID,
    LAUNCHED,
    OneClient,
    answer,
    execution,
    flow_page,
    refusal,
    token,
)

from flowlaunch import (
    DeadlineError,
    FlowLookupError,
    InvalidRequestError,
    LaunchInDoubtError,
    PermissionDeniedError,
    PreflightError,
    RateLimitedError,
    ServerError,
    SettingsError,
)
from flowlaunch.settings import Settings

DATA = {"customerName": "Ada"}
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


def flow_json(name, number=1, **more):
    """Return a flow of a listing."""
    flow_id = f"{number:08d}-2222-4333-8444-555555555555"
    return {
        "id": flow_id,
        "name": name,
        "type": "WORKFLOW",
        "publishedVersion": {"id": "1.0"},
        "inputSchema": {},
        **more,
    }


STATUSES = {
    "502 HTML": (answer(502, HTML, [("content-type", "text/html")]), ServerError, LaunchInDoubtError),
    "500": (refusal(500), ServerError, LaunchInDoubtError),
    "503": (refusal(503), ServerError, LaunchInDoubtError),
    "503 Retry-After": (refusal(503, headers=[("Retry-After", "1")]), ServerError, LaunchInDoubtError),
    "503 Retry-After of hours": (refusal(503, headers=[("Retry-After", "7200")]), ServerError, LaunchInDoubtError),
    "504": (refusal(504), ServerError, LaunchInDoubtError),
    "408": (refusal(408), InvalidRequestError, LaunchInDoubtError),
    "429": (refusal(429), RateLimitedError, RateLimitedError),
    "429 Retry-After": (refusal(429, headers=[("Retry-After", "9")]), RateLimitedError, RateLimitedError),
    "429 of hours": (refusal(429, headers=[("Retry-After", "7200")]), RateLimitedError, RateLimitedError),
    "400": (refusal(400, "bad.request"), InvalidRequestError, InvalidRequestError),
    "403": (refusal(403), PermissionDeniedError, PermissionDeniedError),
    "302": (answer(302, b"", [("Location", "http://127.0.0.1:1/portal")]), InvalidRequestError, InvalidRequestError),
}


@pytest.mark.parametrize("case", STATUSES)
def test_each_refusal_ends_a_read_in_its_class(connect, scripted, case):
    """A read that is always refused ends in the class that its status deserves."""
    reply, error, _launch_error = STATUSES[case]

    with pytest.raises(error):
        connect(scripted(execution=[reply]).url).call("status", "exec-1")


@pytest.mark.parametrize("case", STATUSES)
def test_each_refusal_ends_a_launch_in_its_class(connect, scripted, case):
    """A launch that met a 5xx is in doubt after one attempt; a clear refusal is told as such."""
    reply, _read_error, error = STATUSES[case]
    server = scripted(launch=[reply])

    with pytest.raises(error):
        connect(server.url).call("launch", FLOW_ID, DATA)

    assert server.launches == 1 or error is RateLimitedError


def test_a_429_with_hours_ends_at_once_and_says_how_many(connect, scripted):
    """Retry-After of two hours ends the call now, with the figure in the error."""
    server = scripted(launch=[refusal(429, headers=[("Retry-After", "7200")])])
    client = connect(server.url)

    with pytest.raises(RateLimitedError) as caught:
        client.call("launch", FLOW_ID, DATA)

    assert (caught.value.retry_after_s, server.launches, client.clock.slept) == (7200.0, 1, [])


def test_a_429_is_repeated_after_its_time(connect, scripted):
    """Retry-After of seven seconds is slept and the launch sent again, once."""
    server = scripted(launch=[refusal(429, headers=[("Retry-After", "7")]), LAUNCHED])
    client = connect(server.url)

    assert client.call("launch", FLOW_ID, DATA).id == "exec-1"
    assert server.launches == 2
    assert 7 <= sum(client.clock.slept) <= 9


def test_a_refusal_holds_the_clients_other_calls_too(connect, scripted):
    """With a pace, what one call was refused holds the next one until the service's time is over."""
    server = scripted(launch=[refusal(429, headers=[("Retry-After", "40")]), LAUNCHED])
    client = connect(server.url, pace_per_minute=300)
    with pytest.raises(RateLimitedError):
        client.call("launch", FLOW_ID, DATA)

    with pytest.raises(DeadlineError):
        client.call("launch", FLOW_ID, DATA, timeout_s=10)
    assert client.call("launch", FLOW_ID, DATA, timeout_s=60).id == "exec-1"
    assert server.launches == 2


def test_flows_are_paged_when_needed(scripted):
    """The second page is asked for only when its first flow is."""
    server = scripted(flows=[flow_page(flow_json("A", 1), pages=2), flow_page(flow_json("B", 2), page=2, pages=2)])
    client = OneClient("sync", server.url)

    flows = client.client.flows()
    assert server.count("GET", "/api/v2/flows") == 0
    assert next(flows).name == "A"
    assert server.count("GET", "/api/v2/flows") == 1
    assert [flow.name for flow in flows] == ["B"]
    client.close()


def test_flows_asks_for_what_it_was_given(connect, scripted):
    """Filters go out under the API's names, and what is not given does not."""
    server = scripted(flows=[flow_page()])
    client = connect(server.url)

    client.call("flows", name="A b", division_id="d-1", with_schemas=True, page_size=7)
    client.call("flows", type=None)

    asked = [seen.path for seen in server.requests if seen.method == "GET"]
    assert asked[0] == "/api/v2/flows?name=A+b&type=workflow&divisionId=d-1&includeSchemas=true&pageSize=7&pageNumber=1"
    assert asked[1] == "/api/v2/flows?pageSize=100&pageNumber=1"


def test_a_flow_is_read_once_a_minute(connect, scripted):
    """Many launches within a minute read the flow once; after it the published version is read anew."""
    server = scripted()
    client = connect(server.url)
    for _ in range(5):
        client.call("launch", FLOW_ID, DATA)
    assert server.count("GET", "/api/v2/flows") == 1

    client.clock.seconds += 61
    client.call("launch", FLOW_ID, DATA)
    assert server.count("GET", "/api/v2/flows") == 2


def test_a_failed_read_of_a_flow_is_not_kept(connect, scripted):
    """A flow that was not found is asked for anew the next time."""
    server = scripted(flow=[refusal(404), FLOW])
    client = connect(server.url)

    with pytest.raises(FlowLookupError):
        client.call("find_flow", FLOW_ID)
    assert client.call("find_flow", FLOW_ID).name == "Order follow-up"


def test_a_version_is_checked_by_its_own_schema(connect, scripted):
    """Launching version 2.0 checks input data by that version's schema and sends the version."""
    older = {"id": "2.0", "inputSchema": {"properties": {"Flow.old": {"type": "string"}}}}
    server = scripted(version=[answer(body=older)])
    server.replies = {key: server.replies[key] for key in sorted(server.replies, key=lambda key: -len(key[1]))}
    client = connect(server.url)

    client.call("launch", FLOW_ID, {"old": "x"}, version="2.0")
    client.call("launch", FLOW_ID, {"old": "x"}, version="2.0")

    sent = json.loads(server.requests[-1].body)
    assert (sent["flowVersion"], sent["inputData"]) == ("2.0", {"Flow.old": "x"})
    assert server.count("GET", f"/api/v2/flows/{FLOW_ID}/versions") == 1
    assert client.call("flow_inputs", FLOW_ID, version="2.0").inputs[0].name == "Flow.old"


@pytest.mark.parametrize(
    ("more", "code"), [({"publishedVersion": None}, "flow-not-published"), ({"deleted": True}, "flow-deleted")]
)
def test_what_cannot_run_is_not_launched(connect, scripted, more, code):
    """Unpublished and deleted flows are refused before anything is sent."""
    server = scripted(flow=[answer(body={"id": FLOW_ID, "name": "F", "publishedVersion": {"id": "1"}, **more})])

    with pytest.raises(FlowLookupError) as caught:
        connect(server.url).call("launch", FLOW_ID)

    assert (caught.value.code, server.launches) == (code, 0)


def test_a_client_without_view_rights_finds_flows_all_the_same(connect, scripted):
    """A 403 on the listing leads to the division views."""
    server = scripted(flows=[refusal(403)], views=[flow_page(flow_json("Order"))])
    server.replies = {key: server.replies[key] for key in sorted(server.replies, key=lambda key: -len(key[1]))}

    assert connect(server.url).call("find_flow", "Order").name == "Order"


def test_check_and_preview_launch_nothing(connect, scripted):
    """Checking and previewing send no POST but the sign-in, and hide the token."""
    server = scripted()
    client = connect(server.url)

    assert client.call("check", FLOW_ID, DATA).is_ok
    preview = client.call("preview", FLOW_ID, {"custname": "x"}, key="k")

    assert server.launches == 0
    assert "tok-1" not in repr(preview)
    assert preview.url == f"{server.url}/api/v2/flows/executions"
    assert [problem.kind for problem in preview.problems]


def test_wrong_input_data_is_not_sent(connect, scripted):
    """A strict launch with a wrong key ends in PreflightError and no request."""
    server = scripted()

    with pytest.raises(PreflightError) as caught:
        connect(server.url).call("launch", FLOW_ID, {"customer_name": "Ada"})

    assert server.launches == 0
    assert "did you mean Flow.customerName?" in str(caught.value)


def test_the_idempotency_header_can_be_switched_off(connect, scripted):
    """sends_idempotency_key=False keeps the key out of the request; it stays in the result."""
    server = scripted()

    assert connect(server.url).call("launch", FLOW_ID, DATA, key="k-1").key == "k-1"
    assert server.requests[-1].headers["idempotency-key"] == "k-1"
    assert connect(server.url, sends_idempotency_key=False).call("launch", FLOW_ID, DATA, key="k-1").key == "k-1"
    assert "idempotency-key" not in server.requests[-1].headers


def test_a_shared_flow_is_executed_under_the_guide_contract_alone(connect, scripted):
    """execute_shared works with contract="guide" and is a settings error with the platform's."""
    server = scripted()
    server.replies[("POST", "/api/v2/architect")] = [answer(201, {"executionId": "x-1"})]

    assert connect(server.url, contract="guide").call("execute_shared", FLOW_ID, {"a": 1}).id == "x-1"
    with pytest.raises(SettingsError):
        connect(server.url).call("execute_shared", FLOW_ID)


def test_the_guide_contract_signs_in_and_launches_as_the_guides_do(connect, scripted):
    """Form fields at the API host, then a launch with `data`; the answer's executionId is the id."""
    server = scripted(launch=[answer(201, {"executionId": "x-2"})])

    assert connect(server.url, contract="guide").call("launch", FLOW_ID, {"a": 1}, preflight="off").id == "x-2"
    assert b"client_secret=s3cret-value" in server.requests[0].body
    assert json.loads(server.requests[-1].body)["data"] == {"a": 1}


def test_a_token_is_renewed_before_it_expires(connect, scripted):
    """A token of an hour is renewed after 55 minutes; while renewing fails for a passing reason the old one serves."""
    server = scripted(
        token=[token("tok-1", expires_in=3600), refusal(500), token("tok-2", expires_in=3600)], execution=[execution()]
    )
    client = connect(server.url)
    client.call("status", "exec-1")
    client.clock.seconds += 3299
    client.call("status", "exec-1")
    assert server.sign_ins == 1

    client.clock.seconds += 2
    client.call("status", "exec-1")
    assert (server.sign_ins, server.requests[-1].headers["authorization"]) == (2, "Bearer tok-1")
    client.call("status", "exec-1")
    assert server.sign_ins == 2

    client.clock.seconds += 16
    client.call("status", "exec-1")
    assert (server.sign_ins, server.requests[-1].headers["authorization"]) == (3, "Bearer tok-2")


def test_an_expired_token_does_not_serve(connect, scripted):
    """When renewing fails and the old token has expired, the call fails."""
    server = scripted(token=[token(expires_in=600), refusal(500)], execution=[execution()])
    client = connect(server.url)
    client.call("status", "exec-1")
    client.clock.seconds += 601

    with pytest.raises(ServerError):
        client.call("status", "exec-1")


def test_who_and_limits_are_read(connect, scripted):
    """whoami and limits need no permission and come back typed."""
    server = scripted(me=[answer(body={"organization": {"id": "o", "name": "Org"}})])
    server.replies[("GET", "/api/v2/organizations/limits")] = [answer(body={"entities": [{"key": "k", "value": 300}]})]
    client = connect(server.url)

    assert client.call("whoami").organization_name == "Org"
    assert [(one.key, one.value) for one in client.call("limits")] == [("k", 300)]


@pytest.mark.parametrize("method", ["launch", "status", "whoami", "check", "find_flow", "limits"])
def test_a_call_without_time_sends_nothing(connect, scripted, method):
    """timeout_s=0 means no time at all: DeadlineError, and not one API request."""
    server = scripted()
    args = {"launch": (FLOW_ID, DATA), "status": ("e",), "check": (FLOW_ID,), "find_flow": (FLOW_ID,)}.get(method, ())
    client = connect(server.url, access_token="given")

    with pytest.raises(DeadlineError):
        client.call(method, *args, timeout_s=0)

    assert server.requests == []


def test_given_arguments_beat_given_settings(connect, scripted):
    """Arguments beside settings= override them, whichever they are: nothing that was given is ignored."""
    server = scripted(execution=[execution()])
    settings = Settings(region="us-east-1", client_id="other", client_secret="x", timeout_s=7.0)

    client = connect(server.url, settings=settings, timeout_s=3.0)

    assert client.call("status", "exec-1").status == "RUNNING"
    assert client.client._api.timeout_s == 3.0
    assert dataclasses.replace(settings).timeout_s == 7.0


def test_a_client_from_settings_takes_the_same_arguments(scripted):
    """from_settings(settings, …) is the constructor with settings=."""
    import flowlaunch

    settings = Settings(region=scripted().url, client_id="id", client_secret="x", pace_per_minute=None)

    for kind in (flowlaunch.Client, flowlaunch.AsyncClient):
        client = kind.from_settings(settings, timeout_s=4.0, preflight="off")
        assert (client._api.timeout_s, client._api.preflight) == (4.0, "off")
        assert client._driver.shared.pace is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"client_id": None}, "client id"),
        ({"client_secret": None}, "client secret"),
        ({"client_id": None, "client_secret": None}, "client id and secret"),
    ],
)
def test_missing_credentials_are_told_by_name(connect, options, words):
    """A client without credentials says which is missing and which variables to set."""
    with pytest.raises(SettingsError) as caught:
        connect("http://127.0.0.1:1", **options)

    assert caught.value.code == "no-credentials"
    assert f"the {words} of an OAuth client" in caught.value.message


def test_events_tell_what_happened(connect, scripted):
    """A hook hears each attempt, pause and sign-in, with status, time and correlation id."""
    told = []
    server = scripted(execution=[refusal(503), execution()])

    connect(server.url, hooks=told.append).call("status", "exec-1")

    assert [(event.kind, event.operation, event.status) for event in told] == [
        ("attempt", "sign in", 200),
        ("sign-in", "sign in", None),
        ("attempt", "read execution", 503),
        ("pause", "", None),
        ("attempt", "read execution", 200),
    ]
    assert told[-1].correlation_id == "corr-2"
    assert "s3cret-value" not in repr(told)
    assert "tok-1" not in repr(told)


def test_a_seeded_application_keeps_its_series_and_does_not_fix_the_jitter(connect, scripted):
    """Retrying draws nothing from the generator that an application seeds, and its seed does not set the jitter."""
    paused = []
    for _ in range(2):
        server = scripted(execution=[refusal(503), execution()])
        random.seed(7)
        before = random.getstate()

        connect(server.url, hooks=paused.append).call("status", "exec-1")

        assert random.getstate() == before
    first, second = (event.elapsed_s for event in paused if event.kind == "pause")
    assert first != second
