"""States, tasks, waits, error handling and limits."""

from __future__ import annotations

from typing import Any

import pytest
from flow_world import OUT, World, assign, block, flow_text, load, log, logged, run_actions, variable

from flowlaunch.architect import effects as fx
from flowlaunch.architect.interpret import run
from flowlaunch.architect.load import load_flow
from flowlaunch.architect.rules import Rules
from flowlaunch.errors import FlowRuntimeError

INDEX = variable("integer", "Flow.i", "noValue: true", flags="o")
LOOP = """
- loop:
    name: L
    currentIndex:
      var: Flow.i
    loopCount:
      {count}
    outputs:
      loop:
        actions:
"""[1:]


TWO_STATES = """
    - state:
        name: Second
        refId: Second_2
        variables:
          - stringVariable:
              name: State.seen
              initialValue:
                lit: fresh
        actions:
          - decision:
              name: Again?
              condition:
                exp: Flow.log == "fresh"
              outputs:
                yes:
                  actions:
                    - endWorkflow:
                        name: E
          - updateData:
              name: Keep
              statements:
                - string:
                    variable: Flow.log
                    value:
                      exp: State.seen
                - string:
                    variable: State.seen
                    value:
                      lit: stale
          - changeState:
              name: Back
              targetStateRef: "/workflow/states/state[Third_3]"
    - state:
        name: Third
        refId: Third_3
        actions:
          - updateData:
              name: Clear
              statements:
                - string:
                    variable: Flow.log
                    value:
                      exp: Append(Flow.log, "")
          - endWorkflow:
              name: E3
              exitReason:
                exp: Flow.log
"""
JUMP = '- changeState:\n    name: J\n    targetStateRef: "/workflow/states/state[Second_2]"\n'


def test_change_state_leaves_for_good():
    """changeState goes to the other state and nothing after it runs."""
    result = run_actions(JUMP + log("never"), more=TWO_STATES)
    assert (logged(result), result.exit_reason) == ("fresh", "fresh")


REENTER = """
    - state:
        name: Second
        refId: Second_2
        variables:
          - integerVariable:
              name: State.visits
              initialValue:
                lit: 0
        actions:
          - updateData:
              name: Count
              statements:
                - integer:
                    variable: State.visits
                    value:
                      exp: State.visits + 1
                - string:
                    variable: Flow.log
                    value:
                      exp: Append(Flow.log, ToString(State.visits))
          - decision:
              name: Enough?
              condition:
                exp: Length(Flow.log) == 3
              outputs:
                no:
                  actions:
                    - changeState:
                        name: Again
                        targetStateRef: "Second_2"
"""


@pytest.mark.parametrize(("rule", "wanted"), [("reset", "111"), ("keep", "123")])
def test_state_variables_on_entering_again(rule: str, wanted: str):
    """Whether State variables are set anew when a state is entered again is a switch."""
    assert logged(run_actions(JUMP, more=REENTER, rules=Rules(state_variables=rule))) == wanted


@pytest.mark.parametrize(("rule", "status"), [("complete", "COMPLETED"), ("fail", "FAILED")])
def test_state_that_runs_out(rule: str, status: str):
    """Whether a state that runs out of actions completes the run is a switch."""
    assert run_actions(log("a"), rules=Rules(state_end=rule)).status == status


TASKS = """
  tasks:
    - task:
        name: Check
        refId: Check_5
        variables:
          - integerVariable:
              name: Task.n
              initialValue:
                lit: 0
              isInput: true
          - stringVariable:
              name: Task.text
              initialValue:
                noValue: true
              isOutput: true
        actions:
          - updateData:
              name: Do
              statements:
                - string:
                    variable: Task.text
                    value:
                      exp: Append("n", ToString(Task.n))
          - decision:
              name: Big?
              condition:
                exp: Task.n > 1
              outputs:
                yes:
                  actions:
                    - endTask:
                        name: T1
                        outputPath:
                          name: Big
                no:
                  actions:
                    - decision:
                        name: One?
                        condition:
                          exp: Task.n == 1
                        outputs:
                          yes:
                            actions:
                              - endTask:
                                  name: T2
"""
CALL = """
- callTask:
    name: C
    targetTaskRef: "/workflow/tasks/task[Check_5]"
    inputs:
      Task.n:
        exp: {n}
    taskOutputs:
      Task.text:
        var: Flow.text
    outputs:
      Big:
        actions:
{big}
      default:
        actions:
{other}
"""


@pytest.mark.parametrize(("n", "wanted"), [(2, "B."), (1, "d."), (0, "d.")])
def test_task_ends_by_a_path(n: int, wanted: str):
    """A task returns to the path it ended by, or to the default, and the run goes on after the call."""
    actions = CALL.format(n=n, big=log("B", 10), other=log("d", 10))[1:] + log(".")
    result = run_actions(actions, OUT + variable("string", "Flow.text", flags="o"), more=TASKS[1:])
    assert logged(result) == wanted
    assert result.outputs["Flow.text"] == f"n{n}"


RECURSIVE = """
  tasks:
    - task:
        name: Down
        refId: Down_1
        variables:
          - integerVariable:
              name: Task.depth
              initialValue:
                lit: 0
        actions:
          - updateData:
              name: Do
              statements:
                - integer:
                    variable: Task.depth
                    value:
                      exp: Length(Flow.log)
                - string:
                    variable: Flow.log
                    value:
                      exp: Append(Flow.log, "x")
          - decision:
              name: Deeper?
              condition:
                exp: Length(Flow.log) < {limit}
              outputs:
                yes:
                  actions:
                    - callTask:
                        name: Call
                        targetTaskRef: Down_1
          - updateData:
              name: Up
              statements:
                - string:
                    variable: Flow.log
                    value:
                      exp: Append(Flow.log, ToString(Task.depth))
"""


def test_task_variables_belong_to_each_call():
    """A task that calls itself gets its own variables back when the inner call ends."""
    actions = "- callTask:\n    name: C\n    targetTaskRef: Down_1\n"
    assert logged(run_actions(actions, more=RECURSIVE[1:].format(limit=3))) == "xxx210"


def test_endless_recursion_fails_the_run():
    """Tasks that call each other without end fail the run instead of this program."""
    result = run_actions(
        "- callTask:\n    name: C\n    targetTaskRef: Down_1\n", more=RECURSIVE[1:].format(limit=99999)
    )
    assert (result.status, result.error.server_code) == ("FAILED", "flowlaunch.task.depth")


def test_action_limit_ends_an_endless_loop():
    """A run ends at 10,000 actions, and the error names the limit."""
    result = run_actions(LOOP.format(count="lit: 999999999") + log("", 10), OUT + INDEX)
    assert (result.status, result.error.server_code) == ("FAILED", "flowlaunch.action.limit")
    assert "10,000" in result.error.message
    assert result.actions == 10_001


HANDLED = TWO_STATES.replace('exp: Flow.log == "fresh"', 'exp: Flow.log == "nothing"')
FAIL = assign("integer", "Flow.i", 'exp: ToInt("a word")')


def with_handling(kind: str, field: str, target: str, actions: str, more: str) -> Any:
    text = flow_text(actions, OUT + INDEX, more=more)
    return load_flow(
        text.replace("endWorkflow:\n        none: true", f"{kind}:\n        {field}: {target}", 1), name="handled.yaml"
    )


def test_error_handling_goes_to_another_state():
    """A run-time error goes where the flow's error handling says, and the run may still complete."""
    flow = with_handling("changeState", "targetStateRef", "Third_3", log("a") + FAIL + log("b"), TWO_STATES)
    result = World().run(flow)
    assert (result.status, result.exit_reason, result.error) == ("COMPLETED", "a", None)


def test_error_handling_goes_to_a_task():
    """Error handling may jump to a task; the run ends when the task does."""
    tasks = "  tasks:\n    - task:\n        name: Mop\n        refId: Mop_1\n        actions:\n" + log("mop", 10)
    flow = with_handling("jumpToTask", "targetTaskRef", "Mop_1", log("a") + FAIL, tasks)
    assert logged(World().run(flow)) == "amop"


def test_second_error_fails_the_run():
    """An error while an error is handled fails the run."""
    tasks = "  tasks:\n    - task:\n        name: Mop\n        refId: Mop_1\n        actions:\n" + block(FAIL, 10)
    result = World().run(with_handling("jumpToTask", "targetTaskRef", "Mop_1", FAIL, tasks))
    assert (result.status, result.error.ref.container) == ("FAILED", "task")


def test_error_handling_has_its_own_limit():
    """After the action limit, error handling has 1,000 more actions."""
    loop = LOOP.format(count="lit: 999999") + log("", 10)
    tasks = "  tasks:\n    - task:\n        name: Mop\n        refId: Mop_1\n        actions:\n" + block(loop, 10)
    result = World().run(with_handling("jumpToTask", "targetTaskRef", "Mop_1", loop, tasks))
    assert result.status == "FAILED"
    assert "1,000" in result.error.message
    assert result.actions == 11_002


@pytest.mark.parametrize(("rule", "status"), [("error", "FAILED"), ("false", "COMPLETED")])
def test_condition_that_is_not_set(rule: str, status: str):
    """A condition that is NOT_SET is an error or false, by a switch."""
    actions = "- decision:\n    name: D\n    condition:\n      exp: Flow.yes\n"
    result = run_actions(actions, OUT + variable("boolean", "Flow.yes"), rules=Rules(unset_condition=rule))
    assert result.status == status
    if rule == "error":
        assert result.error.params == {"expression": "Flow.yes", "pos": "0"}


def test_waits_move_the_clock():
    """A wait asks its driver for its length and the trace shows when each action began."""
    world = World()
    wait = "- wait:\n    name: W\n    duration:\n      lit:\n        minutes: 1\n        seconds: 30\n"
    wait += "    trimDurationNearMaxRunningTime:\n      lit: true\n"
    result = run_actions(wait + log("a"), world=world)
    assert (world.asked[0].duration_s, world.asked[0].trim) == (90.0, True)
    began = [entry.started_at for entry in result.trace.entries]
    assert (began[1] - began[0]).total_seconds() == 90


def test_wait_that_is_too_long_is_an_error():
    """A wait that the run may not last is a run-time error."""
    world = World({"Wait": fx.Failed("", "too long")})
    result = run_actions("- wait:\n    name: W\n    duration:\n      lit:\n        days: 400\n", world=world)
    assert (result.status, result.error.server_code) == ("FAILED", "flowlaunch.wait.too-long")


@pytest.mark.parametrize(("rule", "status"), [("skip", "COMPLETED"), ("error", "FAILED")])
def test_negative_wait(rule: str, status: str):
    """A negative wait does not wait or is an error, by a switch, and never asks the driver."""
    world = World()
    wait = "- wait:\n    name: W\n    duration:\n      exp: MakeDuration(0,0,0,-5,0)\n"
    assert run_actions(wait, world=world, rules=Rules(negative_wait=rule)).status == status
    assert world.asked == []


def test_driver_may_refuse_by_throwing():
    """A run-time error thrown in by the driver is one of the action that asked, and the trace is kept."""
    steps = run(load(log("a") + "- wait:\n    name: W\n    duration:\n      lit: PT1S\n", OUT), {}, World())
    next(steps)
    with pytest.raises(StopIteration) as ended:
        steps.throw(FlowRuntimeError("nobody can wait here", server_code="flowlaunch.test"))
    result = ended.value.value
    assert (result.status, result.error.server_code, result.error.ref.name) == ("FAILED", "flowlaunch.test", "W")
    assert [entry.error for entry in result.trace.entries] == ["", "nobody can wait here"]


@pytest.mark.parametrize(("trim", "waited", "status"), [(True, 100.0, "COMPLETED"), (False, 80.0, "FAILED")])
def test_waits_are_bounded_together(trim: bool, waited: float, status: str):
    """All waits of a run together have a limit: the last one is trimmed if it says so, else it is an error."""
    wait = "- wait:\n    name: W\n    duration:\n      lit: PT80S\n    trimDurationNearMaxRunningTime:\n"
    world = World()
    result = run_actions(f"{wait}      lit: {str(trim).lower()}\n" * 2, world=world, rules=Rules(longest_run_s=100))
    assert result.status == status
    assert sum(effect.duration_s for effect in world.asked) == waited
