"""Fall-through, loops and switches."""

from __future__ import annotations

import pytest
from flow_world import OUT, append, assign, block, log, logged, run_actions, variable

from flowlaunch.architect.rules import Rules
from flowlaunch.errors import FlowSyntaxError

INDEX = variable("integer", "Flow.i", "noValue: true", flags="o")


def test_branch_falls_through_to_the_next_sibling():
    """After a branch without a terminal action the run goes on after the branching action."""
    result = run_actions(
        "- decision:\n    name: D\n    condition:\n      lit: true\n    outputs:\n      yes:\n        actions:\n"
        + log("a", 10)
        + log("b")
    )
    assert logged(result) == "ab"


def test_absent_path_falls_through():
    """A path that is not filled goes on after the branching action."""
    result = run_actions(
        "- decision:\n    name: D\n    condition:\n      lit: false\n    outputs:\n      yes:\n        actions:\n"
        + log("a", 10)
        + log("b")
    )
    assert logged(result) == "b"


def test_end_workflow_stops_inside_a_branch():
    """Nothing runs after End Workflow, however deep it stands."""
    result = run_actions(
        "- decision:\n    name: D\n    condition:\n      lit: true\n    outputs:\n      yes:\n        actions:\n"
        + block('- endWorkflow:\n    name: E\n    exitReason:\n      exp: Append("a", "b")\n', 10)
        + log("x")
    )
    assert (logged(result), result.exit_reason) == ("", "ab")


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


@pytest.mark.parametrize(
    ("count", "wanted"), [("lit: 3", "012"), ("lit: 0", ""), ("exp: 2 - 5", ""), ("exp: ToInt(1.9)", "0")]
)
def test_loop_counts_from_zero(count: str, wanted: str):
    """A loop runs its body as often as its count says, with an index from 0."""
    body = append("ToString(Flow.i)", 10)
    assert logged(run_actions(LOOP.format(count=count) + body, OUT + INDEX)) == wanted


def test_loop_exit_and_next():
    """loopNext begins the next turn and loopExit leaves the loop, from inside a branch."""
    body = """
          - switch:
              name: S
              evaluate:
                firstMatch:
                  integer:
                    value:
                      exp: Flow.i
                    cases:
                      - case:
                          value:
                            lit: 1
                          actions:
                            - loopNext:
                                name: N
                      - case:
                          value:
                            lit: 3
                          actions:
                            - loopExit:
                                name: X
"""
    actions = LOOP.format(count="lit: 9") + body[1:] + append("ToString(Flow.i)", 10) + log("end")
    assert logged(run_actions(actions, OUT + INDEX)) == "02end"


def test_loops_nest_and_start_anew():
    """An inner loop starts anew in every turn of the outer one."""
    inner = LOOP.format(count="lit: 2").replace("Flow.i", "Flow.j") + append("ToString(Flow.i), ToString(Flow.j)", 10)
    shifted = block(inner, 10)
    variables = OUT + INDEX + variable("integer", "Flow.j")
    assert logged(run_actions(LOOP.format(count="lit: 2") + shifted, variables)) == "00011011"


def test_body_that_changes_the_index_does_not_change_the_turns():
    """The turns are counted apart from the index variable."""
    change = assign("integer", "Flow.i", "lit: 100", 10)
    assert logged(run_actions(LOOP.format(count="lit: 3") + log("x", 10) + change, OUT + INDEX)) == "xxx"


@pytest.mark.parametrize(("rule", "wanted"), [("once", "xx"), ("each turn", "x")])
def test_loop_count_may_be_read_each_turn(rule: str, wanted: str):
    """Whether a loop reads its count once or before each turn is a switch."""
    shrink = assign("integer", "Flow.n", "exp: Flow.n - 1", 10)
    variables = OUT + INDEX + variable("integer", "Flow.n", "lit: 2")
    actions = LOOP.format(count="exp: Flow.n") + log("x", 10) + shrink
    assert logged(run_actions(actions, variables, rules=Rules(loop_count=rule))) == wanted


SWITCH = """
- switch:
    name: S
    evaluate:
      firstMatch:
        {type}:
          value:
            exp: '{value}'
          cases:
            - case:
                value:
                  {first}
                actions:
{one}
            - case:
                value:
                  {second}
                actions:
{two}
          default:
            actions:
{other}
"""


@pytest.mark.parametrize(
    ("kind", "value", "first", "second", "wanted"),
    [
        ("string", '"b"', "lit: a", "lit: b", "2"),
        ("string", '"B"', "lit: a", "lit: b", "d"),
        ("integer", "3", "lit: 3", "lit: 3", "1"),
        ("boolean", "1 > 2", "lit: true", "lit: false", "2"),
        ("decimal", "1.50", "lit: 1.5", "lit: 2", "1"),
        ("string", "NOT_SET", "lit: a", "exp: NOT_SET", "2"),
    ],
)
def test_switch_takes_the_first_match(kind: str, value: str, first: str, second: str, wanted: str):
    """A switch takes the first case that is equal, else the default, and goes on after itself."""
    parts = {"one": log("1", 18), "two": log("2", 18), "other": log("d", 14)}
    actions = SWITCH.format(type=kind, value=value, first=first, second=second, **parts)[1:]
    assert logged(run_actions(actions + log("."))) == f"{wanted}."


def test_switch_takes_the_first_true():
    """firstTrue takes the first case that is true."""
    cases = "".join(
        f"        - case:\n            value:\n              exp: {condition}\n            actions:\n"
        + log(str(number), 14)
        for number, condition in enumerate(("1 > 2", "2 > 1", "3 > 1"))
    )
    assert (
        logged(run_actions("- switch:\n    name: S\n    evaluate:\n      firstTrue:\n        cases:\n" + cases)) == "1"
    )


@pytest.mark.parametrize(("rule", "status"), [("error", "FAILED"), ("false", "COMPLETED")])
def test_case_that_is_not_set(rule: str, status: str):
    """A firstTrue case that is NOT_SET is an error or false, by a switch."""
    cases = "        - case:\n            value:\n              exp: Flow.yes\n"
    actions = "- switch:\n    name: S\n    evaluate:\n      firstTrue:\n        cases:\n" + cases
    result = run_actions(actions, OUT + variable("boolean", "Flow.yes"), rules=Rules(unset_case=rule))
    assert result.status == status


def test_switch_with_too_many_cases_is_refused():
    """A switch holds at most 64 cases."""
    cases = "        - case:\n            value:\n              lit: true\n" * 65
    with pytest.raises(FlowSyntaxError, match="64"):
        run_actions("- switch:\n    name: S\n    evaluate:\n      firstTrue:\n        cases:\n" + cases)
