"""Rounding, sums, averages and random numbers."""

from __future__ import annotations

import decimal
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.functions.catalogue import Family
from flowlaunch.architect.functions.operators import amount_of
from flowlaunch.architect.iso import checked_duration
from flowlaunch.architect.numbers import CONTEXT, checked_decimal, checked_int, round_half_away, without_zero_sign
from flowlaunch.architect.values import NOT_SET, Currency, Duration, NotSet
from flowlaunch.errors import FlowRuntimeError

if TYPE_CHECKING:
    from collections.abc import Iterable

_MATHS: Final = Family("mathematical")
_STATISTICS: Final = Family("statistical")


@_MATHS.define("Ceiling(integerValue: int) -> int", "Floor(integerValue: int) -> int")
def _whole(value: int) -> int:
    return value


@_MATHS.define("Ceiling(decimalValue: dec) -> dec")
def _ceiling(value: Decimal) -> Decimal:
    return without_zero_sign(value.to_integral_value(rounding=decimal.ROUND_CEILING))


@_MATHS.define("Ceiling(currencyValue: cur) -> cur")
def _ceiling_currency(value: Currency) -> Currency:
    return Currency(_ceiling(amount_of(value)), value.code)


@_MATHS.define("Floor(decimalValue: dec) -> dec")
def _floor(value: Decimal) -> Decimal:
    return value.to_integral_value(rounding=decimal.ROUND_FLOOR)


@_MATHS.define("Floor(value: cur) -> cur")
def _floor_currency(value: Currency) -> Currency:
    return Currency(_floor(amount_of(value)), value.code)


@_MATHS.define("Round(value: dec) -> dec", "Round(value: dec, digits: int) -> dec")
def _round(value: Decimal, digits: int = 0) -> Decimal:
    return round_half_away(value, digits)


@_MATHS.define("Round(currencyValue: cur) -> cur", "Round(value: cur, digits: int) -> cur")
def _round_currency(value: Currency, digits: int = 0) -> Currency:
    return Currency(round_half_away(amount_of(value), digits), value.code)


def _set_values(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if value is not NOT_SET]


def _add_up(numbers: Iterable[Any]) -> Decimal:
    total = Decimal(0)
    for number in numbers:
        total = CONTEXT.add(total, number)
    return checked_decimal(total)


def _purse(values: Iterable[Any]) -> tuple[list[Decimal], str | NotSet]:
    """Give the amounts that are set and the code they share."""
    purses: list[Currency] = _set_values(values)
    filled = [value for value in purses if value.amount is not NOT_SET] or purses
    codes = {value.code for value in filled}
    if len(codes) > 1:
        raise FlowRuntimeError(
            f"Currency values of different codes cannot be combined: {', '.join(sorted(map(str, codes)))}",
            hint="Convert them with ConvertCurrency.",
        )
    return [value.amount for value in filled if value.amount is not NOT_SET], next(iter(codes), NOT_SET)


@_MATHS.define("Sum(integerValue: int?, nextIntegerValue: int?...) -> int")
def _sum_ints(*values: int | NotSet) -> int:
    return checked_int(sum(_set_values(values)))


@_MATHS.define("Sum(currencyValue: cur?, nextCurrencyValue: cur?...) -> cur")
def _sum_currencies(*values: Currency | NotSet) -> Currency:
    amounts, code = _purse(values)
    return Currency(_add_up(amounts), code)


@_MATHS.define("Sum(decimalValue: dec?, nextDecimalValue: dec?...) -> dec")
def _sum_decimals(*values: Decimal | NotSet) -> Decimal:
    return _add_up(_set_values(values))


@_MATHS.define("Sum(value: dur?, nextValue: dur?...) -> dur")
def _sum_durations(*values: Duration | NotSet) -> Duration:
    return checked_duration(sum(value.milliseconds for value in _set_values(values)))


@_MATHS.define("Sum(integerCollection: int[]) -> int")
def _sum_int_list(values: tuple[int | NotSet, ...]) -> int:
    return _sum_ints(*values)


@_MATHS.define("Sum(currencyCollection: cur[]) -> cur")
def _sum_currency_list(values: tuple[Currency | NotSet, ...]) -> Currency:
    return _sum_currencies(*values)


@_MATHS.define("Sum(decimalCollection: dec[]) -> dec")
def _sum_decimal_list(values: tuple[Decimal | NotSet, ...]) -> Decimal:
    return _sum_decimals(*values)


@_MATHS.define("Sum(value: dur[]) -> dur")
def _sum_duration_list(values: tuple[Duration | NotSet, ...]) -> Duration:
    return _sum_durations(*values)


def _mean(numbers: list[Any]) -> Decimal:
    return CONTEXT.divide(_add_up(numbers), Decimal(len(numbers))) if numbers else Decimal(0)


@_STATISTICS.define("Average(value: cur?...) -> cur")
def _average_currencies(*values: Currency | NotSet) -> Currency:
    amounts, code = _purse(values)
    return Currency(_mean(amounts), code)


@_STATISTICS.define("Average(decimalValue: dec?...) -> dec")
def _average_decimals(*values: Decimal | NotSet) -> Decimal:
    return _mean(_set_values(values))


@_STATISTICS.define("Average(durationValue: dur?...) -> dur")
def _average_durations(*values: Duration | NotSet) -> Duration:
    lengths = [value.milliseconds for value in _set_values(values)]
    return Duration(int(round_half_away(_mean(lengths))))


@_STATISTICS.define("Average(integerValue: int?...) -> dec")
def _average_ints(*values: int | NotSet) -> Decimal:
    return _mean(_set_values(values))


@_STATISTICS.define("Average(currencyCollection: cur[]) -> cur")
def _average_currency_list(values: tuple[Currency | NotSet, ...]) -> Currency:
    return _average_currencies(*values)


@_STATISTICS.define(
    "Average(decimalCollection: dec[]) -> dec",
    "Average(integerCollection: int[]) -> dec",
)
def _average_list(values: tuple[Any, ...]) -> Decimal:
    return _mean(_set_values(values))


@_STATISTICS.define("Average(durationCollection: dur[]) -> dur")
def _average_duration_list(values: tuple[Duration | NotSet, ...]) -> Duration:
    return _average_durations(*values)


@_MATHS.define("Random() -> dec", needs_host=True)
def _random(host: Any) -> Decimal:
    return Decimal(repr(host.random()))


@_MATHS.define("RandomInt(minimum: int, maximum: int) -> int", needs_host=True)
def _random_int(host: Any, minimum: int, maximum: int) -> int:
    if minimum > maximum:
        raise FlowRuntimeError(f"RandomInt needs a minimum up to the maximum, not {minimum} and {maximum}")
    return minimum + min(int(host.random() * (maximum - minimum + 1)), maximum - minimum)
