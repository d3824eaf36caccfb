"""What the catalogue's implementations become under a choice of the dialect other than the default."""

from __future__ import annotations

import decimal
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.dialect import DEFAULT
from flowlaunch.architect.functions.conversion import text_to_decimal
from flowlaunch.architect.numbers import CONTEXT, digits_of
from flowlaunch.architect.values import NOT_SET, Currency, Json, Value
from flowlaunch.errors import FlowRuntimeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from flowlaunch.architect.dialect import Dialect
    from flowlaunch.architect.functions.catalogue import Overload

    Run = Callable[..., Any]

__all__ = ["implementation"]


def _unset_instead(overload: Overload) -> Run:
    def run(*values: Value) -> Any:
        try:
            return overload.run(*values)
        except FlowRuntimeError:
            return NOT_SET

    return run


def _no_empty_search(overload: Overload) -> Run:
    def run(text: str, sought: str, *rest: Any) -> Any:
        return overload.run(text, sought, *rest) if sought else -1

    return run


def _half_to_even(_overload: Overload) -> Run:
    def rounded(value: Decimal, places: int) -> Decimal:
        exponent = Decimal(1).scaleb(-digits_of(places))
        return value.quantize(exponent, rounding=decimal.ROUND_HALF_EVEN, context=CONTEXT)

    def run(value: Any, places: int = 0) -> Any:
        if isinstance(value, Currency):
            if value.amount is NOT_SET:
                raise FlowRuntimeError("a Currency whose amount is NOT_SET cannot be rounded")
            return Currency(rounded(value.amount, places), value.code)
        return rounded(value, places)

    return run


def _iso_week(_overload: Overload) -> Run:
    def run(value: date) -> int:
        week: int = value.isocalendar().week
        return week

    return run


def _by_code(overload: Overload) -> Run:
    if overload.parameters[0].type.name != "str":
        return overload.run
    tests: Mapping[str, Run] = {
        "<": lambda left, right: left < right,
        "<=": lambda left, right: left <= right,
        ">": lambda left, right: left > right,
        ">=": lambda left, right: left >= right,
    }
    return tests.get(overload.name) or _compare_by_code


def _compare_by_code(left: Any, right: Any, ignore_case: bool = False) -> int:
    if left is NOT_SET or right is NOT_SET:
        return (left is not NOT_SET) - (right is not NOT_SET)
    first, second = (left.casefold(), right.casefold()) if ignore_case else (left, right)
    return int(first > second) - int(first < second)


def _cut_fraction(overload: Overload) -> Run:
    if overload.parameters[0].type.name != "str":
        return overload.run

    def run(value: Any) -> Any:
        number = text_to_decimal(value)
        return NOT_SET if number is NOT_SET else overload.run(str(int(number)))

    return run


def _unset_if_text(overload: Overload) -> Run:
    return _unset_instead(overload) if overload.parameters[0].type.name == "str" else overload.run


def _property_must_exist(overload: Overload) -> Run:
    def run(document: Json, name: str) -> Any:
        if isinstance(document.value, dict) and name not in document.value:
            raise FlowRuntimeError(f"the JSON object has no property '{name[:100]}'")
        return overload.run(document, name)

    return run


_VARIANTS: Final[Mapping[tuple[str, str], tuple[frozenset[str], Callable[[Overload], Run]]]] = {
    ("index_out_of_range", "unset"): (frozenset({"GetAt", "["}), _unset_instead),
    ("empty_search", "none"): (frozenset({"FindString"}), _no_empty_search),
    ("half", "even"): (frozenset({"Round"}), _half_to_even),
    ("week", "iso"): (frozenset({"WeekNum"}), _iso_week),
    ("text_order", "code"): (frozenset({"<", "<=", ">", ">=", "Compare"}), _by_code),
    ("fraction_text", "cut"): (frozenset({"ToInt"}), _cut_fraction),
    ("unreadable_date", "unset"): (frozenset({"ToDateTime", "ToDuration"}), _unset_if_text),
    ("missing_json_property", "error"): (frozenset({"GetJsonObjectProperty"}), _property_must_exist),
}


def implementation(overload: Overload, dialect: Dialect) -> Run:
    """Give the implementation of an overload under a dialect."""
    for choice in () if dialect is DEFAULT else dialect.choices():
        names, wrap = _VARIANTS.get(choice, (frozenset(), None))
        if wrap is not None and overload.name in names:
            return wrap(overload)
    return overload.run
