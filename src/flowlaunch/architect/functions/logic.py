"""If, IsSet, AreEqual, IsNotSetOrEmpty."""

from __future__ import annotations

from typing import Final

from flowlaunch.architect.collation import fold
from flowlaunch.architect.functions.catalogue import Family
from flowlaunch.architect.values import NOT_SET, Currency, Json, Value, equal

_LOGIC: Final = Family("logical")
_COMPARISON: Final = Family("comparison")


@_LOGIC.define(
    "If(condition: bln?, trueValue: T?, falseValue: T?) -> T",
    "If(condition: bln?, trueValue: T[], falseValue: T[]) -> T[]",
    form="if",
)
def _if(condition: bool, when_true: Value, when_false: Value) -> Value:
    return when_true if condition is True else when_false


@_LOGIC.define("IsSet(item: any?) -> bln", "IsSet(item: nts?) -> bln")
def _is_set(item: Value) -> bool:
    return item is not NOT_SET


@_COMPARISON.define(
    "AreEqual(valueToCompare: T?, valueToCompareTo: T?...) -> bln",
    "AreEqual(valueToCompare: T[], valueToCompareTo: T[]) -> bln",
)
def _are_equal(first: Value, *others: Value) -> bool:
    return all(equal(first, other) for other in others)


@_COMPARISON.define("AreEqual(ignoreCase: bln, valueToCompare: str?, valueToCompareTo: str?...) -> bln")
def _are_equal_text(ignore_case: bool, first: str, *others: str) -> bool:
    if not ignore_case:
        return all(first == other for other in others)
    return all(_folded(first) == _folded(other) for other in others)


def _folded(text: Value) -> Value:
    return fold(text) if isinstance(text, str) else text


@_COMPARISON.define("AreEqual(ignoreCase: bln, valueToCompare: str[], valueToCompareTo: str[]) -> bln")
def _are_equal_lists_of_text(ignore_case: bool, left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    if not ignore_case:
        return left == right
    return [_folded(item) for item in left] == [_folded(item) for item in right]


@_COMPARISON.define(
    "IsNotSetOrEmpty(item: any?) -> bln",
    "IsNotSetOrEmpty(collection: any[]) -> bln",
    "IsNotSetOrEmpty(item: nts?) -> bln",
)
def is_not_set_or_empty(item: Value) -> bool:
    """Tell whether there is nothing: NOT_SET, "", an empty collection, a currency without amount, JSON null."""
    if item is NOT_SET or isinstance(item, str | tuple):
        return item is NOT_SET or len(item) == 0
    if isinstance(item, Currency):
        return item.amount is NOT_SET
    return isinstance(item, Json) and (item.value is None or item.value in ("", [], {}))
