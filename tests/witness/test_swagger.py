"""The published operations as the judge between the two readings of the API: the sandbox's and the client's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import jsonschema_rs
import pytest
import requests
from witness_clients import ORDER, ORDER_FLOW, SECRET, SHARED

from flowlaunch.contracts import PLATFORM
from flowlaunch.sandbox.operations import operations_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.sandbox import JournalEntry

OUTSIDE_THE_API = {"token", "authorize"}
QUERY = {"flows.lookup": f"?id={ORDER_FLOW}"}
BODIES: dict[str, Any] = {
    "executions.launch": {"flowId": ORDER_FLOW, "inputData": ORDER, "name": "n", "flowVersion": "1.0"},
    "instances.query": {"query": []},
    "aggregates.query": {
        "interval": "2026-01-01T00:00:00Z/2126-01-01T00:00:00Z",
        "metrics": ["nFlowExecutions"],
        "groupBy": ["flowId"],
    },
}
VALUES = {"flowId": ORDER_FLOW, "versionId": "1.0", "namespaceName": "platform.api"}
EMULATED = {operation.name: operation for operation in operations_of("platform")}
PUBLISHED = sorted(set(EMULATED) - OUTSIDE_THE_API)


@pytest.fixture(scope="module")
def swagger() -> dict[str, Any]:
    path = SHARED / "swagger-flows.json"
    if not path.exists():
        pytest.skip("../shared is not beside this checkout")
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    # two maps are declared as objects of objects, because the published model has no "anything" type
    for name, field in (("FlowRuntimeExecution", "outputData"), ("FlowExecutionLaunchRequest", "inputData"),
                        ("JsonSchemaDocument", "additionalProperties")):  # fmt: skip
        document["definitions"][name]["properties"][field] = {}
    return document


@pytest.fixture(scope="module")
def problems(swagger) -> Callable[[Any, dict[str, Any]], list[str]]:
    def check(document: Any, schema: dict[str, Any]) -> list[str]:
        validator = jsonschema_rs.validator_for({**schema, "definitions": swagger["definitions"]})
        return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(document)]

    return check


def published(swagger: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    """Find the published operation of a request's path; a literal path wins over a template."""
    parts = path.split("/")
    fitting = [
        template
        for template, methods in swagger["paths"].items()
        if method.lower() in methods
        and len(template.split("/")) == len(parts)
        and all(
            wanted.startswith("{") or wanted == part for wanted, part in zip(template.split("/"), parts, strict=True)
        )
    ]
    assert fitting, f"{method} {path} is not published"
    found: dict[str, Any] = swagger["paths"][min(fitting, key=lambda template: template.count("{"))][method.lower()]
    return found


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_emulated_operation_answers_as_published(open_sandbox, swagger, problems, name: str) -> None:
    """Each operation that the sandbox emulates is published, and its answer fits the declared response."""
    operation = EMULATED[name]
    sandbox = open_sandbox(execution_data=True)
    form = {"grant_type": "client_credentials"}
    token = requests.post(f"{sandbox.url}/oauth/token", data=form, auth=("demo", SECRET), timeout=60).json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}

    def send(method: str, path: str, body: Any) -> requests.Response:
        return requests.request(method, sandbox.url + path, json=body, headers=headers, timeout=60)

    launched = send("POST", "/api/v2/flows/executions", BODIES["executions.launch"]).json()["id"]
    ended = send("GET", f"/api/v2/flows/executions/{launched}", None).json()
    assert ended["status"] == "COMPLETED"
    job = send("POST", "/api/v2/flows/instances/jobs", {"ids": [launched]}).json()["id"]
    values = {**VALUES, "flowExecutionId": launched, "instanceId": launched, "jobId": job}
    path = operation.path.format_map(values) + QUERY.get(name, "")
    answer = send(operation.method, path, {**BODIES, "instances.job": {"ids": [launched]}}.get(name))
    declared = published(swagger, operation.method, path.partition("?")[0])["responses"]
    assert str(answer.status_code) in declared, answer.text
    assert sandbox.journal(limit=1)[0].operation == name
    schema = declared[str(answer.status_code)].get("schema")
    if schema is None or operation.method == "HEAD":
        assert answer.content == b""
    else:
        assert problems(answer.json(), schema) == []
        assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("name", sorted(PLATFORM.operations))
def test_every_operation_of_the_client_is_published(swagger, name: str) -> None:
    """Path, method and permission of each operation in the client's contract are the published ones."""
    operation = PLATFORM.operations[name]
    found = published(swagger, operation.method, operation.path.replace("{", "").replace("}", ""))
    wanted = found["x-inin-requires-permissions"]["permissions"]
    assert ([operation.right] if operation.right else []) == wanted


def sent_by(client: Any) -> None:
    """Make every call that the client has."""
    launched = client.call("launch", "Order follow-up", ORDER, version="1.0", name="n", key="k")
    client.call("wait", launched)
    client.call("status", launched)
    client.call("check", ORDER_FLOW, ORDER)
    client.call("flows", name="Order*", division_id="d0000000-0000-4000-8000-000000000001", with_schemas=True)
    client.call("flows", type=None, page_size=2)
    client.call("flow_inputs", "Reason lookup")
    client.call("whoami")
    client.call("limits")


def fits_parameters(entry: JournalEntry, parameters: list[dict[str, Any]]) -> None:
    """Each query value is declared and of the declared type."""
    declared = {each["name"]: each["type"] for each in parameters if each["in"] == "query"}
    for name, values in parse_qs(entry.query).items():
        assert name in declared, f"{entry.method} {entry.path}: {name} is not published"
        if declared[name] == "integer":
            assert all(value.isdecimal() for value in values)
        elif declared[name] == "boolean":
            assert set(values) <= {"true", "false"}


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_every_request_of_the_client_is_published(open_sandbox, connect, swagger, problems, kind: str) -> None:
    """Whatever the client sends has a published path, published query names and a published body, nothing more."""
    sandbox = open_sandbox()
    sent_by(connect(kind, sandbox.url))
    entries = [entry for entry in sandbox.journal() if entry.operation != "token"]
    assert len({entry.operation for entry in entries}) >= 6
    for entry in entries:
        assert entry.status == 200, entry
        operation = published(swagger, entry.method, entry.path)
        fits_parameters(entry, operation["parameters"])
        body = next((each["schema"] for each in operation["parameters"] if each["in"] == "body"), None)
        assert (body is None) == (entry.request_body == "")
        if body is not None:
            document = json.loads(entry.request_body)
            assert problems(document, body) == []
            assert set(document) <= set(swagger["definitions"]["FlowExecutionLaunchRequest"]["properties"])
