"""The guides' own programs against the guide contract: taken from their text, only their hosts redirected."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests
from guide_programs import GUIDE, guide_text, shared_flow_body, write_example, write_steps
from witness_clients import GENERIC_FLOW, ORDER_FLOW, SHARED_FLOW, UNKNOWN_FLOW, report_of, run_program

from flowlaunch import (
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    PreflightError,
    RateLimitedError,
)
from flowlaunch.sandbox import Status

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from flowlaunch.sandbox import Sandbox

LAUNCH = "executions.launch"
INPUT = {"customerName": "Jane Doe", "orderId": "ORD-1", "priority": "high"}
MISMATCH = "Flow start event data mismatch"
KINDS = pytest.mark.parametrize("kind", ["sync", "async"])
DRIVER = """
client = os.environ["GENESYS_CLIENT_ID"], os.environ["GENESYS_CLIENT_SECRET"]
executor = GenesysFlowExecutor(GenesysAuthenticator(*client))
def attempt(call, *args):
    try:
        return {"id": call(*args)}
    except Exception as error:
        return {"error": str(error)}
"""


@pytest.fixture
def guide(open_sandbox) -> Sandbox:
    guide_text(GUIDE)
    return open_sandbox(contract="guide")


def settings(client: str = "demo", *, secret: str | None = None, flow: str = ORDER_FLOW) -> dict[str, str]:
    return {
        "GENESYS_CLIENT_ID": client,
        "GENESYS_CLIENT_SECRET": f"{client}-secret" if secret is None else secret,
        "GENESYS_FLOW_ID": flow,
    }


def run_example(sandbox: Sandbox, folder: Path, **given: Any) -> subprocess.CompletedProcess[str]:
    """Run the complete example as it is."""
    files = [str(path) for path in write_example(folder, sandbox.url)]
    done = run_program("run_guide.py", *files, home=folder, environment=settings(**given))
    assert done.returncode == 0, done.stderr
    return done


def run_steps(sandbox: Sandbox, folder: Path, driver: str, *, leaps: bool = False, **given: Any) -> dict[str, Any]:
    """Run the guide's classes, then `driver`, which may use `executor` and `attempt`."""
    files = [str(path) for path in write_steps(folder, sandbox.url)]
    environment = settings(**given) | ({"ADVANCE": f"{sandbox.url}/sandbox/clock"} if leaps else {})
    return report_of(run_program("run_guide.py", *files, home=folder, environment=environment, given=DRIVER + driver))


# -- the complete example ------------------------------------------------------------------------------------------


def test_complete_example_runs_as_printed(guide, tmp_path) -> None:
    """The guide's complete example signs in, triggers the flow, waits its two seconds and shows status and flow id."""
    done = run_example(guide, tmp_path)
    launched = guide.launches()
    said = done.stdout.splitlines()
    assert said[:4] == [
        "Triggering flow...",
        f"Flow triggered successfully. Execution ID: {launched[0].execution_id}",
        "Waiting 2 seconds to check status...",
        "Current Status: COMPLETED",
    ]
    assert said[4] == f"Flow ID: {ORDER_FLOW}"
    assert json.loads(said[-1])["slept"] == [2]
    assert [entry.status for entry in guide.journal()] == [200, 201, 200]
    assert (len(launched), launched[0].inputs["Flow.orderId"]) == (1, "ORD-998877")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"secret": "wrong"}, "Error: Authentication failed: Invalid Client ID or Secret."),
        ({"client": "nobody"}, "Error: Authentication failed: Invalid Client ID or Secret."),
        ({"client": "demo-nolaunch"}, "Error: Forbidden: Check if 'flow:execution:write' scope is granted."),
        ({"flow": UNKNOWN_FLOW}, "HTTP Error: 404 - "),
        ({"flow": "f0000000-0000-4000-8000-000000000003"}, "HTTP Error: 400 - "),
    ],
    ids=["wrong secret", "unknown client", "scope missing", "unknown flow", "other start event"],
)
def test_complete_example_reports_refusals(guide, tmp_path, given: dict[str, str], said: str) -> None:
    """Each refusal that the guide knows reaches its example as the guide says, and nothing is launched."""
    done = run_example(guide, tmp_path, **given)
    lines = done.stdout.splitlines()
    assert any(line.startswith(said) for line in lines), done.stdout
    assert guide.launches() == []
    if said.startswith("HTTP Error: 400"):
        assert MISMATCH in done.stdout


# -- the guide's steps ---------------------------------------------------------------------------------------------


def test_steps_trigger_and_read(guide, tmp_path) -> None:
    """The classes of the guide's steps launch with an execution context and read the execution back."""
    driver = f"""
report["id"] = executor.trigger_flow("{ORDER_FLOW}", {INPUT!r}, {{"requestId": "req-12345"}})
report["status"] = executor.get_execution_status(report["id"])
"""
    report = run_steps(guide, tmp_path, driver)
    status = report["status"]
    assert (status["status"], status["flowId"], status["data"]) == ("COMPLETED", ORDER_FLOW, INPUT)
    body = json.loads(guide.journal(LAUNCH)[0].request_body)
    assert body["executionContext"] == {"requestId": "req-12345"}
    assert len(guide.journal("token")) == 1


def test_expired_token_is_told(guide, tmp_path) -> None:
    """After an hour the guide's token is refused with 401, which its code calls invalid or expired."""
    driver = f"""
report["first"] = attempt(executor.trigger_flow, "{ORDER_FLOW}", {INPUT!r})
executor.authenticator.token_expiry = time.time() + 10_000  # a program whose clock lags keeps the token too long
time.sleep(3601)
report["second"] = attempt(executor.trigger_flow, "{ORDER_FLOW}", {INPUT!r})
"""
    report = run_steps(guide, tmp_path, driver, leaps=True)
    assert "id" in report["first"]
    assert report["second"] == {"error": "Unauthorized: Token is invalid or expired."}
    assert len(guide.launches()) == 1


def test_scope_and_flow_are_checked(guide, tmp_path) -> None:
    """A client without the scope gets 403, an unknown flow 404, in the guide's words."""
    driver = f'report["known"] = attempt(executor.trigger_flow, "{ORDER_FLOW}", {INPUT!r})\n'
    report = run_steps(guide, tmp_path, driver, client="demo-readonly")
    assert report["known"] == {"error": "Forbidden: Client lacks 'flow:execution:write' scope."}
    driver = f'report["unknown"] = attempt(executor.trigger_flow, "{UNKNOWN_FLOW}", {INPUT!r})\n'
    assert run_steps(guide, tmp_path, driver)["unknown"] == {"error": f"Flow not found: {UNKNOWN_FLOW}"}
    assert guide.launches() == []


def test_start_event_takes_its_declared_fields_only(guide, tmp_path) -> None:
    """A wrong key, a wrong case, the platform's prefix or a missing required field is 400 with the guide's message."""
    cases = {
        "wrong key": {**INPUT, "customer_id": "C-1"},
        "wrong case": {"CustomerName": "Jane Doe", "orderId": "ORD-1"},
        "snake case": {"customer_name": "Jane Doe", "orderId": "ORD-1"},
        "prefix": {"Flow.customerName": "Jane Doe", "Flow.orderId": "ORD-1"},
        "missing": {"customerName": "Jane Doe"},
        "nothing": {},
    }
    driver = f"""
for name, data in {cases!r}.items():
    report[name] = attempt(executor.trigger_flow, "{ORDER_FLOW}", data)
"""
    report = run_steps(guide, tmp_path, driver)
    for name in cases:
        assert report[name]["error"].startswith("Unexpected status: 400 - "), name
        assert MISMATCH in report[name]["error"], name
    assert "the flow declares 'customerName'" in report["wrong case"]["error"]
    assert "'orderId' is missing" in report["missing"]["error"]
    assert guide.launches() == []


def test_generic_start_event_takes_anything(guide, tmp_path) -> None:
    """A flow with a generic start event takes any data and can read the fields it knows."""
    data = {"source": "crm", "anything": [1, {"deep": None}], "Flow.odd": True}
    driver = f"""
report["id"] = executor.trigger_flow("{GENERIC_FLOW}", {data!r})
report["status"] = executor.get_execution_status(report["id"])
"""
    status = run_steps(guide, tmp_path, driver)["status"]
    assert (status["status"], status["data"]) == ("COMPLETED", data)
    assert status["outputs"] == {"Flow.summary": "Taken from crm"}


@pytest.mark.parametrize("refusals", [1, 2])
def test_retry_helper_gets_over_a_429(guide, tmp_path, refusals: int) -> None:
    """The guide's retry helper waits 1, 2 … seconds on 429 and launches once."""
    guide.faults.next(LAUNCH, Status(429, retry_after_s=1), times=refusals)
    driver = f'report["id"] = trigger_flow_with_retry(executor, "{ORDER_FLOW}", {INPUT!r})\n'
    report = run_steps(guide, tmp_path, driver)
    assert report["slept"] == [1, 2][:refusals]
    assert [launch.execution_id for launch in guide.launches()] == [report["id"]]
    assert len(guide.journal(LAUNCH, status=429)) == refusals


def test_retry_helper_gives_up_within_the_minute(open_sandbox, tmp_path) -> None:
    """Over the real limit the guide's helper gives up after 7 s, as it does not heed Retry-After; ours waits."""
    guide_text(GUIDE)
    guide = open_sandbox(contract="guide", rate_per_minute=2, clock="frozen")
    driver = f"""
for _ in range(2):
    executor.trigger_flow("{ORDER_FLOW}", {INPUT!r})
report["third"] = attempt(trigger_flow_with_retry, executor, "{ORDER_FLOW}", {INPUT!r})
"""
    report = run_steps(guide, tmp_path, driver, leaps=True)
    assert report["third"] == {"error": "Max retries exceeded for flow execution."}
    assert report["slept"] == [1, 2, 4]
    refused = guide.journal(LAUNCH, status=429)
    assert [json.loads(entry.answer)["code"] for entry in refused] == ["too.many.requests.retry.after"] * 3
    assert len(guide.launches()) == 2


# -- the shared flow -----------------------------------------------------------------------------------------------


@pytest.fixture
def execute(guide) -> Callable[..., requests.Response]:
    """Send a body to the execute endpoint as a client."""

    def send(body: dict[str, Any], flow: str = SHARED_FLOW, client: str = "demo") -> requests.Response:
        form = {"grant_type": "client_credentials", "client_id": client, "client_secret": f"{client}-secret"}
        token = requests.post(f"{guide.url}/oauth/token", data=form, timeout=60).json()["access_token"]
        url = f"{guide.url}/api/v2/architect/flows/{flow}/execute"
        return requests.post(url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    return send


def test_shared_flow_runs_with_the_printed_body(guide, execute) -> None:
    """The body that the second guide prints executes the shared flow."""
    body = shared_flow_body()
    answer = execute(body)
    assert answer.status_code == 201
    assert answer.json()["correlationId"] == body["metadata"]["correlationId"]
    assert [launch.inputs for launch in guide.launches()] == [
        {f"Flow.{name}": value for name, value in body["inputs"].items()}
    ]


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"flowType": None}, 400, "flowType is missing"),
        ({"flowType": "workflow"}, 400, "flowType is 'workflow'"),
        ({"inputs": {"userId": "u-1"}}, 400, "'reasonCode' is missing"),
        ({"inputs": {"user_id": "u-1", "reasonCode": "R1"}}, 400, "the flow declares 'userId'"),
        ({"inputs": None}, 400, "'userId' is missing"),
        ({"metadata": None}, 201, ""),
    ],
    ids=["no flowType", "other flowType", "input missing", "input misspelt", "no inputs", "no metadata"],
)
def test_shared_flow_needs_its_type_and_inputs(guide, execute, change: dict[str, Any], status: int, said: str) -> None:
    """Without flowType or a required input the call is 400; metadata may be left out."""
    body = {name: value for name, value in (shared_flow_body() | change).items() if value is not None}
    answer = execute(body)
    assert answer.status_code == status
    assert said in answer.text
    assert len(guide.launches()) == (status == 201)


def test_shared_flow_needs_the_scope(guide, execute) -> None:
    """A client without the scope architect:flow:execute gets 403; a flow that is not shared is 404."""
    refused = execute(shared_flow_body(), client="demo-readonly")
    assert refused.status_code == 403
    assert "architect:flow:execute" in refused.text
    assert execute({"flowType": "shared", "inputs": INPUT}, flow=ORDER_FLOW).status_code == 404
    assert guide.launches() == []


# -- our own client ------------------------------------------------------------------------------------------------


@KINDS
def test_our_client_speaks_the_guide_contract(guide, connect, kind: str) -> None:
    """`contract="guide"` signs in with form fields, sends `data` and a context, and reads `flowId` and outputs."""
    client = connect(kind, guide.url, contract="guide")
    launched = client.call("launch", "Order follow-up", INPUT, key="req-1", name="crm")
    ended = client.call("wait", launched)
    assert (ended.id, ended.flow_id, ended.status) == (launched.id, ORDER_FLOW, "COMPLETED")
    sent = json.loads(guide.journal(LAUNCH)[0].request_body)
    assert sent == {"flowId": ORDER_FLOW, "data": INPUT, "executionContext": {"name": "crm", "requestId": "req-1"}}
    form = guide.journal("token")[0].request_body
    assert "client_id=demo&client_secret=***" in form
    assert len(guide.launches()) == 1


@KINDS
def test_our_client_executes_a_shared_flow(guide, connect, kind: str) -> None:
    """`execute_shared` sends the second guide's body, and a missing input is told by the service."""
    client = connect(kind, guide.url, contract="guide")
    body = shared_flow_body()
    launched = client.call("execute_shared", SHARED_FLOW, body["inputs"], correlation_id="guid-1")
    assert client.call("wait", launched).status == "COMPLETED"
    assert json.loads(guide.journal("shared.execute")[0].request_body) == {
        "flowType": "shared", "inputs": body["inputs"], "metadata": {"correlationId": "guid-1"},
    }  # fmt: skip
    with pytest.raises(InvalidRequestError, match="'reasonCode' is missing"):
        client.call("execute_shared", SHARED_FLOW, {"userId": "u"})
    assert len(guide.launches()) == 1


@KINDS
@pytest.mark.parametrize(
    ("given", "options", "error", "said"),
    [
        ({"CustomerName": "J", "orderId": "1"}, {}, PreflightError, "customerName"),
        ({"customerName": "J"}, {}, PreflightError, "orderId"),
        ({"customer_name": "J", "orderId": "1"}, {"preflight": "off"}, InvalidRequestError, MISMATCH),
        (INPUT, {"client_secret": "wrong"}, AuthenticationError, "region"),
        (INPUT, {"client_id": "demo-nolaunch", "client_secret": "demo-nolaunch-secret"}, PermissionDeniedError,
         "flow:execution:write"),
    ],
    ids=["case", "missing", "mismatch", "secret", "scope"],
)  # fmt: skip
def test_our_client_tells_the_guides_refusals(guide, connect, kind, given, options, error, said) -> None:
    """Each refusal of the guide contract is an error of its own class that names the cause, and launches nothing."""
    client = connect(kind, guide.url, contract="guide", **options)
    with pytest.raises(error) as caught:
        client.call("launch", ORDER_FLOW, given)
    assert said in str(caught.value)
    assert guide.launches() == []


@KINDS
def test_our_client_finds_no_unknown_flow_or_execution(guide, connect, kind: str) -> None:
    """An unknown flow or execution is a 404 of the guide contract, told as such."""
    client = connect(kind, guide.url, contract="guide", preflight="off")
    with pytest.raises(NotFoundError, match="Flow not found"):
        client.call("launch", UNKNOWN_FLOW, INPUT)
    with pytest.raises(NotFoundError):
        client.call("status", UNKNOWN_FLOW)
    assert guide.launches() == []


@KINDS
def test_our_client_heeds_the_limit(open_sandbox, connect, kind: str) -> None:
    """Over the limit our client waits as long as the 429 says, or tells how long that would be."""
    guide = open_sandbox(contract="guide", rate_per_minute=2, clock="frozen")
    client = connect(kind, guide.url, contract="guide", preflight="off")
    for _ in range(2):
        client.call("launch", ORDER_FLOW, INPUT)
    with pytest.raises(RateLimitedError) as caught:
        client.call("launch", ORDER_FLOW, INPUT, timeout_s=30)
    assert caught.value.retry_after_s == 60
    guide.advance(60)
    assert client.call("launch", ORDER_FLOW, INPUT).flow_id == ORDER_FLOW
    assert len(guide.launches()) == 3
