"""Conditions on JSON values, as stub files and case files write them: a value, or operators in a mapping."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.nodes import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["OPERATORS", "Condition", "ConditionError", "glob_holds", "read_condition", "same_json"]


class ConditionError(ValueError):
    """A condition is written wrong; the message says how to write it."""


def same_json(left: Any, right: Any) -> bool:
    """Tell whether two JSON values are equal: 1 and 1.0 are, 1 and true are not."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same_json(item, right[key]) for key, item in left.items())
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same_json, left, right))
    return bool(left == right)


def glob_holds(pattern: str, text: str) -> bool:
    """Tell whether a name fits a pattern with `*` and `?`, in any letter case."""
    return fnmatchcase(text.casefold(), pattern.casefold().replace("[", "[[]"))


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _ordered(found: Any, wanted: Any, holds: Callable[[Any, Any], bool]) -> bool:
    left, right = _number(found), _number(wanted)
    if left is not None and right is not None:
        return holds(left, right)
    return isinstance(found, str) and isinstance(wanted, str) and holds(found, wanted)


def _contains(found: Any, wanted: Any) -> bool:
    if isinstance(found, str):
        return isinstance(wanted, str) and wanted in found
    if isinstance(found, dict):
        return isinstance(wanted, dict) and all(
            key in found and Condition("is", item).holds(found[key]) for key, item in wanted.items()
        )
    return isinstance(found, list | tuple) and any(same_json(item, wanted) for item in found)


OPERATORS: Final[Mapping[str, tuple[type | tuple[type, ...], Callable[[Any, Any], bool]]]] = {
    "is": (object, same_json),
    "not": (object, lambda found, wanted: not same_json(found, wanted)),
    "in": (list, lambda found, wanted: any(same_json(found, item) for item in wanted)),
    "glob": (str, lambda found, wanted: found is not None and fnmatchcase(str(found), wanted.replace("[", "[[]"))),
    "regex": (str, lambda found, wanted: isinstance(found, str) and re.fullmatch(wanted, found) is not None),
    "contains": (object, _contains),
    "size": (int, lambda found, wanted: isinstance(found, str | list | dict) and len(found) == wanted),
    "gt": ((int, float, str), lambda found, wanted: _ordered(found, wanted, lambda a, b: a > b)),
    "ge": ((int, float, str), lambda found, wanted: _ordered(found, wanted, lambda a, b: a >= b)),
    "lt": ((int, float, str), lambda found, wanted: _ordered(found, wanted, lambda a, b: a < b)),
    "le": ((int, float, str), lambda found, wanted: _ordered(found, wanted, lambda a, b: a <= b)),
    "set": (bool, lambda found, wanted: (found is not None) is wanted),
}
"""Operator -> the type its operand must have, and what it tells of a value; null stands for NOT_SET."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator and its operand; several of a mapping must all hold (`all`)."""

    operator: str
    operand: Any

    def holds(self, found: Any) -> bool:
        """Tell whether `found` fulfils the condition."""
        if self.operator == "all":
            return all(each.holds(found) for each in self.operand)
        return OPERATORS[self.operator][1](found, self.operand)

    def __str__(self) -> str:
        if self.operator == "all":
            return " and ".join(map(str, self.operand))
        shown = json.dumps(self.operand, ensure_ascii=False, default=str)
        return shown if self.operator == "is" else f"{self.operator} {shown}"


def read_condition(given: Any) -> Condition:
    """Read a condition: a mapping of operators only, or any other value, which must be equal.

    Raises:
        ConditionError: an operand has the wrong type, or a pattern is wrong.

    """
    if not isinstance(given, dict) or not given or not given.keys() & OPERATORS.keys():
        return Condition("is", given)
    unknown = [key for key in given if key not in OPERATORS]
    if unknown:
        raise ConditionError(
            f"`{unknown[0]}` stands beside operators and is none; {did_you_mean(str(unknown[0]), OPERATORS)} "
            "Write `is: {...}` to compare with a whole object"
        )
    parts = tuple(_part(key, operand) for key, operand in given.items())
    return parts[0] if len(parts) == 1 else Condition("all", parts)


def _part(operator: str, operand: Any) -> Condition:
    wanted, _ = OPERATORS[operator]
    is_misused_bool = isinstance(operand, bool) and wanted not in {bool, object}
    if not isinstance(operand, wanted) or is_misused_bool:
        raise ConditionError(f"operator `{operator}` cannot have {operand!r} for its operand")
    if operator == "regex" and isinstance(operand, str):
        try:
            re.compile(operand)
        except re.error as error:
            raise ConditionError(f"`{operand}` is no regular expression: {error}") from error
    return Condition(operator, operand)
