"""The two contracts' tables are complete and say what the platform says."""

import json
import re
from pathlib import Path

import pytest

from flowlaunch.contracts import CONTRACTS, GUIDE, PLATFORM, contract_named
from flowlaunch.errors import SettingsError

SWAGGER = Path(__file__).parents[3] / "shared" / "swagger-flows.json"
OPERATIONS = [(contract, name) for contract in CONTRACTS.values() for name in contract.operations]
USED = {
    "executions.launch",
    "executions.get",
    "flows.list",
    "flows.get",
    "flows.version",
    "flows.divisionviews",
    "tokens.me",
    "limits.namespace",
    "instances.query",
    "aggregates.query",
}
NEEDS_NO_RIGHT = {"tokens.me", "limits.namespace"}
QUERIES = {"instances.query", "aggregates.query"}


def test_contracts_are_found_by_name():
    """There are two contracts, and another name is a settings error that lists them."""
    assert contract_named("platform") is PLATFORM
    assert contract_named("guide") is GUIDE
    with pytest.raises(SettingsError) as caught:
        contract_named("Platform")
    assert "platform, guide" in caught.value.hint
    assert caught.value.code == "unknown-contract"


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda one: one.name)
def test_each_contract_has_every_operation_that_plans_use(contract):
    """No plan can meet a contract without its operation."""
    assert set(contract.operations) >= USED


def test_only_the_guides_execute_shared_flows():
    """The one operation that differs is the guides' own."""
    assert set(GUIDE.operations) - set(PLATFORM.operations) == {"shared.execute"}
    assert set(PLATFORM.operations) <= set(GUIDE.operations)


def test_both_contracts_read_in_the_same_way():
    """The guides say nothing of listing flows: all reads but that of an execution are the platform's own."""
    for name, operation in PLATFORM.operations.items():
        if operation.is_repeatable and name != "executions.get":
            assert GUIDE.operations[name] == operation


@pytest.mark.parametrize(("contract", "name"), OPERATIONS, ids=lambda one: getattr(one, "name", one))
def test_every_operation_is_described_in_full(contract, name):
    """Each operation knows its name, a title for messages, its path, its right and how sure that is."""
    operation = contract.operation(name)

    assert operation.name == name
    assert re.fullmatch(r"[a-z ]+", operation.title)
    assert re.fullmatch(r"/api/v2/[a-zA-Z0-9/{}_]+", operation.path)
    assert bool(operation.right) == (name not in NEEDS_NO_RIGHT)
    assert operation.evidence in {"official", "observed", "guess"}
    assert operation.is_launch is (operation.method == "POST" and name not in QUERIES)
    assert operation.method in {"GET", "POST"}


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda one: one.name)
def test_fields_and_token_endpoint_are_named(contract):
    """Each contract names its fields, and 400 and 401 both mean wrong credentials at its token endpoint."""
    assert contract.launch.flow == "flowId"
    assert contract.launch.input_data
    assert contract.launch.execution_id in contract.execution.execution_id
    assert contract.execution.output_data
    assert contract.token.path == "/oauth/token"
    assert contract.token.refused_statuses == {400, 401}


@pytest.fixture(scope="module")
def swagger():
    """The rebuilt description of the official API."""
    if not SWAGGER.exists():
        pytest.skip("../shared is not beside this checkout")
    return json.loads(SWAGGER.read_text("utf-8"))


def documented(swagger, path, method):
    """Find an operation of the description whatever its path parameters are called."""
    shape = re.sub(r"\{[^}]*\}", "{}", path)
    for known, methods in swagger["paths"].items():
        if re.sub(r"\{[^}]*\}", "{}", known) == shape and method.lower() in methods:
            return methods[method.lower()]
    return None


@pytest.mark.parametrize("name", sorted(PLATFORM.operations))
def test_the_platforms_paths_and_permissions_are_the_official_ones(swagger, name):
    """Every path and method exists in the official API, and the right named is one that it asks for."""
    operation = PLATFORM.operation(name)
    official = documented(swagger, operation.path, operation.method)

    assert official is not None
    wanted = official.get("x-inin-requires-permissions", {}).get("permissions", []) or official.get(
        "x-permissions-from-gc-cli", []
    )
    assert not wanted or operation.right in wanted


def test_the_platforms_body_fields_are_the_official_ones(swagger):
    """The launch sends and reads official fields only, and an execution is read by official names."""
    definitions = swagger["definitions"]
    request = set(definitions["FlowExecutionLaunchRequest"]["properties"])
    fields = PLATFORM.launch

    assert {fields.flow, fields.input_data, fields.version, fields.name} == request
    assert fields.execution_id in definitions["FlowExecutionLaunchResponse"]["properties"]
    execution = set(definitions["FlowRuntimeExecution"]["properties"])
    assert {*PLATFORM.execution.execution_id, *PLATFORM.execution.output_data} <= execution
