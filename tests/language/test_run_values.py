"""Values: inputs, updateData of every type, outputs, and what may not be."""

from __future__ import annotations

from typing import Any

import pytest
from flow_world import World, assign, load, run_actions, variable

from flowlaunch.architect.interpret import run
from flowlaunch.architect.values import NetworkObject
from flowlaunch.errors import FlowTypeError

END = "- endWorkflow:\n    name: E\n"
TYPED = [
    ("boolean", "lit: true", True),
    ("boolean", "exp: 1 < 2", True),
    ("integer", "lit: 42", 42),
    ("integer", 'exp: ToInt("7")', 7),
    ("decimal", "lit: 2.5", 2.5),
    ("decimal", "exp: 7 / 2", 3.5),
    ("string", "lit: hello", "hello"),
    ("string", "lit: 007", "007"),
    ("string", 'lit: ""', ""),
    ("string", "exp: ToString(1 == 1)", "true"),
    ("dateTime", 'lit: "2026-11-21T12:00:00Z"', "2026-11-21T12:00:00Z"),
    ("dateTime", "exp: AddHours(GetCurrentDateTimeUtc(), 1)", "2026-11-21T13:00:00Z"),
    ("date", 'lit: "2026-11-21"', "2026-11-21"),
    ("time", 'lit: "12:30:00"', "12:30:00"),
    ("duration", "exp: MakeDuration(0, 1, 30, 0, 0)", "PT1H30M"),
    ("duration", "lit: {hours: 1, minutes: 30}", "PT1H30M"),
    ("duration", "lit: PT90M", "PT1H30M"),
    ("currency", 'exp: MakeCurrency(10.5, "USD")', {"amount": 10.5, "code": "USD"}),
    ("currency", "lit: {amount: 10.5, code: USD}", {"amount": 10.5, "code": "USD"}),
    ("phoneNumber", 'lit: "+13178723000"', "+13178723000"),
    ("json", "lit: {a: [1, 2.5, true, null, '3']}", {"a": [1, 2.5, True, None, "3"]}),
    ("json", 'exp: JsonParse("{\\"a\\": 1}")', {"a": 1}),
    ("stringCollection", "lit: [a, b]", ["a", "b"]),
    ("stringCollection", 'exp: MakeList("a", "b")', ["a", "b"]),
    ("stringCollection", "noValue: true", []),
    ("integerCollection", "lit: [1, 2]", [1, 2]),
    ("booleanCollection", "lit: [true, no]", [True, False]),
    ("string", "noValue: true", None),
    ("integer", "exp: NOT_SET", None),
]


@pytest.mark.parametrize(("kind", "value", "wanted"), TYPED)
def test_update_data_of_each_type(kind: str, value: str, wanted: Any):
    """updateData sets a variable of each type from a literal or an expression, and outputs give it as JSON."""
    actions = (
        assign(kind, "Flow.x", value.replace('\\"', '"'))
        if value.startswith("lit")
        else assign(kind, "Flow.x", quoted(value))
    )
    result = run_actions(actions, variable(kind, "Flow.x", flags="o"))
    assert result.outputs == {"Flow.x": wanted}


def quoted(value: str) -> str:
    """Write an expression as a single-quoted YAML text."""
    key, _, text = value.partition(": ")
    return f"{key}: '{text}'" if key == "exp" else value


def test_initial_values_are_computed_in_order():
    """An initial value may be an expression over the variables before it."""
    variables = variable("integer", "Flow.a", "lit: 2") + variable("integer", "Flow.b", "exp: Flow.a * 3", flags="o")
    assert run_actions(END, variables).outputs == {"Flow.b": 6}


def test_statements_see_earlier_ones():
    """Later statements of one updateData see what earlier ones set."""
    both = assign("integer", "Flow.a", "lit: 5") + assign("integer", "Flow.b", "exp: Flow.a + 1")
    merged = both.replace("- updateData:\n    name: set Flow.b\n    statements:\n", "")
    result = run_actions(merged, variable("integer", "Flow.a") + variable("integer", "Flow.b", flags="o"))
    assert (result.outputs, result.actions) == ({"Flow.b": 6}, 1)


INPUTS = [
    ("string", "text", "text"),
    ("integer", 3, 3),
    ("integer", 3.0, 3),
    ("decimal", 3, 3.0),
    ("boolean", False, False),
    ("dateTime", "2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05Z"),
    ("json", {"a": [None, 1]}, {"a": [None, 1]}),
    ("stringCollection", ["a"], ["a"]),
    ("queue", "q-1", {"id": "q-1", "name": "q-1"}),
    ("string", None, None),
    ("stringCollection", None, []),
]


@pytest.mark.parametrize(("kind", "given", "wanted"), INPUTS)
def test_inputs_are_typed(kind: str, given: Any, wanted: Any):
    """An input of each type is read from JSON and comes back as JSON."""
    result = run_actions(END, variable(kind, "Flow.x", flags="io"), inputs={"Flow.x": given})
    assert result.outputs == {"Flow.x": wanted}


def test_inputs_left_out_keep_their_initial_value():
    """An input that is left out keeps its initial value, NOT_SET or empty without one."""
    variables = variable("string", "Flow.a", "lit: x", flags="io") + variable("string", "Flow.b", flags="io")
    variables += variable("stringCollection", "Flow.c", flags="io")
    assert run_actions(END, variables).outputs == {"Flow.a": "x", "Flow.b": None, "Flow.c": []}


@pytest.mark.parametrize("key", ["Flow.other", "a", "Flow.hidden", "flow.a"])
def test_unknown_keys_are_dropped(key: str):
    """Keys that are no input are dropped, as the platform was seen to do."""
    variables = variable("string", "Flow.a", flags="io") + variable("string", "Flow.hidden", flags="o")
    assert run_actions(END, variables, inputs={key: "x"}).outputs == {"Flow.a": None, "Flow.hidden": None}


MISFITS = [
    ("integer", "3"),
    ("string", 3),
    ("boolean", "true"),
    ("stringCollection", "a"),
    ("integer", 2.5),
    ("dateTime", "tomorrow"),
]


@pytest.mark.parametrize(("kind", "given"), MISFITS)
def test_wrong_type_is_refused_before_the_run(kind: str, given: Any):
    """An input of the wrong JSON type raises at once, naming the input, before any effect."""
    flow = load(END, variable(kind, "Flow.x", flags="i"))
    with pytest.raises(FlowTypeError, match=r"Flow\.x"):
        run(flow, {"Flow.x": given}, World())


def test_names_are_the_same_in_any_letter_case():
    """Variables are found in any letter case."""
    variables = variable("string", "Flow.x", flags="o") + variable("string", "Flow.Y", "lit: 1")
    assert run_actions(assign("string", "flow.X", "exp: FLOW.y"), variables).outputs == {"Flow.x": "1"}


def test_literal_queue_is_found_by_name():
    """A queue named by a literal is looked up when it is needed; one that is unknown keeps its name."""
    world = World(objects={("que", "Sales"): NetworkObject("que", "q-7", "Sales")})
    both = assign("queue", "Flow.a", "lit: {name: Sales}") + assign("queue", "Flow.b", "lit: {name: Other}")
    result = run_actions(
        both, variable("queue", "Flow.a", flags="o") + variable("queue", "Flow.b", flags="o"), world=world
    )
    assert result.outputs["Flow.a"] == {"id": "q-7", "name": "Sales"}
    assert result.outputs["Flow.b"] == {"id": "Other", "name": "Other"}


def test_run_time_error_of_another_kind_says_so():
    """A run-time error whose platform code is unknown carries a code of our own and the expression."""
    result = run_actions(assign("integer", "Flow.x", """exp: 'ToInt("a word")'"""), variable("integer", "Flow.x"))
    assert result.error.server_code.startswith("flowlaunch.")
    assert result.error.params["expression"] == 'ToInt("a word")'


def test_error_in_an_initial_value_fails_the_run():
    """An initial value that cannot be computed fails the run with no action run."""
    result = run_actions(END, variable("integer", "Flow.x", """exp: 'ToInt("a word")'"""))
    assert (result.status, result.actions) == ("FAILED", 0)
