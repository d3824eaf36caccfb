"""Answers have the shapes of the published API."""

import json
from pathlib import Path

import jsonschema_rs
import pytest
from sandbox_api import EXECUTIONS, FLOWS

SWAGGER = Path(__file__).parents[3] / "shared" / "swagger-flows.json"


@pytest.fixture(scope="module")
def swagger():
    if not SWAGGER.is_file():
        pytest.skip("../shared is not beside this checkout")
    return json.loads(SWAGGER.read_text("utf-8"))


@pytest.fixture
def fits(swagger):
    """Check a document against a definition; every field it has must be one the definition knows."""

    def check(document, name):
        schema = {"$ref": f"#/definitions/{name}", "definitions": _closed(swagger["definitions"])}
        problems = [
            f"{error.instance_path}: {error.message}"
            for error in jsonschema_rs.validator_for(schema).iter_errors(document)
        ]
        assert problems == []

    return check


def _closed(definitions):
    """Forbid fields that a definition does not list, but for free-form ones."""
    closed = {}
    for name, definition in definitions.items():
        known = definition.get("properties")
        closed[name] = (
            definition
            if not known or "additionalProperties" in definition
            else {**definition, "additionalProperties": False}
        )
    # Two maps are declared as objects of objects because the published model has no "anything" type.
    for name, field in (("FlowRuntimeExecution", "outputData"), ("JsonSchemaDocument", "additionalProperties")):
        properties = {**closed[name]["properties"], field: {}}
        closed[name] = {**closed[name], "properties": properties}
    return closed


@pytest.mark.parametrize(
    ("path", "definition"),
    [
        ("/api/v2/flows?includeSchemas=true", "FlowEntityListing"),
        ("/api/v2/flows?pageSize=2&pageNumber=2", "FlowEntityListing"),
        (f"/api/v2/flows/lookup?id={FLOWS['order']}", "FlowEntityListing"),
        (f"/api/v2/flows/{FLOWS['order']}", "Flow"),
        (f"/api/v2/flows/{FLOWS['ivr']}", "Flow"),
        ("/api/v2/flows/divisionviews?includeSchemas=true", "FlowDivisionViewEntityListing"),
        (f"/api/v2/flows/{FLOWS['order']}/versions", "FlowVersionEntityListing"),
        (f"/api/v2/flows/{FLOWS['order']}/versions/1.0", "FlowVersion"),
        ("/api/v2/tokens/me", "TokenInfo"),
        ("/api/v2/organizations/limits/docs", "LimitDocumentation"),
        ("/api/v2/organizations/limits/namespaces/platform.api", "LimitsEntityListing"),
        ("/api/v2/organizations/limits/namespaces/platform.api/defaults", "LimitsEntityListing"),
        ("/api/v2/flows/instances/querycapabilities", "FlowsQueryCriteriaResponse"),
        ("/api/v2/flows/instances/settings/executiondata", "ExecutionDataFlowSettingsResponse"),
    ],
)
def test_answers_to_get_have_the_published_shape(open_sandbox, connect, fits, path, definition):
    """Each GET answers 200 with a document of its published definition and no field beyond it."""
    answer = connect(open_sandbox(execution_data=True)).call("GET", path)
    assert answer.status_code == 200
    fits(answer.json(), definition)


def test_launch_and_execution_have_the_published_shape(open_sandbox, connect, fits):
    """A launch, and executions running, completed and failed, fit their definitions."""
    sandbox = open_sandbox(clock="frozen", execution_data=True)
    api = connect(sandbox)
    launched = api.launch(name="x").json()
    fits(launched, "FlowExecutionLaunchResponse")
    for flow, inputs, status in (("order", None, "COMPLETED"), ("refund", {}, "FAILED"), ("reminder", {}, "RUNNING")):
        run = api.run(flow, inputs)
        assert run["status"] == status
        fits(run, "FlowRuntimeExecution")
    rows = api.call("POST", "/api/v2/flows/instances/query", json={"query": []}).json()
    assert len(rows["entities"]) == 4
    fits(rows, "FlowResultEntityListing")
    finished = [row["id"] for row in rows["entities"]]
    jobs = api.call("POST", "/api/v2/flows/instances/jobs", json={"ids": finished}).json()
    fits(jobs, "GetFlowExecutionDataJobResult")
    history = api.get(f"/sandbox/executions/{launched['id']}/history").json()
    history.pop("trace")
    fits(history, "V2FlowExecutionDataFlowidTopicFlowExecutionHistory")


def test_errors_have_the_published_shape(open_sandbox, connect, fits):
    """Every refusal is a full ErrorBody with empty details and errors."""
    sandbox = open_sandbox(rate_per_minute=12, clock="frozen")
    api, reader, nobody = connect(sandbox), connect(sandbox, "demo-readonly"), connect(sandbox, None)
    answers = [
        api.get(f"{EXECUTIONS}/x"), api.launch("deleted"), api.launch("draft"), api.launch("ivr"), api.launch("", {}),
        api.call("POST", EXECUTIONS, data="x"), api.call("PUT", EXECUTIONS), api.get("/api/v2/users"),
        reader.launch(), nobody.launch(), api.call("POST", EXECUTIONS, data="x" * 512_001),
    ]  # fmt: skip
    answers += [api.get("/api/v2/flows", pageSize=0) for _ in range(8)]
    assert {answer.status_code for answer in answers} == {400, 401, 403, 404, 405, 410, 413, 429, 501}
    for answer in answers:
        body = answer.json()
        fits(body, "ErrorBody")
        assert (body["status"], body["details"], body["errors"]) == (answer.status_code, [], [])
        assert body["contextId"] == answer.headers["ININ-Correlation-Id"]


def test_permissions_are_those_of_the_published_operations(swagger):
    """Each emulated operation asks for the permissions that are published for its path."""
    from flowlaunch.sandbox.operations import operations_of

    compared = 0
    for operation in operations_of("platform"):
        published = swagger["paths"].get(operation.path, {}).get(operation.method.lower())
        if published is None:
            continue
        compared += 1
        wanted = published["x-inin-requires-permissions"]
        assert list(operation.permissions) == wanted["permissions"], operation.name
        assert operation.every == (wanted["type"] == "ALL"), operation.name
    assert compared >= 18
