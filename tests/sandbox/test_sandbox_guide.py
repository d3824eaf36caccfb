"""The guides' contract, as their own programs speak it."""

import pytest
from sandbox_api import EXECUTIONS, FLOWS

from flowlaunch.sandbox import Status

DATA = {"customerName": "Jane Doe", "orderId": "ORD-998877", "priority": "high", "timestamp": "2026-01-01T00:00:00Z"}
EXECUTE = f"/api/v2/architect/flows/{FLOWS['shared']}/execute"


@pytest.fixture
def guide(open_sandbox):
    return open_sandbox(contract="guide")


def sign_in(api, client="demo", secret=None):
    fields = {
        "grant_type": "client_credentials", "client_id": client, "client_secret": secret or f"{client}-secret",
    }  # fmt: skip
    return api.call("POST", "/oauth/token", data=fields)


@pytest.fixture
def as_client(guide, connect):
    def make(client="demo"):
        api = connect(guide, None)
        return api.use(sign_in(api, client).json()["access_token"])

    return make


def launch(api, flow="order", data=None, **more):
    body = {"flowId": FLOWS.get(flow, flow), "data": DATA if data is None else data, **more}
    return api.call("POST", EXECUTIONS, json=body)


def test_the_token_comes_for_form_fields_and_lasts_an_hour(guide, connect):
    """Client id and secret as form fields give a token for 3,600 seconds; Basic works too."""
    api = connect(guide, None)
    assert sign_in(api).json()["expires_in"] == 3_600
    assert api.token().status_code == 200


def test_a_wrong_secret_is_401(guide, connect):
    """The guides expect 401 for a wrong id or secret."""
    api = connect(guide, None)
    assert sign_in(api, secret="wrong").status_code == 401
    assert sign_in(api, client="nobody").status_code == 401


def test_a_launch_is_201_with_an_execution_id_and_can_be_polled(as_client):
    """A launch answers 201 with executionId; polling shows status, flowId and the data that was sent."""
    api = as_client()
    answer = launch(api, executionContext={"source": "external-crm-sync"})
    assert (answer.status_code, list(answer.json())) == (201, ["executionId"])
    status = api.get(f"{EXECUTIONS}/{answer.json()['executionId']}").json()
    assert (status["status"], status["flowId"], status["data"]) == ("COMPLETED", FLOWS["order"], DATA)
    assert status["outputs"]["Flow.followUpHours"] == 2


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ({**DATA, "customer": "x"}, "'customer' is not declared"),
        ({**DATA, "CustomerName": "x"}, "the flow declares 'customerName'"),
        ({"customer_name": "x", "orderId": "1"}, "'customerName' is missing"),
        ({"orderId": "1"}, "'customerName' is missing"),
        ({"customerName": None, "orderId": "1"}, "'customerName' is missing"),
        ({**DATA, "Flow.orderId": "x"}, "'Flow.orderId' is not declared"),
    ],
    ids=str,
)
def test_a_specific_start_event_takes_its_declared_fields_only(guide, as_client, data, named):
    """A wrong key, the wrong case or a missing required field is 400 Flow start event data mismatch."""
    answer = launch(as_client(), data=data)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Flow start event data mismatch")
    assert named in answer.json()["message"]
    assert guide.launches() == []


def test_optional_fields_may_be_left_out(as_client):
    """Fields that are not required may be missing."""
    assert launch(as_client(), data={"customerName": "Jane", "orderId": "1"}).status_code == 201


def test_a_generic_start_event_takes_any_data(as_client):
    """A flow with a generic start event takes whatever is sent, and uses what it declares."""
    api = as_client()
    answer = launch(api, "generic", {"source": "crm", "anything": [1, {"deep": True}]})
    assert answer.status_code == 201
    status = api.get(f"{EXECUTIONS}/{answer.json()['executionId']}").json()
    assert status["outputs"] == {"Flow.summary": "Taken from crm"}
    assert status["data"]["anything"] == [1, {"deep": True}]


def test_a_missing_scope_is_403_and_named(guide, as_client):
    """Launching, reading and executing each need their scope; the 403 names it."""
    reader = as_client("demo-readonly")
    refused = launch(reader)
    assert refused.status_code == 403
    assert "flow:execution:write" in refused.json()["message"]
    assert reader.get(f"{EXECUTIONS}/nothing").status_code == 404
    refused = reader.call("POST", EXECUTE, json={"flowType": "shared"})
    assert (refused.status_code, "architect:flow:execute" in refused.text) == (403, True)
    assert guide.launches() == []


@pytest.mark.parametrize("flow", ["f0000000-0000-4000-8000-00000000ffff", "draft", "deleted"])
def test_a_flow_that_is_not_there_is_404(as_client, flow):
    """Unknown, unpublished and deleted flows are 404 flow not found."""
    answer = launch(as_client(), flow)
    assert (answer.status_code, "Flow not found" in answer.json()["message"]) == (404, True)


@pytest.mark.parametrize("body", [{}, {"flowId": 3}, {"flowId": FLOWS["order"], "data": "text"}, []], ids=str)
def test_bodies_that_do_not_fit_are_400(as_client, body):
    """A body without flowId, with data that is no object, or no object at all is 400."""
    assert as_client().call("POST", EXECUTIONS, json=body).status_code == 400


def test_expired_tokens_and_limits_are_as_the_guides_list_them(open_sandbox, connect):
    """After an hour the token is 401; beyond the rate 429; 5xx by fault."""
    sandbox = open_sandbox(contract="guide", clock="frozen", rate_per_minute=1)
    api = connect(sandbox, None)
    api.use(sign_in(api).json()["access_token"])
    assert [launch(api).status_code for _ in range(2)] == [201, 429]
    sandbox.advance(3_600)
    assert launch(api).status_code == 401
    sandbox.faults.next("executions.launch", Status(500))
    assert launch(api).status_code == 500


def test_a_shared_flow_needs_its_flow_type(guide, as_client):
    """Without flowType "shared" the execution context cannot be resolved: 400."""
    api = as_client()
    inputs = {"userId": "u", "reasonCode": "R1"}
    for flow_type in ({}, {"flowType": "standard"}):
        refused = api.call("POST", EXECUTE, json={"inputs": inputs, **flow_type})
        assert (refused.status_code, "flowType" in refused.json()["message"]) == (400, True)
    assert guide.launches() == []


def test_a_shared_flow_runs_with_all_its_inputs(as_client):
    """With flowType and every required input the shared flow runs and the correlation id comes back."""
    api = as_client()
    body = {"flowType": "shared", "inputs": {"userId": "u", "reasonCode": "R1"}, "metadata": {"correlationId": "c-1"}}
    answer = api.call("POST", EXECUTE, json=body)
    assert (answer.status_code, answer.json()["correlationId"]) == (201, "c-1")
    status = api.get(f"{EXECUTIONS}/{answer.json()['executionId']}").json()
    assert status["outputs"] == {"Flow.reason": "Damaged on arrival"}


@pytest.mark.parametrize(
    "inputs", [{"userId": "u"}, {"userId": "u", "reasonCode": "1", "other": 1}, {"user_id": "u"}], ids=str
)
def test_a_shared_flows_inputs_are_checked(as_client, inputs):
    """A missing or misspelt input of a shared flow is 400."""
    assert as_client().call("POST", EXECUTE, json={"flowType": "shared", "inputs": inputs}).status_code == 400


def test_a_flow_that_is_not_shared_cannot_be_executed(as_client):
    """The execute endpoint only knows shared flows."""
    path = f"/api/v2/architect/flows/{FLOWS['order']}/execute"
    assert as_client().call("POST", path, json={"flowType": "shared", "inputs": {}}).status_code == 404


def test_names_can_still_be_looked_up(as_client):
    """The rest of the API is there under the guide contract too."""
    page = as_client().get("/api/v2/flows", name="Order follow-up").json()
    assert page["entities"][0]["id"] == FLOWS["order"]


def test_the_platform_knows_no_execute_endpoint(sandbox, api):
    """Under the platform contract the guides' execute path is 404, and the journal says why."""
    assert api.call("POST", EXECUTE, json={"flowType": "shared"}).status_code == 404
    assert "guide contract" in sandbox.journal("unknown")[0].note
