"""Public workflows run to their end with scripted answers."""

from __future__ import annotations

import pytest
from flow_world import World, load_shared

from flowlaunch.architect import effects as fx
from flowlaunch.architect.values import NetworkObject

AGENTS = "wfm-hris-blueprint__HRIS-Get-Agents.i3WorkFlow.yaml"
TICKETS = "ticketflow__xperience2025_workflow.yaml"
CALLBACKS = "callback-prioritization__Callback-Prioritization-Workflow.yaml"
MODULE = "merge-ephemeral-message-to-external-cont__ResolveContact.yaml"


def sent(world: World) -> list[tuple[str, object]]:
    return [(effect.action, dict(effect.inputs)) for effect in world.asked if isinstance(effect, fx.CallDataAction)]


def test_agents_are_collected():
    """The success path gathers one list per leaf of the employees and returns 200."""
    people = [{"id": "7", "workEmail": "ada@example.org"}, {"id": "9", "workEmail": "bob@example.org"}]
    result = World({"Bamboo-Get-Agents": fx.DataActionSuccess({"employees": people})}).run(load_shared(AGENTS))
    assert result.outputs["Flow.externalIds"] == ["7", "9"]
    assert result.outputs["Flow.emails"] == ["ada@example.org", "bob@example.org"]
    assert (result.outputs["Flow.statusCode"], result.outputs["Flow.status"]) == (200, "Complete")


def test_failed_agents_are_reported():
    """The failure path receives the error's code, status and message."""
    failure = fx.DataActionFailure({"errorCode": "forbidden", "status": 403, "userMessage": "No key"})
    result = World({"Bamboo-Get-Agents": failure}).run(load_shared(AGENTS))
    assert result.outputs["Flow.errorMsg"] == "'No key',forbidden,403"
    assert result.outputs["Flow.statusCode"] == 500


def test_late_agents_are_reported():
    """The timeout path sets 408."""
    result = World({"Bamboo-Get-Agents": fx.DataActionTimeout()}).run(load_shared(AGENTS))
    assert (result.outputs["Flow.statusCode"], result.outputs["Flow.errorMsg"]) == (408, "Time out")


def test_blacklisted_callers_are_disconnected():
    """A known caller is looked up by digits, disconnected and tagged."""
    world = World({"TableLookup": fx.Found({})})
    given = {"Flow.ani": "+13178723000", "Flow.conversationId": "c-1"}
    assert world.run(load_shared("ani-blacklist__blacklist.yaml"), given).status == "COMPLETED"
    lookup = next(effect for effect in world.asked if isinstance(effect, fx.TableLookup))
    assert (lookup.table, lookup.key) == ("data table", "13178723000")
    assert sent(world) == [("data action name", {"conversationId": "c-1"})]
    assert world.asked[-1].attributes == {"TECH_Blacklisted": "True"}


def test_callback_without_a_phone_ends_with_its_reason():
    """A missing optional input takes the `no` path and gives the exit reason."""
    result = World().run(load_shared(CALLBACKS), {})
    assert (result.status, result.exit_reason) == ("COMPLETED", "NoPhoneNumber")


@pytest.mark.parametrize(
    ("event", "action"),
    [("CREATE", "Xperience2025_AgentlessSMS-TF"), ("NOTHING", None)],
)
def test_tickets_are_switched_on(event: str, action: str | None):
    """The switches compare text from a JSON event, find a queue and call the matching data action."""
    body = {"id": 3, "issue_title": "t", "issue_description": "d", "status": "new", "priority": "Critical",
            "email": "e", "created": "c", "changed": "g", "action": event, "phone_number": "+13178723000"}  # fmt: skip
    queue = {"id": "q-1", "name": "xPerience2025_Critical_Queue-TF"}
    world = World({"Lookup": fx.Found(queue)})
    result = world.run(load_shared(TICKETS), {"Flow.jsonData": {"webhooksInvocation": {"body": body}}})
    assert result.status == "COMPLETED"
    called = [name for name, _ in sent(world)]
    assert called[:1] == ([action] if action else [])


def test_survey_is_posted():
    """A wait, a table row and two calls end in the posted survey with the number converted."""
    row = {"surveyUrl": "https://s.example/1", "question1": "fine", "question2": "9"}
    world = World({"TableLookup": fx.Found(row)})
    flow = load_shared("genesys-cloud-voice-survey__voice_survey_workflow_v1-0.i3WorkFlow.yaml")
    assert world.run(flow, {"Flow.conversationId": "c-2"}).status == "COMPLETED"
    assert world.asked[0].duration_s == 60
    assert sent(world)[-1] == (
        "Post Survey Result",
        {"surveyUrl": row["surveyUrl"], "question1": "fine", "question2": 9},
    )


def test_user_found_by_id_gives_its_properties():
    """A user that was found gives its user name to the data action."""
    user = {"id": "u-1", "name": "Ada", "username": "ada@example.org"}
    world = World({"Lookup": fx.Found(user)})
    flow = load_shared("update-zoom-presence-from-inbound-intera__GC_User_Set_Zoom_User_to_On_a_Call.i3WorkFlow.yaml")
    assert world.run(flow, {"Flow.userId": "u-1"}).status == "COMPLETED"
    assert sent(world)[0][1] == {"user": "ada@example.org", "status": "On_A_Call"}


def test_network_object_may_be_answered_directly():
    """A lookup may be answered with an object of the expression language."""
    user = NetworkObject("usr", "u-1", "Ada", {"username": "ada@example.org"})
    world = World({"Lookup": fx.Found(user)})
    flow = load_shared("update-zoom-presence-from-inbound-intera__GC_User_Set_Zoom_User_to_On_a_Call.i3WorkFlow.yaml")
    assert world.run(flow, {"Flow.userId": "u-1"}).status == "COMPLETED"


def test_presence_is_set_from_the_table():
    """Two calls with a table between them pass the row's value on."""
    world = World({"TableLookup": fx.Found({"GenesysCloudPresenceId": "p-9"})})
    flow = load_shared("gc-presence-update-from-ms-teams__ms-teams-integrations-presence-trigger.yaml")
    result = world.run(flow, {"Flow.source": "MICROSOFTTEAMS", "Flow.userId": "u-1", "Flow.message": "busy"})
    assert result.status == "COMPLETED"
    assert sent(world)[-1][1] == {"USER_ID": "u-1", "PRESENCE_DEFINITION_ID": "p-9"}


def test_paid_events_read_the_conversation():
    """An attribute of the conversation is read and handed to the data action."""
    world = World({"ReadConversation": fx.Found({"paymentId": "pay-1"})})
    flow = load_shared("process-participant-attributes-event-tri__EventOrchestrator_Workflow.yaml")
    assert world.run(flow, {"Flow.conversationId": "c", "Flow.ani": "+1"}).status == "COMPLETED"
    assert sent(world)[0][1] == {"paymentId": "pay-1", "phoneNumber": "+1"}


@pytest.mark.parametrize(("external", "merged"), [("ext-1", False), ("other", True)])
def test_common_module_merges_contacts(external: str, merged: bool):
    """The module takes the known contact, or merges and returns the merged one."""
    world = World(
        {
            "Find contact by given identifier": fx.DataActionSuccess({"id": "ext-1"}),
            "Get contact Id from message": fx.DataActionSuccess({"externalContactId_external": external}),
            "Merge Identified + Curated": fx.DataActionSuccess({"id": "merged-1"}),
        }
    )
    given = {"Common.conversationId": "c", "Common.identifierType": "Email", "Common.identifierValue": "a@x"}
    result = world.run(load_shared(MODULE), given)
    wanted = "merged-1" if merged else "ext-1"
    assert result.outputs == {"Common.externalContactId": wanted, "Common.success": True}


def test_official_failure_shape():
    """NOT_SET where it is not allowed fails the run with the platform's code, the expression and the position."""
    result = World().run(load_shared("automatic-offer-callback-for-disconnecte__Send_SMS_to_Schedule_Callback.yaml"))
    assert result.status == "FAILED"
    assert result.outputs == {}
    assert result.error.server_code == "error.workflow.expression.unexpectedNull"
    assert result.error.params == {"expression": "right(Flow.ani,12)", "pos": "6"}
    assert result.error.message.startswith("An expression (or part of an expression) resulted in a null")
    assert result.error.ref.name == "Update Data"
