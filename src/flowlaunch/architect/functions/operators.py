"""Arithmetic, comparison and logic operators."""

from __future__ import annotations

import operator
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.collation import compare_text
from flowlaunch.architect.functions.catalogue import Family
from flowlaunch.architect.iso import checked_datetime, checked_duration
from flowlaunch.architect.numbers import CONTEXT, checked_decimal, checked_int, without_zero_sign
from flowlaunch.architect.render import joined
from flowlaunch.architect.values import NOT_SET, Currency, Duration, Json, Opaque, Value, equal
from flowlaunch.errors import FlowRuntimeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

_MATHS: Final = Family("mathematical")
_LOGIC: Final = Family("logical")
_COMPARISON: Final = Family("comparison")
_LIST: Final = Family("list")


def amount_of(value: Currency) -> Decimal:
    """Give the amount of a currency to compute with."""
    if value.amount is NOT_SET:
        raise FlowRuntimeError(
            "a Currency whose amount is NOT_SET cannot be computed with", hint="Test it first: IsNotSetOrEmpty(...)."
        )
    return value.amount


def amounts_of(left: Currency, right: Currency) -> tuple[Decimal, Decimal]:
    """Give both amounts, or say that the codes differ."""
    if left.code != right.code:
        raise FlowRuntimeError(
            f"Currency values of different codes cannot be combined: {left.code!s} and {right.code!s}",
            hint="Convert one of them with ConvertCurrency.",
        )
    return amount_of(left), amount_of(right)


@_MATHS.define("+(augend: int, addend: int) -> int")
def _add_int(left: int, right: int) -> int:
    return checked_int(left + right)


@_MATHS.define(
    "+(augend: dec, addend: int) -> dec", "+(augend: int, addend: dec) -> dec", "+(augend: dec, addend: dec) -> dec"
)
def _add(left: Any, right: Any) -> Decimal:
    return checked_decimal(CONTEXT.add(left, right))


@_MATHS.define("+(augend: cur, addend: cur) -> cur")
def _add_currency(left: Currency, right: Currency) -> Currency:
    return Currency(_add(*amounts_of(left, right)), left.code)


@_MATHS.define("+(augend: str, addend: str) -> str", form="join")
def _add_text(left: str, right: str) -> str:
    return joined((left, right))


@_MATHS.define("+(augend: dur, addend: dur) -> dur")
def _add_duration(left: Duration, right: Duration) -> Duration:
    return checked_duration(left.milliseconds + right.milliseconds)


@_MATHS.define("+(augend: dtm, addend: dur) -> dtm")
def add_to_date_time(moment: datetime, length: Duration) -> datetime:
    """Move a date-time by a duration."""
    try:
        return checked_datetime(moment + timedelta(milliseconds=length.milliseconds))
    except OverflowError as error:
        raise FlowRuntimeError("the date-time leaves the range of 1800 to 2200") from error


@_MATHS.define("+(augend: dur, addend: dtm) -> dtm")
def _add_date_time(length: Duration, moment: datetime) -> datetime:
    return add_to_date_time(moment, length)


@_MATHS.define(
    "+(augend: aud, addend: aud) -> aud",
    "+(augend: pmt, addend: pmt) -> aud",
    "+(augend: aud, addend: pmt) -> aud",
    "+(augend: pmt, addend: aud) -> aud",
)
def _add_audio(left: Opaque, right: Opaque) -> Opaque:
    return Opaque("aud", joined((left.text, " ", right.text)).strip())


@_MATHS.define("-(minuend: int, subtrahend: int) -> int")
def _subtract_int(left: int, right: int) -> int:
    return checked_int(left - right)


@_MATHS.define(
    "-(minuend: dec, subtrahend: dec) -> dec",
    "-(minuend: dec, subtrahend: int) -> dec",
    "-(minuend: int, subtrahend: dec) -> dec",
)
def _subtract(left: Any, right: Any) -> Decimal:
    return checked_decimal(CONTEXT.subtract(left, right))


@_MATHS.define("-(minuend: cur, subtrahend: cur) -> cur")
def _subtract_currency(left: Currency, right: Currency) -> Currency:
    return Currency(_subtract(*amounts_of(left, right)), left.code)


@_MATHS.define("-(minuend: dur, subtrahend: dur) -> dur")
def _subtract_duration(left: Duration, right: Duration) -> Duration:
    return checked_duration(left.milliseconds - right.milliseconds)


@_MATHS.define("-(minuend: dtm, subtrahend: dur) -> dtm")
def _subtract_from_date_time(moment: datetime, length: Duration) -> datetime:
    return add_to_date_time(moment, Duration(-length.milliseconds))


@_MATHS.define("*(multiplicand: int, multiplier: int) -> int")
def _multiply_int(left: int, right: int) -> int:
    return checked_int(left * right)


@_MATHS.define(
    "*(multiplicand: dec, multiplier: dec) -> dec",
    "*(multiplicand: int, multiplier: dec) -> dec",
    "*(multiplicand: dec, multiplier: int) -> dec",
)
def _multiply(left: Any, right: Any) -> Decimal:
    return checked_decimal(CONTEXT.multiply(left, right))


@_MATHS.define("*(multiplicand: cur, multiplier: dec) -> cur", "*(multiplicand: cur, multiplier: int) -> cur")
def _multiply_currency(left: Currency, right: Any) -> Currency:
    return Currency(_multiply(amount_of(left), right), left.code)


@_MATHS.define("*(multiplicand: dec, multiplier: cur) -> cur", "*(multiplicand: int, multiplier: cur) -> cur")
def _multiply_by_currency(left: Any, right: Currency) -> Currency:
    return _multiply_currency(right, left)


def _divisor(value: Any) -> Any:
    if value == 0:
        raise FlowRuntimeError("division by zero", hint="Test the divisor first: If(x == 0, ..., y / x).")
    return value


@_MATHS.define(
    "/(dividend: int, divisor: dec) -> dec",
    "/(dividend: dec, divisor: int) -> dec",
    "/(dividend: int, divisor: int) -> dec",
    "/(dividend: dec, divisor: dec) -> dec",
)
def _divide(left: Any, right: Any) -> Decimal:
    return checked_decimal(CONTEXT.divide(left, _divisor(right)))


@_MATHS.define("/(dividend: cur, divisor: dec) -> cur", "/(dividend: cur, divisor: int) -> cur")
def _divide_currency(left: Currency, right: Any) -> Currency:
    return Currency(_divide(amount_of(left), right), left.code)


@_MATHS.define("%(dividend: int, divisor: int) -> int")
def _modulo_int(left: int, right: int) -> int:
    size: int = abs(left) % abs(_divisor(right))
    return -size if left < 0 else size


@_MATHS.define(
    "%(dividend: dec, divisor: dec) -> dec",
    "%(dividend: int, divisor: dec) -> dec",
    "%(dividend: dec, divisor: int) -> dec",
)
def _modulo(left: Any, right: Any) -> Decimal:
    return without_zero_sign(CONTEXT.remainder(left, _divisor(right)))


@_MATHS.define("%(dividend: cur, divisor: dec) -> cur", "%(dividend: cur, divisor: int) -> cur")
def _modulo_currency(left: Currency, right: Any) -> Currency:
    return Currency(_modulo(amount_of(left), right), left.code)


@_MATHS.define(
    "^(base: int, exponent: int) -> dec",
    "^(base: int, exponent: dec) -> dec",
    "^(base: dec, exponent: int) -> dec",
    "^(base: dec, exponent: dec) -> dec",
)
def _power(base: Any, exponent: Any) -> Decimal:
    if exponent == 0:
        return Decimal(1)
    if exponent < 0:
        _divisor(base)
    return checked_decimal(CONTEXT.power(base, exponent))


@_MATHS.define("&(value1: int, value2: int) -> int")
def _bit_and(left: int, right: int) -> int:
    return checked_int(left & right)


@_MATHS.define("|(value1: int, value2: int) -> int")
def _bit_or(left: int, right: int) -> int:
    return checked_int(left | right)


@_MATHS.define("~(value1: int) -> int")
def _bit_not(value: int) -> int:
    return checked_int(~value)


_UNARY: Final = Family("unary")


@_UNARY.define("!(booleanValue: bln) -> bln")
def _not(value: bool) -> bool:
    return not value


@_UNARY.define("-x(valueToNegate: int) -> int")
def _negate_int(value: int) -> int:
    return -value


@_UNARY.define("-x(valueToNegate: dec) -> dec")
def _negate(value: Decimal) -> Decimal:
    return CONTEXT.minus(value)


@_UNARY.define("-x(valueToNegate: cur) -> cur")
def _negate_currency(value: Currency) -> Currency:
    return Currency(_negate(amount_of(value)), value.code)


@_UNARY.define("-x(valueToNegate: dur) -> dur")
def _negate_duration(value: Duration) -> Duration:
    return Duration(-value.milliseconds)


@_LOGIC.define("and(value1: bln, value2: bln) -> bln", form="and")
def _and(left: bool, right: bool) -> bool:
    return left and right


@_LOGIC.define("or(value1: bln, value2: bln) -> bln", form="or")
def _or(left: bool, right: bool) -> bool:
    return left or right


@_LOGIC.define(
    "?(condition: bln?, trueValue: T?, falseValue: T?) -> T",
    "?(condition: bln?, trueValue: T[], falseValue: T[]) -> T[]",
    form="if",
)
def _conditional(condition: bool, when_true: Value, when_false: Value) -> Value:
    return when_true if condition is True else when_false


def _define_order(symbol: str, compare: Callable[[Any, Any], bool]) -> None:
    def plain(left: Any, right: Any) -> bool:
        return compare(left, right)

    def money(left: Currency, right: Currency) -> bool:
        return compare(*amounts_of(left, right))

    def text(left: str, right: str) -> bool:
        return compare(compare_text(left, right), 0)

    pairs = ("int int", "int dec", "dec int", "dec dec", "dtm dtm", "dur dur")
    for pair in pairs:
        left, right = pair.split()
        _COMPARISON.define(f"{symbol}(valueToCompare: {left}, valueToCompareTo: {right}) -> bln")(plain)
    for name in ("dat", "tim"):
        _COMPARISON.define(f"{symbol}(valueToCompare: {name}, valueToCompareTo: {name}) -> bln")(plain)
    _COMPARISON.define(f"{symbol}(valueToCompare: cur, valueToCompareTo: cur) -> bln")(money)
    _COMPARISON.define(f"{symbol}(valueToCompare: str, valueToCompareTo: str) -> bln")(text)


_define_order(">", operator.gt)
_define_order(">=", operator.ge)
_define_order("<", operator.lt)
_define_order("<=", operator.le)

_EQUALITY: Final = ("T? T?", "dec? int?", "int? dec?", "T[]? T[]?", "int[]? dec[]?", "dec[]? int[]?")


def _equality(symbol: str) -> list[str]:
    pairs = (pair.split() for pair in _EQUALITY)
    return [f"{symbol}(valueToCompare: {left}, valueToCompareTo: {right}) -> bln" for left, right in pairs]


@_COMPARISON.define(*_equality("=="))
def _equal(left: Value, right: Value) -> bool:
    return equal(left, right)


@_COMPARISON.define(*_equality("!="))
def _unequal(left: Value, right: Value) -> bool:
    return not equal(left, right)


@_LIST.define("[(index: int, collection: T[]) -> T")
def item_at(index: int, items: tuple[Any, ...]) -> Any:
    """Give the item of a collection at a zero-based index."""
    if 0 <= index < len(items):
        return items[index]
    raise FlowRuntimeError(
        f"index {index} is outside a collection of {len(items)} item{'' if len(items) == 1 else 's'}",
        hint="Indexes start at 0; test with Count(...) first.",
    )


@_LIST.define("[(index: int, json: jsn) -> jsn")
def json_item_at(index: int, document: Json) -> Json:
    """Give the item of a JSON array at a zero-based index."""
    if not isinstance(document.value, list):
        raise FlowRuntimeError("this JSON value is not an array")
    return Json(item_at(index, tuple(document.value)))
