"""The other actions: lookups, conversations, notifications, modules, voice and what is only recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from flow_world import OUT, World, block, load, load_shared, log, logged, run_actions, variable

from flowlaunch.architect import effects as fx
from flowlaunch.architect.actions.table import ACTIONS, NOT_EMULATED
from flowlaunch.architect.load import load_flow

if TYPE_CHECKING:
    from flowlaunch.architect.flow import Flow

PATHS = ("found", "notFound", "failure", "success", "active", "inactive", "open", "closed", "holiday", "emergency")


def with_paths(action: str, *paths: str) -> str:
    """Add output paths that log their own names, and an action after."""
    outputs = "".join(f"      {path}:\n        actions:\n" + log(path, 10) for path in paths)
    return action + ("    outputs:\n" + outputs if paths else "") + log(".")


TABLE = """
- dataTableLookup:
    name: Table
    lookupValue:
      exp: Flow.key
    dataTable:
      Holidays:
        foundOutputs:
          reason:
            var: Flow.text
        failureOutputs:
          errorType:
            noValue: true
          errorMessage:
            var: Flow.text
"""
QUEUE = "- findQueue:\n    name: Queue\n    findName:\n      lit: Sales\n    findResult:\n      var: Flow.queue\n"
GET = """
- getConversationData:
    name: Get
    conversationId:
      exp: Flow.key
    participantId:
      noValue: true
    attributes:
      - attribute:
          name:
            lit: colour
          variable: Flow.text
"""
SET = """
- setConversationData:
    name: Set
    conversationId:
      exp: Flow.key
    participantId:
      lit: p-1
    attributes:
      - attribute:
          name:
            lit: colour
          value:
            exp: Append("re", "d")
"""
MAIL = """
- sendNotification:
    name: Mail
    notificationType: email
    subject:
      lit: Hello
    body:
      exp: Append("Dear ", Flow.key)
    sendToUsers:
      exp: Flow.users
    failureOutputs:
      errorMessage:
        var: Flow.text
"""
SCHEDULE = "- evaluateSchedule:\n    name: Open?\n    schedule:\n      lit:\n        name: Office hours\n"
GROUP = "- evaluateScheduleGroup:\n    name: Group?\n    scheduleGroup:\n      lit:\n        name: All hours\n"
CONTACT = (
    "- getExternalContact:\n    name: Contact\n    externalId:\n      exp: Flow.key\n    externalResult:\n"
    "      var: Flow.contact\n"
)
OUTCOME = "- setFlowOutcome:\n    name: Outcome\n    flowOutcome:\n      lit:\n        name: Sold\n"

VARIABLES = (
    OUT
    + variable("string", "Flow.key", "lit: k-1")
    + variable("string", "Flow.text", flags="o")
    + variable("queue", "Flow.queue", flags="o")
    + variable("externalContact", "Flow.contact", flags="o")
    + variable("userCollection", "Flow.users", "lit: [{name: Ada}]")
)
FOUND = ("found", "notFound")
CASES = [
    (TABLE, fx.Found({"reason": "Easter"}), "found", ("Flow.text", "Easter")),
    (TABLE, fx.NotFound(), "notFound", ("Flow.text", None)),
    (TABLE, fx.Failed("broken", "no table"), "failure", ("Flow.text", "no table")),
    (QUEUE, fx.Found({"id": "q-1", "name": "Sales"}), "found", ("Flow.queue", {"id": "q-1", "name": "Sales"})),
    (QUEUE, fx.NotFound(), "notFound", ("Flow.queue", None)),
    (GET, fx.Found({"colour": "red"}), "found", ("Flow.text", "red")),
    (GET, fx.Found({}), "found", ("Flow.text", None)),
    (GET, fx.NotFound(), "notFound", ("Flow.text", None)),
    (SET, fx.Done(), "success", ("Flow.text", None)),
    (SET, fx.Failed(), "failure", ("Flow.text", None)),
    (MAIL, fx.Done(), "success", ("Flow.text", None)),
    (MAIL, fx.Failed("smtp", "refused"), "failure", ("Flow.text", "refused")),
    (SCHEDULE, fx.ScheduleState("active"), "active", ("Flow.text", None)),
    (SCHEDULE, fx.ScheduleState("inactive"), "inactive", ("Flow.text", None)),
    (GROUP, fx.ScheduleState("holiday"), "holiday", ("Flow.text", None)),
    (CONTACT, fx.Found({"id": "c-1", "name": "Ada L", "firstName": "Ada"}), "found", ("Flow.text", None)),
    (CONTACT, fx.NotFound(), "notFound", ("Flow.contact", None)),
    (OUTCOME, fx.Done(), "success", ("Flow.text", None)),
    (OUTCOME, None, "success", ("Flow.text", None)),
]


@pytest.mark.parametrize("action", [SCHEDULE, GROUP])
@pytest.mark.parametrize("form", ["now: true", "now: {none: true}"])
def test_schedules_are_evaluated_now(action: str, form: str):
    """`evaluate` with `now`, as published flows spell it, asks for the present moment."""
    world = World()
    run_actions(action + f"    evaluate:\n      {form}\n", VARIABLES, world=world)
    assert world.asked[0].at is None


@pytest.mark.parametrize("action", [SCHEDULE, GROUP])
def test_schedules_are_evaluated_at_a_moment(action: str):
    """`evaluate` with any other key asks for the moment given there."""
    world = World()
    when = "    evaluate:\n      dateTime:\n        exp: MakeDateTime(2026, 3, 1)\n"
    run_actions(action + when, VARIABLES, world=world)
    assert world.asked[0].at == "2026-03-01T00:00:00Z"


@pytest.mark.parametrize(("action", "answer", "path", "wanted"), CASES)
def test_answer_chooses_the_path(action: str, answer: Any, path: str, wanted: tuple[str, Any]):
    """Each answer takes its path, fills what is bound on it, and the run goes on afterwards."""
    key = action.strip().partition(":")[0].removeprefix("- ")
    paths = [name for name in PATHS if name in ACTIONS[key].paths]
    world = World({type(effect).__name__: answer for effect in ()} | {action_name(action): answer})
    result = run_actions(with_paths(action.lstrip("\n"), *paths), VARIABLES, world=world)
    assert result.error is None
    assert logged(result) == f"{path}."
    assert result.outputs[wanted[0]] == wanted[1]
    assert result.trace.entries[0].path == path


def action_name(action: str) -> str:
    """Give the name that stands in the text of an action."""
    return action.partition("name: ")[2].partition("\n")[0]


def test_conversation_effects_carry_their_ids():
    """Reading and writing name the conversation, the participant and the attributes."""
    world = World()
    run_actions(GET[1:] + SET[1:], VARIABLES, world=world)
    read, write = world.asked
    assert (read.conversation_id, read.participant_id, read.names) == ("k-1", None, ("colour",))
    assert (write.participant_id, dict(write.attributes)) == ("p-1", {"colour": "red"})


def test_notification_effect_is_complete():
    """A notification names its kind, its texts and its users."""
    world = World()
    run_actions(MAIL[1:], VARIABLES, world=world)
    mail = world.asked[0]
    assert (mail.kind, mail.subject, mail.body) == ("email", "Hello", "Dear k-1")
    assert [user["name"] for user in mail.users] == ["Ada"]


@pytest.mark.parametrize("item", ["user: {lit: {name: Bob}}", "lit: {name: Bob}", "exp: Flow.users[0]"])
def test_notification_takes_users_one_by_one(item: str):
    """The users of a notification may be listed one by one."""
    world = World()
    run_actions(MAIL[1:].replace("exp: Flow.users", f"- {item}"), VARIABLES, world=world)
    assert [user["name"] for user in world.asked[0].users] == ["Ada" if "exp" in item else "Bob"]


@pytest.mark.parametrize("body", ["true", "{}", ""])
def test_module_without_inputs_may_be_named_barely(body: str):
    """A module call may say no more than the version."""
    text = (
        f"- callCommonModule:\n    name: Use\n    commonModule:\n      Double:\n        ver_latestPublished: {body}\n"
    )
    assert run_actions(text, NUMBER, world=World(modules={"Double": module()})).status == "COMPLETED"


LOOKUPS = [
    ("findUser", "findName", "user", "name"),
    ("findUserById", "findId", "user", "id"),
    ("findQueueById", "findId", "queue", "id"),
    ("findSkill", "findName", "skill", "name"),
    ("findLanguageSkill", "findName", "languageSkill", "name"),
    ("findGroup", "findName", "group", "name"),
    ("findSchedule", "findName", "schedule", "name"),
    ("findScheduleGroup", "findName", "scheduleGroup", "name"),
    ("findEmergencyGroup", "findName", "emergencyGroup", "name"),
    ("getExternalOrganization", "externalId", "externalOrganization", "id"),
    ("getResponse", "response", "response", "name"),
    ("getJourneySession", "sessionId", "journeySession", "id"),
    ("searchExternalContacts", "searchTerm", "externalContact", "search"),
]


@pytest.mark.parametrize(("key", "field", "kind", "by"), LOOKUPS)
def test_find_actions_ask_by_kind(key: str, field: str, kind: str, by: str):
    """Every find action asks for its kind of object by name or id."""
    world = World()
    action = f"- {key}:\n    name: Find\n    {field}:\n      lit: thing\n"
    assert logged(run_actions(with_paths(action, "found", "notFound"), world=world)) == "notFound."
    effect = world.asked[0]
    assert (effect.kind, effect.by, effect.key) == (kind, by, "thing")


MODULE = """
commonModule:
  name: Double
  variables:
    - integerVariable:
        name: Common.n
        initialValue:
          lit: 1
        isInput: true
    - integerVariable:
        name: Common.twice
        initialValue:
          noValue: true
        isOutput: true
  startUpTaskActions:
    - callTask:
        name: Inner
        targetTaskRef: "/commonModule/tasks/task[Work_2]"
    - endTask:
        name: Exit
  tasks:
    - task:
        name: Work
        refId: Work_2
        actions:
          - wait:
              name: Rest
              duration:
                lit:
                  seconds: 1
          - updateData:
              name: Twice
              statements:
                - integer:
                    variable: Common.twice
                    value:
                      exp: Common.n * 2
"""
USE = """
- callCommonModule:
    name: Use
    commonModule:
      Double:
        ver_latestPublished:
          inputs:
            Common.n:
              exp: Flow.n
          outputs:
            Common.twice:
              var: Flow.n
"""
NUMBER = variable("integer", "Flow.n", "lit: 4", flags="o")


def module() -> Flow:
    return load_flow(MODULE, name="double.yaml")


def test_common_module_runs_in_place():
    """A module runs with its own variables, its effects reach the same driver, and its outputs come back."""
    world = World(modules={"Double": module()})
    result = run_actions(USE[1:] + USE[1:], NUMBER, world=world)
    assert result.outputs == {"Flow.n": 16}
    assert world.count(fx.Wait) == 2
    assert max(entry.depth for entry in result.trace.entries) == 2
    assert {entry.ref.flow for entry in result.trace.entries} == {"Test flow", "Double"}


def test_missing_module_fails_the_run_by_name():
    """A module that nobody has fails the run and is named."""
    result = run_actions(USE[1:], NUMBER)
    assert result.error.server_code == "flowlaunch.module.not-found"
    assert "Double" in result.error.message


def test_module_input_of_the_wrong_type_fails_the_run():
    """A module input that does not fit fails the run and names the module."""
    world = World(modules={"Double": module()})
    result = run_actions(USE[1:].replace("exp: Flow.n", "lit: four"), NUMBER, world=world)
    assert result.error.server_code == "flowlaunch.module.input"


def test_error_inside_a_module_is_the_callers():
    """A run-time error inside a module goes to the calling flow's error handling."""
    broken = load_flow(MODULE.replace("Common.n * 2", 'ToInt("a word")'), name="double.yaml")
    result = run_actions(USE[1:], NUMBER, world=World(modules={"Double": broken}))
    assert (result.status, result.error.ref.flow) == ("FAILED", "Double")


def test_module_runs_by_itself():
    """A common module can be run alone, with its own inputs."""
    assert World().run(module(), {"Common.n": 21}).outputs == {"Common.twice": 42}


def test_needs_of_a_caller_name_the_module():
    """The caller's needs name the module and the version."""
    need = load(USE[1:], NUMBER).needs()[0]
    assert (need.kind, need.name, need.group) == ("common module", "Double", "latestPublished")


VOICE = """
- playAudio:
    name: Play
    audio:
      tts: Do Something
- collectInput:
    name: Ask
    inputData:
      var: Common.digits
    digits:
      exact: 4
    interDigitTimeout:
      lit:
        seconds: 6
    outputs:
      success:
        actions:
          - setLanguage:
              name: Speak
              language:
                en-us: {}
      failure:
        actions:
          - disconnect:
              name: Hang up
- endTask:
    name: Exit
"""


def voice() -> Flow:
    text = "commonModule:\n  name: V\n  variables:\n" + block(variable("string", "Common.digits", flags="o"), 4)
    return load_flow(text + "  startUpTaskActions:\n" + block(VOICE, 4), name="voice.yaml")


def test_voice_actions_are_recorded():
    """Voice actions are handed over with their fields, and collected input comes back."""
    world = World({"Ask": fx.Done({"inputData": "1234"})})
    result = world.run(voice())
    assert [effect.verb for effect in world.asked] == ["playAudio", "collectInput", "setLanguage"]
    assert world.asked[0].inputs == {"audio": {"tts": "Do Something"}}
    assert world.asked[1].paths == ("success", "failure")
    assert result.outputs == {"Common.digits": "1234"}


def test_disconnect_ends_the_run():
    """A failed input that leads to a disconnect ends the run there."""
    world = World({"Ask": fx.Taken("failure")})
    result = world.run(voice())
    assert world.asked[-1].verb == "disconnect"
    assert [entry.ref.key for entry in result.trace.entries] == ["playAudio", "collectInput", "disconnect"]


def test_decision_table_gives_its_row():
    """A decision table is asked with its inputs and its outputs are bound."""
    action = (
        "- callDecisionTable:\n    name: Table\n    decisionTable:\n      Rates:\n        inputs:\n          age:\n"
        "            lit: 30\n        foundOutputs:\n          rate:\n            var: Flow.n\n"
    )
    world = World({"Table": fx.Found({"rate": 7})})
    assert run_actions(action, NUMBER, world=world).outputs == {"Flow.n": 7}
    assert (world.asked[0].table, dict(world.asked[0].inputs)) == ("Rates", {"age": 30})


def test_left_out_action_is_recorded():
    """An action that lenient loading left out is recorded in the trace and changes nothing."""
    result = run_actions("- transferToAcd:\n    name: T\n    whatever: x\n" + log("a"), lenient=True)
    assert logged(result) == "a"
    assert "not emulated" in result.trace.entries[0].note


def test_tables_of_actions_do_not_overlap():
    """No action is both emulated and listed as not emulated."""
    assert not set(ACTIONS) & NOT_EMULATED


def test_reference_module_with_voice_runs():
    """The public module that mixes logic and voice runs and gives its output."""
    result = World().run(
        load_shared("genesys_terrafrom_advanced_session__Terraform_CM_v1-0__old-29bc6d6.yaml"), {"Common.Input": "xx"}
    )
    assert result.outputs == {"Common.Output": "xx"}


def test_disconnect_inside_a_module_ends_the_whole_run():
    """A module that disconnects ends the run of its caller, whose outputs are returned."""
    module_text = MODULE.replace("    - endTask:\n        name: Exit", "    - disconnect:\n        name: Exit")
    world = World(modules={"Double": load_flow(module_text, name="double.yaml")})
    result = run_actions(USE[1:] + log("never"), NUMBER + OUT, world=world)
    assert result.outputs == {"Flow.n": 4, "Flow.log": ""}


def test_broken_initial_value_of_a_module_is_the_calls_error():
    """A module whose variables cannot be set fails at the action that calls it."""
    broken = MODULE.replace("lit: 1\n", "exp: 'ToInt(\"a word\")'\n").replace("isInput: true", "isInput: false")
    world = World(modules={"Double": load_flow(broken, name="double.yaml")})
    result = run_actions(USE[1:], NUMBER, world=world)
    assert (result.status, result.error.ref.key) == ("FAILED", "callCommonModule")
