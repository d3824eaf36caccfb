"""Case files: what they expect, what is told when it does not hold, and what is wrong with a case file itself."""

from __future__ import annotations

import pytest
from flow_desk import CASES

from flowlaunch.testing import run_cases, run_mutants

STUBS = "stubs: {data_actions: [{action: Get Tier, outputs: {tier: gold}}]}\n"


@pytest.fixture
def cases(flow_file, write):
    """Run the cases of a text on the small flow."""
    del flow_file

    def run(text: str, **options):
        return run_cases(write("small.test.yaml", f"flow: small.yaml\n{text}"), **options)

    return run


def one(cases, expect: str, inputs: str = "{id: '7'}") -> list[str]:
    """Run one case and give its mismatches without the folder."""
    result = cases(f"{STUBS}cases:\n  - name: x\n    inputs: {inputs}\n    expect:\n{expect}")
    assert result.problem is None, result.problem
    assert result.results[0].error == ""
    return [str(mismatch).rpartition("/")[2] for mismatch in result.results[0].mismatches]


HOLDS = [
    "outputs: {tier: gold, Flow.many: false}",
    "exit_reason: gold",
    "status: COMPLETED",
    "variables: {Flow.count: 1, id: '7'}",
    "path: [Ask: success, Are there many: 'no', Done]",
    "path: [Are there many: no]",
    "path: [A*]",
    "whole_path: [Ask, Are there many, Done]",
    "avoids: [Note it, Ask: timeout]",
    "calls: [Get Tier]",
    "calls: [{action: Get Tier, category: CRM, inputs: {id: {glob: '?'}, count: 1}, answer: success}]",
    "calls_include: [{inputs: {count: {le: 1}}}]",
    "elapsed_s: {lt: 1}",
    "notifications: []",
    "outputs: {tier: {in: [gold, silver]}}",
]


@pytest.mark.parametrize("expect", HOLDS)
def test_what_holds_passes(cases, expect):
    """Each kind of expectation passes when it holds."""
    assert one(cases, f"      {expect}\n") == []


FAILS = {
    "outputs: {tier: silver}": 'small.test.yaml:7: output Flow.tier\n  expected "silver"\n  found    "gold"',
    "outputs: {teir: gold}": 'small.test.yaml:7: output teir\n  expected "gold"\n'
    "  found    no output of that name. Did you mean `tier`?",
    "exit_reason: {glob: 's*'}": 'small.test.yaml:7: exit reason\n  expected glob "s*"\n  found    "gold"',
    "status: FAILED": "small.test.yaml:7: status\n  expected FAILED\n  found    COMPLETED, exit reason 'gold'",
    "variables: {count: 2}": "small.test.yaml:7: variable Flow.count\n  expected 2\n  found    1",
    "path: [Ask, Note it]": "small.test.yaml:7: step 2 of the path\n  expected Note it\n"
    "  found    never after `Ask`. It ran: Ask: success, Are there many: no, Done",
    "whole_path: [Ask, Done]": "small.test.yaml:7: the whole path\n  --- expected\n  +++ found\n  @@ -1,2 +1,3 @@\n"
    "   Ask\n  +Are there many\n   Done",
    "avoids: [Done]": "small.test.yaml:7: `Done`\n  expected never\n  found    it ran (line 37 of the flow)",
    "calls: []": "small.test.yaml:7: data actions called\n  --- expected\n  +++ found\n  @@ -0,0 +1 @@\n  +Get Tier",
    "calls: [{action: Get Tier, inputs: {id: '8'}}]": "small.test.yaml:7: call 1 (Get Tier), input id\n"
    '  expected "8"\n  found    "7"',
    "calls_include: [{action: Other}]": "small.test.yaml:7: data action called\n  expected Other\n"
    '  found    calls: Get Tier {"id": "7", "count": 1}',
    "elapsed_s: {gt: 5}": "small.test.yaml:7: seconds passed\n  expected gt 5\n  found    0.0",
    "notifications: [{subject: Hi}]": "small.test.yaml:7: notifications sent\n  expected 1\n  found    0",
    "attributes: {c-1: {x: '1'}}": "small.test.yaml:7: attribute x of conversation 'c-1'\n"
    '  expected "1"\n  found    null',
}


@pytest.mark.parametrize("expect", FAILS)
def test_what_does_not_hold_is_told_with_its_line(cases, expect):
    """A failed expectation names file and line, what was expected and what was found."""
    assert one(cases, f"      {expect}\n") == [FAILS[expect]]


def test_long_values_are_compared_line_by_line(cases):
    """Long texts show only the lines that differ."""
    long = "\\n".join(f"line {number} of a long text" for number in range(9))
    stubs = f'stubs: {{data_actions: [{{action: Get Tier, outputs: {{tier: "{long}"}}}}]}}\n'
    wanted = "\\n".join(f"line {number if number != 4 else 'four'} of a long text" for number in range(9))
    result = cases(f'{stubs}cases:\n  - name: x\n    expect: {{outputs: {{tier: "{wanted}"}}}}\n')
    (mismatch,) = result.results[0].mismatches
    assert "-line four of a long text" in mismatch.diff
    assert "+line 4 of a long text" in mismatch.diff
    assert "line 8 of a long text" not in " ".join(mismatch.diff)


def test_a_failed_run_says_where_and_why(cases, write):
    """When a flow fails that should not, the mismatch names the action, its line and the reason."""
    result = cases("stubs: {data_actions: [{action: Get Tier, outputs: {tier: 5}}]}\ncases:\n  - name: x\n")
    (mismatch,) = result.results[0].mismatches
    assert mismatch.what == "status"
    assert "FAILED at action `Ask`" in mismatch.found
    assert ":15): output tier of data action" in mismatch.found


def test_expected_errors_pass(cases):
    """A case that expects an error expects FAILED, by code, message or action."""
    stubs = "stubs: {data_actions: [{action: Get Tier, outputs: {tier: 5}}]}\n"
    for error in (
        "does not fit Flow.tier",
        "{code: flowlaunch.output.type, action: Ask}",
        "{message: {contains: fit}}",
    ):
        result = cases(f"{stubs}cases:\n  - name: x\n    expect: {{error: {error}}}\n")
        assert result.results[0].mismatches == ()


def test_a_missing_stub_is_an_error_of_the_case(cases):
    """A case that needs a stub nobody gave says so with the stanza, and the other cases still run."""
    result = cases(
        "cases:\n  - name: without\n  - name: with\n"
        "    stubs: {data_actions: [{action: Get Tier, outputs: {tier: a}}]}\n"
    )
    assert [one.state for one in result.results] == ["error", "passed"]
    assert "Add this to the stub file" in result.results[0].error
    assert "small.test.yaml:3: no stub answers" in result.results[0].error


def test_tables_make_one_case_a_row(cases):
    """Each row is a case; its cells stand for `${row.column}` and keep their types; templates of stubs stay."""
    table = '    table: {csv: "count, many\\n1, false\\n2, false\\n3, true\\n"}\n'
    stubs = "stubs: {data_actions: [{action: Get Tier, outputs: {tier: '${input.count} of ${input.id}'}}]}\n"
    result = cases(
        f"{stubs}cases:\n  - name: ${{row.count}} makes many ${{row.many}}\n{table}"
        "    inputs: {id: i, count: '${row.count}'}\n"
        "    expect: {outputs: {many: '${row.many}', tier: '${row.count} of i'}}\n"
    )
    assert [one.case.name for one in result.results] == [
        "1 makes many false",
        "2 makes many false",
        "3 makes many true",
    ]
    assert [one.state for one in result.results] == ["passed"] * 3


def test_rows_without_a_name_are_numbered(cases):
    """Rows that give the case no name of their own are numbered."""
    result = cases(
        f"{STUBS}cases:\n  - name: row\n    table: [{{count: 1}}, {{count: 5}}]\n"
        "    inputs: {count: '${row.count}'}\n"
    )
    assert [one.case.name for one in result.results] == ["row [1]", "row [2]"]


def test_skipped_cases_say_why(cases):
    """A case with `skip` is not run."""
    result = cases("cases:\n  - {name: later, skip: waits for the CRM}\n")
    assert (result.results[0].state, result.results[0].case.skip) == ("skipped", "waits for the CRM")


def test_snapshots_are_stored_compared_and_updated(cases, tmp_path):
    """A snapshot must be stored first; then a change of the trace is told line by line."""
    text = f"{STUBS}cases:\n  - name: x\n    snapshot: true\n    inputs: {{count: %d}}\n"
    assert "--update-snapshots" in str(cases(text % 1).results[0].mismatches[0])
    assert cases(text % 1, update_snapshots=True).results[0].state == "passed"
    assert cases(text % 1).results[0].state == "passed"
    assert (tmp_path / "small.test.snapshots.yaml").exists()
    (mismatch,) = cases(text % 3).results[0].mismatches
    assert '-+0s Start / 1 decision "Are there many" -> no (condition=false)' in mismatch.diff
    assert "+  +0s" not in mismatch.diff
    assert any(line.startswith("+") and '"Note it"' in line for line in mismatch.diff)


MISTAKES = {
    "case: []": ("no field `case`", "Did you mean `cases`?"),
    "cases: []": ("has no cases", "Add `cases:"),
    "cases:\n  - {inputs: {}}": ("a case has no `name`", "Write `- name:"),
    "cases:\n  - {name: x, expects: {}}": ("no field `expects`", "Did you mean `expect`?"),
    "cases:\n  - {name: x, expect: {output: {}}}": ("no field `output`", "Did you mean `outputs`?"),
    "cases:\n  - {name: x, expect: {status: DONE}}": ("status cannot be 'DONE'", "`COMPLETED`"),
    "cases:\n  - {name: x}\n  - {name: x}": ("two cases are named `x`", "${row.column}"),
    "cases:\n  - {name: x, expect: {path: [{a: b, c: d}]}}": ("must name one action", "Write `- Action name: path`"),
    "cases:\n  - {name: x, stubs: nowhere.yaml}": ("cannot read the stubs in nowhere.yaml", "folder of this file"),
    "cases:\n  - {name: x, stubs: {data_actions: [{acton: y}]}}": ("no field `acton`", "Did you mean `action`?"),
    "cases:\n  - {name: '${row.}', table: [{a: 1}]}": ("JMESPath", ""),
    "rules: {state_end: stop}\ncases: [{name: x}]": ("rule state_end cannot be 'stop'", "complete"),
    "slots: [a]\ncases: [{name: x}]": ("slots must be a mapping", ""),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes_in_case_files_are_named(cases, text):
    """A case file that is wrong is told with what is wrong and what to write."""
    result = cases(text)
    message, hint = MISTAKES[text]
    assert result.results == ()
    assert message in result.problem.message
    assert hint in result.problem.hint


def test_a_case_file_must_name_its_flow(write):
    """A case file without a flow, or with one that is not there, is told."""
    assert "does not name its `flow`" in run_cases(write("a.test.yaml", "cases: [{name: x}]")).problem.message
    missing = run_cases(write("b.test.yaml", "flow: nowhere.yaml\ncases: [{name: x}]")).problem
    assert "cannot read the flow in" in missing.message


def test_slots_and_contracts_come_from_files(write, flow_file):
    """Values files fill slots, contracts check stubs before any case runs."""
    flow_file.write_text(flow_file.read_text().replace("Get Tier", "{{action}}"))
    write("values.yaml", "action: Get Tier\n")
    contract = '{"name": "Get Tier", "contract": {"input": {"inputSchema": {"properties": {"id": {}, "count": {}}}}, '
    write(
        "tier.json", f'{contract}"output": {{"successSchema": {{"properties": {{"tier": {{"type": "string"}}}}}}}}}}}}'
    )
    text = (
        "flow: small.yaml\nvalues: values.yaml\ncontracts: [tier.json]\ncases:\n  - name: x\n    stubs: {data_actions: "
    )
    good = run_cases(write("c.test.yaml", f"{text}[{{action: Get Tier, outputs: {{tier: gold}}}}]}}\n"))
    assert (good.problem, good.results[0].state) == (None, "passed")
    bad = run_cases(write("d.test.yaml", f"{text}[{{action: Get Tier, outputs: {{tier: 5}}}}]}}\n"))
    assert "`tier` must be string, not 5" in bad.problem.message


# -- the tutorial ------------------------------------------------------------------------------------------------


def test_the_tutorial_takes_every_path():
    """The tutorial's cases pass and take every action, path and switch case of its flow."""
    result = run_cases(CASES)
    assert [one.state for one in result.results] == ["passed"] * 10
    (report,) = result.coverage().report()
    assert (report.percent, report.missing()) == (100.0, [])
    assert report.cases_total == 3


def test_the_tutorial_notices_every_mutant():
    """No small mistake in the tutorial's flow gets past its cases."""
    mutants = list(run_mutants([run_cases(CASES).bench]))
    assert len(mutants) >= 20
    assert [str(one.mutant) for one in mutants if one.survives] == []
