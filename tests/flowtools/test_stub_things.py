"""Tables, things, attributes, modules and single actions: every effect of a flow can be stubbed."""

from __future__ import annotations

import pytest

from flowlaunch.architect.load import load_flow
from flowlaunch.errors import FlowStubError
from flowlaunch.testing import Flow, load_modules, run_flow

VARIABLES = """
    - stringVariable: {name: Flow.key, initialValue: {lit: a}, isInput: true}
    - stringVariable: {name: Flow.text, initialValue: {noValue: true}, isOutput: true}
    - integerVariable: {name: Flow.number, initialValue: {noValue: true}, isOutput: true}
    - decimalVariable: {name: Flow.amount, initialValue: {noValue: true}, isOutput: true}
    - booleanVariable: {name: Flow.flag, initialValue: {noValue: true}, isOutput: true}
    - queueVariable: {name: Flow.queue, initialValue: {noValue: true}, isOutput: true}
    - userVariable: {name: Flow.user, initialValue: {noValue: true}, isOutput: true}
"""


def flow_of(actions: str) -> Flow:
    """Make a flow around actions."""
    lines = "".join(f"          {line}\n" for line in actions.strip("\n").splitlines())
    return load_flow(
        'workflow:\n  name: Things\n  startUpRef: "/workflow/states/state[s]"\n  variables:'
        f"{VARIABLES}  states:\n    - state:\n        name: S\n        refId: s\n        actions:\n{lines}"
        "          - endWorkflow: {name: End}\n",
        name="things.yaml",
    )


def path_of(outcome):
    """Give the path that the first action took."""
    return outcome.trace.entries[0].path


LOOKUP = flow_of("""
- dataTableLookup:
    name: Look it up
    lookupValue: {exp: Flow.key}
    dataTable:
      Texts:
        foundOutputs:
          text: {var: Flow.text}
          number: {var: Flow.number}
          amount: {var: Flow.amount}
          flag: {var: Flow.flag}
        failureOutputs:
          errorType: {var: Flow.text}
""")


def test_csv_cells_take_the_type_of_what_they_fill():
    """In a CSV table a cell is text, number or boolean as the variable wants; an empty one is NOT_SET."""
    csv = "key,text,number,amount,flag\na,0012,12,1.5,TRUE\nb,,,,\n"
    stubs = {"tables": {"Texts": {"csv": csv}}}
    assert dict(run_flow(LOOKUP, stubs=stubs).outputs) == {
        "Flow.text": "0012",
        "Flow.number": 12,
        "Flow.amount": 1.5,
        "Flow.flag": True,
        "Flow.queue": None,
        "Flow.user": None,
    }
    empty = run_flow(LOOKUP, {"key": "b"}, stubs=stubs).outputs
    assert (empty["Flow.text"], empty["Flow.number"], empty["Flow.flag"]) == ("", None, None)


def test_rows_that_are_not_there_are_not_found():
    """A key without a row takes notFound."""
    assert path_of(run_flow(LOOKUP, {"key": "z"}, stubs={"tables": {"Texts": {"rows": []}}})) == "notFound"


def test_any_action_can_be_made_to_fail_by_name():
    """`actions` ends an action as it says, whatever the tables hold."""
    stubs = {"actions": [{"name": "Look*", "failure": {"errorType": "gone", "errorMessage": "no table"}}]}
    outcome = run_flow(LOOKUP, stubs=stubs)
    assert (path_of(outcome), outcome.outputs["Flow.text"]) == ("failure", "gone")


def test_actions_answer_in_turn_and_by_kind():
    """An action's answers may be a sequence, chosen by the kind of action."""
    stubs = {"actions": [{"key": "dataTableLookup", "path": "found", "outputs": {"text": "key was ${input.key}"}}]}
    assert run_flow(LOOKUP, {"key": "q"}, stubs=stubs).outputs["Flow.text"] == "key was q"


def test_a_missing_table_shows_its_stanza():
    """The stanza for a table has the key asked for and a cell for each variable."""
    with pytest.raises(FlowStubError) as caught:
        run_flow(LOOKUP, {"key": "k"})
    assert "rows:\n        - key: k\n          text: text\n          number: 1" in caught.value.hint


FIND = flow_of("""
- findQueue:
    name: Find the queue
    findName: {exp: Flow.key}
    findResult: {var: Flow.queue}
- findUserById:
    name: Find the user
    findId: {lit: u-1}
    findResult: {var: Flow.user}
""")


def test_things_are_found_by_name_and_id():
    """Queues and users are found in any letter case; one that is not listed is not found."""
    stubs = {"queues": ["Sales"], "users": [{"id": "u-1", "email": "ada@example.com", "name": "Ada"}]}
    outcome = run_flow(FIND, {"key": "SALES"}, stubs=stubs)
    assert outcome.outputs["Flow.queue"]["name"] == "Sales"
    assert outcome.outputs["Flow.user"]["username"] == "ada@example.com"
    nothing = run_flow(FIND, {"key": "Sales"}, stubs={"queues": [], "users": []})
    assert [entry.path for entry in nothing.trace.entries] == ["notFound", "notFound", None]


def test_a_kind_that_no_stub_mentions_is_missing():
    """A lookup of a kind without a section is a missing stub, not a thing that is not found."""
    with pytest.raises(FlowStubError) as caught:
        run_flow(FIND, {"key": "Sales"}, stubs={"users": []})
    assert "queues:\n    - id: queue-1\n      name: Sales" in caught.value.hint


ATTRIBUTES = flow_of("""
- setConversationData:
    name: Write
    conversationId: {lit: c-1}
    attributes:
      - attribute: {name: {lit: seen}, value: {exp: Flow.key}}
- getConversationData:
    name: Read
    conversationId: {lit: c-1}
    attributes:
      - attribute: {name: {lit: seen}, variable: {var: Flow.text}}
""")


def test_attributes_that_a_flow_writes_can_be_read():
    """What a run writes to a conversation it reads again, and the outcome shows it."""
    outcome = run_flow(ATTRIBUTES, {"key": "v"}, stubs={"conversations": []})
    assert outcome.outputs["Flow.text"] == "v"
    assert dict(outcome.attributes) == {("c-1", ""): {"seen": "v"}}


SCHEDULE = flow_of("""
- evaluateSchedule:
    name: Open now
    schedule: {lit: {name: Week}}
    evaluateNow: {lit: true}
    outputs:
      active:
        actions:
          - updateData:
              name: Note
              statements:
                - boolean: {variable: Flow.flag, value: {lit: true}}
""")


@pytest.mark.parametrize(("state", "flag"), [("active", True), ("inactive", None)])
def test_schedules_have_the_state_that_stubs_say(state, flag):
    """A schedule's state is the path taken."""
    assert run_flow(SCHEDULE, stubs={"schedules": {"Week": state}}).outputs["Flow.flag"] is flag


MODULE = """\
commonModule:
  name: Doubler
  variables:
    - stringVariable: {name: Common.word, initialValue: {noValue: true}, isInput: true}
    - stringVariable: {name: Common.twice, initialValue: {noValue: true}, isOutput: true}
  startUpTaskActions:
    - updateData:
        name: Double it
        statements:
          - string: {variable: Common.twice, value: {exp: "Common.word + Common.word"}}
    - endTask: {name: End}
"""
CALLER = flow_of("""
- callCommonModule:
    name: Double
    commonModule:
      Doubler:
        ver_latestPublished:
          inputs: {Common.word: {exp: Flow.key}}
          outputs: {Common.twice: {var: Flow.text}}
""")


def test_modules_beside_the_flow_are_found(write):
    """A common module is looked for by the name in the files beside the flow."""
    folder = write("any-name.yaml", MODULE).parent
    write("broken.yaml", "commonModule: {name: [}")
    outcome = run_flow(CALLER, {"key": "ab"}, modules=load_modules(CALLER, folder))
    assert outcome.outputs["Flow.text"] == "abab"
    assert set(outcome.flows) == {"Things", "Doubler"}


def test_modules_can_be_stubbed():
    """A module without a file gives the outputs of its stub; without a stub its stanza is shown."""
    stubs = {"modules": {"Doubler": {"outputs": {"twice": "stubbed"}}}}
    assert run_flow(CALLER, stubs=stubs).outputs["Flow.text"] == "stubbed"
    with pytest.raises(FlowStubError) as caught:
        run_flow(CALLER)
    assert "modules:\n      Doubler:\n        outputs:\n          Common.twice: text" in caught.value.hint


def test_stub_files_may_name_the_file_of_a_module(write):
    """`modules` of a stub file names a file relative to the stub file's own folder."""
    folder = write("elsewhere.yaml", MODULE).parent
    stubs = write("stubs.yaml", "modules: {Doubler: elsewhere.yaml}\n")
    assert run_flow(CALLER, {"key": "ab"}, stubs=stubs).outputs["Flow.text"] == "abab"
    assert folder == stubs.parent
    with pytest.raises(FlowStubError, match="cannot read nowhere"):
        run_flow(CALLER, stubs=write("wrong.yaml", "modules: {Doubler: {file: nowhere.yaml}}\n"))


RANDOM = flow_of("""
- updateData:
    name: Roll
    statements:
      - decimal: {variable: Flow.amount, value: {exp: Random()}}
      - string: {variable: Flow.text, value: {exp: ToString(GetCurrentDateTimeUtc())}}
""")


def test_time_and_chance_stand_still():
    """Runs repeat: time begins when the stubs say, and Random gives their numbers in turn."""
    assert dict(run_flow(RANDOM).outputs) == dict(run_flow(RANDOM).outputs)
    outcome = run_flow(RANDOM, stubs={"now": "2026-02-03T04:05:06Z", "random": [0.25]})
    assert (outcome.outputs["Flow.amount"], outcome.outputs["Flow.text"]) == (0.25, "2026-02-03T04:05:06Z")
