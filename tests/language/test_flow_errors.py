"""Broken flows are refused with the file, the line and the cure."""

from __future__ import annotations

import pytest
from flow_world import flow_text, load, variable

from flowlaunch.architect.load import load_flow
from flowlaunch.errors import (
    FlowError,
    FlowNameError,
    FlowSyntaxError,
    FlowTypeError,
    FlowUnsupportedError,
)

END = "- endWorkflow:\n    name: E\n"
A = variable("string", "Flow.customerName", flags="i") + variable("integer", "Flow.count")


def update(kind: str, name: str, value: str) -> str:
    return (
        f"- updateData:\n    name: U\n    statements:\n      - {kind}:\n          variable: {name}\n"
        f"          value:\n            {value}\n"
    )


BAD_FAILURE_OUTPUT = """
- callData:
    name: C
    category:
      X:
        dataAction:
          Y:
            failureOutputs:
              errorcode:
                noValue: true
"""[1:]

CASES = {
    "unknown action": ("- updateDate:\n    name: U\n", FlowNameError, "updateDate", "updateData", "- updateDate:"),
    "action of another flow type": (
        "- transferToAcd:\n    name: T\n",
        FlowUnsupportedError,
        "transferToAcd",
        "leniently",
        "- transferToAcd:",
    ),
    "unknown field": (
        "- endWorkflow:\n    name: E\n    exitRaison:\n      lit: x\n",
        FlowNameError,
        "exitRaison",
        "exitReason",
        "exitRaison:",
    ),
    "unknown path": (
        "- decision:\n    name: D\n    condition:\n      lit: true\n    outputs:\n      yess:\n        actions: []\n",
        FlowNameError,
        "yess",
        "yes",
        "yess:",
    ),
    "unknown variable in an expression": (
        update("string", "Flow.customerName", "exp: Flow.custmerName"),
        FlowNameError,
        "Flow.custmerName",
        "Flow.customerName",
        "exp: Flow.custmerName",
    ),
    "unknown variable to set": (
        update("string", "Flow.customer", "lit: x"),
        FlowNameError,
        "Flow.customer",
        "Flow.customerName",
        "variable: Flow.customer",
    ),
    "unknown function": (
        update("string", "Flow.customerName", 'exp: Uper("x")'),
        FlowNameError,
        "Uper",
        "Upper",
        "exp: Uper",
    ),
    "wrong type of variable": (
        update("integer", "Flow.customerName", "lit: 1"),
        FlowTypeError,
        "Flow.customerName",
        "Integer",
        "variable: Flow.customerName",
    ),
    "wrong type of operands": (
        update("string", "Flow.customerName", 'exp: 1 + "a"'),
        FlowTypeError,
        "+",
        "",
        'exp: 1 + "a"',
    ),
    "wrong literal": (update("integer", "Flow.count", "lit: many"), FlowTypeError, "many", "", "lit: many"),
    "missing field": ("- decision:\n    name: D\n", FlowSyntaxError, "condition", "condition", "name: D"),
    "bare value": (
        "- endWorkflow:\n    name: E\n    exitReason: done\n",
        FlowSyntaxError,
        "exitReason",
        "lit: done",
        "exitReason: done",
    ),
    "loop exit outside a loop": ("- loopExit:\n    name: L\n", FlowSyntaxError, "loopExit", "loop", "name: L"),
    "unknown state": (
        '- changeState:\n    name: C\n    targetStateRef: "/workflow/states/state[Nowhere]"\n',
        FlowNameError,
        "Nowhere",
        "Start_1",
        "- changeState:",
    ),
    "end task in a state": ("- endTask:\n    name: T\n", FlowSyntaxError, "endTask", "endWorkflow", "name: T"),
    "unknown statement type": (
        update("strng", "Flow.customerName", "lit: x"),
        FlowNameError,
        "strng",
        "string",
        "- strng:",
    ),
    "unknown failure output": (
        BAD_FAILURE_OUTPUT,
        FlowNameError,
        "errorcode",
        "errorCode",
        "errorcode:",
    ),
    "two actions in one item": (
        "- endWorkflow:\n    name: E\n  wait:\n    name: W\n",
        FlowSyntaxError,
        "exactly one key",
        "indentation",
        "endWorkflow:",
    ),
    "repeated key": ("- endWorkflow:\n    name: E\n    name: F\n", FlowSyntaxError, "name", "Keep one", "name: F"),
    "read-only variable": (
        update("boolean", "Flow.IsTest", "lit: true"),
        FlowNameError,
        "Flow.IsTest",
        "",
        "variable: Flow.IsTest",
    ),
    "unfinished expression": (
        update("string", "Flow.customerName", "exp: Left("),
        FlowSyntaxError,
        "",
        "",
        "exp: Left(",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_broken_flow_names_file_line_and_cure(case: str):
    """Each kind of mistake is refused by its own class, naming the culprit, its file and line, and what to do."""
    actions, kind, culprit, cure, line = CASES[case]
    with pytest.raises(kind) as caught:
        load(actions + END, A)
    error = caught.value
    text = flow_text(actions + END, A).splitlines()
    assert culprit in error.message
    assert cure in (error.hint or "")
    assert error.span.source.name == "test.yaml"
    assert line in text[error.span.line - 1]
    assert f"test.yaml:{error.span.line}:" in str(error)


HEADERS = {
    "unknown flow type": ("workflw:\n  name: x\n", FlowNameError, "workflow"),
    "other flow type": ("inboundCall:\n  name: x\n", FlowUnsupportedError, "common modules"),
    "no states": ("workflow:\n  name: x\n", FlowSyntaxError, "states"),
    "unknown header field": (flow_text(END).replace("division:", "divison:"), FlowNameError, "division"),
    "unknown start": (flow_text(END).replace("state[Start_1]", "state[Strt_1]"), FlowNameError, "Start_1"),
    "wrong scope of a variable": (flow_text(END, variable("string", "Task.a")), FlowNameError, "Flow.a"),
    "variable declared twice": (
        flow_text(END, variable("string", "Flow.a") + variable("string", "flow.A")),
        FlowSyntaxError,
        "any letter case",
    ),
    "unknown variable type": (flow_text(END, variable("text", "Flow.a")), FlowNameError, "Known types"),
    "flag that is no boolean": (
        flow_text(END, variable("string", "Flow.a")).replace("isInput: false", "isInput: maybe"),
        FlowTypeError,
        "",
    ),
}


@pytest.mark.parametrize("case", HEADERS)
def test_broken_header_names_the_cure(case: str):
    """Mistakes in the header and the variables are refused with the cure."""
    text, kind, cure = HEADERS[case]
    with pytest.raises(kind) as caught:
        load_flow(text, name="test.yaml")
    assert cure in (caught.value.hint or "")


def test_error_shows_the_line_with_a_caret():
    """The text of an error shows the line of the file and a caret under the culprit."""
    with pytest.raises(FlowError) as caught:
        load(update("string", "Flow.customerName", "exp: Upper(Flow.custmerName)") + END, A)
    lines = str(caught.value).splitlines()
    shown = next(index for index, line in enumerate(lines) if "Upper(Flow.custmerName)" in line)
    assert lines[shown + 1].strip() == "^" * len("Flow.custmerName")


def test_expression_in_an_escaped_string_is_shown_by_itself():
    """An expression that YAML escapes is shown unescaped, with the file and line it stands on."""
    with pytest.raises(FlowError) as caught:
        load(update("string", "Flow.customerName", 'exp: "Append(\\"a\\", Flow.nothing)"') + END, A)
    assert "test.yaml:" in str(caught.value)
    assert 'Append("a", Flow.nothing)' in str(caught.value)


def test_not_yaml_is_named_with_its_line():
    """Text that is no YAML is refused with the line that broke."""
    with pytest.raises(FlowSyntaxError) as caught:
        load_flow("workflow:\n  name: a: b: c\n", name="test.yaml")
    assert caught.value.span.line == 2


def test_tab_is_explained():
    """A tab in the indentation is explained."""
    with pytest.raises(FlowSyntaxError) as caught:
        load_flow("workflow:\n\tname: x\n", name="test.yaml")
    assert "tabs" in caught.value.hint


def test_text_that_is_not_utf8_is_refused():
    """A file in another encoding is refused with the cure."""
    with pytest.raises(FlowSyntaxError) as caught:
        load_flow("workflow:\n  name: ü".encode("latin-1"), name="test.yaml")
    assert "UTF-8" in caught.value.hint
