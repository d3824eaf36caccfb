"""Rare turns of running and loading: jumps, failures of every lookup, odd literals, wrong answers."""

from __future__ import annotations

from typing import Any

import pytest
from flow_world import OUT, World, assign, block, load, log, logged, run_actions, variable

from flowlaunch.architect import effects as fx
from flowlaunch.architect.load import load_flow
from flowlaunch.architect.values import NetworkObject
from flowlaunch.errors import FlowError, FlowSyntaxError, FlowTypeError

QUEUE = variable("queue", "Flow.queue", flags="o")


def task(name: str, actions: str) -> str:
    return f"    - task:\n        name: {name}\n        refId: {name}\n        actions:\n" + block(actions, 10)


JUMP = "- jumpToTask:\n    name: J\n    targetTaskRef: {to}\n"


def test_jump_to_a_task_does_not_come_back():
    """jumpToTask goes on in the task; when that ends, the run ends."""
    more = "  tasks:\n" + task("Mop", log("mop"))
    assert logged(run_actions(log("a") + JUMP.format(to="Mop") + log("never"), more=more)) == "amop"


def test_tasks_may_jump_round_and_round():
    """Tasks that jump to each other are bound by the action limit and not by the depth of calls."""
    more = "  tasks:\n" + task("Ping", JUMP.format(to="Pong")) + task("Pong", JUMP.format(to="Ping"))
    result = run_actions(JUMP.format(to="Ping"), more=more)
    assert result.error.server_code == "flowlaunch.action.limit"


def test_jump_inside_a_module_returns_to_the_caller():
    """A jump inside a module stays in the module, which returns to its caller at the end."""
    text = "commonModule:\n  name: M\n  startUpTaskActions:\n" + block(JUMP.format(to="Mop"), 4)
    text += "  tasks:\n" + task("Mop", "- endTask:\n    name: T\n")
    call = "- callCommonModule:\n    name: C\n    commonModule:\n      M:\n        ver_1.0:\n"
    world = World(modules={"M": load_flow(text, name="m.yaml")})
    assert logged(run_actions(call + log("back"), world=world)) == "back"
    assert world.asked[0].version == "1.0"


def test_end_state_ends_the_run():
    """endState ends the state as if its list had run out."""
    assert logged(run_actions(log("a") + "- endState:\n    name: S\n" + log("b"))) == "a"


def test_change_state_from_a_task_leaves_the_task():
    """A task may change the state; its caller is not returned to."""
    jump = '- changeState:\n    name: S\n    targetStateRef: "/workflow/states/state[Other_2]"\n'
    state = "    - state:\n        name: Other\n        refId: Other_2\n        actions:\n" + log("other", 10)
    call = "- callTask:\n    name: C\n    targetTaskRef: Go\n"
    assert logged(run_actions(call + log("never"), more=state + "  tasks:\n" + task("Go", jump))) == "other"


@pytest.mark.parametrize(
    "action", ["- endWorkflow:\n    name: E\n", '- changeState:\n    name: E\n    targetStateRef: "x"\n']
)
def test_workflow_actions_are_refused_in_modules(action: str):
    """endWorkflow and changeState cannot stand in a common module."""
    with pytest.raises(FlowSyntaxError, match="common module"):
        load_flow("commonModule:\n  name: M\n  startUpTaskActions:\n" + block(action, 4), name="m.yaml")


def test_unset_durations_and_counts_are_errors():
    """A wait or a loop whose number is NOT_SET fails with the platform's null code."""
    variables = variable("duration", "Flow.d") + variable("integer", "Flow.n")
    for action in (
        "- wait:\n    name: W\n    duration:\n      exp: Flow.d\n",
        "- loop:\n    name: L\n    loopCount:\n      exp: Flow.n\n",
    ):
        assert run_actions(action, variables).error.server_code == "error.workflow.expression.unexpectedNull"


FIND = "- findQueue:\n    name: F\n    findName:\n      lit: Sales\n    findResult:\n      var: Flow.queue\n"
TABLE = "- dataTableLookup:\n    name: T\n    lookupValue:\n      lit: k\n    dataTable:\n      X: {}\n"
RATES = "- callDecisionTable:\n    name: R\n    decisionTable:\n      X: {}\n"
SCHEDULE = "- evaluateSchedule:\n    name: S\n    schedule:\n      exp: Flow.schedule\n"
READ = "- getConversationData:\n    name: G\n    conversationId:\n      lit: c\n    attributes: []\n"
WRITE = "- setConversationData:\n    name: P\n    conversationId:\n      lit: c\n    attributes: []\n"
MAIL = "- sendNotification:\n    name: M\n    subject:\n      lit: s\n"
MODULE = "- callCommonModule:\n    name: C\n    commonModule:\n      M:\n        ver_1.0:\n"
ALL = OUT + QUEUE + variable("schedule", "Flow.schedule", "lit: {name: Hours}")
FAILING = [
    (FIND, fx.Failed("k", "m"), "notFound"),
    (RATES, fx.NotFound(), "notFound"),
    (RATES, fx.Failed("k", "m"), "failure"),
    (SCHEDULE, fx.Failed("k", "m"), "failure"),
    (READ, fx.Failed("k", "m"), "notFound"),
]


@pytest.mark.parametrize(("action", "answer", "path"), FAILING)
def test_failures_take_their_path(action: str, answer: Any, path: str):
    """A failed lookup takes the failure path, or the notFound path of actions that have no other."""
    outputs = f"    outputs:\n      {path}:\n        actions:\n" + log(path, 10)
    world = World({type(answer).__name__: answer, action.partition("name: ")[2][0]: answer})
    assert logged(run_actions(action + outputs, ALL, world=world)) == path


@pytest.mark.parametrize("action", [FIND, TABLE, RATES, SCHEDULE, READ, WRITE, MAIL, MODULE])
def test_wrong_answers_are_the_drivers_fault(action: str):
    """Every effect names the answers it takes when it gets another."""
    world = World({action.partition("name: ")[2][0]: fx.DataActionTimeout()})
    with pytest.raises(FlowTypeError, match="was answered with DataActionTimeout") as caught:
        run_actions(action, ALL, world=world)
    assert "Answer it with" in caught.value.hint


def test_response_fills_several_variables():
    """A response found fills its body and subject from their properties."""
    action = (
        "- getResponse:\n    name: R\n    response:\n      lit: Thanks\n    responseBody:\n      var: Flow.log\n"
        "    subject:\n      var: Flow.subject\n"
    )
    world = World({"R": fx.Found({"body": "Thank you", "subject": "Yours"})})
    result = run_actions(action, OUT + variable("string", "Flow.subject", flags="o"), world=world)
    assert result.outputs == {"Flow.log": "Thank you", "Flow.subject": "Yours"}


@pytest.mark.parametrize(
    ("answer", "path"), [(fx.Found({}), "found"), (fx.NotFound(), "notFound"), (fx.Taken("timeout"), "timeout")]
)
def test_recorded_actions_take_any_answer(answer: Any, path: str):
    """An action that is only recorded leaves by the path its answer means."""
    outputs = f"    outputs:\n      {path}:\n        actions:\n" + log(path, 10)
    assert logged(run_actions("- getSecuredData:\n    name: S\n" + outputs, world=World({"S": answer}))) == path


LITERALS = [
    ("queue", "lit: {id: q-9}", {"id": "q-9", "name": "q-9"}),
    ("queue", "lit: Sales", {"id": "Sales", "name": "Sales"}),
    ("queueCollection", "lit: [{name: A}, {lit: {name: B}}]", [{"id": "A", "name": "A"}, {"id": "B", "name": "B"}]),
    ("stringCollection", "lit:", []),
    ("audio", "tts: Hello", "Hello"),
    ("prompt", "lit: {name: Welcome}", "Welcome"),
    ("string", "var: Flow.other", "o"),
]


@pytest.mark.parametrize(("kind", "value", "wanted"), LITERALS)
def test_unusual_literals(kind: str, value: str, wanted: Any):
    """Objects may be named by id or bare name, lists hold values in both forms, and texts may be spoken."""
    variables = variable(kind, "Flow.x", flags="o") + variable("string", "Flow.other", "lit: o")
    assert run_actions(assign(kind, "Flow.x", value), variables).outputs["Flow.x"] == wanted


MISFITS = [
    ("queue", "lit: {nam: A}"),
    ("queue", "lit: {}"),
    ("stringCollection", "lit: a"),
    ("string", "lit: [a]"),
    ("boolean", "lit: {a: 1}"),
    ("boolean", "lit: maybe"),
    ("duration", "lit: [1]"),
    ("duration", "lit: {fortnights: 1}"),
    ("dateTime", "lit: soon"),
    ("currency", "lit: [1]"),
    ("string", "litt: a"),
    ("string", "exp: ''"),
    ("string", "{lit: a, exp: b}"),
]


@pytest.mark.parametrize(("kind", "value"), MISFITS)
def test_literals_that_do_not_fit_are_refused(kind: str, value: str):
    """A literal that is no value of its type is refused at load, at its line."""
    with pytest.raises(FlowError) as caught:
        load(assign(kind, "Flow.x", value), variable(kind, "Flow.x"))
    assert caught.value.span.line >= 20


def test_found_object_keeps_its_properties():
    """An object found by name is the one the directory holds, properties and all."""
    user = NetworkObject("usr", "u-1", "Ada", {"username": "ada@example.org"})
    world = World(objects={("usr", "Ada"): user})
    actions = assign("user", "Flow.u", "lit: {name: Ada}") + assign("string", "Flow.log", "exp: Flow.u.username")
    assert logged(run_actions(actions, OUT + variable("user", "Flow.u"), world=world)) == "ada@example.org"
