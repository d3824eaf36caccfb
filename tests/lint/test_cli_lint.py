"""`flow lint` as a flow author types it."""

from __future__ import annotations

import json

import pytest
from lint_world import END, READ, TEXT, workflow
from rule_cases import MODULE_TEXT, call, call_module, decision, loop, switch, tasks

from flowlaunch.cli.app import run

BAD = workflow("- endWorkflow: {name: End, exitReason: {exp: 'Lfet(Flow.text, 1)'}}", variables=TEXT)
WARNED = workflow(END + "\n" + END)


@pytest.fixture
def write(tmp_path):
    def write(text, name="flow.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_the_exit_code_tells_errors_and_with_strict_warnings(write):
    """0 without errors, 1 with errors, and with --strict 1 with warnings; 2 for a wrong command line."""
    assert run(["flow", "lint", write(workflow())]) == 0
    assert run(["flow", "lint", write(BAD)]) == 1
    assert run(["flow", "lint", write(WARNED)]) == 0
    assert run(["flow", "lint", "--strict", write(WARNED)]) == 1
    assert run(["flow", "lint", "--strict", "--ignore", "FL101", write(WARNED)]) == 0
    assert run(["flow", "lint", "--select", "FL9", write(WARNED)]) == 2
    assert run(["flow", "lint"]) == 2


def test_the_table_shows_line_caret_and_cure(write, capsys):
    """A finding is printed with file, line, column, code, the line itself, a caret and a hint."""
    path = write(BAD)
    run(["flow", "lint", path])
    lines = capsys.readouterr().out.splitlines()
    number = next(n for n, line in enumerate(BAD.splitlines(), 1) if "Lfet" in line)
    assert lines[0].startswith(f"{path}:{number}:")
    assert "error[FL002] there is no function `Lfet`" in lines[0]
    assert lines[2].index("^") == lines[1].index("Lfet")
    assert "Did you mean `Left`?" in lines[3]


def test_machines_get_json_and_sarif(write, capsys):
    """-o json gives a list of findings, -o sarif one log."""
    path = write(BAD)
    run(["flow", "lint", path, "-o", "json"])
    (finding,) = json.loads(capsys.readouterr().out)
    assert finding["code"] == "FL002"
    assert finding["file"] == path
    run(["flow", "lint", path, "-o", "sarif"])
    log = json.loads(capsys.readouterr().out)
    assert log["runs"][0]["results"][0]["ruleId"] == "FL002"


def test_a_folder_stands_for_its_flows(write, tmp_path, capsys):
    """A folder is linted file by file; an empty one is a mistake in the command line."""
    write(BAD, "one.yaml")
    write(WARNED, "two.yml")
    write("not a flow", "notes.txt")
    write("cases: []\nflow: one.yaml", "one.test.yaml")
    assert run(["flow", "lint", str(tmp_path)]) == 1
    assert "2 files: 1 error, 1 warning" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert run(["flow", "lint", str(tmp_path / "empty")]) == 2


def test_values_of_slots_come_from_a_file_and_single_ones_win(write, tmp_path, capsys):
    """--values fills slots from a file, --set overrules it, and what is filled is checked."""
    path = write(workflow("- endWorkflow: {name: '{{a}}', exitReason: {exp: '{{b}}'}}"))
    values = tmp_path / "values.yaml"
    values.write_text("a: End\nb: Lfet\n", encoding="utf-8")
    assert run(["flow", "lint", path]) == 0
    assert run(["flow", "lint", path, "--values", str(values)]) == 1
    assert run(["flow", "lint", path, "--values", str(values), "--set", "b=NOT_SET"]) == 0
    assert run(["flow", "lint", path, "--set", "b"]) == 2


def test_contracts_are_read_from_a_folder(write, tmp_path, capsys):
    """Calls are compared with the exported data actions of a folder; a file of another kind is refused."""
    folder = tmp_path / "contracts"
    folder.mkdir()
    schema = {"properties": {"orderID": {"type": "string"}}, "additionalProperties": False}
    document = {"name": "Find order", "contract": {"input": {"inputSchema": schema}, "output": {}}}
    (folder / "find.json").write_text(json.dumps(document), encoding="utf-8")
    assert run(["flow", "lint", write(call()), "--contracts", str(folder)]) == 1
    assert "has no input `orderId`" in capsys.readouterr().out
    (folder / "other.json").write_text("{}", encoding="utf-8")
    assert run(["flow", "lint", write(call()), "--contracts", str(folder)]) == 1
    assert "no exported data action" in capsys.readouterr().err


BREAKS = {
    "a typo in a function": (BAD, "error[FL002]", "Lfet"),
    "a wrong type": (
        workflow("- endWorkflow: {name: End, exitReason: {exp: 'Left(5, 1)'}}"),
        "error[FL003]",
        "must be a String",
    ),
    "bad indentation": (
        workflow("- wait:\n  name: Pause\n  duration: {lit: {seconds: 1}}\n" + END),
        "error[FL001]",
        "Check the indentation",
    ),
    "an unknown action": (workflow("- wiat: {name: Pause}\n" + END), "error[FL002]", "`wiat`"),
    "NOT_SET into Left": (
        workflow(
            "- endWorkflow: {name: End, exitReason: {exp: 'Left(Flow.text, 1)'}}",
            variables=TEXT.replace("lit: a", "noValue: true"),
        ),
        "error[FL206]",
        "`Flow.text` is NOT_SET",
    ),
    "a switch without default": (
        workflow(switch("{case: {value: {lit: a}, actions: []}}", ""), variables=TEXT),
        "warning[FL117]",
        "no default path",
    ),
    "an unreachable end": (WARNED, "warning[FL101]", "never reached"),
    "a wrong output name": (
        workflow(END).replace(
            "endWorkflow: {name: End}", "wait: {name: W, duration: {lit: {seconds: 1}}, outputs: {done: {}}}"
        ),
        "error[FL002]",
        "no path `done`",
    ),
    "cyclic tasks": (
        workflow(
            "- callTask: {name: A, targetTaskRef: '/workflow/tasks/task[t1]'}\n" + END,
            tasks=tasks(
                "- callTask: {name: B, targetTaskRef: '/workflow/tasks/task[t2]'}",
                "- callTask: {name: C, targetTaskRef: '/workflow/tasks/task[t1]'}",
            ),
        ),
        "error[FL105]",
        "round and round",
    ),
    "a loop without end": (workflow(loop("{lit: 50000}"), variables=TEXT), "error[FL111]", "10,000"),
    "a condition that never changes": (workflow(decision("1 == 2")), "warning[FL115]", "always false"),
    "a tab for blanks": (workflow(READ, variables=TEXT).replace("    - state", "\t- state"), "error[FL001]", "blanks"),
}


@pytest.mark.parametrize("what", list(BREAKS))
def test_a_deliberate_break_is_told_with_place_and_cure(what, write, capsys):
    """Each way to break a flow gives a finding that says where it is and what to do."""
    text, label, words = BREAKS[what]
    path = write(text)
    run(["flow", "lint", path])
    shown = capsys.readouterr().out
    assert label in shown
    assert words in shown
    head = next(line for line in shown.splitlines() if label in line)
    assert head.startswith(f"{path}:")
    assert "hint:" in shown


def test_modules_are_known_to_the_flows_beside_them(write, tmp_path, capsys):
    """A call of a common module is compared with the module's file when both are linted together."""
    flow = write(call_module("Common.Nmae: {lit: x}"), "flow.yaml")
    assert run(["flow", "lint", flow]) == 0
    write(MODULE_TEXT, "greet.yaml")
    assert run(["flow", "lint", str(tmp_path)]) == 1
    assert "has no input `Common.Nmae`" in capsys.readouterr().out
