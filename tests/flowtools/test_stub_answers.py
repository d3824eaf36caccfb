"""What stubs answer, and when."""

from __future__ import annotations

from pathlib import Path

import pytest
from flow_desk import FLOWS, SMALL_FLOW

from flowlaunch.architect.load import load_flow
from flowlaunch.architect.stubs import parse_stubs
from flowlaunch.errors import FlowNameError, FlowStubError
from flowlaunch.testing import load_stubs, run_flow

OTHER = "- {action: Get Tier, outputs: {tier: other}}\n"
SMALL = load_flow(SMALL_FLOW, name="small.yaml")


def tier(stubs: str, **inputs):
    """Run the small flow over stubs and give the tier it got."""
    return run_flow(SMALL, inputs, stubs=parse_stubs(stubs, "stubs.yaml")).outputs["Flow.tier"]


@pytest.mark.parametrize(
    ("condition", "fits", "misses"),
    [
        ("C-1", "C-1", "c-1"),
        ("{glob: 'C-*'}", "C-77", "D-1"),
        ("{regex: 'C-[0-9]+'}", "C-12", "C-12x"),
        ("{in: [A, B]}", "B", "C"),
        ("{not: A}", "B", "A"),
        ("{contains: x}", "axb", "ab"),
        ("{size: 3}", "abc", "ab"),
        ("{set: true}", "anything", None),
        ("{set: false}", None, "anything"),
        ("{ge: C, lt: D}", "C-9", "D"),
        ("null", None, "x"),
    ],
)
def test_inputs_decide_which_stub_answers(condition, fits, misses):
    """A stub answers when its condition on an input holds; else the next one does."""
    stubs = f"data_actions:\n- {{action: Get Tier, inputs: {{id: {condition}}}, outputs: {{tier: gold}}}}\n{OTHER}"
    assert tier(stubs, id=fits) == "gold"
    assert tier(stubs, id=misses) == "other"


@pytest.mark.parametrize(
    ("condition", "gold"),
    [("{gt: 3}", [False, False, True]), ("{le: 3}", [True, True, False]), ("3", [False, True, False])],
)
def test_numbers_are_compared_as_numbers(condition, gold):
    """Conditions on numbers hold by value."""
    stubs = f"data_actions:\n- {{action: Get Tier, inputs: {{count: {condition}}}, outputs: {{tier: gold}}}}\n{OTHER}"
    assert [tier(stubs, count=count) == "gold" for count in (2, 3, 4)] == gold


def test_a_query_over_the_inputs_decides():
    """`where` is a JMESPath expression over all inputs."""
    stubs = (
        "data_actions:\n- {action: Get Tier, where: \"count > `2` && starts_with(id, 'C')\", outputs: {tier: gold}}\n"
        "- {category: CRM, outputs: {tier: other}}\n"
    )
    assert [tier(stubs, id="C1", count=3), tier(stubs, id="C1", count=1)] == ["gold", "other"]


def test_a_category_answers_for_all_its_actions():
    """A stub may name the integration alone, a pattern, or only the action."""
    for names in ("category: CRM", "category: C*", "action: get*", "category: '*', action: Get Tier"):
        assert tier(f"data_actions:\n- {{{names}, outputs: {{tier: gold}}}}\n", id="1") == "gold"


def test_templates_take_parts_of_the_inputs():
    """`${input.id}` is filled; a text that is one template keeps the type; `$${` is a literal `${`."""
    assert tier(
        "data_actions:\n- {action: Get Tier, outputs: {tier: 'for ${input.id} x${input.count}'}}\n", id="7"
    ) == ("for 7 x1")
    assert tier("data_actions:\n- {action: Get Tier, outputs: {tier: '$${x}'}}\n", id="7") == "${x}"
    outcome = run_flow(
        SMALL,
        {"id": "7"},
        stubs=parse_stubs("data_actions:\n- {action: Get Tier, outputs: {n: '${input.count}'}}", "s"),
    )
    assert outcome.calls[0].answer == {"n": 1}


def test_failures_and_timeouts_are_answers_too():
    """A stub may fail, time out, or come too late for the flow's own limit."""
    ends = {
        "failure: {errorCode: x, status: 500}": ("failure", 0.0),
        "timeout: true": ("timeout", 10.0),
        "outputs: {}, delay_s: 3": ("success", 3.0),
        "outputs: {}, delay_s: 11": ("timeout", 10.0),
    }
    for answer, (path, elapsed_s) in ends.items():
        outcome = run_flow(SMALL, stubs=parse_stubs(f"data_actions:\n- {{action: Get Tier, {answer}}}\n", "s.yaml"))
        assert (outcome.trace.entries[0].path, outcome.elapsed_s) == (path, elapsed_s)


def test_a_missing_stub_shows_the_stanza_to_add():
    """The error names action, inputs, file and line, and its hint is a stanza that works."""
    with pytest.raises(FlowStubError) as caught:
        run_flow(SMALL, {"id": "7"})
    error = caught.value
    assert "`Get Tier` of `CRM` for id='7', count=1" in error.message
    assert error.span.place == "small.yaml:15:13"
    stanza = error.hint.partition("\n")[2]
    assert tier(stanza, id="7") == "text"
    assert error.trace is not None
    assert [entry.ref.name for entry in error.trace.entries] == ["Ask"]


def test_stubs_for_other_inputs_are_named():
    """When stubs of the action exist but none fits, the message says where they are."""
    with pytest.raises(FlowStubError, match=r"want other inputs \(stubs.yaml:2\)"):
        tier("data_actions:\n- {action: Get Tier, inputs: {id: x}, outputs: {}}\n", id="7")


def test_unknown_inputs_are_refused_offline():
    """An input that the flow lacks is an error with a hint; the platform would drop it in silence."""
    with pytest.raises(FlowNameError) as caught:
        run_flow(SMALL, {"cuont": 1}, stubs={"data_actions": [{"action": "Get Tier"}]})
    assert caught.value.hint == "Did you mean `count`?"


def test_world_files_of_the_sandbox_are_stub_files():
    """The sandbox's built-in world answers an offline run as it is."""
    outcome = run_flow(FLOWS / "loyalty-lookup.yaml", {"customerId": "C-2"}, stubs=FLOWS / "world.yaml")
    assert (outcome.outputs["Flow.tier"], outcome.elapsed_s) == ("silver", 3.0)


def test_stub_files_are_layered(write):
    """Of a list, what comes first is asked first; tables and things are put together."""
    write("a.yaml", "data_actions:\n- {action: Get Tier, inputs: {id: A}, outputs: {tier: from a}}\n")
    b = write("b.yaml", "data_actions:\n- {action: Get Tier, outputs: {tier: from b}}\n")
    layered = load_stubs(["a.yaml", b], folder=b.parent)
    assert run_flow(SMALL, {"id": "A"}, stubs=layered).outputs["Flow.tier"] == "from a"
    assert run_flow(SMALL, {"id": "B"}, stubs=layered).outputs["Flow.tier"] == "from b"


@pytest.mark.parametrize(
    ("after", "seen"),
    [("last", ["a", "b", "b", "b"]), ("cycle", ["a", "b", "a", "b"])],
)
def test_sequences_answer_call_by_call(after, seen):
    """Each call gets the next answer; what comes after the last one is chosen by `after`."""
    actions = "".join(
        f"""          - callData:
              name: Ask {number}
              category: {{CRM: {{dataAction: {{Get Tier: {{successOutputs: {{tier: {{var: Flow.t{number}}}}}}}}}}}}}
"""
        for number in range(4)
    )
    variables = "".join(
        f"    - stringVariable: {{name: Flow.t{number}, initialValue: {{noValue: true}}, isOutput: true}}\n"
        for number in range(4)
    )
    head, _, rest = SMALL_FLOW.partition("  states:")
    flow = load_flow(
        f"{head}{variables}  states:{rest.partition('          - callData:')[0]}{actions}", name="four.yaml"
    )
    stubs = (
        f"data_actions:\n- action: Get Tier\n  after: {after}\n"
        "  sequence: [{outputs: {tier: a}}, {outputs: {tier: b}}]\n"
    )
    outcome = run_flow(flow, stubs=parse_stubs(stubs, "s.yaml"))
    assert [outcome.outputs[f"Flow.t{number}"] for number in range(4)] == seen
    with pytest.raises(FlowStubError, match="has 2, and action `Ask 2`"):
        run_flow(flow, stubs=parse_stubs(stubs.replace(after, "error"), "s.yaml"))


def test_runs_do_not_share_their_stubs_counters():
    """Two runs over the same stubs begin their sequences anew."""
    stubs = parse_stubs("data_actions:\n- {action: Get Tier, sequence: [{outputs: {tier: a}}, {timeout: true}]}\n", "s")
    assert [run_flow(SMALL, stubs=stubs).outputs["Flow.tier"] for _ in range(2)] == ["a", "a"]


def test_stub_examples_are_where_the_docs_say(write):
    """Relative files in a stub file start at the folder of that file."""
    folder = write("rows.csv", "key,text\nmoved,New wording\n").parent
    path = write("stubs.yaml", "tables:\n  T: {file: rows.csv}\n")
    assert dict(load_stubs(path).tables["T"].rows["moved"]) == {"key": "moved", "text": "New wording"}
    assert load_stubs(Path("stubs.yaml"), folder=folder).tables["T"].is_text
