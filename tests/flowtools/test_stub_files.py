"""Stub files: what is wrong in them is said with its place; what is right is understood in full."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest
import yaml
from flow_desk import CASES, FLOWS, SHARED

from flowlaunch.architect.cases import expectations, parse as case_parse
from flowlaunch.architect.stubs import parse as stub_parse, parse_stubs, read_contract, stub_problems
from flowlaunch.architect.stubs.conditions import OPERATORS
from flowlaunch.architect.stubs.contracts import Contracts
from flowlaunch.errors import FlowStubError, FlowSyntaxError

SCHEMAS = FLOWS.parents[1] / "architect" / "schemas"
PUBLISHED = FLOWS.parents[3] / "docs" / "reference" / "schemas"

MISTAKES = {
    "data_actions:\n- {acton: x}": ("no field `acton`", "Did you mean `action`?", 2),
    "data_action: []": ("no field `data_action`", "Did you mean `data_actions`?", 1),
    "data_actions: {action: x}": ("must be a list", "", 1),
    "data_actions:\n- {inputs: {a: 1}}": ("names neither", "Name one", 2),
    "data_actions:\n- {action: x, outputs: {a: 1}, failure: {b: 2}}": ("both outputs and failure", "sequence", 2),
    "data_actions:\n- action: x\n  delay_s: soon": ("number of seconds", "", 3),
    "data_actions:\n- action: x\n  sequence: []": ("is empty", "Add an answer", 3),
    "data_actions:\n- action: x\n  outputs: {a: 1}\n  sequence: [{timeout: true}]": ("beside `sequence`", "Move it", 3),
    "data_actions:\n- action: x\n  after: stop": ("cannot be 'stop'", "`cycle`", 3),
    "data_actions:\n- action: x\n  where: 'a ='": ("JMESPath", "jmespath.org", 3),
    "data_actions:\n- action: x\n  outputs: {a: '${input.}'}": ("JMESPath", "jmespath.org", 3),
    "data_actions:\n- action: x\n  inputs:\n    a: {regex: '['}": ("no regular expression", "", 4),
    "data_actions:\n- action: x\n  inputs:\n    a: {gt: 1, gte: 2}": ("`gte` stands beside operators", "", 4),
    "tables:\n  T: {key: a}": ("has no rows", "`csv`", 2),
    "tables:\n  T:\n    key: a\n    csv: |\n      b,c\n      1,2": ("without its key column `a`", "Columns: b, c", 4),
    "tables:\n  T:\n    csv: |\n      key,c\n      1": ("CSV line 2", "", 3),
    "tables:\n  T: {file: nowhere.csv}": ("no folder to read it from", "", 2),
    "actions:\n- {name: x}": ("does not say how it ends", "path: found", 2),
    "actions:\n- {path: found}": ("names neither `key` nor `name`", "Write `name", 2),
    "queues:\n- {description: x}": ("neither `id` nor `name`", "", 2),
    "users:\n- {phone: x}": ("no field `phone`", "", 2),
    "now: tomorrow": ("not a date-time", "2026-11-21", 1),
    "random: 2": ("at least 0 and below 1", "", 1),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_named_with_its_line_and_cure(text):
    """A stub file that is wrong is refused with what is wrong, the line and a hint."""
    message, hint, line = MISTAKES[text]
    with pytest.raises(FlowStubError) as caught:
        parse_stubs(text, "stubs.yaml")
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.span.line == line


@pytest.mark.parametrize("text", ["a: &x 1\nb: *x", "a: !!python/object:os.system {}", "a: [", "a: 1\na: 2"])
def test_hostile_or_broken_yaml_is_refused(text):
    """Aliases, tags, repeated keys and broken YAML are refused as in flows."""
    with pytest.raises(FlowSyntaxError):
        parse_stubs(text, "stubs.yaml")


def test_an_empty_file_has_no_stubs():
    """A file of comments is a stub file that answers nothing."""
    assert parse_stubs("# nothing yet\n", "stubs.yaml").data_actions == ()


def test_schemas_are_published_as_shipped():
    """The schemas of the reference are the ones that the package prints."""
    for name in ("stubs.schema.json", "cases.schema.json"):
        assert (SCHEMAS / name).read_text() == (PUBLISHED / name).read_text()


def test_schemas_know_every_field():
    """Schema and reader know the same fields, so that editors and runs agree."""
    stubs = json.loads((SCHEMAS / "stubs.schema.json").read_text())
    cases = json.loads((SCHEMAS / "cases.schema.json").read_text())
    fields = stub_parse.FIELDS
    assert set(stubs["properties"]) == {*fields["stubs"], *fields["world"]}
    defined = stubs["definitions"]
    assert set(defined["dataAction"]["properties"]) == set(fields["data action"])
    assert set(defined["action"]["properties"]) == set(fields["action"])
    assert set(defined["table"]["properties"]) == set(fields["table"])
    assert set(defined["operators"]["properties"]) == set(OPERATORS)
    assert set(cases["properties"]) == set(case_parse.FILE_FIELDS)
    assert set(cases["definitions"]["case"]["properties"]) == set(case_parse.CASE_FIELDS)
    assert set(cases["definitions"]["expect"]["properties"]) == set(expectations.EXPECT_FIELDS)


def test_files_that_run_fit_the_schemas():
    """The tutorial's case file and the sandbox's world fit the published schemas; a slip does not."""
    cases = jsonschema_rs.validator_for(json.loads((SCHEMAS / "cases.schema.json").read_text()))
    stubs = jsonschema_rs.validator_for(json.loads((SCHEMAS / "stubs.schema.json").read_text()))
    assert cases.is_valid(yaml.safe_load(CASES.read_text()))
    assert stubs.is_valid(yaml.safe_load((FLOWS / "world.yaml").read_text()))
    assert not stubs.is_valid({"data_actions": [{"acton": "x"}]})
    assert not stubs.is_valid({"data_actions": [{"action": "x", "inputs": {"a": {"gt": 1, "gte": 2}}}]})
    assert not cases.is_valid({"flow": "x.yaml", "cases": [{"name": "x", "expect": {"output": {}}}]})


# -- contracts ---------------------------------------------------------------------------------------------------

CONTRACT = json.dumps(
    {
        "name": "Get Tier - Exported 2025-01-01 @ 10:00",
        "contract": {
            "input": {
                "inputSchema": {
                    "type": "object",
                    "required": ["id"],
                    "properties": {"id": {"type": "string"}, "count": {"type": "integer"}},
                    "additionalProperties": False,
                }
            },
            "output": {
                "successSchema": {
                    "type": "object",
                    "properties": {
                        "tier": {"type": "string", "enum": ["gold", "silver"]},
                        "user": {"type": "object", "properties": {"id": {"type": "string"}}},
                        "orders": {
                            "type": "array",
                            "items": {"type": "object", "properties": {"n": {"type": "number"}}},
                        },
                    },
                    "additionalProperties": False,
                }
            },
        },
    }
)
KNOWN = Contracts.of([read_contract(CONTRACT, "get-tier.json")])


@pytest.mark.parametrize(
    ("stub", "problem"),
    [
        ("outputs: {tier: bronze}", "`tier` must be one of"),
        ("outputs: {teir: gold}", "no output `teir`"),
        ("outputs: {user.id: 7}", "`user.id` must be string, not 7"),
        ("outputs: {user: {id: 7}}", "`user`.id must be string, not 7"),
        ("outputs: {orders.n: [1, two]}", "an item of `orders.n` must be number"),
        ("inputs: {customer: x}, outputs: {}", "no input `customer`"),
    ],
)
def test_stubs_are_checked_against_contracts(stub, problem):
    """A stub that contradicts the data action's contract is named with its line."""
    (found,) = stub_problems(parse_stubs(f"data_actions:\n- {{action: Get Tier, {stub}}}\n", "s.yaml"), KNOWN)
    assert found.startswith("s.yaml:2: data action `Get Tier`")
    assert problem in found


def test_stubs_that_keep_to_the_contract_pass():
    """Nested and flattened outputs, failures and templates are all right."""
    text = (
        "data_actions:\n- action: Get Tier\n  inputs: {id: x}\n  sequence:\n"
        "  - outputs: {tier: gold, user.id: '7', orders.n: [1, 2]}\n  - outputs: {tier: '${input.id}'}\n"
        "  - failure: {status: 500}\n"
    )
    assert stub_problems(parse_stubs(text, "s.yaml"), KNOWN) == []


def test_what_a_flow_sends_is_checked_against_contracts():
    """A required input that is NOT_SET, an unknown one and one of the wrong type are told."""
    assert KNOWN.problems("inputs", "get tier", {"id": None, "count": "x", "size": 1}) == [
        "data action `get tier`, inputs: `id` is required and NOT_SET",
        'data action `get tier`, inputs: `count` must be integer, not "x"',
        "data action `get tier`, inputs: there is no `size`; the contract has id, count",
    ]


def test_exported_data_actions_are_read():
    """Every exported data action of the references is a contract."""
    folder = SHARED / "dataactions"
    if not folder.exists():
        pytest.skip("../shared is not beside this checkout")
    found = [read_contract(path.read_text(), path.name) for path in sorted(folder.glob("*.json"))]
    assert len(found) >= 20
    assert all(contract.inputs.get("type") == "object" and "Exported" not in contract.name for contract in found)


def test_other_json_is_no_contract():
    """JSON that is no exported data action is refused with a hint."""
    for text in ("{}", "[1]", "{", '{"contract": {"input": 3}}'):
        with pytest.raises(FlowStubError, match="no exported data action"):
            read_contract(text, "x.json")
