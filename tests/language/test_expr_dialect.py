"""Every point that public material leaves open can be switched."""

from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from flowlaunch.architect.dialect import Dialect
from flowlaunch.architect.expressions import evaluate_text
from flowlaunch.architect.values import NOT_SET
from flowlaunch.errors import FlowRuntimeError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "language-fidelity.md"
ERROR = "error"
D = Decimal

CASES = [
    ("GetAt(MakeList(1), 5)", ERROR, {"index_out_of_range": "unset"}, NOT_SET),
    ("MakeList(1)[5]", ERROR, {"index_out_of_range": "unset"}, NOT_SET),
    ("Flow.j.none", NOT_SET, {"missing_json_property": "error"}, ERROR),
    ('GetJsonObjectProperty(Flow.j, "none")', NOT_SET, {"missing_json_property": "error"}, ERROR),
    ("Flow.j.null", NOT_SET, {"missing_json_property": "error"}, NOT_SET),
    ("Flow.j.none.more", ERROR, {"property_of_unset": "unset"}, NOT_SET),
    ("ToPhoneNumber(NOT_SET).e164", ERROR, {"property_of_unset": "unset"}, NOT_SET),
    ("If(ToBool(NOT_SET), 1, 2)", 2, {"unset_condition": "error"}, ERROR),
    ("ToBool(NOT_SET) ? 1 : 2", 2, {"unset_condition": "error", "evaluation": "eager"}, ERROR),
    ("If(true, 1, ToInt(1 / 0))", 1, {"evaluation": "eager"}, ERROR),
    ("false and 1 / 0 == 1", False, {"evaluation": "eager"}, ERROR),
    ("true or 1 / 0 == 1", True, {"evaluation": "eager"}, ERROR),
    ('FindString("abc", "")', 0, {"empty_search": "none"}, -1),
    ("Round(2.5)", D(3), {"half": "even"}, D(2)),
    ("Round(-0.125, 2)", D("-0.13"), {"half": "even"}, D("-0.12")),
    ("WeekNum(MakeDateTime(2023, 1, 1))", 1, {"week": "iso"}, 52),
    ('"a" < "B"', True, {"text_order": "code"}, False),
    ('Compare("a", "B")', -1, {"text_order": "code"}, 1),
    ('Compare("a", "A", true)', 0, {"text_order": "code"}, 0),
    ("1 < 2", True, {"text_order": "code"}, True),
    ('ToInt("-3.7")', ERROR, {"fraction_text": "cut"}, -3),
    ("ToInt(-3.7)", -3, {"fraction_text": "cut"}, -3),
    ('ToDateTime("soon")', ERROR, {"unreadable_date": "unset"}, NOT_SET),
    ('ToDuration("soon")', ERROR, {"unreadable_date": "unset"}, NOT_SET),
]


def outcome(text, dialect):
    try:
        return evaluate_text(text, {"Flow.j": {"a": 1, "null": None}}, dialect=dialect).value
    except FlowRuntimeError as error:
        return ERROR if error.span is not None else "an error without a place"


@pytest.mark.parametrize(("text", "usual", "choices", "other"), CASES)
def test_a_switch_changes_what_it_says(text, usual, choices, other):
    """Each switch changes its own point, and without it the documented default holds."""
    assert outcome(text, Dialect()) == usual
    assert outcome(text, Dialect(**choices)) == other


def test_every_switch_is_tried_and_documented():
    """Each choice of each switch is exercised here and listed on the fidelity page."""
    page = PAGE.read_text(encoding="utf-8")
    hints = get_type_hints(Dialect)
    tried = {(name, choice) for _, _, choices, _ in CASES for name, choice in choices.items()}
    for field in fields(Dialect):
        assert f"`{field.name}`" in page
        others = set(get_args(hints[field.name])) - {field.default}
        assert {(field.name, choice) for choice in others} <= tried
