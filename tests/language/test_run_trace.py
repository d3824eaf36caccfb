"""Traces: every action with its inputs, path, changes and time, within limits."""

from __future__ import annotations

import json

from flow_world import OUT, START, World, append, assign, load, load_shared, log, run_actions, variable

from flowlaunch.architect import effects as fx
from flowlaunch.architect.trace import MAX_ITEMS, MAX_TEXT_CHARS, clip
from flowlaunch.architect.values import Json


def test_trace_tells_the_story_of_a_run():
    """Each entry names the action, its inputs, the path taken and what it changed."""
    flow = load_shared("genesys-cloud-voice-survey__voice_survey_workflow_v1-0.i3WorkFlow.yaml")
    row = {"surveyUrl": "u", "question1": "q", "question2": "5"}
    trace = World({"TableLookup": fx.Found(row)}).run(flow, {"Flow.conversationId": "c-1"}).trace
    assert [(entry.ref.key, entry.path) for entry in trace.entries] == [
        ("wait", None),
        ("dataTableLookup", "found"),
        ("callData", "success"),
        ("callData", "success"),
        ("endWorkflow", None),
    ]
    lookup = trace.entries[1]
    assert dict(lookup.inputs) == {"table": "voice survey", "lookupValue": "c-1"}
    assert ("State.varSurveyUrl", "u") in lookup.changes
    assert (lookup.started_at - START).total_seconds() == 60


def test_trace_is_json():
    """A trace renders as JSON, with NOT_SET as null and places that can be drawn."""
    result = run_actions(log("a"), OUT + variable("string", "Flow.x"))
    rendered = json.loads(json.dumps(result.trace.as_json()))
    entry = rendered["entries"][0]
    assert entry["action"]["state"] == "Start"
    assert entry["action"]["path"] == ["0"]
    assert entry["changes"] == [{"variable": "Flow.log", "value": "a"}]
    assert entry["startedAt"] == "2026-11-21T12:00:00Z"


def test_failed_action_is_the_last_entry():
    """The action that failed is in the trace with its message."""
    result = run_actions(
        log("a") + assign("integer", "Flow.n", """exp: 'ToInt("x y")'"""), OUT + variable("integer", "Flow.n")
    )
    assert result.trace.entries[-1].ref == result.error.ref
    assert result.trace.entries[-1].error == result.error.message


def test_large_values_are_clipped():
    """Long texts, long collections and large JSON documents are kept in part."""
    assert len(clip("x" * 100_000)) < MAX_TEXT_CHARS + 50
    assert len(clip(tuple(range(100_000)))) == MAX_ITEMS + 1
    big = {f"key {index}": [1, 2, 3] for index in range(10_000)}
    assert len(json.dumps(clip(Json(big)).value)) < 10_000


def test_trace_of_a_growing_text_stays_small():
    """A loop that doubles a text leaves a trace of bounded size."""
    grow = append("Flow.log", 10)
    text = "- loop:\n    name: L\n    loopCount:\n      lit: 12\n    outputs:\n      loop:\n        actions:\n" + grow
    result = run_actions(log("0123456789") + text)
    assert len(result.outputs["Flow.log"]) == 10 * 2**12
    assert len(json.dumps(result.trace.as_json())) < 20_000


def test_executed_pairs_serve_coverage():
    """The executed actions and paths of a run can be compared with all of the flow's."""
    actions = "- decision:\n    name: D\n    condition:\n      lit: true\n    outputs:\n      yes:\n        actions:\n"
    flow = load(actions + log("a", 10) + log("b"), OUT)
    executed = World().run(flow).trace.executed()
    assert executed == {(0, "yes"), (1, None), (2, None)}
    assert {number for number, _ in executed} == {action.ref.number for action in flow.actions()}


def test_trace_may_be_kept_short():
    """A driver that keeps many runs may bound the number of entries; the rest is counted."""
    from flowlaunch.architect.interpret import drive, run

    world = World()
    flow = load(log("a") * 5, OUT)
    trace = drive(run(flow, {}, world, trace_entries=2), world.answer).trace
    assert (len(trace), len(trace.entries), trace.left_out) == (2, 2, 3)
