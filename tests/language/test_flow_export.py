"""Architect exports: the same flow, and the same run, as its Archy twin."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from flow_world import World, load_shared, shared_text

from flowlaunch.architect import effects as fx
from flowlaunch.architect.export_text import decode_export
from flowlaunch.architect.load import load_flow
from flowlaunch.architect.source import Source
from flowlaunch.errors import FlowNameError, FlowSyntaxError, FlowUnsupportedError

TWINS = {
    "genesys-cloud-voice-survey__voice_survey_workflow_v1-0": (
        {"Flow.conversationId": "c-1"},
        {"TableLookup": fx.Found({"surveyUrl": "https://s.example/1", "question1": "good", "question2": "7"})},
    ),
    "wfm-hris-blueprint__HRIS-Get-Agents": (
        {},
        {"CallDataAction": fx.DataActionSuccess({"employees": [{"id": "1", "workEmail": "a@x"}, {"id": "2"}]})},
    ),
    "wfm-hris-blueprint__HRIS-Get-TimeOff-Types": (
        {},
        {"CallDataAction": fx.DataActionFailure({"errorCode": "bad", "status": 503, "userMessage": "down"})},
    ),
}
ACTIONS_OF_EXPORT = {
    "ani-blacklist__Blacklist.i3WorkFlow": ["setConversationData", "decision", "dataTableLookup", "callData"],
    "callback-prioritization__Callback-Prioritization.i3WorkFlow": ["updateData", "decision", "decision", "updateData"],
}  # fmt: skip


@pytest.mark.parametrize("stem", TWINS)
def test_export_runs_like_its_archy_twin(stem: str):
    """One flow as YAML and as export asks the same things, takes the same paths and gives the same outputs."""
    inputs, answers = TWINS[stem]
    runs = []
    for name, folder in ((f"{stem}.i3WorkFlow.yaml", "flows"), (f"{stem}.i3WorkFlow", "exports")):
        world = World(answers)
        result = world.run(load_shared(name, folder), inputs)
        steps = [(entry.ref.key, entry.ref.path, entry.path, entry.changes) for entry in result.trace.entries]
        asked = [(type(effect).__name__, getattr(effect, "inputs", None)) for effect in world.asked]
        runs.append((result.status, result.outputs, result.exit_reason, steps, asked))
    assert runs[0] == runs[1]
    assert runs[0][0] == "COMPLETED"
    assert len(runs[0][3]) >= 3


@pytest.mark.parametrize("name", ACTIONS_OF_EXPORT)
def test_export_keeps_the_order_of_actions(name: str):
    """The graph of an export becomes nested actions in the order they run."""
    keys = [action.key for action in load_shared(name, "exports").actions()]
    wanted = ACTIONS_OF_EXPORT[name]
    assert keys[: len(wanted)] == wanted


def test_blacklist_export_equals_the_published_template():
    """The blacklist export and its Archy template hold the same actions at the same places."""
    shapes = []
    for name, folder in (
        ("ani-blacklist__blacklist.yaml", "flows"),
        ("ani-blacklist__Blacklist.i3WorkFlow", "exports"),
    ):
        shapes.append([(action.key, action.ref.path) for action in load_shared(name, folder).actions()])
    assert shapes[0] == shapes[1]


def test_decoded_json_loads_too():
    """The JSON inside an export, as the API gives a flow's configuration, loads as well."""
    name = "ani-blacklist__Blacklist.i3WorkFlow"
    document = decode_export(Source(name, shared_text("exports", name)))
    flow = load_flow(json.dumps(document), name="configuration.json")
    assert flow.name == "Blacklist"
    assert flow.actions().__next__().ref.line == 0


def test_errors_in_an_export_name_the_action():
    """An expression that fails to compile in an export is shown with the action it stands in."""
    text = encode([act("A1", "DecisionAction", expression=value("Flow.nope", "bln"))])
    with pytest.raises(FlowNameError) as caught:
        load_flow(text, name="x.i3WorkFlow")
    assert "x.i3WorkFlow: S / 7 A1" in str(caught.value)
    assert "Flow.nope" in str(caught.value)


def test_unknown_action_of_an_export_is_named():
    """An action type that is not read is named, with what to do instead."""
    with pytest.raises(FlowUnsupportedError, match="TransferPureMatchAction") as caught:
        load_flow(encode([act("A1", "TransferPureMatchAction")]), name="x.i3WorkFlow")
    assert "Archy" in caught.value.hint


def test_unknown_action_of_an_export_is_left_out_when_lenient():
    """With lenient loading an action type that is not read becomes a recorded no-op."""
    text = encode([act("A1", "TransferPureMatchAction", nextAction="A2"), act("A2", "EndWorkflowAction")])
    flow = load_flow(text, name="x.i3WorkFlow", lenient=True)
    assert [action.key for action in flow.actions()] == ["TransferPureMatchAction", "endWorkflow"]
    assert World().run(flow).status == "COMPLETED"


def test_voice_action_of_an_export_is_recorded():
    """Voice actions of an export are handed over with the fields that hold a value."""
    audio = {"config": {"lit": {"text": "Hello", "type": "aud"}}, "text": "Hello", "type": "aud"}
    world = World()
    world.run(load_flow(encode([act("A1", "PlayAudioAction", audio=audio)]), name="x.i3WorkFlow"))
    assert (world.asked[0].verb, dict(world.asked[0].inputs)) == ("playAudio", {"audio": "Hello"})


def test_export_of_another_flow_type_is_refused():
    """An export of an inbound call flow is refused by its type."""
    with pytest.raises(FlowUnsupportedError, match="inboundcall"):
        load_flow(encode([act("A1", "DisconnectAction")], kind="inboundcall"), name="x.i3InboundFlow")


@pytest.mark.parametrize(
    ("change", "message"), [({"startAction": "gone"}, "missing"), ({"id": "other"}, "first state")]
)
def test_damaged_export_is_refused(change: dict[str, str], message: str):
    """An export whose ids do not fit together is refused."""
    with pytest.raises(FlowSyntaxError, match=message):
        load_flow(encode([act("A1", "EndStateAction")], **change), name="x.i3WorkFlow")


def test_cut_off_export_is_refused():
    """An export that was cut off is refused as damaged."""
    text = shared_text("exports", "ani-blacklist__Blacklist.i3WorkFlow").strip()
    with pytest.raises(FlowSyntaxError, match="damaged"):
        load_flow(text[: len(text) // 2 // 4 * 4], name="cut.i3WorkFlow")


def test_common_module_export_runs():
    """A common module's export runs from its start-up task to its end."""
    document = {
        "name": "Greeter",
        "type": "commonmodule",
        "initialSequence": "s",
        "variables": [declare("Common.who", "in"), declare("Common.text", "out")],
        "flowSequenceItemList": [sequence([
            act("A1", "UpdateVariableAction", variables=[
                {"variable": value("Common.text", "str"), "expression": value('"Hello " + Common.who', "str")}
            ], nextAction="A2"),
            act("A2", "EndTaskAction"),
        ], kind="Task")],
    }  # fmt: skip
    flow = load_flow(pack(document), name="g.i3CommonModuleFlow")
    assert World().run(flow, {"Common.who": "Ada"}).outputs == {"Common.text": "Hello Ada"}


def test_loops_switches_and_tasks_of_exports_run():
    """Loops, switches, tasks and state changes of an export run as their Archy forms do."""
    loop = act("A1", "LoopAction", loopCount=literal("3", "int"), currentIndex=value("Flow.i", "int"), nextAction="A4",
               path={"outputId": "__LOOP__", "nextActionId": "A2"})  # fmt: skip
    case = {"outputId": "one", "value": literal("1", "int")}
    switch = act("A2", "SwitchAction", value=value("Flow.i", "int"), cases=[case],
                 paths=[{"outputId": "one", "nextActionId": "A3"}])  # fmt: skip
    actions = [loop, switch, act("A3", "ExitLoopAction"), act("A4", "CallTaskAction", taskId="t")]
    task = sequence([act("A1", "EndTaskAction")], id="t", kind="Task", name="Chore")
    document = {
        "name": "Round", "type": "workflow", "initialSequence": "s",
        "variables": [declare("Flow.i", "out", "Integer")],
        "flowSequenceItemList": [sequence(actions), task],
    }  # fmt: skip
    result = World().run(load_flow(pack(document), name="r.i3WorkFlow"))
    assert result.outputs == {"Flow.i": 1}
    assert [entry.ref.key for entry in result.trace.entries] == [
        "loop", "switch", "loop", "switch", "loopExit", "callTask", "endTask",
    ]  # fmt: skip


def test_conversation_actions_of_exports_run():
    """Reading attributes in an export fills the variables, writing sends their values."""
    held = {"variable": literal("colour", "str"), "expression": value("Flow.i", "str")}
    ids = {"conversationId": literal("c-1", "str")}
    actions = [
        act("A1", "GetConversationDataAction", variables=[held], nextAction="A2", **ids),
        act("A2", "SetAttributesAction", variables=[held], nextAction="A3"),
        act("A3", "GetAttributesAction", variables=[held]),
    ]
    world = World({"ReadConversation": fx.Found({"colour": "red"})})
    document = {"name": "F", "type": "workflow", "initialSequence": "s", "variables": [declare("Flow.i", "out")]}
    flow = load_flow(pack({**document, "flowSequenceItemList": [sequence(actions)]}), name="x.i3WorkFlow")
    assert world.run(flow).outputs == {"Flow.i": "red"}
    assert world.asked[0].conversation_id == "c-1"
    assert dict(world.asked[1].attributes) == {"colour": "red"}


def test_objects_and_modules_of_exports_are_named():
    """An object chosen in an export keeps its id and name, and a module call names its module."""
    chosen = {"config": {"lit": {"text": "Sales", "val": "q-1", "type": "que"}}, "text": "Sales", "type": "que"}
    update = act("A1", "UpdateVariableAction", nextAction="A2", variables=[
        {"variable": value("Flow.i", "que"), "expression": chosen}
    ])  # fmt: skip
    call = act("A2", "CallCommonModuleAction", commonModuleName="Greeter", flowVersion="2.0")
    document = {"name": "F", "type": "workflow", "initialSequence": "s"}
    variables = [declare("Flow.i", "out", "Queue")]
    flow = load_flow(
        pack({**document, "variables": variables, "flowSequenceItemList": [sequence([update, call])]}), name="x"
    )
    world = World()
    result = world.run(flow)
    assert (world.asked[-1].name, world.asked[-1].version) == ("Greeter", "2.0")
    assert result.values["flow.i"].id == "q-1"


def value(text: str, kind: str) -> dict[str, Any]:
    return {"config": {"ref": {"pos": 1, "text": text, "type": kind}}, "text": text, "type": kind}


def literal(text: str, kind: str) -> dict[str, Any]:
    return {"config": {"lit": {"pos": 1, "text": text, "type": kind}}, "text": text, "type": kind}


def declare(name: str, flag: str, kind: str = "String") -> dict[str, Any]:
    empty = {"config": {"emp": {"pos": 1, "text": "", "type": "str"}}, "text": "", "type": "str"}
    flags = {"isInput": flag == "in", "isOutput": flag == "out", "isCollection": False}
    return {"__type": f"{kind}Variable", "name": name, "initialValue": empty, **flags}


def act(name: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"__type": kind, "id": name, "name": name, "trackingId": 7, **fields}


def sequence(actions: list[dict[str, Any]], kind: str = "State", **change: Any) -> dict[str, Any]:
    start = {"startAction": "A1", "actionList": actions, "trackingId": 1}
    return {"__type": kind, "id": "s", "name": "S", **start, **change}


def encode(actions: list[dict[str, Any]], kind: str = "workflow", **change: Any) -> str:
    document = {"name": "F", "type": kind, "initialSequence": "s"}
    return pack({**document, "flowSequenceItemList": [sequence(actions, **change)]})


def pack(document: dict[str, Any]) -> str:
    return base64.b64encode(quote(json.dumps(document)).encode()).decode()
