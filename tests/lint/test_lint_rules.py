"""Every rule finds what it is for, and nothing where that is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lint_world import codes, found
from rule_cases import CASES

from flowlaunch.architect.lint import RULES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "lint-rules.md"


@pytest.mark.parametrize("code", sorted(RULES))
def test_a_rule_finds_its_fault(code):
    """A flow with the fault of a rule is found by that rule."""
    case = CASES[code]
    assert code in codes(case.bad, **case.options)


@pytest.mark.parametrize("code", sorted(RULES))
def test_a_rule_is_silent_without_its_fault(code):
    """The same flow without the fault is not found by that rule, and has no error."""
    case = CASES[code]
    found_codes = codes(case.good, **case.options)
    assert code not in found_codes
    assert not [one for one in found_codes if RULES[one].severity == "error"]


@pytest.mark.parametrize("code", sorted(set(RULES) - {"FL008"}))
def test_a_finding_has_its_place(code):
    """A finding names a line of the file, shows it, and marks the part that is meant."""
    case = CASES[code]
    text = case.bad.splitlines()
    for one in [found(case.bad, code, **case.options)] if code != "FL205" else []:
        assert 1 <= one.location.line <= len(text)
        if one.location.excerpt:
            assert one.location.excerpt.strip(". ")[:40] in text[one.location.line - 1]
            assert "^" in one.location.caret


def test_rules_are_told_apart():
    """Codes and names are used once each, and codes come in order."""
    assert list(RULES) == sorted(RULES)
    assert len({rule.name for rule in RULES.values()}) == len(RULES)
    for rule in RULES.values():
        assert re.fullmatch(r"FL\d{3}", rule.code)
        assert rule.title.endswith(".")
        assert rule.why.endswith(".")


def test_every_rule_has_an_entry_in_the_reference():
    """The reference page has an entry for each rule with its code, name, severity and evidence, and no other."""
    page = PAGE.read_text("utf-8")
    headings = re.findall(r"^### (FL\d{3}) `([a-z-]+)`$", page, re.MULTILINE)
    assert headings == [(rule.code, rule.name) for rule in RULES.values()]
    for rule in RULES.values():
        entry = page.split(f"### {rule.code} ")[1].split("\n### ")[0]
        assert f"**{rule.severity}**" in entry
        assert f"evidence: {rule.evidence}" in entry
        assert rule.title in entry
