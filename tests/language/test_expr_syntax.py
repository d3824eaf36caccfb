"""Lexis, grammar, limits and messages of the parser."""

import pytest

from flowlaunch.architect.expressions import compile_expression, evaluate_text
from flowlaunch.architect.source import Source
from flowlaunch.architect.standalone import MapScope
from flowlaunch.architect.types import Type
from flowlaunch.errors import FlowError, FlowSyntaxError

SCOPE = MapScope(
    {"Flow.a": Type("int"), "Flow.b": Type("bln"), "Flow.odd name": Type("str"), "Flow.größe": Type("int")}
)


def canonical(text):
    return compile_expression(text, SCOPE).canonical


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1+2*3", "1 + (2 * 3)"),
        ("(1+2)*3", "(1 + 2) * 3"),
        ("1-2-3", "(1 - 2) - 3"),
        ("2^3^2", "2 ^ (3 ^ 2)"),
        ("1 + 2 % 3 / 4", "1 + ((2 % 3) / 4)"),
        ("1 | 2 & 3", "1 | (2 & 3)"),
        ("1 & 3 == 1", None),
        ("true or false and false", "true or (false and false)"),
        ("true OR false And true", "true OR (false And true)"),
        ("1 + 1 > 1 == true", "((1 + 1) > 1) == true"),
        ("true ? 1 : false ? 2 : 3", "true ? 1 : (false ? 2 : 3)"),
        ("!true == false", "(!true) == false"),
        ("!(true and false)", "!(true and false)"),
        ("2 ^ -1", "2 ^ -1"),
        ("-Flow.a + 1", "(-Flow.a) + 1"),
        ("-(5)", "-(5)"),
        ("- 5", "-5"),
        ("~ 5", "~5"),
        ('MakeList("a")[0]', 'MakeList("a")[0]'),
        ('Lower( "A" )', 'Lower("A")'),
        ('lower("A")', 'Lower("A")'),
        ('Flow."odd name"', 'Flow."odd name"'),
        ("Flow.größe", "Flow.größe"),
        ("flow.A", "flow.A"),
        ("1.", "1."),
        (".5", ".5"),
        ("\t1\r\n+\n2 ", "1 + 2"),
        (r'"a\"b\\c\nd\te\r"', r'"a\"b\\c\nd\te\r"'),
        ('MakeCurrency(1.5, "USD")["amount"]', 'MakeCurrency(1.5, "USD")["amount"]'),
    ],
)
def test_precedence_and_canonical_text(text, wanted):
    """Operators bind as the official grammar says, and print with parentheses around operands that are operators."""
    if wanted is None:
        with pytest.raises(FlowError):
            canonical(text)
    else:
        assert canonical(text) == wanted


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("", "the expression is empty", 1),
        ("1 +", "the end of the expression is not expected here", 4),
        ("1 2", "`2` is not expected here", 3),
        ("(1", "expected `)`, found the end of the expression", 3),
        ('"abc', "this string has no end", 1),
        ("'abc'", "`'` means nothing here", 1),
        ("1 = 1", "`=` means nothing here", 3),
        (r'"a\q"', r"`\q` is not an escape", 3),
        ("--5", "two minus signs in a row are not allowed", 2),
        ("Lower(", "the end of the expression is not expected here", 7),
        ('Lower("a"', "expected `,` or the `)` that ends Lower(...), found the end of the expression", 10),
        ("Flow.", "a property's name must follow the dot", 6),
        ("true ? 1", "expected `:` and the value for false, found the end of the expression", 9),
        ("1 && 2", "`&` is not expected here", 4),
        ("true or or", "`or` is not expected here", 9),
        ("1000000000000000", "an integer is at most 999,999,999,999,999", 1),
        ("a <> b", "`>` is not expected here", 4),
    ],
)
def test_what_cannot_be_parsed_is_marked(text, message, column):
    """A syntax error says what is wrong and points at the character."""
    with pytest.raises(FlowSyntaxError) as caught:
        canonical(text)
    assert caught.value.message == message
    assert caught.value.span.column == column
    assert "^" in str(caught.value) or not text


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("true && false", "Write `and`."),
        ("true || false", "Write `or`."),
        ("1 = 1", "Compare with `==`."),
        ("1 <> 2", "!="),
    ],
)
def test_operators_of_other_languages_are_translated(text, hint):
    """Who writes an operator of another language is told Architect's own."""
    with pytest.raises(FlowSyntaxError) as caught:
        canonical(text)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "(" * 20_000 + "1",
        "!" * 31_000 + "true",
        "2^" * 15_000 + "2",
        "1" + "+1" * 15_000,
        "true?" * 6_000,
        "[" * 31_000,
        "9" * 31_000,
        '"' * 31_999,
        "x" * 40_000,
        "Lower(" * 61 + '"a"' + ")" * 61,
    ],
)
def test_no_text_exhausts_the_stack(text):
    """Texts beyond the limits on length, nesting and size are refused, not crashed on."""
    with pytest.raises(FlowError):
        evaluate_text(text)


def test_what_architect_allows_fits():
    """60 nested calls, 250 operators in a row and 32,000 characters are accepted."""
    assert evaluate_text("Lower(" * 60 + '"A"' + ")" * 60).value == "a"
    assert evaluate_text("1" + "+1" * 249).value == 250
    assert evaluate_text('"' + "a" * 31_998 + '"').value == "a" * 31_998


def test_places_are_those_of_the_file():
    """An expression inside a file is reported with the file's name, line and column."""
    text = "name: x\nvalue: 1 + \n"
    with pytest.raises(FlowSyntaxError) as caught:
        compile_expression("1 + ", SCOPE, source=Source("flow.yaml", text), offset=15)
    assert caught.value.span.place == "flow.yaml:2:12"


def test_what_is_mentioned_is_known():
    """A compiled expression knows which variables it reads and which functions it calls."""
    expression = compile_expression('If(Flow.B, Lower(Flow."odd name"), "") + Lower("x")', SCOPE)
    assert expression.variables == ("flow.b", "flow.odd name")
    assert expression.functions == ("If", "Lower")
    assert not expression.is_constant
    assert compile_expression("NOT_SET", SCOPE).is_constant
