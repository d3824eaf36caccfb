"""What runs cover, and which mistakes the cases of a flow notice."""

from __future__ import annotations

import pytest
from flow_desk import SMALL_FLOW

from flowlaunch.architect.coverage import Coverage
from flowlaunch.architect.load import load_flow
from flowlaunch.testing import mutants, run_cases, run_flow, run_mutants

GOLD = {"data_actions": [{"action": "Get Tier", "outputs": {"tier": "gold"}}]}
SMALL = load_flow(SMALL_FLOW, name="small.yaml")


def covered(*runs):
    """Count what runs of the small flow took."""
    coverage = Coverage()
    coverage.know(SMALL)
    for outcome in runs:
        coverage.add(outcome.trace)
    return coverage.of(SMALL)


def test_nothing_run_is_nothing_covered():
    """Without runs every action is missing, once."""
    report = covered()
    assert report.percent == 0.0
    assert report.missing() == [
        'small.yaml:15: callData "Ask" never ran',
        'small.yaml:27: decision "Are there many" never ran',
        'small.yaml:33: updateData "Note it" never ran',
        'small.yaml:37: endWorkflow "Done" never ran',
    ]


def test_paths_count_even_if_nobody_filled_them():
    """Failure and timeout of a data action and the `no` of a decision are paths that a flow may leave out."""
    report = covered(run_flow(SMALL, {"count": 5}, stubs=GOLD))
    assert (report.actions_hit, report.paths_hit, report.paths_total) == (4, 2, 5)
    assert report.missing() == [
        'small.yaml:15: callData "Ask" never left by failure, timeout',
        'small.yaml:27: decision "Are there many" never left by no',
    ]


def test_coverage_adds_up_over_runs():
    """Runs that take different paths together cover the flow."""
    failing = {"data_actions": [{"action": "*", "failure": {}}]}
    late = {"data_actions": [{"action": "*", "timeout": True}]}
    runs = [
        run_flow(SMALL, {"count": 5}, stubs=GOLD),
        run_flow(SMALL, {"count": 1}, stubs=failing),
        run_flow(SMALL, {"count": 1}, stubs=late),
    ]
    report = covered(*runs)
    assert (report.percent, report.missing()) == (100.0, [])
    assert report.as_json()["actions"][0]["paths"] == {"success": 1, "failure": 1, "timeout": 1}


TASKS = """\
workflow:
  name: Tasks
  startUpRef: "/workflow/states/state[s]"
  variables:
    - booleanVariable: {name: Flow.left, initialValue: {lit: true}, isInput: true}
  states:
    - state:
        name: S
        refId: s
        actions:
          - callTask:
              name: Call
              targetTaskRef: "/workflow/tasks/task[t]"
              outputs:
                left: {actions: [{endWorkflow: {name: By the left}}]}
                right: {actions: [{endWorkflow: {name: By the right}}]}
  tasks:
    - task:
        name: T
        refId: t
        actions:
          - decision:
              name: Which way
              condition: {exp: Flow.left}
              outputs:
                "yes": {actions: [{endTask: {name: L, outputPath: {name: left}}}]}
                "no": {actions: [{endTask: {name: R, outputPath: {name: right}}}]}
"""


def test_end_paths_of_tasks_are_paths_of_their_callers():
    """The path that a called task ended by counts for the action that called it."""
    flow = load_flow(TASKS, name="tasks.yaml")
    coverage = Coverage()
    coverage.add(run_flow(flow, {"left": True}).trace)
    call = coverage.of(flow).actions[0]
    assert dict(call.paths) == {"left": 1, "right": 0}


# -- mutants -----------------------------------------------------------------------------------------------------


def test_mutants_change_what_they_say():
    """Conditions are negated, operators and their bounds changed, literals changed, statements left out."""
    changes = [f"{one.kind}: {one.change}" for one in mutants(SMALL)]
    assert changes == [
        "literal: `PT10S` became `PT1M10S`",
        "negated: `Flow.count > 2` negated",
        "operator: `>` became `>=` in `Flow.count > 2`",
        "operator: `>` became `<` in `Flow.count > 2`",
        "literal: `2` became `3` in `Flow.count > 2`",
        "literal: `true` became `false`",
        "omitted: Flow.many is not set",
    ]


def test_a_mutant_runs_as_changed_and_spares_the_flow():
    """The mutant does what it says; the flow itself stays as it was."""
    negated = next(one for one in mutants(SMALL) if one.kind == "negated")
    assert run_flow(negated.flow, {"count": 1}, stubs=GOLD).outputs["Flow.many"] is True
    assert run_flow(SMALL, {"count": 1}, stubs=GOLD).outputs["Flow.many"] is False


def test_switch_cases_are_swapped():
    """The bodies of neighbouring paths change places."""
    flow = load_flow(TASKS, name="tasks.yaml")
    swapped = next(one for one in mutants(flow) if one.kind == "swapped")
    assert swapped.change == "paths left and right swapped"
    names = [entry.ref.name for entry in run_flow(swapped.flow, {"left": True}).trace.entries]
    assert names[-1] == "By the right"


@pytest.fixture
def bench(flow_file, write):
    """Cases of the small flow that look at one side of the decision only."""
    del flow_file
    text = (
        "flow: small.yaml\nstubs: {data_actions: [{action: Get Tier, outputs: {tier: gold}}]}\ncases:\n"
        "  - name: many\n    inputs: {count: 5}\n    expect: {outputs: {many: true}}\n"
    )
    return run_cases(write("small.test.yaml", text)).bench


def test_survivors_show_what_no_case_looks_at(bench):
    """A mutant that no case notices survives; the cases that notice the others are named."""
    results = {one.mutant.change: one for one in run_mutants([bench])}
    assert results["`Flow.count > 2` negated"].noticed_by == ("many",)
    survivor = results["`>` became `>=` in `Flow.count > 2`"]
    assert (survivor.survives, survivor.reached) == (True, True)
    assert results["Flow.many is not set"].noticed_by == ("many",)


def test_mutants_that_no_case_reaches_say_so(flow_file, write):
    """A mutant in an action that no case runs survives unreached."""
    del flow_file
    text = "flow: small.yaml\nstubs: {data_actions: [{action: Get Tier, outputs: {tier: a}}]}\ncases:\n  - name: few\n"
    bench = run_cases(write("few.test.yaml", text)).bench
    unreached = [one.mutant.action.name for one in run_mutants([bench]) if not one.reached]
    assert set(unreached) == {"Note it"}
