"""Public Architect flows, unaltered, launched over HTTP and run to their end in a sandbox with a world of stubs."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from public_flows import Stage, stage

from flowlaunch import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

AGENTS = "wfm-hris-blueprint__HRIS-Get-Agents.i3WorkFlow.yaml"
EMPLOYEES = "wfm-hris-blueprint__WFM-HR-FLOW-GetEmployees_v4-0__old-c58887a.yaml"
TIME_OFF = "wfm-hris-blueprint__HRIS-Get-TimeOff-Types.i3WorkFlow.yaml"
WORKBIN = "automated-callback-blueprint__Proactive_callback_workbin.yaml"
PRIORITY = "callback-prioritization__Callback-Prioritization-Workflow.yaml"
BLACKLIST = "ani-blacklist__blacklist.yaml"
TICKETS = "ticketflow__xperience2025_workflow.yaml"
SURVEY = "genesys-cloud-voice-survey__voice_survey_workflow_v1-0.i3WorkFlow.yaml"
ORCHESTRATOR = "process-participant-attributes-event-tri__EventOrchestrator_Workflow.yaml"
AUTOCLEAR = "autoclear-non-disconnected__Get_Non_Disconnected_Interactions_v1-0.i3WorkFlow.yaml"
ZOOM = "update-zoom-presence-from-inbound-intera__GC_User_Set_Zoom_User_to_On_a_Call.i3WorkFlow.yaml"
MAIL = "send-email-notification-when-outbound-me__SendEmailWorkflow.yaml"
SUMMARY = "process-automation-trigger-with-salesfor__Conversation_Summary.yaml"
SMS = "automatic-offer-callback-for-disconnecte__Send_SMS_to_Schedule_Callback.yaml"
RESOLVE = "merge-ephemeral-message-to-external-cont__ResolveContact.yaml"
EXAMPLE = "terraform-provider-genesyscloud__workflow_flow_example.yaml"

HR = "Web Services Data Actions (WFM-HR)"
GENESYS = "Genesys Cloud Data Actions"
FAILURE = {"errorCode": "forbidden", "status": 403, "userMessage": "No key"}


def stub(category: str, action: str, outputs: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"category": category, "action": action, **({"outputs": outputs} if outputs else {}), **more}


@pytest.fixture
def serve(tmp_path) -> Iterator[Callable[..., Stage]]:
    """Serve flow files with a world; `actions` are its data action stubs."""
    with ExitStack() as stack:

        def make(*files: str, actions: tuple[dict[str, Any], ...] = (), clock: str = "virtual", **world: Any) -> Stage:
            served = contextmanager(stage)(tmp_path, files, {"data_actions": list(actions), **world}, clock=clock)
            return stack.enter_context(served)

        yield make


# -- data actions: success, failure, timeout -----------------------------------------------------------------------


def test_agents_come_from_the_data_action(serve) -> None:
    """On success the lists of the data action's nested answer become the run's outputs."""
    people = [{"id": "7", "workEmail": "ada@example.org"}, {"id": "9", "workEmail": "bob@example.org"}]
    on = serve(AGENTS, actions=(stub(HR, "Bamboo-Get-Agents", {"employees": people}),))
    ended = on.run("Ksenia_test_get_agents_flow")
    assert ended.status == "COMPLETED"
    assert ended.output_data["Flow.externalIds"] == ["7", "9"]
    assert ended.output_data["Flow.emails"] == ["ada@example.org", "bob@example.org"]
    assert (ended.output_data["Flow.statusCode"], ended.output_data["Flow.status"]) == (200, "Complete")


@pytest.mark.parametrize(
    ("ending", "path", "code", "said"),
    [
        ({"failure": FAILURE}, "failure", 500, "'No key',forbidden,403"),
        ({"timeout": True}, "timeout", 408, "Time out"),
        ({"outputs": {}, "delay_s": 100_000}, "timeout", 408, "Time out"),
    ],
    ids=["failure", "timeout", "too slow"],
)
def test_agents_flow_reports_what_went_wrong(serve, ending: dict[str, Any], path: str, code: int, said: str) -> None:
    """A data action that fails or is late takes its path, and the run completes with the flow's own error outputs."""
    on = serve(AGENTS, actions=(stub(HR, "Bamboo-Get-Agents", **ending),))
    ended = on.run("Ksenia_test_get_agents_flow")
    assert ended.status == "COMPLETED"
    assert (ended.output_data["Flow.statusCode"], ended.output_data["Flow.errorMsg"]) == (code, said)
    assert [taken for _, taken in on.asked(ended.id)] == [path]


def test_time_off_types_are_two_lists_and_an_empty_one(serve) -> None:
    """Collections of the answer keep their order, an empty one stays empty, and what was never set is null."""
    types = {"timeOffTypes": [{"id": "1", "name": "Holiday"}, {"id": "2", "name": "Sick"}]}
    on = serve(TIME_OFF, actions=(stub(HR, "Bamboo-Get-TimeOff-Types", types),))
    outputs = on.run("Ksenia_test_get_timeoff_types").output_data
    assert (outputs["Flow.ids"], outputs["Flow.names"]) == (["1", "2"], ["Holiday", "Sick"])
    assert outputs["Flow.id2s"] == []
    assert outputs["Flow.errorMsg"] is None


def test_missing_stub_fails_the_run_by_name(serve) -> None:
    """A data action without a stub fails the run, and the error names the action and where to add it."""
    ended = serve(AGENTS).run("Ksenia_test_get_agents_flow")
    assert ended.status == "FAILED"
    assert ended.error.code == "sandbox.data.action.not.stubbed"
    assert "Bamboo-Get-Agents" in ended.error.message
    assert "data_actions" in ended.error.message


# -- loops, switches, decisions ------------------------------------------------------------------------------------


def test_loop_collects_a_line_for_each_employee(serve) -> None:
    """A loop over parallel lists builds one line a person, in order."""
    people = [
        {"id": "7", "workEmail": "a@example.org", "firstName": "Ada", "lastName": "Lovelace"},
        {"id": "9", "workEmail": "b@example.org", "firstName": "Bob", "lastName": "Moog"},
    ]
    on = serve(EMPLOYEES, actions=(stub(HR, "Get Employee List", {"employees": people}),))
    ended = on.run("WFM-HR-FLOW-GetEmployees")
    assert ended.output_data == {
        "Flow.error": None,
        "Flow.result": ["7,a@example.org,'Ada Lovelace'", "9,b@example.org,'Bob Moog'"],
    }


def test_nested_loops_call_a_data_action_for_each_pair(serve) -> None:
    """Loops in loops call one action after the other for each user and conversation, with the right inputs."""
    on = serve(
        AUTOCLEAR,
        actions=(
            stub(GENESYS, "Get Non Disconnected Interactions UserIds", {"ARRAYUSERID": ["u-1", "u-2"]}),
            stub(GENESYS, "Get Server Time ISO", {"currentDate": "2026-11-21T10:00:00.000Z"}),
            stub(GENESYS, "Get Non Disconnected User ConversationIds", {"ARRAYCONVSATIONID": ["c-1", "c-2"]},
                 inputs={"userId": "u-1"}),
            stub(GENESYS, "Get Non Disconnected User ConversationIds", {"ARRAYCONVSATIONID": ["c-3"]}),
            stub(GENESYS, "Get Non Disconnected ParticipantId", {"ARRAYPARTICIPANTID": ["p-0", "p-9"]}),
            stub(GENESYS, "Get Non Disconnected Replace", failure=FAILURE, inputs={"conversationId": "c-2"}),
            stub(GENESYS, "Get Non Disconnected Replace"),
            stub("Generic Web Services Integration.", "Logging to GC Chat Group"),
        ),
    )  # fmt: skip
    ended = on.run("Get Non Disconnected Interactions")
    assert ended.status == "COMPLETED"
    asked = on.asked(ended.id)
    replaced = [(inputs["conversationId"], inputs["participantId"], path) for inputs, path in asked
                if "queueId" in inputs]  # fmt: skip
    assert replaced == [("c-1", "p-9", "success"), ("c-2", "p-9", "failure"), ("c-3", "p-9", "success")]
    logged = [inputs["message"] for inputs, _ in asked if "message" in inputs]
    assert logged[1] == "logging: Failed Replace Conv: c-2 part: p-9 message: No key"
    assert {inputs["startTime"] for inputs, _ in asked if "startTime" in inputs} == {"2026-10-31T10:00:00Z"}


@pytest.mark.parametrize(
    ("event", "priority", "waited_s", "queue"),
    [
        ("CREATE", "Critical", 0, "q-critical"),
        ("CREATE", "High", 120, "q-high"),
        ("CREATE", "Medium", 0, None),
        ("DELETE", "Critical", 0, None),
        ("OTHER", "Critical", 0, None),
    ],
)
def test_ticket_is_switched_by_event_and_priority(serve, event, priority, waited_s, queue) -> None:
    """Two switches on a JSON event choose the queue, the message and the wait before a callback is created."""
    integration = "XPerience2025-Integration-TF"
    on = serve(
        TICKETS,
        queues=[
            {"id": "q-critical", "name": "xPerience2025_Critical_Queue-TF"},
            {"id": "q-high", "name": "xPerience2025_High_Queue-TF"},
        ],
        actions=(
            stub(integration, "Xperience2025_AgentlessSMS-TF", {"conversationId": "sms-1"}),
            stub(integration, "Xperience2025-CreateCallback-TF"),
        ),
    )
    body = {
        "id": 3, "issue_title": "t", "issue_description": "d", "status": "new", "priority": priority, "email": "e",
        "created": "c", "changed": "g", "action": event, "phone_number": "+13178723000",
    }  # fmt: skip
    ended = on.run("Xperience2025 - Process Ticket-TF", {"jsonData": {"webhooksInvocation": {"body": body}}})
    assert ended.status == "COMPLETED"
    called = [inputs for inputs, _ in on.asked(ended.id)]
    assert len(called) == (2 if queue else 0)
    if queue:
        assert called[0]["MOBILE"] == "+13178723000"
        assert called[1] == {"callbackNumber": "+13178723000", "queueId": queue}
    assert (ended.completed_at - ended.launched_at).total_seconds() == waited_s


@pytest.mark.parametrize(("inputs", "reason"), [({}, "NoPhoneNumber"), ({"phone": "+1317"}, "NoConversationID")])
def test_decisions_end_with_their_reasons(serve, inputs: dict[str, str], reason: str) -> None:
    """Each way out of the callback flow is told by its exit reason."""
    slots = {
        "flow_name": "Callback priority", "division": "Home", "default_language": "en-us",
        "data_action_category": "Callbacks", "get_interaction_state": "Get Interaction State",
        "get_callback_priority": "Get Callback Priority", "update_callback_priority": "Update Callback Priority",
    }  # fmt: skip
    ended = serve(PRIORITY, slots=slots).run("Callback priority", inputs)
    assert (ended.status, ended.completion_reason) == ("COMPLETED", reason)


# -- waits ---------------------------------------------------------------------------------------------------------

WORKBIN_ACTIONS = (
    stub("<integrationName>", "Create placeholder callback", {"conversation": {"id": "c-1"}}),
    stub("<integrationName>", "Get interaction state", {"state": "waiting"}),
    stub("<integrationName>", "Add contact to contact list"),
)


def test_wait_takes_the_sandbox_clock(serve) -> None:
    """A run is RUNNING while it waits by its input's minutes, and goes on when the clock has passed them."""
    on = serve(WORKBIN, actions=WORKBIN_ACTIONS, clock="frozen")
    launched = on.client.call("launch", "Proactive callback workbin", {"phone": "+1317", "name": "Ada", "delay": "7"})
    on.sandbox.advance(419)
    assert on.client.call("status", launched).status == "RUNNING"
    on.sandbox.advance(1)
    ended = on.client.call("status", launched)
    assert ended.status == "COMPLETED"
    assert (ended.completed_at - ended.launched_at).total_seconds() == 420
    pushed = on.asked(launched.id)[-1][0]["data"]
    assert pushed == '"phone": "+1317", "name": "Ada", "delay": "7", "callbackId": "c-1"'


def test_cancelled_callback_is_not_pushed(serve) -> None:
    """When the interaction is gone after the wait, the run ends with its reason and calls nothing more."""
    gone = stub("<integrationName>", "Get interaction state", {"state": "disconnected"})
    on = serve(WORKBIN, actions=(WORKBIN_ACTIONS[0], gone, WORKBIN_ACTIONS[2]))
    ended = on.run("Proactive callback workbin", {"phone": "+1317"})
    assert ended.completion_reason == "CallbackCanceled"
    assert len(on.asked(ended.id)) == 2


def test_workbin_without_a_phone_calls_nothing(serve) -> None:
    """Without its optional input the run ends at once."""
    on = serve(WORKBIN, actions=WORKBIN_ACTIONS)
    ended = on.run("Proactive callback workbin")
    assert (ended.status, on.asked(ended.id)) == ("COMPLETED", [])


# -- tables, conversations, directory, contacts, JSON --------------------------------------------------------------


@pytest.mark.parametrize(
    ("ani", "called", "marked"),
    [("+13178723000", 1, "True"), ("+13178723999", 0, None), ("anonymous", None, None)],
    ids=["listed", "not listed", "no number"],
)
def test_listed_callers_are_disconnected(serve, ani: str, called: int | None, marked: str | None) -> None:
    """A caller in the data table is disconnected and marked, others go on, and a text for a number fails the run."""
    slots = {
        "flow_name": "Blacklist", "division": "Home", "default_language": "en-us", "data_action_category": "Calls",
        "data_action_name": "Disconnect", "data_table": "Blocked",
    }  # fmt: skip
    on = serve(
        BLACKLIST,
        slots=slots,
        tables={"Blocked": {"rows": [{"key": "13178723000"}]}},
        conversations=[{"id": "c-1"}],
        actions=(stub("Calls", "Disconnect"),),
    )
    ended = on.run("Blacklist", {"ani": ani, "conversationId": "c-1"})
    if called is None:
        assert (ended.status, ended.error.message) == ("FAILED", '"anonymous" is not a phone number')
        return
    assert ended.status == "COMPLETED"
    assert [inputs for inputs, _ in on.asked(ended.id)] == [{"conversationId": "c-1"}] * called
    attributes = on.things().conversations["c-1", ""]
    assert attributes["TECH_Workflow_ANI"] == ani
    assert attributes.get("TECH_Blacklisted") == marked


def test_survey_is_read_from_the_table_and_posted(serve) -> None:
    """After a minute the table's row is posted by two data actions, its text turned into a number."""
    row = {"key": "c-2", "surveyUrl": "https://survey.example/1", "question1": "fine", "question2": "9"}
    on = serve(
        SURVEY,
        tables={"voice survey": {"rows": [row]}},
        actions=(stub(GENESYS, "Get Survey"), stub(GENESYS, "Post Survey Result")),
    )
    ended = on.run("voice_survey_workflow", {"conversationId": "c-2"})
    assert on.asked(ended.id)[-1][0] == {"surveyUrl": row["surveyUrl"], "question1": "fine", "question2": 9}
    assert (ended.completed_at - ended.launched_at).total_seconds() == 60


@pytest.mark.parametrize(("conversation", "called"), [("c-3", 1), ("c-none", 0)])
def test_conversation_attribute_reaches_the_data_action(serve, conversation: str, called: int) -> None:
    """An attribute of the conversation is handed to the data action; an unknown conversation calls none."""
    on = serve(
        ORCHESTRATOR,
        slots={"dataAction": "pay"},
        conversations=[{"id": "c-3", "participant": "p-1", "attributes": {"paymentId": "pay-1"}}],
        actions=(stub("pay-Lambda", "pay-data-action"),),
    )
    ended = on.run("EventOrchestra Workflow", {"conversationId": conversation, "ani": "+1"})
    assert ended.status == "COMPLETED"
    sent = [inputs for inputs, _ in on.asked(ended.id)]
    assert sent == [{"paymentId": "pay-1", "phoneNumber": "+1"}] * called


def test_user_is_found_in_the_directory(serve) -> None:
    """A user of the world is found by id, and its user name goes to the data action."""
    action = stub("*", "Update Zoom User Presence - Exported 2023-07-31 @ 14:25")
    on = serve(ZOOM, users=[{"id": "u-1", "name": "Ada", "email": "ada@example.org"}], actions=(action,))
    ended = on.run("GC User Set Zoom User to On a Call", {"userId": "u-1"})
    assert on.asked(ended.id)[0][0] == {"user": "ada@example.org", "status": "On_A_Call"}


def test_contact_is_mailed_at_its_work_address(serve) -> None:
    """An external contact named by a JSON event is read, and its field chosen by a slot is mailed to."""
    slots = {
        "flow_name": "Mail", "division": "Home", "language": "en-us", "gc_data_actions_integration": "Mailer",
        "send_agentless_email_action": "Send", "from_email": "bot@example.org", "email_subject": "Hello",
        "external_contact_email_type": "workEmail", "email_body": "We missed you",
    }  # fmt: skip
    on = serve(
        MAIL,
        slots=slots,
        contacts=[{"id": "ec-1", "name": "Jane Doe", "workEmail": "jane@example.org"}],
        conversations=[{"id": "c-4"}],
        actions=(stub("Mailer", "Send"),),
    )
    ended = on.run("Mail", {"jsonData": {"conversationId": "c-4", "externalContactId": "ec-1"}})
    assert on.asked(ended.id)[0][0]["TO_EMAIL"] == "jane@example.org"
    assert on.things().conversations["c-4", ""]["WebMessagingNotificationTriggered"] == "true"


def test_json_event_becomes_a_case(serve) -> None:
    """Properties of a JSON input, a phone number among them, pass through three data actions into a case."""
    sales = "Mickelsen_SFDC Data Actions"
    on = serve(
        SUMMARY,
        actions=(
            stub(sales, "Mickelsen_SFDC_Get Contact by Phone Number_Finance_Insurance", {"Id": "sf-1"},
                 inputs={"PHONE_NUMBER": "+13178723000"}),
            stub(GENESYS, "Mickelsen Get Summary", {"text": "All well"}, inputs={"conversationId": "c-5"}),
            stub(sales, "Mickelsen_SFDC_Create Case", {"id": "case-1", "success": True}),
        ),
    )  # fmt: skip
    ended = on.run("Mickelsen_Conversation_Summary", {"jsonData": {"conversationId": "c-5", "ani": "tel:+13178723000"}})
    assert ended.status == "COMPLETED"
    made = on.asked(ended.id)[-1][0]
    assert made == {"description": "All well", "subject": "Backorder Status TKM1115", "contactId": "sf-1"}


# -- failures, modules, and the smallest flow ----------------------------------------------------------------------


def test_missing_input_fails_as_on_the_platform(serve) -> None:
    """An input that was not given fails the run where it is first needed, with the official code and expression."""
    slots = {
        "flow_name": "SMS", "division": "Home", "data_action_category": "Texts",
        "agentless_sms_data_action_name": "Send", "sms_number": "+13175550100",
    }  # fmt: skip
    ended = serve(SMS, slots=slots).run("SMS")
    assert (ended.status, ended.completion_reason) == ("FAILED", "Failure")
    assert ended.error.code == "error.workflow.expression.unexpectedNull"
    assert ended.error.params == {"expression": "right(Flow.ani,12)", "pos": "6"}


CALLER = """
workflow:
  name: Merge a contact
  division: Home
  startUpRef: "/workflow/states/state[start]"
  defaultLanguage: en-us
  supportedLanguages: {en-us: {none: true}}
  variables:
    - stringVariable: {name: Flow.email, initialValue: {noValue: true}, isInput: true, isOutput: false}
    - stringVariable: {name: Flow.contact, initialValue: {noValue: true}, isInput: false, isOutput: true}
    - booleanVariable: {name: Flow.done, initialValue: {noValue: true}, isInput: false, isOutput: true}
  states:
    - state:
        name: Start
        refId: start
        actions:
          - callCommonModule:
              name: Resolve
              commonModule:
                Resolve contact:
                  ver_latestPublished:
                    inputs:
                      Common.conversationId: {lit: c-6}
                      Common.identifierType: {lit: Email}
                      Common.identifierValue: {exp: Flow.email}
                    outputs:
                      Common.externalContactId: {var: Flow.contact}
                      Common.success: {var: Flow.done}
          - endWorkflow: {name: Done, exitReason: {lit: Resolved}}
"""


@pytest.mark.parametrize(("held", "contact"), [("ec-1", "ec-1"), ("ec-2", "merged-1")])
def test_public_common_module_is_called_by_a_workflow(serve, held: str, contact: str) -> None:
    """A workflow of ours calls the public module, which merges contacts when they differ."""
    slots = {
        "module_name": "Resolve contact", "division": "Home", "data_action_category": "Contacts",
        "fetch_external_contact_by_identifier_data_action": "Fetch", "merge_external_contacts_data_action": "Merge",
        "get_external_contact_id_for_customer_participant_data_action": "Held",
    }  # fmt: skip
    on = serve(
        RESOLVE,
        slots=slots,
        actions=(
            stub("Contacts", "Fetch", {"id": "ec-1"}, inputs={"value": "jane@example.org"}),
            stub("Contacts", "Held", {"externalContactId_external": held}),
            stub("Contacts", "Merge", {"id": "merged-1"}, inputs={"sourceContactId": "ec-2"}),
        ),
    )
    on.sandbox.upload_flow(CALLER, "caller.yaml")
    ended = on.run("Merge a contact", {"email": "jane@example.org"})
    assert ended.output_data == {"Flow.contact": contact, "Flow.done": True}
    assert ended.completion_reason == "Resolved"


def test_common_module_cannot_be_launched_itself(serve) -> None:
    """Launching a module instead of a workflow is refused, and nothing runs."""
    slots = {"module_name": "Resolve contact", "division": "Home", "data_action_category": "Contacts"}
    names = ("fetch_external_contact_by_identifier", "merge_external_contacts",
             "get_external_contact_id_for_customer_participant")  # fmt: skip
    on = serve(RESOLVE, slots=slots | {f"{name}_data_action": name for name in names})
    with pytest.raises(InvalidRequestError, match="COMMONMODULE"):
        on.client.call("launch", "Resolve contact", preflight="warn")
    assert on.sandbox.launches() == []


def test_smallest_flow_completes(serve) -> None:
    """The provider's example, a lone End Workflow, completes without inputs or outputs."""
    ended = serve(EXAMPLE).run("Workflow Flow Example")
    assert (ended.status, ended.output_data, ended.error) == ("COMPLETED", {}, None)
