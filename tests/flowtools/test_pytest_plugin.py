"""The pytest plugin, used by a suite of its own."""

from __future__ import annotations

import shutil

import pytest
from flow_desk import CASES, SMALL_FLOW, TUTORIAL

pytest_plugins = ("pytester",)

TEST_FILE = """
STUBS = {"data_actions": [{"action": "Get Tier", "outputs": {"tier": "gold"}}]}


def test_tier_is_returned(flow):
    small = flow("small.yaml", stubs=STUBS)
    outcome = small.run({"id": "7"})
    assert outcome.status == "COMPLETED"
    assert outcome.outputs["Flow.tier"] == "gold"
    assert [call.name for call in outcome.data_actions()] == ["Get Tier"]
    assert small.missing() == [
        'MISSING/small.yaml:15: callData "Ask" never left by failure, timeout',
        'MISSING/small.yaml:27: decision "Are there many" never left by yes',
        'MISSING/small.yaml:33: updateData "Note it" never ran',
    ]


def test_own_stubs_come_first(flow):
    small = flow("small.yaml", stubs=STUBS)
    failing = {"data_actions": [{"action": "*", "failure": {}}]}
    assert small.run({"count": 9}, stubs=failing).outputs["Flow.tier"] is None


def test_this_fails(flow):
    assert flow("small.yaml", stubs=STUBS).run().exit_reason == "silver"
"""


@pytest.fixture
def suite(pytester, monkeypatch):
    """A suite of its own that has the plugin, run in a process of its own."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.path.joinpath("small.yaml").write_text(SMALL_FLOW)

    def run(**files: str):
        for name, text in files.items():
            pytester.path.joinpath(f"{name}.py").write_text(text.replace("MISSING", str(pytester.path)))
        return pytester.runpytest_subprocess("-p", "flowlaunch.pytest_plugin", "-p", "no:cacheprovider")

    return run


def test_the_flow_fixture_runs_flows(suite):
    """`flow` loads a flow beside the test file, runs it over stubs and tells what no run took."""
    ended = suite(test_small=TEST_FILE)
    ended.assert_outcomes(passed=2, failed=1)
    ended.stdout.fnmatch_lines(["*assert 'gold' == 'silver'*"])


def test_the_sandbox_fixture_serves(suite):
    """`sandbox` is a running local Genesys Cloud that accepts a launch."""
    ended = suite(
        test_sandbox="""
import flowlaunch


def test_launch(sandbox):
    with flowlaunch.Client(region=sandbox.url, client_id="demo", client_secret="demo-secret") as client:
        launched = client.launch("Order follow-up", {"customerName": "Jane", "orderId": "7"})
        assert client.wait(launched).succeeded
"""
    )
    ended.assert_outcomes(passed=1)


def test_case_files_are_tests_when_asked_for(suite, pytester):
    """With `flowlaunch_cases`, each case of a case file is a test; a failed one shows its mismatch, not a traceback."""
    for path in (TUTORIAL, CASES, CASES.with_name("appointment-reminder.test.snapshots.yaml")):
        shutil.copy(path, pytester.path)
    cases = pytester.path / CASES.name
    cases.write_text(cases.read_text().replace("outputs: {outcome: not reached}", "outputs: {outcome: reached}"))
    suite().assert_outcomes()
    pytester.makeini("[pytest]\nflowlaunch_cases = true\n")
    ended = suite()
    ended.assert_outcomes(passed=9, failed=1)
    ended.stdout.fnmatch_lines(["*test.yaml:88: output Flow.outcome", '  expected "reached"'])
    assert "Traceback" not in ended.stdout.str()


def test_broken_case_files_are_collection_errors(suite, pytester):
    """A case file that is wrong is an error of the collection with its hint."""
    pytester.makeini("[pytest]\nflowlaunch_cases = true\n")
    pytester.path.joinpath("x.test.yaml").write_text("flow: small.yaml\ncase: []\n")
    ended = suite()
    ended.assert_outcomes(errors=1)
    ended.stdout.fnmatch_lines(["*Did you mean `cases`?*"])


def test_the_plugin_costs_nothing_until_it_is_used(suite):
    """Loading the plugin imports nothing of the flow language or the sandbox."""
    suite(
        test_light="""
import sys


def test_light():
    assert not [name for name in sys.modules if name.startswith(("flowlaunch.architect", "flowlaunch.sandbox", "yaml"))]
"""
    ).assert_outcomes(passed=1)
