"""Text, comparison and logic functions."""

import pytest

from flowlaunch.architect.expressions import evaluate_text
from flowlaunch.architect.values import NOT_SET
from flowlaunch.errors import FlowRuntimeError, FlowTypeError

CASES = [
    ('Left("Genesys", 3)', "Gen"),
    ('Left("Genesys", 99)', "Genesys"),
    ('Left("Genesys", -1)', ""),
    ('Right("Genesys", 3)', "sys"),
    ('Right("Genesys", 99)', "Genesys"),
    ('Right("Genesys", -1)', ""),
    ('Substring("Genesys", 2, 3)', "nes"),
    ('Substring("Genesys", 5, 99)', "ys"),
    ('Substring("Genesys", 99, 1)', ""),
    ('Substring("Genesys", -2, 3)', "Gen"),
    ('Length("a b\\n")', 4),
    ('Upper("straße é")', "STRASSE É"),
    ('Lower("ÀB")', "àb"),
    ('Trim("\\t a \\n")', "a"),
    ('LTrim("  a ")', "a "),
    ('RTrim("  a ")', "  a"),
    ('Reverse("abc")', "cba"),
    ('Replace("aXbX", "X", "--")', "a--b--"),
    ('Replace("aXb", "x", "y")', "aXb"),
    ('Replace("abc", "", "y")', "abc"),
    ('Replace("abc", "b", NOT_SET)', "ac"),
    ('Contains("Hello", "HELL")', False),
    ('Contains("Hello", "HELL", true)', True),
    ('Contains("", "")', True),
    ('FindString("banana", "an")', 1),
    ('FindString("banana", "an", 2)', 3),
    ('FindString("banana", "AN", 2, true)', 3),
    ('FindString("banana", "an", 3)', -1),
    ('FindString("banana", "AN", false)', -1),
    ('FindString("banana", "AN", true)', 1),
    ('Compare("a", "B")', -1),
    ('Compare("a", "A")', -1),
    ('Compare("a", "A", true)', 0),
    ('Compare("é", "f")', -1),
    ('Compare("e", "é")', -1),
    ('Compare("10", "9")', -1),
    ('Compare("-", "a")', -1),
    ("Compare(NOT_SET, NOT_SET)", 0),
    ('Compare("", NOT_SET)', 1),
    ('"a" < "B"', True),
    ('"b" >= "B"', False),
    ('Split("a,b,,c", ",")', ("a", "b", "", "c")),
    ('Split("abc", "")', ("a", "b", "c")),
    ('Split("", "")', ("",)),
    ('Split("abc", "x")', ("abc",)),
    ('Append("a", NOT_SET, "b")', "ab"),
    ('"a" + "b" + Lower("C")', "abc"),
    ('AreEqual("a", "a", "a")', True),
    ('AreEqual("a", "a", "b")', False),
    ('AreEqual(true, "a", "A")', True),
    ('AreEqual(false, "a", "A")', False),
    ('AreEqual(true, MakeList("a", NOT_SET), MakeList("A", NOT_SET))', True),
    ("AreEqual(1, NOT_SET)", False),
    ("AreEqual(true, NOT_SET, NOT_SET)", False),
    ("NOT_SET == NOT_SET", True),
    ('"a" == NOT_SET', False),
    ('"a" != "A"', True),
    ('IsSet("")', True),
    ("IsSet(NOT_SET)", False),
    ('IsNotSetOrEmpty(" ")', False),
    ('IsNotSetOrEmpty("")', True),
    ('IsNotSetOrEmpty(Split("a", ","))', False),
    ('If(1 > 2, "x", "y")', "y"),
    ('If(ToBool(NOT_SET), "x", "y")', "y"),
    ('1 < 2 ? "x" : "y"', "x"),
    ('If(true, NOT_SET, "y")', NOT_SET),
    ('If(false, Left(ToString(NOT_SET), 1), "safe")', "safe"),
    ("false and ToBool(NOT_SET)", False),
    ("true or ToBool(NOT_SET)", True),
    ('EmailAddressDomainPart("a.b@c.example")', "c.example"),
    ('EmailAddressLocalPart(MakeEmailAddress("a.b@c.example", "A"))', "a.b"),
    ('EmailAddressLocalPart("no address")', NOT_SET),
    ('MakeEmailAddress("a@b.example", "Ann").name', "Ann"),
    ('DetectLanguage("Où est la bibliothèque, et que dit le directeur?", "en")', "fr"),
    ('DetectLanguage("", "en")', "en"),
    ('DetectLanguage("zzz", NOT_SET)', NOT_SET),
]


@pytest.mark.parametrize(("text", "wanted"), CASES)
def test_text_functions(text, wanted):
    """Text and logic functions give what the language defines, clamping, folding and NOT_SET included."""
    found = evaluate_text(text).value
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    "text",
    [
        "Left(ToString(NOT_SET), 1)",
        'Left("a", ToInt(NOT_SET))',
        'Contains("a", ToString(NOT_SET))',
        'ToString(NOT_SET) + "a"',
        '"a" + ("b" + ToString(NOT_SET))',
        'ToString(NOT_SET) < "a"',
        'Split(ToString(NOT_SET), ",")',
        "!ToBool(NOT_SET)",
        "true and ToBool(NOT_SET)",
        "ToBool(NOT_SET) or true",
        'FindString("a", "a", 0)',
    ],
)
def test_not_set_where_it_is_not_allowed(text):
    """NOT_SET given to a parameter that does not allow it is a run-time error that marks the argument."""
    with pytest.raises(FlowRuntimeError) as caught:
        evaluate_text(text)
    assert caught.value.span is not None
    if "NOT_SET" in text:
        assert caught.value.server_code == "error.workflow.expression.unexpectedNull"


@pytest.mark.parametrize("text", ["Left(NOT_SET, 1)", 'NOT_SET + "a"', "Length(NOT_SET)", "!NOT_SET", "-NOT_SET"])
def test_the_bare_word_not_set_is_refused_before_it_runs(text):
    """The bare word NOT_SET where it is never allowed is already an error when the expression is checked."""
    with pytest.raises(FlowTypeError, match="NOT_SET"):
        evaluate_text(text)


def test_a_text_cannot_grow_without_bound():
    """Replace, + and joins refuse to build texts beyond ten million characters."""
    big = "x" * 5_000
    with pytest.raises(FlowRuntimeError, match="10,000,000"):
        evaluate_text('Replace(Flow.a, "x", Flow.a)', {"Flow.a": big})
    with pytest.raises(FlowRuntimeError, match="10,000,000"):
        evaluate_text("Flow.a + Flow.a", {"Flow.a": "x" * 6_000_000})


def test_long_texts_are_compared_quickly():
    """Texts of a million characters are ordered by where they differ, without delay."""
    long = "x" * 1_000_000
    values = {"Flow.a": long + "b", "Flow.b": long + "c", "Flow.c": long + "B"}
    assert evaluate_text("Compare(Flow.a, Flow.b)", values).value == -1
    assert evaluate_text("Flow.c > Flow.a", values).value is True
    for text in ("ToInt(Flow.a)", "ToDecimal(Flow.a)", "ToDateTime(Flow.a)", "ToPhoneNumber(Flow.a)"):
        with pytest.raises(FlowRuntimeError) as caught:
            evaluate_text(text, values)
        assert len(str(caught.value)) < 400
