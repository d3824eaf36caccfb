"""The flow commands, as a flow author types them."""

from __future__ import annotations

import json
import shutil
import sys
import xml.etree.ElementTree as ET
from subprocess import run as run_process
from types import SimpleNamespace

import pytest
from flow_desk import CASES, FLOWS, SHARED, SMALL_FLOW, TUTORIAL

from flowlaunch.cli.commands import flow_run

STUBS = "data_actions:\n- {action: Get Tier, outputs: {tier: gold}}\n"


@pytest.fixture
def stubs(write):
    """A stub file for the small flow."""
    return write("stubs.yaml", STUBS)


@pytest.fixture
def tutorial(tmp_path):
    """The tutorial's files in a folder of the test's own."""
    for path in (TUTORIAL, CASES, CASES.with_name("appointment-reminder.test.snapshots.yaml")):
        shutil.copy(path, tmp_path)
    return tmp_path


# -- run ---------------------------------------------------------------------------------------------------------


def test_run_shows_the_result(command, flow_file, stubs):
    """`flow run` shows status, exit reason and outputs, and ends with 0."""
    ended = command("run", flow_file, "-i", "id=7", "-i", "count:=3", "--stubs", stubs)
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "status       COMPLETED",
        "exit_reason  gold",
        "Flow.tier    gold",
        "Flow.many    true",
    ]
    assert "4 actions, 0 s of the flow's time" in ended.err


def test_run_gives_json_to_machines(command, flow_file, stubs):
    """-o json holds outputs, calls, variables and, with --trace, the trace."""
    shown = command("run", flow_file, "--input", '{"Flow.id": "7"}', "--stubs", stubs, "-o", "json", "--trace").data
    assert shown["outputs"] == {"Flow.tier": "gold", "Flow.many": False}
    assert shown["calls"][0]["request"] == {"id": "7", "count": 1}
    assert [entry["action"]["name"] for entry in shown["trace"]["entries"]] == ["Ask", "Are there many", "Done"]
    assert "trace" not in command("run", flow_file, "--stubs", stubs, "-o", "json").data


def test_a_failed_flow_ends_with_3(command):
    """A flow that fails ends with exit code 3 and says at which action, line and expression."""
    ended = command("run", FLOWS / "refund-check.yaml", "-i", "orderId=7")
    assert ended.code == 3
    assert "refund-check.yaml:42" in ended.err
    assert "Length(Flow.reason) >= 10\n         ^" in ended.err
    assert "error.workflow.expression.unexpectedNull" in ended.err


def test_a_missing_stub_ends_with_1_and_shows_its_stanza(command, flow_file):
    """A run without a stub that it needs prints the stanza to add, after the trace so far."""
    ended = command("run", flow_file, "-i", "id=7", "--trace")
    assert ended.code == 1
    assert "error[flow-stub]" in ended.err
    assert "data_actions:\n    - category: CRM\n      action: Get Tier" in ended.err
    assert 'callData "Ask"' in ended.out


def test_the_trace_is_a_tree(command):
    """--trace shows containers, actions under their paths, what they read, chose and set, and when."""
    stubs = FLOWS / "world.yaml"
    ended = command("run", FLOWS / "loyalty-lookup.yaml", "-i", "customerId=C-2", "--stubs", stubs, "--trace")
    assert ended.out.splitlines()[:4] == [
        "state Start",
        '      +0s   callData "Ask the CRM" -> success  (customerId="C-2")',
        '              Flow.tier = "silver"',
        '      +3s     endWorkflow "Found"  (exitReason="Found")',
    ]


def test_wrong_inputs_are_told(command, flow_file, stubs):
    """An unknown input and text for a number are refused with what to type."""
    assert "Did you mean `count`?" in command("run", flow_file, "-i", "cout=1", "--stubs", stubs).err
    assert "Write -i count:=3." in command("run", flow_file, "-i", "count=3", "--stubs", stubs).err


def test_slots_are_filled(command, flow_file, stubs, write):
    """--set and --values fill the slots of a flow."""
    flow_file.write_text(flow_file.read_text().replace("Get Tier", "{{action}}"))
    assert "slot `{{action}}` has no value" in command("run", flow_file, "--stubs", stubs).err
    assert command("run", flow_file, "--stubs", stubs, "--set", "action=Get Tier").code == 0
    values = write("values.yaml", "action: Get Tier\n")
    assert command("run", flow_file, "--stubs", stubs, "--values", values).code == 0


def test_contracts_are_checked(command, flow_file, stubs, write):
    """A flow that sends what a contract forbids is told, and runs all the same."""
    schema = '{"properties": {"id": {"type": "string"}}, "required": ["id"]}'
    contract = '{"name": "Get Tier", "contract": {"input": {"inputSchema": %s}, "output": {"successSchema": {}}}}'
    write("tier.json", contract % schema)
    ended = command("run", flow_file, "--stubs", stubs, "--contracts", "tier.json")
    assert ended.code == 0
    assert "contract: data action `Get Tier`, inputs: `id` is required and NOT_SET" in ended.err


def test_real_time_takes_its_time(command, flow_file, write, monkeypatch):
    """--real-time sleeps as long as the flow waits; without it nothing sleeps."""
    naps = []
    monkeypatch.setattr(flow_run, "time", SimpleNamespace(sleep=naps.append))
    stubs = write("slow.yaml", "data_actions:\n- {action: Get Tier, delay_s: 2.5}\n")
    command("run", flow_file, "--stubs", stubs)
    assert naps == []
    command("run", flow_file, "--stubs", stubs, "--real-time")
    assert naps == [2.5]


def test_lenient_runs_leave_unknown_actions_out(command, flow_file, stubs):
    """--lenient tells what it leaves out and runs the rest."""
    flow_file.write_text(
        flow_file.read_text().replace(
            "          - endWorkflow:", "          - digitalMenu: {}\n          - endWorkflow:"
        )
    )
    assert command("run", flow_file, "--stubs", stubs).code == 1
    ended = command("run", flow_file, "--stubs", stubs, "--lenient", "--trace")
    assert ended.code == 0
    assert "left out: action `digitalMenu` is not emulated" in ended.err
    assert "not emulated" in ended.out


# -- inputs, eval, convert, record, schema -------------------------------------------------------------------------


def test_inputs_are_json_schemas(command, flow_file):
    """`flow inputs` prints the JSON Schemas of inputs and outputs."""
    shown = command("inputs", flow_file).data
    assert shown["inputs"]["properties"]["Flow.count"]["type"] == ["integer", "null"]
    assert list(shown["outputs"]["properties"]) == ["Flow.tier", "Flow.many"]
    assert command("inputs", flow_file, "-o", "csv").out.startswith("side,name,type,description\ninput,Flow.id,String")


@pytest.mark.parametrize(
    ("arguments", "value", "of"),
    [
        (["Flow.a + 1", "--set", "Flow.a:=41"], 42, "int"),
        (["6 / 4"], 1.5, "dec"),
        (['Append("a", Flow.b)', "--set", "Flow.b=c"], "ac", "str"),
        (["Flow.c", "--declare", "Flow.c=stringCollection"], [], "str_coll"),
        (["Flow.n", "--declare", "Flow.n=integer"], None, "int"),
        (["12", "--want", "string"], "12", "str"),
        (["AddDays(GetCurrentDateTimeUtc(), 1)", "--now", "2026-01-01T00:00:00Z"], "2026-01-02T00:00:00Z", "dtm"),
    ],
)
def test_eval_gives_value_and_type(command, arguments, value, of):
    """`flow eval` evaluates one expression with the variables given."""
    shown = command("eval", *arguments, "-o", "json").data
    assert (shown["value"], shown["type"], shown["is_set"]) == (value, of, value is not None)


def test_eval_prints_for_people(command):
    """The table has value, type and the text as Architect writes it; --type and --ast show less and more."""
    assert command("eval", "left('abc',1)".replace("'", '"')).out.splitlines() == [
        'value    "a"',
        "type     String",
        'written  Left("abc", 1)',
    ]
    assert command("eval", "1.5", "--type").out == "Decimal\n"
    assert command("eval", "1 == 2", "--ast").data["=="]["operands"][0] == {"lit": {"type": "int", "text": "1"}}


def test_eval_points_at_mistakes(command):
    """A wrong expression is shown with a caret."""
    ended = command("eval", 'Flow.a + "x"', "--set", "Flow.a:=1")
    assert ended.code == 1
    assert '    Flow.a + "x"\n           ^' in ended.err


def test_a_session_reads_lines(command, monkeypatch):
    """Without an expression, lines are read: assignments, commands, and mistakes that do not end the session."""
    lines = iter(["# a comment", "Flow.x = 3", "Flow.X * 2", ":type Flow.x", ":vars", "Flow.y", "1 == 1", ":quit", "9"])
    monkeypatch.setattr("builtins.input", lambda _prompt="": next(lines))
    ended = command("eval", "-o", "json")
    assert ended.code == 1
    assert [json.loads(text) for text in ended.out.replace("}\n{", "}\0{").split("\0")] == [
        {"value": 3, "is_set": True, "type": "int", "canonical": "3"},
        {"value": 6, "is_set": True, "type": "int", "canonical": "Flow.X * 2"},
        {"type": "int", "title": "Integer"},
        {"Flow.x": 3},
        {"value": True, "is_set": True, "type": "bln", "canonical": "1 == 1"},
    ]
    assert "Flow.y" in ended.err


def test_convert_writes_yaml(command, tmp_path):
    """`flow convert` prints an export as YAML, or writes a file that it does not replace unasked."""
    export = SHARED / "exports" / "ani-blacklist__Blacklist.i3WorkFlow"
    if not export.exists():
        pytest.skip("../shared is not beside this checkout")
    assert command("convert", export).out.startswith("workflow:\n  name: Blacklist\n")
    target = tmp_path / "blacklist.yaml"
    assert command("convert", export, "-o", target).code == 0
    assert command("inputs", target).data["flow"] == "Blacklist"
    again = command("convert", export, "-o", target)
    assert (again.code, "--force" in again.err) == (7, True)
    assert command("convert", export, "-o", target, "--force").code == 0


def test_record_writes_stubs_that_run(command, flow_file, tmp_path):
    """The skeleton that `flow record` writes is a stub file with which the flow runs."""
    assert command("record", flow_file, "-o", tmp_path / "stubs.yaml").code == 0
    assert command("run", flow_file, "--stubs", tmp_path / "stubs.yaml").code == 0


def test_record_writes_cases_for_another_folder(command, write, tmp_path):
    """Drafted cases name the flow from where they are written, and are as lenient as it was read."""
    odd = "          - flyAway: {name: Up}\n          - endWorkflow:"
    write("odd.yaml", SMALL_FLOW.replace("          - endWorkflow:", odd))
    path = tmp_path / "cases" / "odd.test.yaml"
    path.parent.mkdir()
    assert command("record", tmp_path / "odd.yaml", "--cases", "--lenient", "-o", path).code == 0
    assert command("test", path).code == 0


def test_record_gives_each_thing_its_own_id(command, write):
    """Two queues of a flow get two ids in the skeleton."""
    write("flow.yaml", (FLOWS / "refund-check.yaml").read_text().replace(
        "          - updateData:", "          - findQueue: {name: A, findName: {lit: Sales}}\n"
        "          - findQueue: {name: B, findName: {lit: Support}}\n          - updateData:", 1))  # fmt: skip
    out = command("record", "flow.yaml").out
    assert out.partition("\n")[2] == "queues:\n- id: queue-1\n  name: Sales\n- id: queue-2\n  name: Support\n"


def test_record_writes_cases_that_pass(command, flow_file, tmp_path):
    """The case file that `flow record --cases` writes passes and covers every path."""
    path = tmp_path / "small.test.yaml"
    assert command("record", flow_file, "--cases", "-o", path).err == f"wrote {path}\n"
    assert command("cover", path, "--fail-under", "100").code == 0


def test_schemas_are_printed(command):
    """`flow schema` prints a JSON Schema."""
    for kind in ("stubs", "cases"):
        assert command("schema", kind).data["$schema"].startswith("http://json-schema.org/draft-07")


# -- test and cover ----------------------------------------------------------------------------------------------


def test_passing_cases_end_with_0(command, tutorial):
    """`flow test` names every case and sums up."""
    ended = command("test", tutorial)
    assert ended.code == 0
    assert "passed  Nobody is reached" in ended.out
    assert "10 passed in" in ended.out


def test_failing_cases_end_with_1_and_name_the_line(command, tutorial):
    """A failed expectation shows file and line, what was expected and what was found."""
    path = tutorial / "appointment-reminder.test.yaml"
    path.write_text(path.read_text().replace("outputs: {outcome: not reached}", "outputs: {outcome: reached}"))
    ended = command("test", path.name, "-q")
    assert ended.code == 1
    assert "failed  Nobody is reached" in ended.out
    assert 'appointment-reminder.test.yaml:88: output Flow.outcome\n            expected "reached"' in ended.out
    assert "9 passed, 1 failed" in ended.out
    assert "passed  An urgent" not in ended.out


def test_broken_case_files_do_not_stop_the_others(command, tutorial, write):
    """A case file that cannot be read is an error, and the others run."""
    write("broken.test.yaml", "flow: x.yaml\ncase: []\n")
    ended = command("test", tutorial)
    assert ended.code == 1
    assert "Did you mean `cases`?" in ended.out
    assert "10 passed, 1 error" in ended.out


def test_cases_run_in_parallel(tutorial):
    """-j runs cases in several processes with the same result."""
    call = [sys.executable, "-m", "flowlaunch", "flow", "test", str(tutorial), "-o", "json"]
    runs = [json.loads(run_process([*call, "-j", jobs], capture_output=True, check=True).stdout) for jobs in ("1", "2")]
    names = [[case["name"] for case in shown["files"][0]["cases"]] for shown in runs]
    assert names[0] == names[1]
    assert [shown["passed"] for shown in runs] == [10, 10]


def test_only_some_cases_run(command, tutorial):
    """-k runs the cases whose name contains a text."""
    assert command("test", tutorial, "-k", "appointment ends", "-o", "json").data["passed"] == 1


def test_junit_is_written(command, tutorial, write):
    """--junit writes a suite a file, with place, failures, errors and skipped cases."""
    path = tutorial / "appointment-reminder.test.yaml"
    path.write_text(
        path.read_text().replace("outputs: {outcome: not reached}", r'outputs: {outcome: "<reached & \x01>"}')
        + "\n  - {name: Later, skip: not yet}\n"
    )
    write("broken.test.yaml", "cases: []\n")
    command("test", tutorial, "--junit", tutorial / "junit.xml")
    suites = ET.parse(tutorial / "junit.xml").getroot()  # noqa: S314 - our own file
    good, broken = suites
    assert (good.get("tests"), good.get("failures"), good.get("skipped")) == ("11", "1", "1")
    failed = next(case for case in good if case.find("failure") is not None)
    assert (failed.get("name"), failed.get("line")) == ("Nobody is reached", "82")
    assert r"<reached & \u0001>" in failed.find("failure").text
    assert broken.get("errors") == "1"


def test_coverage_is_shown_and_held(command, tutorial):
    """`flow cover` shows actions, paths and switch cases, lists what is missing, and --fail-under fails."""
    ended = command("cover", tutorial, "--fail-under", "100")
    assert ended.code == 0
    assert "17/17    14/14  3/3           100.0" in ended.out
    partly = command("cover", tutorial, "-k", "urgent", "--fail-under", "90")
    assert partly.code == 1
    assert 'callData "Get the appointment" never left by failure, timeout' in partly.out
    assert "--fail-under asks for 90 %" in partly.err


def test_coverage_is_json_and_a_drawing(command, tutorial):
    """Coverage is there as JSON for scripts and as a drawing for people."""
    shown = command("cover", tutorial, "-o", "json").data["coverage"]
    assert shown["percent"] == 100.0
    assert shown["flows"][0]["totals"]["switch_cases"] == {"hit": 3, "of": 3}
    assert command("cover", tutorial, "--drawing", tutorial / "c.html", "-q").code == 0
    assert "Get the appointment" in (tutorial / "c.html").read_text()
    assert command("cover", tutorial, "--drawing", tutorial / "c.txt", "-q").code == 7


def test_mutants_are_shown(command, tutorial):
    """--mutate shows how many mutants survive, where, and which cases notice the others."""
    every = command("test", tutorial, "--mutate")
    assert "22 mutants, 22 noticed, 0 survive" in every.out
    path = tutorial / "appointment-reminder.test.yaml"
    path.write_text(path.read_text().replace("elapsed_s: 65", "elapsed_s: {gt: 1}"))
    shown = command("test", tutorial, "--mutate", "-o", "json").data["mutants"]
    survivors = [one["change"] for one in shown["detail"] if one["survives"]]
    assert survivors == ["`PT5S` became `PT1M5S`", "`PT1M` became `PT2M`"]


def test_snapshots_are_updated(command, tutorial):
    """--update-snapshots accepts the traces as they are."""
    flow = tutorial / "appointment-reminder.yaml"
    flow.write_text(flow.read_text().replace("name: Wait for the evening", "name: Wait for the night"))
    cases = tutorial / "appointment-reminder.test.yaml"
    cases.write_text(cases.read_text().replace("Wait for the evening", "Wait for the night"))
    assert "snapshot of the trace" in command("test", tutorial).out
    assert command("test", tutorial, "--update-snapshots").code == 0
    assert command("test", tutorial).code == 0


def test_folders_without_cases_are_told(command, tmp_path):
    """A folder without case files is a usage error."""
    (tmp_path / "empty").mkdir()
    ended = command("test", tmp_path / "empty")
    assert (ended.code, "no case files" in ended.err) == (2, True)


def test_the_list_of_flow_commands_says_what_each_says():
    """The line of a command in `flowlaunch flow --help` is the first of its own help."""
    import click

    from flowlaunch.cli.commands.flow import SUBCOMMANDS, flow_command

    context = click.Context(flow_command)
    for name, (_, about) in SUBCOMMANDS.items():
        if name == "graph":
            continue  # drawn by a part of its own
        assert (flow_command.get_command(context, name).help or "").strip().splitlines()[0] == about
