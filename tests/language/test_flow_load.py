"""Loading flows: every reference flow, and what a loaded flow tells about itself."""

from __future__ import annotations

import pytest
from flow_world import SHARED, World, flow_text, load, load_shared, variable

from flowlaunch.architect.dialect import Dialect
from flowlaunch.architect.flow import Need
from flowlaunch.architect.load import load_flow
from flowlaunch.architect.types import INT, STR
from flowlaunch.errors import FlowSyntaxError

FLOWS = sorted(path.name for path in (SHARED / "flows").glob("*.yaml")) or ["absent.yaml"]
EXPORTS = sorted(path.name for path in (SHARED / "exports").glob("*.i3*")) or ["absent.i3WorkFlow"]


@pytest.mark.parametrize("name", FLOWS)
def test_reference_flow_loads(name: str):
    """Every public Archy flow of the reference set loads strictly, with its slots filled."""
    flow = load_shared(name)
    assert flow.name
    assert list(flow.actions())


@pytest.mark.parametrize("name", EXPORTS)
def test_reference_export_loads(name: str):
    """Every public Architect export of the reference set loads strictly."""
    flow = load_shared(name, "exports")
    assert flow.type == "workflow"
    assert list(flow.actions())


def test_flow_lists_what_it_needs():
    """A flow names the data actions, tables, queues and modules it calls, without reading them."""
    flow = load_shared("ani-blacklist__blacklist.yaml")
    assert flow.needs() == (
        Need("data action", "data action name", "data action category"),
        Need("table", "data table"),
    )


def test_queue_named_by_a_literal_is_needed():
    """A find action with a literal name tells what must exist."""
    needs = load_shared("ticketflow__xperience2025_workflow.yaml").needs()
    assert Need("queue", "xPerience2025_Critical_Queue-TF") in needs


def test_inputs_and_outputs_are_the_flagged_variables():
    """Inputs and outputs are the flow's variables with isInput and isOutput, in the order of the file."""
    flow = load_shared("process-automation-trigger-with-salesfor__Conversation_Summary.yaml")
    assert [item.name for item in flow.inputs] == ["Flow.jsonData", "Flow.jsonSummary"]
    assert [item.name for item in flow.outputs] == ["Flow.jsonSummary"]


def test_actions_know_their_place():
    """An action knows its state, its path through the branches, its number and its line."""
    flow = load_shared("callback-prioritization__Callback-Prioritization-Workflow.yaml")
    inner = next(action for action in flow.actions() if action.key == "wait")
    text = flow.source.text.splitlines()
    assert inner.ref.place == "Initial State / 1 / yes / 0 / yes / 1 / loop / 0"
    assert text[inner.ref.line - 1].strip() == "- wait:"
    assert [action.ref.number for action in flow.actions()] == list(range(len(list(flow.actions()))))


def test_bare_yes_and_no_stay_paths():
    """Bare `yes` and `no`, which YAML 1.1 takes for booleans, are the paths of a decision."""
    flow = load(
        """
        - decision:
            name: Bare
            condition:
              lit: true
            outputs:
              yes:
                actions:
                  - endWorkflow:
                      name: Y
              no:
                actions:
                  - endWorkflow:
                      name: N
        """
    )
    decision = next(flow.actions())
    assert set(decision.paths) == {"yes", "no"}


def test_literals_take_the_type_of_their_slot():
    """`lit: 12` is text for a string and a number for an integer."""
    flow = load(
        "- endWorkflow:\n    name: E\n",
        variable("string", "Flow.a", "lit: 12") + variable("integer", "Flow.b", "lit: 12"),
    )
    first, second = flow.variables
    assert (first.type, second.type) == (STR, INT)
    assert first.initial.evaluate({}, None) == "12"
    assert second.initial.evaluate({}, None) == 12


def test_bytes_with_a_byte_order_mark_load():
    """A file saved with a byte order mark loads."""
    raw = b"\xef\xbb\xbf" + flow_text("- endWorkflow:\n    name: E\n").encode()
    assert load_flow(raw, name="bom.yaml").name == "Test flow"


def test_lenient_loading_keeps_the_rest_of_the_flow():
    """With lenient loading an unknown action is recorded as left out and the flow goes on after it."""
    flow = load(
        """
        - sendPigeon:
            name: Fly
            outputs:
              success:
                actions: []
        - updateData:
            name: Bad function
            statements:
              - string:
                  variable: Flow.a
                  value:
                    exp: NoSuchFunction(1)
        - endWorkflow:
            name: E
        """,
        variable("string", "Flow.a"),
        lenient=True,
    )
    assert [type(problem).__name__ for problem in flow.problems] == ["FlowNameError", "FlowNameError"]
    assert "sendPigeon" in str(flow.problems[0])
    assert "NoSuchFunction" in str(flow.problems[1])


def test_wrong_path_is_dropped_when_lenient():
    """With lenient loading a path that the action does not have is dropped and reported."""
    flow = load(
        """
        - decision:
            name: D
            condition:
              lit: true
            outputs:
              maybe:
                actions:
                  - endWorkflow:
                      name: M
        """,
        lenient=True,
    )
    assert "maybe" in str(flow.problems[0])
    assert not next(flow.actions()).paths


def test_dialect_reaches_every_expression():
    """Switches of the expression language given at load hold for the flow's expressions."""
    text = '- endWorkflow:\n    name: E\n    exitReason:\n      exp: MakeList("a")[5]\n'
    assert World().run(load(text)).status == "FAILED"
    assert World().run(load(text, dialect=Dialect(index_out_of_range="unset"))).status == "COMPLETED"


def test_unclosed_quote_is_named_where_it_opens():
    """YAML reads an unclosed quote on to the next one; the hint names the line where it opens."""
    actions = '- wait:\n    name: "Pause\n    duration:\n      lit: {seconds: 5}\n- endWorkflow:\n    name: "End"\n'
    text = flow_text(actions)
    with pytest.raises(FlowSyntaxError) as caught:
        load_flow(text, name="flow.yaml")
    opened = text[: text.index('"Pause')].count("\n") + 1
    assert f"opens on line {opened}?" in (caught.value.hint or "")
