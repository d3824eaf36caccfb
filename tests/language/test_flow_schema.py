"""JSON Schemas of inputs and outputs agree with what a launch accepts."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from flow_world import World, load, load_shared, variable
from hypothesis import given, settings, strategies as st

from flowlaunch.architect.interpret import run
from flowlaunch.architect.schema import input_schema, output_schema, type_schema
from flowlaunch.errors import FlowTypeError

END = "- endWorkflow:\n    name: E\n"
KINDS = [
    "boolean", "integer", "decimal", "string", "dateTime", "date", "time", "duration", "currency", "phoneNumber",
    "json", "queue", "user", "externalContact",
]  # fmt: skip


def test_schema_names_the_inputs():
    """The input schema lists the inputs by their names with the Flow prefix and requires none."""
    schema = input_schema(load_shared("gc-presence-update-from-ms-teams__ms-teams-integrations-presence-trigger.yaml"))
    assert list(schema["properties"]) == [
        "Flow.eventType", "Flow.id", "Flow.jsonBody", "Flow.message", "Flow.source", "Flow.userId",
    ]  # fmt: skip
    assert "required" not in schema
    assert schema["properties"]["Flow.source"]["type"] == ["string", "null"]


def test_schema_of_a_collection_is_a_list():
    """A collection is a list of its items."""
    flow = load_shared("wfm-hris-blueprint__HRIS-Get-Agents.i3WorkFlow.yaml")
    assert output_schema(flow)["properties"]["Flow.emails"]["items"] == {"type": ["string", "null"]}


def test_description_and_type_are_told():
    """A variable's description and Architect type are part of its schema."""
    text = variable("string", "Flow.a", flags="i") + "    description: Who calls\n"
    shown = input_schema(load(END, text))["properties"]["Flow.a"]
    assert (shown["description"], shown["architectType"]) == ("Who calls", "string")


@pytest.mark.parametrize("collection", ["", "Collection"])
@pytest.mark.parametrize("kind", KINDS)
def test_schemas_are_valid(kind: str, collection: str):
    """The schema of every type is a valid JSON Schema that accepts null."""
    flow = load(END, variable(f"{kind}{collection}", "Flow.x", flags="io"))
    for schema in (input_schema(flow), output_schema(flow)):
        assert jsonschema_rs.validator_for(schema).is_valid({"Flow.x": None})


NUMBERS = st.integers(-(10**16), 10**16) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=5))
PLAIN_KINDS = st.sampled_from(["boolean", "integer", "decimal", "string", "json", "stringCollection"])


@settings(max_examples=80, deadline=None)
@given(PLAIN_KINDS, SCALARS | st.lists(SCALARS, max_size=3))
def test_schema_and_launch_agree(kind: str, value: Any):
    """For the plain types, the schema accepts a value exactly when a launch does (but for 3.0 as 3)."""
    flow = load(END, variable(kind, "Flow.x", flags="i"))
    fits = jsonschema_rs.validator_for(input_schema(flow)).is_valid({"Flow.x": value})
    whole = kind == "integer" and isinstance(value, float) and value.is_integer()
    assert fits == accepted(flow, value) or (whole and not fits)


def accepted(flow: Any, value: Any) -> bool:
    try:
        run(flow, {"Flow.x": value}, World())
    except FlowTypeError:
        return False
    return True


def test_outputs_of_a_run_fit_the_schema():
    """What a completed run returns is valid against its output schema."""
    flow = load_shared("wfm-hris-blueprint__HRIS-Get-Agents.i3WorkFlow.yaml")
    assert jsonschema_rs.validator_for(output_schema(flow)).is_valid(dict(World().run(flow).outputs))


def test_type_schema_stands_alone():
    """The schema of one type can be had without a flow."""
    from flowlaunch.architect.types import INT

    assert type_schema(INT.collection)["items"]["type"] == ["integer", "null"]
