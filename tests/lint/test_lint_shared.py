"""The reference flows and exports under lint."""

from __future__ import annotations

import inspect
import time
from pathlib import Path

import pytest

from flowlaunch.architect.actions import table
from flowlaunch.architect.flow import Spec
from flowlaunch.architect.lint import lint_text
from flowlaunch.architect.lint.facts import FACTS

SHARED = Path(__file__).resolve().parents[3] / "shared"
FILES = sorted([*(SHARED / "flows").glob("*.yaml"), *(SHARED / "exports").glob("*.i3*")])


@pytest.mark.parametrize("path", FILES or [None], ids=lambda path: path.name if path else "absent")
def test_a_real_flow_has_no_error(path):
    """No flow that runs on the platform is said to have an error, with its slots unfilled."""
    if path is None:
        pytest.skip("../shared is not beside this checkout")
    report = lint_text(path.read_bytes(), name=path.name)
    assert report.flow is not None
    assert [one.message for one in report.findings if one.severity == "error"] == []


def test_yaml_and_export_of_one_flow_give_the_same_findings():
    """The export and the YAML of one flow are found to have the same faults."""
    name = "ani-blacklist__"
    if not FILES:
        pytest.skip("../shared is not beside this checkout")
    yaml, export = SHARED / "flows" / f"{name}blacklist.yaml", SHARED / "exports" / f"{name}Blacklist.i3WorkFlow"
    found = [
        sorted((one.code, one.action) for one in lint_text(path.read_bytes(), name="x").findings if one.code != "FL005")
        for path in (yaml, export)
    ]
    assert found[0] == found[1]


def test_all_flows_are_linted_in_seconds():
    """All reference flows and exports are linted in well under a second each."""
    if not FILES:
        pytest.skip("../shared is not beside this checkout")
    texts = [path.read_bytes() for path in FILES]
    began = time.perf_counter()
    for text in texts:
        lint_text(text, name="x")
    assert time.perf_counter() - began < len(texts)


def test_every_kind_of_action_has_its_facts():
    """Every class that actions are compiled from has a row in the table of facts."""
    specs = {
        one
        for family in table._FAMILIES
        for one in vars(family).values()
        if inspect.isclass(one) and issubclass(one, Spec) and one is not Spec
    }
    assert specs == set(FACTS)
