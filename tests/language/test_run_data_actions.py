"""callData: what is asked, what comes back, and which path is taken."""

from __future__ import annotations

from typing import Any

import pytest
from flow_world import World, assign, load, log, logged, run_actions, variable

from flowlaunch.architect import effects as fx
from flowlaunch.architect.actions.bindings import dig
from flowlaunch.architect.rules import Rules
from flowlaunch.errors import FlowTypeError

CALL = """
- callData:
    name: Find order
    timeout:
      lit:
        seconds: 12
    category:
      Shop:
        dataAction:
          Get Order:
            inputs:
              ORDER_ID:
                exp: Flow.id
              count:
                lit: 3
              text:
                lit: "3"
              unset:
                exp: Flow.nothing
              left out:
                noValue: true
            successOutputs:
              state:
                var: Flow.state
              items.sku:
                var: Flow.skus
              customer.name:
                var: Flow.name
              unbound:
                noValue: true
            failureOutputs:
              errorCode:
                var: Flow.state
              status:
                var: Flow.status
              details.fieldName:
                var: Flow.skus
              userMessage:
                noValue: true
    outputs:
      success:
        actions:
{success}
      failure:
        actions:
{failure}
      timeout:
        actions:
{timeout}
"""
NAMES = (("string", "Flow.log"), ("string", "Flow.state"), ("string", "Flow.name"), ("integer", "Flow.status"))
VARIABLES = (
    "".join(variable(kind, name, flags="o") for kind, name in NAMES)
    + variable("stringCollection", "Flow.skus", flags="o")
    + variable("string", "Flow.id", "lit: o-1")
    + variable("string", "Flow.nothing")
)
ACTIONS = CALL.format(success=log("S", 10), failure=log("F", 10), timeout=log("T", 10))[1:] + log(".")


def call(answer: Any, rules: Rules | None = None) -> Any:
    world = World({"Get Order": answer})
    result = run_actions(ACTIONS, VARIABLES, world=world, rules=rules)
    return result, world


def test_inputs_are_sent_as_json():
    """Inputs are sent by contract name; NOT_SET is None and an input left empty is absent."""
    _, world = call(fx.DataActionSuccess())
    effect = world.asked[0]
    assert (effect.category, effect.action, effect.timeout_s) == ("Shop", "Get Order", 12.0)
    assert effect.inputs == {"ORDER_ID": "o-1", "count": 3, "text": "3", "unset": None}
    assert effect.ref.name == "Find order"


NESTED = {"state": "new", "items": [{"sku": "a"}, {"sku": "b"}], "customer": {"name": "Ada"}}
FLAT = {"state": "new", "items.sku": ["a", "b"], "customer.name": "Ada"}


@pytest.mark.parametrize("outputs", [NESTED, FLAT])
def test_success_outputs_nested_or_flat(outputs: dict[str, Any]):
    """Success outputs may be given as the contract nests them or by their flattened names."""
    result, _ = call(fx.DataActionSuccess(outputs))
    assert logged(result) == "S."
    assert (result.outputs["Flow.state"], result.outputs["Flow.name"], result.outputs["Flow.skus"]) == (
        "new",
        "Ada",
        ["a", "b"],
    )


def test_failure_outputs():
    """Failure outputs fill the variables bound to them and the run takes the failure path."""
    result, _ = call(fx.DataActionFailure({"errorCode": "gone", "status": 404, "details.fieldName": ["id"]}))
    assert logged(result) == "F."
    assert (result.outputs["Flow.state"], result.outputs["Flow.status"], result.outputs["Flow.skus"]) == (
        "gone",
        404,
        ["id"],
    )


def test_timeout_changes_no_variable():
    """A timeout takes its path and changes no variable."""
    result, _ = call(fx.DataActionTimeout())
    assert logged(result) == "T."
    assert result.outputs["Flow.state"] is None


@pytest.mark.parametrize(("rule", "wanted"), [("unset", None), ("keep", "old")])
def test_output_that_is_missing(rule: str, wanted: str | None):
    """An output that the answer lacks becomes NOT_SET or keeps its value, by a switch."""
    actions = assign("string", "Flow.state", "lit: old") + ACTIONS
    result = run_actions(actions, VARIABLES, world=World(), rules=Rules(missing_output=rule))
    assert result.outputs["Flow.state"] == wanted


def test_output_of_the_wrong_type_is_a_run_time_error():
    """An output that does not fit its variable fails the run and names the output."""
    result, _ = call(fx.DataActionSuccess({"state": {"not": "text"}}))
    assert (result.status, result.error.server_code) == ("FAILED", "flowlaunch.output.type")
    assert "state" in result.error.message


def test_wrong_class_of_answer_is_the_drivers_fault():
    """A driver that answers with the wrong class is told which ones fit."""
    with pytest.raises(FlowTypeError, match="CallDataAction was answered with Done"):
        call(fx.Done())


@pytest.mark.parametrize(
    ("outputs", "name", "many", "wanted"),
    [
        ({"a": {"b": {"c": 1}}}, "a.b.c", False, 1),
        ({"a.b": 2, "a": {"b": 3}}, "a.b", False, 2),
        ({"a": [{"b": 1}, {}, {"b": 3}]}, "a.b", True, [1, None, 3]),
        ({"a": [{"b": [1, 2]}, {"b": [3]}]}, "a.b", True, [1, 2, 3]),
        ({"a": []}, "a.b", True, []),
        ({"a": [1, 2]}, "a", True, [1, 2]),
    ],
)
def test_outputs_are_dug_out(outputs: Any, name: str, many: bool, wanted: Any):
    """Outputs are found by their flattened name; lists give one value an item, in step."""
    assert dig(outputs, name, many=many) == wanted


SECURE = """
- callDataSecure:
    name: Pay
    category:
      Bank:
        dataAction:
          Charge:
            inputs:
              card:
                exp: Flow.card
            successOutputs:
              token:
                var: Flow.card
"""


def test_secure_variables_stay_out_of_the_trace():
    """Values of secure variables are sent but never kept in the trace."""
    secret = variable("string", "Flow.card", "lit: c4rd-value") + "    isSecure: true\n"
    world = World({"Charge": fx.DataActionSuccess({"token": "t0ken-value"})})
    result = run_actions(SECURE[1:] + assign("string", "Flow.card", 'exp: Append(Flow.card, "!")'), secret, world=world)
    assert world.asked[0].inputs == {"card": "c4rd-value"}
    assert world.asked[0].is_secure
    kept = str(result.trace.as_json())
    assert "c4rd-value" not in kept
    assert "t0ken-value" not in kept


def test_values_computed_from_secure_ones_stay_out_too():
    """A statement that reads a secure variable shows no value in the trace."""
    secret = variable("string", "Flow.card", "lit: c4rd-value") + "    isSecure: true\n"
    actions = assign("string", "Flow.copy", "exp: Upper(Flow.card)")
    result = run_actions(actions, secret + variable("string", "Flow.copy", flags="o"))
    assert result.outputs == {"Flow.copy": "C4RD-VALUE"}
    assert "C4RD" not in str(result.trace.as_json())


def test_suggested_timeout_is_left_to_the_action():
    """Without a timeout field the action's own timeout applies."""
    text = SECURE[1:].replace("callDataSecure", "callData")
    world = World()
    world.run(load(text, variable("string", "Flow.card")))
    assert world.asked[0].timeout_s is None
