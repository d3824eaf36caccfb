"""Hostile files are refused quickly, and no file makes the loader raise anything but flow errors."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote, unquote

import pytest
from flow_world import flow_text, shared_text, variable
from hypothesis import HealthCheck, given, settings, strategies as st

from flowlaunch.architect.load import load_flow
from flowlaunch.errors import FlowError, FlowSyntaxError

BUDGET_S = 5.0
"""Of CPU, far above what is needed; without the limits most of these would take minutes or all memory."""

HOSTILE = {
    "alias bomb": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "merge key": "a: &a {x: 1}\nb:\n  <<: *a\n",
    "deep lists": "a: " + "[" * 200_000,
    "deep mappings": "a: " + "{b: " * 100_000,
    "deep blocks": "\n".join(" " * depth + "a:" for depth in range(2_000)),
    "text of 10 MB": 'workflow:\n  name: "' + "x" * 10_000_000 + '"',
    "python tag": 'workflow: !!python/object/apply:os.system ["echo"]',
    "binary tag": "workflow: !!binary aGVsbG8=",
    "own tag": "workflow: !thing x",
    "many nodes": "workflow:\n" + "  - a\n" * 600_000,
    "many keys in one line": "a: " * 1_000_000,
    "many quotes": '"' * 4_000_000,
    "many anchors": "&a " * 1_000_000,
    "many questions": "? " * 1_000_000,
    "many slots": "{{a}}" * 900_000,
    "half slots": "${a" * 1_000_000,
    "base64 of nothing": "QUJD" * 1_000_000,
    "unfinished export": '{"flowSequenceItemList":' + "[" * 1_000_000,
    "null byte": "workflow:\n  name: a\x00b",
    "lone surrogate": "workflow: \ud800",
    "two documents": "workflow: 1\n---\nworkflow: 2\n",
    "huge number": flow_text("- endWorkflow:\n    name: E\n", variable("integer", "Flow.i", "lit: " + "9" * 1_000_000)),
    "huge exponent": flow_text("- endWorkflow:\n    name: E\n", variable("integer", "Flow.i", "lit: 1e999999999")),
    "huge decimal": flow_text("- endWorkflow:\n    name: E\n", variable("decimal", "Flow.i", "lit: 1e999999999")),
    "infinite duration": flow_text("- wait:\n    name: W\n    duration:\n      lit:\n        days: .inf\n"),
    "huge duration": flow_text("- wait:\n    name: W\n    duration:\n      lit:\n        days: 1e40\n"),
    "thousands of unknown actions": flow_text("- flyAway:\n    name: x\n" * 20_000),
    "deep expression": flow_text(
        "- endWorkflow:\n    name: E\n    exitReason:\n      exp: " + "(" * 15_000 + '"x"' + ")" * 15_000 + "\n"
    ),
    "long expression": flow_text(
        "- endWorkflow:\n    name: E\n    exitReason:\n      exp: " + '"x" + ' * 100_000 + '"x"\n'
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("lenient", [False, True])
def test_hostile_file_is_refused_quickly(case: str, lenient: bool):
    """Bombs, deep nesting, huge values, tags and aliases are refused with a flow error, strict or lenient."""
    start = time.process_time()
    with pytest.raises(FlowError):
        load_flow(HOSTILE[case], name="hostile.yaml", slots={"a": "b"}, lenient=lenient)
    assert time.process_time() - start < BUDGET_S


def test_circle_in_an_export_is_refused():
    """An export whose actions name each other in a circle is refused."""
    action = {"__type": "EndStateAction", "id": "a", "name": "A", "nextAction": "a"}
    with pytest.raises(FlowSyntaxError, match="circle"):
        load_flow(export([action]), name="circle.i3WorkFlow")


def test_export_nested_in_a_circle_is_refused():
    """An export whose paths lead back to their own action is refused."""
    path = {"outputId": "__YES__", "nextActionId": "a"}
    action = {"__type": "DecisionAction", "id": "a", "name": "A", "paths": [path]}
    with pytest.raises(FlowSyntaxError, match="circle"):
        load_flow(export([action]), name="circle.i3WorkFlow")


@pytest.mark.parametrize("handling", ["text", ["list"], 7, {"handlingType": 3}, {"handlingType": "ChangeState"}])
def test_odd_error_handling_of_an_export_is_read_or_refused(handling: object):
    """Error handling of any shape in an export gives a flow or a flow error."""
    document = json.loads(unquote(base64.b64decode(export([{"__type": "EndStateAction", "id": "a"}])).decode()))
    try:
        load_flow(json.dumps({**document, "errorHandling": handling}), name="odd.i3WorkFlow")
    except FlowError as error:
        assert "errorHandling" in error.message  # noqa: PT017 - either outcome is fine


def export(actions: list[dict[str, object]]) -> str:
    state = {"__type": "State", "id": "s", "name": "S", "trackingId": 1, "startAction": "a", "actionList": actions}
    document = {"name": "F", "type": "workflow", "initialSequence": "s", "flowSequenceItemList": [state]}
    return base64.b64encode(quote(json.dumps(document)).encode()).decode()


GENTLE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
KEYS = "workflow: states: state: actions: updateData: statements: decision: condition: loop: switch: callData: name:"
WORDS = "variables: stringVariable: lit: exp: noValue: true Flow.a 0 true é &a *a !!"
MARKS = ("\n", "  ", "    ", "- ", ": ", " ", '"x"', "{", "}", "[", "]", "?", "|", ">", "\t")
YAML_BITS = st.sampled_from([*KEYS.split(), *WORDS.split(), *MARKS])


@GENTLE
@given(st.lists(YAML_BITS, max_size=60).map("".join), st.booleans())
def test_any_text_loads_or_raises_a_flow_error(text: str, lenient: bool):
    """Whatever the text, loading gives a flow or a flow error."""
    try:
        load_flow(text, name="any.yaml", lenient=lenient)
    except FlowError as error:
        assert error.message  # noqa: PT017 - either outcome is fine, the message is not optional


@GENTLE
@given(st.data())
def test_damaged_flow_loads_or_raises_a_flow_error(data: st.DataObject):
    """A real flow with pieces cut out, doubled or replaced loads or raises a flow error."""
    lines = shared_text("flows", "callback-prioritization__Callback-Prioritization-Workflow.yaml").splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["cut", "double", "indent", "word", "swap"]))
        other = data.draw(st.integers(0, len(lines) - 1))
        new = {
            "cut": [],
            "double": [lines[index]] * 2,
            "indent": ["  " + lines[index]],
            "word": [lines[index].replace("lit", "exp").replace("exp", "lit", 1)],
            "swap": [lines[other]],
        }[change]
        lines[index : index + 1] = new or [""]
    try:
        load_flow(
            "\n".join(lines), name="cut.yaml", slots=dict.fromkeys(SLOT_NAMES, "x"), lenient=data.draw(st.booleans())
        )
    except FlowError as error:
        assert error.message  # noqa: PT017 - either outcome is fine, the message is not optional


SLOT_NAMES = (
    "flow_name", "division", "default_language", "data_action_category", "get_interaction_state",
    "get_callback_priority", "update_callback_priority",
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@GENTLE
@given(st.data())
def test_damaged_export_loads_or_raises_a_flow_error(data: st.DataObject):
    """A real export with any of its values replaced by any JSON loads or raises a flow error."""
    from flowlaunch.architect.export_text import decode_export
    from flowlaunch.architect.source import Source

    name = "ani-blacklist__Blacklist.i3WorkFlow"
    document = decode_export(Source(name, shared_text("exports", name)))
    document.pop("uiMetaData")
    node = document
    for _ in range(data.draw(st.integers(0, 7))):
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        inner = [key for key in keys if isinstance(node[key], (dict, list)) and node[key]]
        if not inner:
            break
        node = node[data.draw(st.sampled_from(inner))]
    keys = list(node) if isinstance(node, dict) else list(range(len(node)))
    node[data.draw(st.sampled_from(keys))] = data.draw(JSON)
    try:
        load_flow(json.dumps(document), name=name, lenient=data.draw(st.booleans()))
    except FlowError as error:
        assert error.message  # noqa: PT017 - either outcome is fine, the message is not optional
