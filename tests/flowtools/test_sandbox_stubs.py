"""The sandbox answers from the same stubs as offline runs, and every execution leaves a trace."""

from __future__ import annotations

import json
import shutil
from urllib.request import urlopen

import pytest
from flow_desk import CASES, FLOWS, SMALL_FLOW, TUTORIAL

from flowlaunch import Client
from flowlaunch.sandbox import Sandbox


@pytest.fixture
def launch(tmp_path):
    """Launch the small flow in a sandbox with the world given; give executions, one for each set of inputs."""
    (tmp_path / "small.yaml").write_text(SMALL_FLOW)

    def run(world: dict, *inputs: dict, name: str = "Small"):
        with Sandbox(flows=tmp_path, world=world, clock="virtual") as sandbox, _client(sandbox) as client:
            return [client.run(name, given) for given in inputs], sandbox.journal()

    return run


def _client(sandbox):
    return Client(region=sandbox.url, client_id="demo", client_secret="demo-secret")


def tiers(executions):
    """Give the tier that each execution returned."""
    return [execution.output_data["Flow.tier"] for execution in executions]


def test_conditions_templates_and_patterns_hold_in_the_sandbox(launch):
    """A world file's data actions take conditions, patterns in names and templates."""
    world = {
        "data_actions": [
            {"action": "Get *", "inputs": {"id": {"glob": "C-*"}}, "outputs": {"tier": "for ${input.id}"}},
            {"category": "CRM", "outputs": {"tier": "other"}},
        ]
    }
    executions, _ = launch(world, {"id": "C-1"}, {"id": "D"})
    assert tiers(executions) == ["for C-1", "other"]


def test_sequences_go_on_over_executions(launch):
    """In a sandbox a sequence answers one execution after another, until the world is reset."""
    world = {
        "data_actions": [{"action": "Get Tier", "sequence": [{"outputs": {"tier": "a"}}, {"outputs": {"tier": "b"}}]}]
    }
    executions, _ = launch(world, {}, {}, {})
    assert tiers(executions) == ["a", "b", "b"]


def test_single_actions_end_as_the_world_says(launch):
    """`actions` of a world file end an action by its name, whatever the data actions say."""
    world = {"actions": [{"name": "Ask", "path": "success", "outputs": {"tier": "told"}}], "data_actions": []}
    executions, _ = launch(world, {"id": "7"})
    assert tiers(executions) == ["told"]


def trace_of(sandbox, execution_id):
    """Read the trace of an execution from the control plane."""
    with urlopen(f"{sandbox.url}/sandbox/executions/{execution_id}/trace", timeout=60) as answer:  # noqa: S310 - loopback
        return json.load(answer)


@pytest.mark.parametrize(
    ("world", "last", "path"),
    [
        ({"data_actions": [{"action": "Get Tier", "outputs": {"tier": "gold"}}]}, "Done", None),
        ({"data_actions": []}, "Ask", None),
    ],
)
def test_every_execution_leaves_a_trace(tmp_path, world, last, path):
    """The trace of a completed run, and of one that no stub answered, can be read from the control plane."""
    (tmp_path / "small.yaml").write_text(SMALL_FLOW)
    with Sandbox(flows=tmp_path, world=world, clock="virtual") as sandbox, _client(sandbox) as client:
        launched = client.launch("Small", {"id": "7", "count": 3})
        client.wait(launched)
        trace = trace_of(sandbox, launched.id)
    entry = trace["entries"][-1]
    assert (entry["action"]["name"], entry["path"]) == (last, path)
    assert trace["entries"][0]["action"]["line"] == 15
    if last == "Ask":
        assert "has no stub" in entry["error"]


def test_case_files_in_a_flow_folder_are_no_flows(tmp_path):
    """A flow folder may hold case files and snapshots beside the flows; they are not taken for flows."""
    for path in (TUTORIAL, CASES, CASES.with_name("appointment-reminder.test.snapshots.yaml")):
        shutil.copy(path, tmp_path)
    with Sandbox(flows=tmp_path, world={"flows": []}) as sandbox, _client(sandbox) as client:
        assert [flow.name for flow in client.flows()] == ["Appointment reminder"]


def test_the_tutorial_flow_is_in_the_built_in_world():
    """The flow of the tutorial can be launched in the built-in world, and ends there as it does offline."""
    with Sandbox(clock="virtual") as sandbox, _client(sandbox) as client:
        execution = client.run("Appointment reminder", {"appointmentId": "A-1"})
        unknown = client.run("Appointment reminder", {"appointmentId": "A-404"})
    assert execution.output_data["Flow.outcome"] == "reminded at attempt 1"
    assert unknown.output_data["Flow.outcome"] == "There is no appointment A-404."


def test_csv_tables_work_in_the_sandbox(tmp_path):
    """A table of a world file may be CSV, whose cells take the type of what they fill."""
    lookup = SMALL_FLOW.partition("          - callData:")[0] + (
        "          - dataTableLookup:\n              name: Look\n              lookupValue: {lit: a}\n"
        "              dataTable: {T: {foundOutputs: {tier: {var: Flow.tier}, many: {var: Flow.many}}}}\n"
        "          - endWorkflow: {name: Done}\n"
    )
    (tmp_path / "small.yaml").write_text(lookup)
    world = {"tables": {"T": {"csv": "key,tier,many\na,007,true\n"}}}
    with Sandbox(flows=tmp_path, world=world, clock="virtual") as sandbox, _client(sandbox) as client:
        outputs = client.run("Small", {}).output_data
    assert (outputs["Flow.tier"], outputs["Flow.many"]) == ("007", True)


def test_the_built_in_world_is_a_stub_file():
    """What the sandbox ships is read by offline runs without a word changed."""
    from flowlaunch.testing import load_stubs

    stubs = load_stubs(FLOWS / "world.yaml")
    assert {stub.category for stub in stubs.data_actions} == {"Demo CRM", "Demo Calendar"}
