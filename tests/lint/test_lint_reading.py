"""Reading broken flows: many mistakes at once, slots, ignore comments, places."""

from __future__ import annotations

import base64
import json
import random
from urllib.parse import quote

import pytest
from lint_world import END, READ, TEXT, codes, found, report, workflow
from rule_cases import CASES, call, decision, statement

from flowlaunch.architect.lint import RULES


def test_every_mistake_of_a_file_is_found():
    """Mistakes in several actions, and several in one action, are all reported in one go."""
    text = workflow(
        """
        - updateData:
            name: Set
            statements:
              - string: {variable: Flow.text, value: {exp: 'Lfet(Flow.text, 1)'}}
              - string: {variable: Flow.text, value: {exp: 'Flow.text + '}}
              - integer: {variable: Flow.text, value: {lit: 1}}
        - wait: {name: Pause, duration: {exp: Flow.txet}, length: 5}
        - endWorkFlow: {name: End}
        """,
        variables=TEXT,
    )
    messages = [one.message for one in report(text).findings if one.severity == "error"]
    assert [
        word for word in ("Lfet", "Flow.txet", "length", "endWorkFlow") if not any(word in m for m in messages)
    ] == []
    assert len(messages) == 6


def test_a_mistake_does_not_bring_others_with_it():
    """A variable that cannot be declared is reported once, not again at each of its uses."""
    text = workflow(READ, variables=TEXT.replace("stringVariable", "strinVariable"))
    errors = [one for one in report(text).findings if one.severity == "error"]
    assert [one.code for one in errors] == ["FL002"]
    assert "strinVariable" in errors[0].message


def test_a_bad_value_leaves_the_other_rules_running():
    """An expression that cannot be read silences no rule about the rest, and its variables count as used."""
    text = workflow("- endWorkflow: {name: End, exitReason: {exp: 'Lfet(Flow.text, 1)'}}\n" + END, variables=TEXT)
    assert codes(text) == ["FL002", "FL101"]


def test_many_mistakes_end_in_a_word_about_the_rest():
    """A file with hundreds of mistakes is answered with the first fifty and says that there are more."""
    actions = "\n".join(f"- wait: {{name: W{n}, duration: {{exp: Flow.x{n}}}}}" for n in range(120))
    result = report(workflow(actions))
    assert sum(one.severity == "error" for one in result.findings) == 50
    assert found(workflow(actions), "FL008")


@pytest.mark.parametrize("text", ["", "a: [", "just text", "workflow: {name: x}", "\ud800"])
def test_what_is_no_flow_is_a_finding(text):
    """A text that is no flow gives an error to read, not an exception."""
    result = report(text)
    assert result.flow is None
    assert [one.severity for one in result.findings][:1] == ["error"]


def test_an_unfilled_slot_is_a_note_and_the_rest_is_checked():
    """A slot without a value is a note; what depends on it is not judged, other mistakes are."""
    text = workflow(
        "- wait: {name: '{{pause}}', duration: {exp: '{{length}}'}}\n"
        "- endWorkflow: {name: End, exitReason: {exp: Lfet}}"
    )
    assert sorted(codes(text)) == ["FL002", "FL005"]
    assert sorted(codes(text, slots={"pause": "P", "length": "NoSuch(5)"})) == ["FL002", "FL002"]


def test_columns_are_those_of_the_file_and_not_of_the_filled_text():
    """A mistake behind a slot is marked where the file has it, however long the slot's value is."""
    line = '- endWorkflow: {name: "{{a_name}}", exitReason: {exp: Flow.nothing}}'
    text = workflow(line)
    for slots in ({}, {"a_name": "x"}, {"a_name": "a very long name for an action"}):
        one = found(text, "FL002", slots=slots)
        written = text.splitlines()[one.location.line - 1]
        assert written[one.location.column - 1 : one.location.end_column - 1] == "Flow.nothing"
        start = one.location.caret.index("^")
        assert one.location.excerpt[start : start + len("Flow.nothing")] == "Flow.nothing"


@pytest.mark.parametrize(
    "comment", ["ignore FL101", "ignore FL1", "ignore unreachable-action", "ignore FL204, fl101 - on purpose"]
)
def test_a_comment_sets_a_finding_aside(comment):
    """A comment on the line or above it hides the finding it names, by code, beginning of a code, or name."""
    bad = workflow(END + "\n" + END)
    last = bad.rindex("- endWorkflow")
    beside = bad.rstrip() + f"  # flowlaunch: {comment}\n"
    above = f"{bad[:last]}# flowlaunch: {comment}\n          # more words\n          {bad[last:]}"
    for text in (beside, above):
        result = report(text)
        assert [one.code for one in result.ignored] == ["FL101"]
        assert "FL101" not in [one.code for one in result.findings]


def test_a_comment_can_speak_for_the_whole_file():
    """ignore-file hides the findings of a rule on every line."""
    text = "# flowlaunch: ignore-file FL119 FL120\n" + call(paths="")
    assert {one.code for one in report(text).ignored} == {"FL119", "FL120"}


def test_a_comment_on_another_line_hides_nothing():
    """A comment hides nothing on lines that it is not about, and is itself reported as useless."""
    text = workflow(END + "  # flowlaunch: ignore FL101\n" + END)
    assert sorted(codes(text)) == ["FL007", "FL101"]


def test_rules_can_be_chosen():
    """Only selected rules speak, and ignored ones do not."""
    text = workflow(END + "\n" + END, variables=TEXT)
    assert codes(text) == ["FL201", "FL101"]
    assert codes(text, select=frozenset({"FL101"})) == ["FL101"]
    assert codes(text, ignore=frozenset({"FL101"})) == ["FL201"]


def test_a_folded_expression_has_its_line():
    """A mistake in an expression over several lines names the line it begins on and shows the expression."""
    text = workflow(
        "- endWorkflow:\n    name: End\n    exitReason:\n      exp: >-\n        Left(Flow.text,\n        1, 2)",
        variables=TEXT,
    )
    one = found(text, "FL003")
    assert text.splitlines()[one.location.line - 1].strip().startswith("exp")
    assert "Left" in one.location.excerpt


def test_an_export_names_the_action_instead_of_a_line():
    """A finding in an export, which has no lines, names the state and the action."""
    action = {
        "__type": "EndWorkflowAction",
        "id": "a1",
        "trackingId": 11,
        "name": "Stop",
        "exitReason": {"text": "Flow.x", "type": "str", "config": {"ref": {}}},
    }
    document = {
        "name": "Exported", "type": "workflow", "initialSequence": "s1", "variables": [],
        "flowSequenceItemList": [
            {"__type": "State", "id": "s1", "name": "Begin", "trackingId": 10, "startAction": "a1",
             "actionList": [action]}
        ],
    }  # fmt: skip
    text = base64.b64encode(quote(json.dumps(document)).encode()).decode()
    one = found(text, "FL002")
    assert one.location.line == 0
    assert "Begin" in one.place
    assert "Flow.x" in one.location.excerpt


def test_uses_in_fields_that_are_only_recorded_count():
    """A variable that is mentioned in a field no rule understands counts as read and as set."""
    audio = "- playAudio: {name: Say, audio: {sequence: [{exp: 'ToAudioTTS(Flow.text)'}]}}\n" + END
    assert "FL201" not in codes(workflow(audio, variables=TEXT))


def test_a_guard_is_understood():
    """IsSet in a decision, in `and`, in `or` and in If keeps a variable that may be NOT_SET from being reported."""
    unset = "- stringVariable: {name: Flow.text, initialValue: {noValue: true}}"
    guarded = (
        'IsSet(Flow.text) and Left(Flow.text, 1) == "a"',
        '!IsSet(Flow.text) or Left(Flow.text, 1) == "a"',
        'If(Flow.text == NOT_SET, false, Left(Flow.text, 1) == "a")',
        'If(IsNotSetOrEmpty(Flow.text), false, Left(Flow.text, 1) == "a")',
    )
    for text in guarded:
        flow = workflow(
            statement("boolean", "Flow.flag", f"{{exp: '{text}'}}") + "\n" + READ,
            variables=unset + "\n- booleanVariable: {name: Flow.flag, initialValue: {noValue: true}}",
        )
        assert not [code for code in codes(flow) if code in {"FL206", "FL207"}], text


def test_a_failed_call_leaves_its_outputs_unset():
    """Reading an output of a data action behind it, when failure falls through, is reported."""
    unset = "- stringVariable: {name: Flow.text, initialValue: {noValue: true}}"
    flow = call(outputs="status: {var: Flow.text}", paths="timeout", variables=unset).replace(
        "exp: Flow.text", "exp: 'Left(Flow.text, 1)'"
    )
    assert "FL207" in codes(flow)
    assert "FL207" not in codes(
        flow.replace("timeout:", "failure: {actions: [{endWorkflow: {name: F}}]}\n                timeout:")
    )


def test_every_rule_names_a_severity_of_the_three():
    """Severities are error, warning or info, and only errors fail a report that is not strict."""
    result = report(workflow(END + "\n" + END))
    assert {rule.severity for rule in RULES.values()} == {"error", "warning", "info"}
    assert not result.fails()
    assert result.fails(strict=True)


def test_rules_about_single_actions_speak_beside_an_unknown_action():
    """An action that cannot be read silences what needs the whole flow, and nothing else."""
    text = workflow("- wiat: {name: A}\n- wait: {name: B, duration: {lit: {seconds: 0}}}\n" + END + "\n" + END)
    assert sorted(codes(text)) == ["FL002", "FL008", "FL114"]


def test_a_flow_of_another_type_is_told_and_not_blamed():
    """A flow of a type that is not emulated is no error: a warning says that nothing in it was checked."""
    result = report("inboundCall: {name: x}")
    assert [(one.code, one.severity) for one in result.findings] == [("FL004", "warning")]
    assert result.flow is None


def test_what_only_likely_fails_is_a_warning():
    """A property of what is always NOT_SET, and a condition that is, are warnings: nothing public settles them."""
    unset = "- jsonVariable: {name: Flow.doc, initialValue: {noValue: true}}"
    flag = "- booleanVariable: {name: Flow.flag, initialValue: {noValue: true}}"
    property_of_unset = "- endWorkflow: {name: End, exitReason: {exp: 'ToString(Flow.doc.name)'}}"
    assert codes(workflow(property_of_unset, variables=unset)) == ["FL209", "FL207"]
    assert "FL207" in codes(workflow(decision("Flow.flag"), variables=flag))


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_file_never_breaks_the_linter(seed):
    """Lines lost, moved, doubled and overwritten give findings, never an exception."""
    chance = random.Random(seed)  # noqa: S311 - damage, not secrets
    for case in chance.sample(sorted(CASES), 12):
        lines = CASES[case].bad.split("\n")
        for _ in range(chance.randint(1, 4)):
            at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
            damage = chance.choice(["drop", "swap", "double", "dent", "write"])
            if damage == "drop" and len(lines) > 2:
                del lines[at]
            elif damage == "swap":
                lines[at], lines[other] = lines[other], lines[at]
            elif damage == "double":
                lines.insert(at, lines[other])
            elif damage == "dent":
                lines[at] = lines[at][1:]
            else:
                place = chance.randrange(len(lines[at]) + 1)
                lines[at] = lines[at][:place] + chance.choice("\"'(){}[]:,.#x9 ") + lines[at][place + 1 :]
        for one in report("\n".join(lines)).findings:
            assert one.as_json()["code"] in RULES
            assert one.place
