"""Arithmetic, rounding, sums, money, conversion of numbers."""

from decimal import Decimal

import pytest

from flowlaunch.architect.expressions import evaluate_text
from flowlaunch.architect.standalone import StillHost
from flowlaunch.architect.values import NOT_SET, Currency
from flowlaunch.errors import FlowRuntimeError, FlowTypeError

D = Decimal
USD = "USD"

CASES = [
    ("7 / 2", D("3.5")),
    ("6 / 3", D(2)),
    ("1.0 / 3", D("0." + "3" * 40)),
    ("7 % 3", 1),
    ("-7 % 3", -1),
    ("7 % -3", 1),
    ("7.5 % 2", D("1.5")),
    ("2 ^ 10", D(1024)),
    ("2 ^ 3 ^ 2", D(512)),
    ("4 ^ 0.5", D(2)),
    ("0 ^ 0", D(1)),
    ("~0", -1),
    ("~5 & 15", 10),
    ("-2 | 5", -1),
    ("0.1 + 0.2", D("0.3")),
    ("5 + 0.5", D("5.5")),
    ("3 - 0.5", D("2.5")),
    ("2 * 1.5", D(3)),
    ("3 == 3.0", True),
    ("3 != 3.5", True),
    ("3 < 3.5", True),
    ("3.5 >= 4", False),
    ("MakeList(1, 2) == MakeList(1.0, 2.0)", True),
    ("-(2 + 3)", -5),
    ("Ceiling(-1.5)", D(-1)),
    ("Floor(-1.5)", D(-2)),
    ("Floor(7)", 7),
    ("Round(2.5)", D(3)),
    ("Round(-2.5)", D(-3)),
    ("Round(1.005, 2)", D("1.01")),
    ("Round(12.34, 5)", D("12.34")),
    ("Sum(1, 2, 3)", 6),
    ("Sum(NOT_SET, NOT_SET)", 0),
    ("Sum(MakeList(1.5, NOT_SET))", D("1.5")),
    ("Average(1, 2)", D("1.5")),
    ("Average(MakeEmptyList(ToDecimal(NOT_SET)))", D(0)),
    ('ToInt("  42 ")', 42),
    ('ToInt("+7")', 7),
    ("ToInt(-9.99)", -9),
    ("ToInt(true)", 1),
    ("ToInt(MakeDuration(0, 0, 0, 1, 5))", 1005),
    ('ToDecimal("-.5")', D("-0.5")),
    ('ToDecimal("7.")', D(7)),
    ("ToDecimal(NOT_SET)", NOT_SET),
    ('ToBool("T")', True),
    ('ToBool("f")', False),
    ('ToBool("yes")', NOT_SET),
    ("ToBool(0.0)", False),
    ("ToString(1.50)", "1.5"),
    ("ToString(100.0)", "100.0"),
    ("ToString(-0.0)", "0.0"),
    ("ToString(1.125, 2)", "1.13"),
    ("ToString(-1.125, 2)", "-1.13"),
    ("ToString(2.5, 0)", "3"),
    ("ToString(123456789012345678901234567890.5)", "123456789012345678901234567890.5"),
    ('ToString(MakeList(1.5, NOT_SET, 2.0), ";", 1)', "1.5;;2.0"),
    ('MakeCurrency(1.5, "usd")', Currency(D("1.5"), USD)),
    ('MakeCurrency(1.5, "USD") + MakeCurrency(2, "USD")', Currency(D("3.5"), USD)),
    ('MakeCurrency(5, "USD") == MakeCurrency(5.00, "USD")', True),
    ('MakeCurrency(5, "USD") == MakeCurrency(5, "EUR")', False),
    ('-MakeCurrency(5, "USD")', Currency(D(-5), USD)),
    ('3 * MakeCurrency(5, "USD")', Currency(D(15), USD)),
    ('MakeCurrency(7, "USD") % 4', Currency(D(3), USD)),
    ('ToCurrency("|EUR")', Currency(NOT_SET, "EUR")),
    ('ToCurrency("7")', Currency(D(7), NOT_SET)),
    ('ToCurrency("")', NOT_SET),
    ('ToString(MakeCurrency(7.5, "USD"))', "7.50|USD"),
    ("ToString(ToCurrency(7.125))", "7.125|"),
    ('ToDecimal(MakeCurrency(7.5, "USD"))', D("7.5")),
    ('MakeCurrency(7.5, "USD").code', "USD"),
    ('GetCurrencySymbol("gbp")', "£"),
    ("GetCurrencySymbol(MakeCurrency(1, NOT_SET))", NOT_SET),
    ('ConvertCurrency(MakeCurrency(2, "USD"), "USD")', Currency(D(2), USD)),
    ('ConvertCurrency(MakeCurrency(2, "EUR"), "USD", 1.5)', Currency(D(3), USD)),
    ("System.MaxInt", 999_999_999_999_999),
]


@pytest.mark.parametrize(("text", "wanted"), CASES)
def test_numbers_and_money(text, wanted):
    """Integers are bounded, decimals exact to 40 digits, int / int is a decimal, money keeps its code."""
    found = evaluate_text(text).value
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1 / 0", "division by zero"),
        ("1.0 % 0", "division by zero"),
        ("0 ^ -1", "division by zero"),
        ("(-8) ^ 0.5", "no result"),
        ("10.5 ^ 99999", "no result"),
        ("999999999999999 + 1", "beyond"),
        ("-999999999999999 - 1", "beyond"),
        ("ToInt(1000000000000000.0)", "beyond"),
        ('ToInt("12.5")', "not an integer"),
        ('ToInt("twelve")', "not an integer"),
        ('ToDecimal("1e5")', "not a decimal"),
        ('ToDecimal("1,5")', "not a decimal"),
        ('ToCurrency("a|USD")', "not a currency"),
        ('MakeCurrency(1, "USD") + MakeCurrency(1, "EUR")', "USD and EUR"),
        ('MakeCurrency(1, "USD") < MakeCurrency(1, "EUR")', "USD and EUR"),
        ('Sum(MakeCurrency(1, "USD"), MakeCurrency(1, "EUR"))', "different codes"),
        ('Floor(MakeCurrency(NOT_SET, "USD"))', "NOT_SET"),
        ('ConvertCurrency(MakeCurrency(1, "USD"), "EUR")', "exchange rate"),
        ('MakeListCurrency(MakeList(1.0), MakeList("USD", "EUR"))', "as many"),
        ("Round(1.5, -1)", "decimal places"),
        ("RandomInt(5, 1)", "minimum"),
        ("ToInt(NOT_SET) + 1", "NOT_SET"),
        ("1 + 5 * ToInt(NOT_SET)", "NOT_SET"),
    ],
)
def test_numbers_that_have_no_result(text, says):
    """What cannot be computed is a run-time error of the language that says why, never a Python error."""
    with pytest.raises(FlowRuntimeError, match=says) as caught:
        evaluate_text(text)
    assert caught.value.span is not None


@pytest.mark.parametrize("text", ["1 + true", "true + true", '"1" * 2', "1 and 2", "!1", "-true", "1.5 & 2", '1 + "a"'])
def test_operands_are_never_converted(text):
    """Operators take their own types only; nothing is converted silently."""
    with pytest.raises(FlowTypeError, match=r"operator|must be a Boolean"):
        evaluate_text(text)


def test_random_numbers_come_from_the_host():
    """Random and RandomInt use the host's source, so a run can be repeated."""
    assert evaluate_text("Random()", host=StillHost(random_number=0.25)).value == D("0.25")
    assert evaluate_text("RandomInt(1, 6)", host=StillHost(random_number=0.0)).value == 1
    assert evaluate_text("RandomInt(1, 6)", host=StillHost(random_number=0.999999)).value == 6


@pytest.mark.parametrize(
    "text",
    [
        "ToString(-0.4, 0)", "ToString(Round(-0.4), 0)", "ToString(Ceiling(-0.5), 0)", "ToString(0.0 * -1, 0)",
        "ToString(-(0.0), 0)", "ToString(-5.0 % 5.0, 0)", 'ToString(ToDecimal("-0"), 0)', "ToString(-0.0, 0)",
    ],
)  # fmt: skip
def test_zero_has_no_sign(text):
    """However a zero came about, it is written without a minus sign."""
    assert evaluate_text(text).value == "0"


@pytest.mark.parametrize(
    "text", ["Ceiling(-0.5)", "Round(-0.4)", "Round(-0.004, 2)", "0.0 * -1", "-(0.0)", "-5.0 % 5.0"]
)
def test_zero_is_zero_in_outputs(text):
    """A zero that a flow hands over is no negative zero."""
    assert str(evaluate_text(text).to_json()) in {"0", "0.0"}
