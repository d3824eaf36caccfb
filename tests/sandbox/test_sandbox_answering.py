"""What the world answers to running flows, and what happens when the sandbox itself fails."""

import pytest
from sandbox_api import FLOWS, flow_text

from flowlaunch.architect import effects
from flowlaunch.architect.flow import ActionRef
from flowlaunch.architect.values import NOT_SET
from flowlaunch.sandbox import answering
from flowlaunch.sandbox.answering import ANSWERS, Later, Unanswerable, WorldHost, answer_effect
from flowlaunch.sandbox.world_file import build_world

REF = ActionRef("Flow", "state", "One", (), "callData", "Ask", 0)
WORLD = {
    "decision_tables": {"Routing": [{"inputs": {"tier": "gold"}, "outputs": {"queue": "VIP"}}]},
    "schedules": {"Office hours": "active", "Group": "open", "Fire": "active", "Flood": "inactive"},
    "queues": [{"id": "q-1", "name": "Orders", "size": 1.5, "tags": ["x"]}, {"id": "q-2", "name": "orders"}],
    "tables": {"T": {"key": "k", "rows": [{"k": "a", "v": 1}]}},
    "conversations": [{"id": "c-1", "participant": "p-1", "attributes": {"colour": "red"}}],
    "users": [{"name": "Ada", "email": "ada@example.com", "roles": [], "properties": {"department": "Sales"}}],
    "data_actions": [
        {"category": "*", "action": "Any", "outputs": {"x": 1}},
        {"category": "Slow", "action": "Late", "outputs": {"x": 1}, "delay_s": 20},
    ],
}


@pytest.fixture
def world():
    return build_world(WORLD, 0.0)


@pytest.mark.parametrize(
    ("effect", "answer"),
    [
        (effects.CallDataAction(REF, "Whatever", "any", {}), effects.DataActionSuccess({"x": 1})),
        (effects.CallDataAction(REF, "Slow", "Late", {}), Later(20.0, effects.DataActionSuccess({"x": 1}))),
        (effects.CallDataAction(REF, "Slow", "Late", {}, 5.0), Later(5.0, effects.DataActionTimeout())),
        (effects.CallDecisionTable(REF, "Routing", {"tier": "gold"}), effects.Found({"queue": "VIP"})),
        (effects.CallDecisionTable(REF, "Routing", {"tier": "tin"}), effects.NotFound()),
        (effects.EvaluateSchedule(REF, "schedule", "Office hours"), effects.ScheduleState("active")),
        (effects.EvaluateSchedule(REF, "scheduleGroup", "Group", None, "Fire"), effects.ScheduleState("emergency")),
        (effects.EvaluateSchedule(REF, "scheduleGroup", "Group", None, "Flood"), effects.ScheduleState("open")),
        (effects.TableLookup(REF, "T", "a"), effects.Found({"k": "a", "v": 1})),
        (effects.TableLookup(REF, "T", "b"), effects.NotFound()),
        (effects.Lookup(REF, "queue", "id", "q-2"), effects.Found({"id": "q-2", "name": "orders"})),
        (effects.Lookup(REF, "queue", "name", "none"), effects.NotFound()),
        (effects.Lookup(REF, "skill", "name", "none", many=True), effects.NotFound()),
        (effects.ReadConversation(REF, "c-1", "p-1", ("colour", "size")), effects.Found({"colour": "red"})),
        (effects.ReadConversation(REF, "c-1", None, ("colour",)), effects.Found({"colour": "red"})),
        (effects.ReadConversation(REF, "c-2", None, ("colour",)), effects.NotFound()),
        (effects.FindModule(REF, "none", "latestPublished"), effects.NotFound()),
        (effects.Perform(REF, "setFlowOutcome", {"outcome": "x"}), effects.Done()),
        (effects.Wait(REF, -5.0), Later(0.0, None)),
    ],
    ids=repr,
)
def test_the_world_answers_each_effect(world, effect, answer):
    """Each question of a flow gets the world's answer."""
    assert answer_effect(world, effect, 0.0) == answer


def test_a_search_finds_all_that_fit(world):
    """A search gives every row that fits, in any letter case."""
    found = answer_effect(world, effects.Lookup(REF, "queue", "name", "ORDERS", many=True), 0.0)
    assert [row["id"] for row in found.value] == ["q-1", "q-2"]


@pytest.mark.parametrize(
    ("effect", "named"),
    [
        (effects.CallDecisionTable(REF, "None", {}), "'None'"),
        (effects.EvaluateSchedule(REF, "scheduleGroup", "Nights"), "'Nights'"),
        (effects.TableLookup(REF, "Nothing", "a"), "'Nothing'"),
        (effects.CallDataAction(REF, "CRM", "Unknown", {"id": 1}), "'Unknown' of 'CRM'"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_the_world_does_not_say_is_named(world, effect, named):
    """A question that the world cannot answer ends the run with what is missing, never with a made-up answer."""
    with pytest.raises(Unanswerable, match=named):
        answer_effect(world, effect, 0.0)


def test_attributes_can_be_written_and_removed(world):
    """Writing a conversation's attributes changes it; None removes one."""
    write = effects.WriteConversation(REF, "c-1", "p-1", {"size": "L", "colour": None})
    assert answer_effect(world, write, 0.0) == effects.Done()
    assert world.things.conversations["c-1", "p-1"] == {"size": "L"}


def test_every_effect_has_an_answer():
    """The table of answers is complete."""
    from typing import get_args

    assert set(ANSWERS) == set(get_args(effects.Effect))


def test_expressions_see_the_directory_and_their_own_dice(world):
    """FindQueue and FindUser see the world; Random() repeats for the same execution."""
    host = WorldHost(world, 1_000.0, "e-1")
    assert host.now().timestamp() == 1_000.0
    queue = host.find("que", "orders", "name")
    assert (queue.id, str(queue.properties["size"]), "tags" in queue.properties) == ("q-1", "1.5", False)
    assert host.find("usr", "ada@example.com", "email").properties["department"] == "Sales"
    assert host.find("usr", "nobody", "email") is NOT_SET
    rolls = [host.random() for _ in range(3)]
    assert [WorldHost(world, 0.0, "e-1").random() for _ in range(2)] == [rolls[0]] * 2
    assert WorldHost(world, 0.0, "e-2").random() != rolls[0]


def test_a_mistake_of_the_sandbox_fails_one_run_and_says_so(sandbox, api, monkeypatch, caplog):
    """If the sandbox breaks while running a flow, that run fails as sandbox.failed, and the next ones run."""

    def broken(*_):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(answering, "ANSWERS", {**ANSWERS, effects.CallDataAction: broken})
    run = api.run("loyalty", {"Flow.customerId": "C-1"})
    assert (run["status"], run["flowErrorInfo"]["code"]) == ("FAILED", "sandbox.failed")
    assert "oops" in run["flowErrorInfo"]["message"]
    assert api.run()["status"] == "COMPLETED"
    assert "ZeroDivisionError" in caplog.text


def test_a_mistake_of_the_sandbox_is_a_500_that_says_so(sandbox, api, caplog):
    """If the sandbox breaks while answering, the answer is an honest 500 and the next request is served."""
    sandbox._ask(lambda service: setattr(service, "ids", None))
    answer = api.launch()
    assert (answer.status_code, answer.json()["code"]) == (500, "sandbox.failed")
    assert api.get("/api/v2/flows").status_code == 200
    assert "AttributeError" in caplog.text


def test_paths_outside_the_api_say_where_it_is(sandbox, api):
    """A path that is neither API nor login is 404 and names the places there are."""
    answer = api.get("/index.html")
    assert (answer.status_code, "/api/v2/" in answer.json()["message"]) == (404, True)


def test_a_common_module_cannot_be_launched(sandbox, api):
    """Only workflows can be launched; a common module is refused like a call flow."""
    module = """
commonModule:
  name: Module
  division: Home
  supportedLanguages: {en-us: {none: true}}
  variables: []
  settingsCommonModule: {compatibleFlowTypes: [{flowType: workflow}]}
  startUpTaskActions:
    - endTask: {name: End}
"""
    flow_id = sandbox.upload_flow(module)
    assert api.launch(flow_id, {}).json()["message"] == "A flow of type COMMONMODULE cannot be launched."


def test_a_flow_that_never_ends_is_stopped(sandbox, api):
    """A run of endless waits ends at the limit of actions, even when waits are skipped."""
    sandbox.skip_waits()
    text = flow_text("Endless").replace(
        "          - endWorkflow: {name: End, exitReason: {noValue: true}}",
        "          - wait: {name: W, trimDurationNearMaxRunningTime: {lit: false}, duration: {lit: {seconds: 1}}}\n"
        '          - changeState: {name: Again, targetStateRef: "/workflow/states/state[one]"}',
    )
    run = api.run(sandbox.upload_flow(text), {"Flow.in": "x"})
    assert run["status"] == "FAILED"
    assert "limit" in run["flowErrorInfo"]["message"]


def test_the_ivr_has_no_content(sandbox, api):
    """A flow of a type that the sandbox does not run is listed, without schemas."""
    flow = api.get(f"/api/v2/flows/{FLOWS['ivr']}").json()
    assert (flow["type"], "inputSchema" in flow) == ("INBOUNDCALL", False)
    assert api.get(f"/api/v2/flows/{FLOWS['ivr']}/latestconfiguration").json()["variables"] == []
