"""What the pages about stubs and case files show can be read as it stands."""

from __future__ import annotations

import re

import pytest
from flow_desk import FLOWS

from flowlaunch.architect.cases import expectations, parse as case_parse, parse_case_file
from flowlaunch.architect.stubs import parse as stub_parse, parse_stubs
from flowlaunch.architect.stubs.conditions import OPERATORS

PAGES = FLOWS.parents[3] / "docs" / "reference"
STUBS = (PAGES / "stubs.md").read_text()
CASES = (PAGES / "flow-test-files.md").read_text()
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCK.findall(STUBS))))
def test_stub_examples_are_stub_files(number):
    """Every YAML block of the page about stubs is a stub file."""
    assert parse_stubs(BLOCK.findall(STUBS)[number], "page.yaml") is not None


def test_case_examples_are_case_files():
    """The YAML block of the page about case files is one, with a case for each row of its table."""
    (text,) = BLOCK.findall(CASES)
    parsed = parse_case_file(text, "page.test.yaml", lambda _: "data_actions: []")
    assert [case.name for case in parsed.cases] == [
        "A big order goes to the sales team",
        "10 goes to shop",
        "5000 goes to sales",
    ]


def test_every_field_has_an_entry():
    """Every field and operator that is read stands in the reference."""
    fields = {name for part in ("stubs", "data action", "action", "table") for name in stub_parse.FIELDS[part]}
    assert {name for name in fields | OPERATORS.keys() if f"`{name}" not in STUBS} == set()
    asked = {*case_parse.FILE_FIELDS, *case_parse.CASE_FIELDS, *expectations.EXPECT_FIELDS, *expectations.CALL_FIELDS}
    assert {name for name in asked if f"`{name}" not in CASES} == set()
