"""The control plane, the journal, snapshots and who may talk to the sandbox."""

import pytest
from sandbox_api import EXECUTIONS, FLOWS, ORDER, flow_text, raw

from flowlaunch.errors import FlowSyntaxError, SandboxError
from flowlaunch.sandbox import Sandbox, Status


def test_the_world_is_summed_up_without_secrets(sandbox, api):
    """GET /sandbox/world names clients, flows and what they lack, and holds no secret."""
    answer = api.control("GET", "world")
    assert {client["id"] for client in answer.json()["clients"]} >= {"demo", "demo-readonly", "demo-support"}
    assert {flow["id"] for flow in answer.json()["flows"]} == set(FLOWS.values())
    assert "demo-secret" not in answer.text


def test_missing_stubs_are_known_before_any_run(open_sandbox, connect):
    """The world's summary names what a flow needs and the world lacks."""
    api = connect(open_sandbox(world={"data_actions": []}))
    flows = {flow["id"]: flow["missing"] for flow in api.control("GET", "world").json()["flows"]}
    assert flows[FLOWS["loyalty"]] == ["data action / Demo CRM / Get Loyalty Tier"]
    assert flows[FLOWS["order"]] == []


def test_a_flow_can_be_uploaded_and_gets_a_version_for_each_new_text(sandbox, api):
    """Uploading publishes; the same text again is the same version, another text the next."""
    first = api.control("POST", "flows", {"text": flow_text()}).json()
    again = api.control("POST", "flows", {"text": flow_text()}).json()
    other = api.control("POST", "flows", {"text": flow_text(text="two")}).json()
    assert first["id"] == again["id"] == other["id"]
    assert [answer["version"] for answer in (first, again, other)] == ["1.0", "1.0", "2.0"]
    assert api.run(first["id"], {"Flow.in": "x"})["outputData"] == {"Flow.out": "two x"}
    assert api.run(first["id"], {"Flow.in": "x"}, flowVersion="1.0")["outputData"] == {"Flow.out": "one x"}


def test_an_upload_with_a_mistake_shows_its_place(sandbox, api):
    """A flow that cannot be loaded is refused with file, line and cure, over HTTP and in Python alike."""
    broken = flow_text().replace("updateData", "updateDate")
    answer = api.control("POST", "flows", {"text": broken, "name": "mine.yaml"})
    assert answer.status_code == 400
    assert "mine.yaml:" in answer.json()["message"]
    with pytest.raises(FlowSyntaxError):
        sandbox.upload_flow("workflow: [")


def test_an_uploaded_flow_may_bring_its_division(sandbox, api):
    """A division that the world does not know is added with the flow."""
    flow_id = sandbox.upload_flow(flow_text(division="Sales"))
    assert api.get(f"/api/v2/flows/{flow_id}").json()["division"]["name"] == "Sales"


def test_the_clock_can_be_read_frozen_and_moved(sandbox, api):
    """POST /sandbox/clock freezes and advances; time never goes back."""
    assert api.control("POST", "clock", {"mode": "frozen"}).json()["mode"] == "frozen"
    before = api.control("GET", "clock").json()["now"]
    after = api.control("POST", "clock", {"advance_s": 3_600}).json()["now"]
    assert before < after
    assert api.control("GET", "clock").json()["now"] == after
    assert api.control("POST", "clock", {"advance_s": -1}).status_code == 400
    assert api.control("POST", "clock", {"mode": "sideways"}).status_code == 400
    assert api.control("POST", "clock", {"mode": "virtual"}).json()["skipsWaits"] is True


def test_the_date_header_tells_the_sandboxs_time(open_sandbox, connect):
    """The Date header follows the sandbox's clock, so that clock skew can be played."""
    sandbox = open_sandbox(clock="frozen", token_life_s=90_000)
    api = connect(sandbox)
    before = api.get("/api/v2/flows").headers["Date"]
    sandbox.advance(86_400)
    assert api.get("/api/v2/flows").headers["Date"] != before


def test_faults_can_be_scripted_over_http(sandbox, api):
    """Faults go by JSON: one call, several, every call, the next ones, or by chance; DELETE clears them."""
    post = lambda **body: api.control("POST", "faults", body)  # noqa: E731
    assert post(operation="flows.list", call=1, fault={"kind": "Status", "code": 503}).status_code == 200
    assert api.get("/api/v2/flows").status_code == 503
    post(operation="flows.list", next=2, fault="HtmlBadGateway")
    assert [api.get("/api/v2/flows").status_code for _ in range(3)] == [502, 502, 200]
    post(operation="flows.list", probability=1, fault="Status")
    assert api.get("/api/v2/flows").status_code == 503
    shown = api.control("GET", "faults").json()
    assert shown["calls"]["flows.list"] == 5
    assert shown["chances"][0]["probability"] == 1
    assert api.control("DELETE", "faults").json()["script"] == []
    assert api.get("/api/v2/flows").status_code == 200
    post(operation="flows.list", call=None, fault={"kind": "Status"})
    post(operation="flows.get", call=[1, 2], fault={"kind": "Status"})
    assert len(api.control("GET", "faults").json()["script"]) == 3


@pytest.mark.parametrize(
    "body",
    [
        {}, {"operation": "x", "call": 1, "fault": "Status"}, {"operation": "token", "call": "1", "fault": "Hang"},
        {"operation": "token", "call": 1, "fault": "Boom"}, {"operation": "token", "probability": 2, "fault": "Hang"},
        {"operation": "token", "call": 1},
    ],
    ids=str,
)  # fmt: skip
def test_fault_scripts_over_http_are_checked(sandbox, api, body):
    """A script that cannot be played is 400 and says why."""
    answer = api.control("POST", "faults", body)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_the_journal_shows_every_request_and_can_be_filtered(sandbox, api):
    """The journal has requests and answers in order, with filters, and counts from 1."""
    run = api.run()
    api.get("/api/v2/flows", name="x")
    entries = api.control("GET", "journal").json()["entries"]
    assert [entry["operation"] for entry in entries] == ["token", "executions.launch", "executions.get", "flows.list"]
    assert [entry["number"] for entry in entries] == [1, 2, 3, 4]
    launched = sandbox.journal("executions.launch")[0]
    assert (launched.status, launched.client_id, launched.execution_id) == (200, "demo", run["id"])
    assert ORDER["Flow.orderId"] in launched.request_body
    assert run["id"] in launched.answer
    assert [entry.operation for entry in sandbox.journal(execution_id=run["id"])] == [
        "executions.launch", "executions.get",
    ]  # fmt: skip
    assert len(sandbox.journal(since=2)) == 2
    assert [entry.number for entry in sandbox.journal(limit=1)] == [4]
    assert sandbox.journal(correlation_id=launched.correlation_id) == [launched]
    assert sandbox.journal(status=404) == []
    assert len(api.control("GET", "journal?operation=flows.list&status=200").json()["entries"]) == 1
    assert api.control("GET", "journal?colour=red").status_code == 400
    assert api.control("DELETE", "journal").json() == {"count": 0}
    assert sandbox.journal() == []


def test_the_journal_holds_no_secret(open_sandbox, connect):
    """Secrets of headers, forms, queries and token answers never leave through the journal."""
    sandbox = open_sandbox(form_credentials=True)
    api = connect(sandbox)
    token = api.session.headers["Authorization"].split()[1]
    fields = {"grant_type": "client_credentials", "client_id": "demo", "client_secret": "demo-secret"}
    other = api.call("POST", "/oauth/token", data=fields).json()["access_token"]
    api.launch()
    text = repr(sandbox.journal()) + api.control("GET", "journal").text
    assert not [secret for secret in (token, other, "demo-secret", "ZGVtbzpkZW1v") if secret in text]
    assert "client_secret=***" in text
    assert "Bearer ***" in text


def test_the_journal_is_bounded(open_sandbox, connect):
    """Only the last journal_size requests are kept, under their own numbers."""
    sandbox = open_sandbox(journal_size=3)
    api = connect(sandbox)
    for _ in range(5):
        api.get("/api/v2/flows")
    assert [entry.number for entry in sandbox.journal()] == [4, 5, 6]


def test_every_answer_has_a_correlation_id_of_its_own(sandbox, api):
    """Each answer carries another ININ-Correlation-Id, and errors repeat it as contextId."""
    answers = [api.get(f"{EXECUTIONS}/x") for _ in range(3)]
    ids = [answer.headers["ININ-Correlation-Id"] for answer in answers]
    assert len(set(ids)) == 3
    assert [answer.json()["contextId"] for answer in answers] == ids


def test_a_reset_goes_back_to_the_seed(sandbox, api):
    """After a reset there are no tokens, launches, uploads, faults or journal; the world is as it was."""
    first = api.launch().json()["id"]
    flow_id = sandbox.upload_flow(flow_text())
    sandbox.faults.script("flows.list", None, Status(503))
    sandbox.reset()
    assert sandbox.launches() == sandbox.journal() == []
    assert api.get("/api/v2/flows").status_code == 401
    api.sign_in()
    assert api.get(f"/api/v2/flows/{flow_id}").status_code == 404
    assert api.launch().json()["id"] == first


def test_a_snapshot_brings_everything_back_even_runs_in_the_middle(open_sandbox, connect):
    """A snapshot holds tokens, flows, executions and waiting runs, which go on where they were."""
    sandbox = open_sandbox(clock="frozen")
    api = connect(sandbox)
    uri = api.launch("reminder", {"Flow.waitSeconds": 100}).json()["selfUri"]
    done = api.launch().json()["selfUri"]
    sandbox.advance(150)
    kept = sandbox.snapshot()
    sandbox.advance(1_000)
    flow_id = sandbox.upload_flow(flow_text())
    assert api.get(uri).json()["status"] == "COMPLETED"
    sandbox.revoke_tokens()
    sandbox.restore(kept)
    assert len(sandbox.launches()) == 2
    assert api.get(uri).json()["status"] == "RUNNING"
    assert api.get(done).json()["outputData"]["Flow.followUpHours"] == 2
    assert api.get(f"/api/v2/flows/{flow_id}").status_code == 404
    sandbox.advance(149)
    assert api.get(uri).json()["status"] == "RUNNING"
    sandbox.advance(1)
    assert api.get(uri).json()["outputData"] == {"Flow.remindersSent": 3}
    sandbox.restore(kept)
    assert api.get(uri).json()["status"] == "RUNNING"


def test_snapshots_go_over_http_too(sandbox, api):
    """A snapshot is taken and restored by id; an unknown id is refused."""
    kept = api.control("POST", "snapshots").json()["id"]
    api.launch()
    assert api.control("POST", f"snapshots/{kept}/restore").status_code == 200
    assert api.control("GET", "launches").json() == {"launches": []}
    assert api.control("POST", "snapshots/none/restore").status_code == 400


def test_the_trace_of_an_execution_can_be_read(sandbox, api):
    """GET /sandbox/executions/{id}/trace lists the actions of a run."""
    run = api.run()
    trace = api.control("GET", f"executions/{run['id']}/trace").json()
    assert trace["status"] == "COMPLETED"
    assert trace["entries"][0]["action"]["key"] == "switch"
    assert api.control("GET", "executions/none/trace").status_code == 404


def test_launches_tell_who_launched_what(sandbox, api):
    """launches() names flow, version, inputs, label and client of each accepted launch, in order."""
    api.launch(name="label")
    api.launch("generic", {})
    first, second = sandbox.launches()
    assert (first.number, first.flow_id, first.flow_version) == (1, FLOWS["order"], "1.0")
    assert (first.inputs, first.name, first.client_id) == (ORDER, "label", "demo")
    assert (second.number, second.name, second.inputs) == (2, None, {})


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "127.0.0.1.evil.example", "[::2]"])
@pytest.mark.parametrize("path", ["/api/v2/flows", "/sandbox/world", "/oauth/authorize"])
def test_other_host_names_are_refused_everywhere(sandbox, host, path):
    """A request under a foreign host name is 403 on every route, against DNS rebinding."""
    answer = raw(sandbox.url, f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"sandbox.host.refused" in answer


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8085", "friend.example:3"])
def test_loopback_names_and_allowed_hosts_are_accepted(open_sandbox, host):
    """The loopback names pass with any port, others when they are allowed."""
    sandbox = open_sandbox(allowed_hosts=("friend.example",))
    answer = raw(sandbox.url, f"GET /sandbox/clock HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_pages_of_other_origins_cannot_change_the_sandbox(sandbox, api, headers):
    """A write that a browser sends from another page is 403 and changes nothing."""
    api.launch()
    answer = api.call("POST", "/sandbox/reset", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "sandbox.origin.refused")
    assert len(sandbox.launches()) == 1
    own = {"Origin": sandbox.url, "Sec-Fetch-Site": "same-origin"}
    assert api.call("POST", "/sandbox/reset", headers=own).status_code == 200


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [("{}", "text/plain", 415), ("{", "application/json", 400), ("[]", "application/json", 400)],
)
def test_the_control_plane_takes_json_only(sandbox, api, body, media, status):
    """A write with another media type or no JSON object is refused."""
    answer = api.call("POST", "/sandbox/clock", data=body, headers={"Content-Type": media})
    assert answer.status_code == status


def test_unknown_control_paths_list_the_known_ones(sandbox, api):
    """A path that is not there answers 404 with what is."""
    answer = api.control("GET", "nonsense")
    assert answer.status_code == 404
    assert "GET /sandbox/journal" in answer.json()["known"]
    assert api.control("PUT", "clock").status_code == 405


def test_options_are_checked_by_name():
    """An unknown option or value is a SandboxError that names the choices."""
    with pytest.raises(SandboxError, match="strictness"):
        Sandbox(strictness=1)
    with pytest.raises(SandboxError, match="clock"):
        Sandbox(clock="sundial")
    with pytest.raises(SandboxError, match="rate_per_minute"):
        Sandbox(rate_per_minute=0)


def test_a_sandbox_is_used_inside_its_with_block():
    """Outside of `with` every question is a SandboxError; closing twice is fine."""
    sandbox = Sandbox()
    with pytest.raises(SandboxError, match="not running"):
        _ = sandbox.url
    with sandbox:
        assert sandbox.url
    sandbox.close()
    with pytest.raises(SandboxError, match="not running"):
        sandbox.journal()
