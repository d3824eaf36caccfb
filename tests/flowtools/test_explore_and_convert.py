"""The reference flows run to an end on every path that can be reached; exports convert to flows that run alike."""

from __future__ import annotations

import pytest
import yaml
from flow_desk import SHARED, SLOTS, TUTORIAL, shared_files

from flowlaunch.architect.convert import convert_export
from flowlaunch.architect.explore import explore, write_cases
from flowlaunch.architect.explore.world import ExploringWorld
from flowlaunch.architect.interpret import drive, run
from flowlaunch.architect.load import load_flow
from flowlaunch.architect.templates import slot_names
from flowlaunch.errors import FlowSyntaxError
from flowlaunch.testing import load_flow_file, run_cases

FILES = shared_files()
EXPORTS = [path for path in FILES if path.suffix.startswith(".i3")]
UNREACHABLE = {
    # conditions on State variables that nothing ever sets
    "callback-prioritization__Callback-Prioritization-Workflow.yaml": {
        'decision "Terminate if no conversation ID" never left by yes'
    },
    "callback-prioritization__Callback-Prioritization.i3WorkFlow": {
        'decision "Terminate if no conversation ID" never left by yes'
    },
    "gc-presence-update-from-ms-teams__ms-teams-integrations-presence-trigger.yaml": {
        'decision "Decision" never left by yes'
    },
}


def load_shared(path):
    """Load a reference flow; every slot is filled with its own name."""
    text = path.read_text()
    names = slot_names(text) if path.suffix == ".yaml" else ()
    return load_flow(text, name=path.name, slots={name: SLOTS.get(name, name.replace("_", " ")) for name in names})


def test_references_are_here():
    """There are reference flows and exports to try, when they are beside this checkout."""
    if not SHARED.exists():
        pytest.skip("../shared is not beside this checkout")
    assert len(FILES) >= 25


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_reachable_path_is_taken(path):
    """Inputs and generated answers take every path of a reference flow, and every run comes to an end."""
    found = explore(load_shared(path))
    assert set(found.ends) <= {"COMPLETED", "FAILED"}
    missing = {line.partition(": ")[2] for line in found.coverage.missing()}
    gates = {line for line in missing if "never left by" in line}
    assert gates == UNREACHABLE.get(path.name, set())
    if not gates:
        assert missing == set()


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: path.name)
def test_a_converted_export_is_the_same_flow(path):
    """An export and the YAML made of it have the same actions, paths, variables and start."""
    export = load_shared(path)
    text = convert_export(path.read_bytes(), name=path.name)
    twin = load_flow(text, name="twin.yaml")
    assert shape(twin) == shape(export)
    assert yaml.safe_load(text).keys() == {"workflow"}


def shape(flow):
    """Give everything of a flow that a run depends on."""
    actions = [(one.ref.key, one.ref.name, one.ref.place, sorted(one.paths)) for one in flow.actions()]
    variables = [
        (one.name, one.type, one.is_input, one.is_output, one.initial.kind, one.initial.text) for one in flow.variables
    ]
    return flow.name, flow.type, flow.start, actions, variables


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: path.name)
def test_an_export_and_its_yaml_run_alike(path):
    """Every run that the search found ends the same from the export and from the YAML made of it."""
    export = load_shared(path)
    twin = load_flow(convert_export(path.read_bytes(), name=path.name), name="twin.yaml")
    found = explore(export)
    assert found.runs
    for one in found.runs:
        assert replay(twin, one) == replay(export, one)


def replay(flow, one):
    """Run a flow with the answers of a found run; give what it did, without lines."""
    answers = iter(one.chosen)
    world = ExploringWorld({flow.name: flow}, {}, None, lambda _: 0)

    def answer(effect):
        from flowlaunch.architect.stubs.answers import answer_of

        if type(effect).__name__ in {"Wait", "FindModule"}:
            return world.answer(effect)
        return answer_of(effect, next(answers).ending)

    result = drive(run(flow, one.inputs, world), answer)
    entries = [(entry.ref.name, entry.path, entry.inputs, entry.changes, entry.error) for entry in result.trace.entries]
    return result.status, dict(result.outputs), result.exit_reason, entries


TWINS = (
    "wfm-hris-blueprint__HRIS-Get-Agents.i3WorkFlow",
    "wfm-hris-blueprint__HRIS-Get-TimeOff-Types.i3WorkFlow",
    "genesys-cloud-voice-survey__voice_survey_workflow_v1-0.i3WorkFlow",
)


@pytest.mark.parametrize("export", TWINS)
def test_yaml_and_export_of_one_flow_run_alike(export):
    """The public YAML of a flow and the public export of it end alike on every run that the search found."""
    if not SHARED.exists():
        pytest.skip("../shared is not beside this checkout")
    original = load_shared(SHARED / "exports" / export)
    twin = load_shared(SHARED / "flows" / f"{export}.yaml")
    for one in explore(original).runs:
        assert replay(twin, one) == replay(original, one)


def test_yaml_is_no_export():
    """Converting YAML is refused with a hint."""
    with pytest.raises(FlowSyntaxError, match="no Architect export"):
        convert_export(TUTORIAL.read_bytes(), name="x.yaml")


def test_the_search_is_the_same_every_time():
    """Two searches find the same runs."""
    flow = load_flow_file(TUTORIAL)
    first, second = explore(flow), explore(flow)
    assert [one.inputs for one in first.runs] == [one.inputs for one in second.runs]
    assert first.tried == second.tried


def test_found_cases_pass_and_cover_as_much(tmp_path):
    """The case file written from a search passes as it is and takes the paths that the search took."""
    flow = load_flow_file(TUTORIAL)
    found = explore(flow)
    (tmp_path / "flow.yaml").write_text(TUTORIAL.read_text())
    path = tmp_path / "flow.test.yaml"
    path.write_text(write_cases(found, "flow.yaml"))
    result = run_cases(path)
    assert result.problem is None
    assert [(one.case.name, one.error, one.mismatches) for one in result.results if one.state != "passed"] == []
    assert result.coverage().report()[0].percent == found.coverage.percent == 100.0


GATES = """\
workflow:
  name: Gates
  startUpRef: "/workflow/states/state[start]"
  variables:
    - stringVariable: {name: Flow.id, initialValue: {noValue: true}, isInput: true}
  states:
    - state:
        name: Start
        refId: start
        actions:
          - evaluateSchedule:
              name: Open
              evaluate: {now: true}
              schedule: {lit: {name: Hours}}
          - evaluateScheduleGroup:
              name: Group
              evaluate: {now: true}
              scheduleGroup: {lit: {name: All hours}}
          - switch:
              name: Which
              evaluate:
                firstMatch:
                  string:
                    value: {exp: Flow.id}
                    cases:
                      - case: {value: {exp: '"c" + "2"'}, actions: [{endWorkflow: {name: Case}}]}
          - endWorkflow: {name: Done}
"""


def test_drafted_cases_answer_schedules_without_paths(tmp_path):
    """Drafted cases take every state of a schedule and every computed case of a switch, and pass as they are."""
    flow = load_flow(GATES, name="gates.yaml")
    found = explore(flow)
    assert list(found.coverage.missing()) == []
    (tmp_path / "gates.yaml").write_text(GATES)
    (tmp_path / "gates.test.yaml").write_text(write_cases(found, "gates.yaml"))
    results = run_cases(tmp_path / "gates.test.yaml").results
    assert [one.case.name for one in results if one.state != "passed"] == []
    assert len(results) >= 3
