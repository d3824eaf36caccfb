"""Where NOT_SET can be: every expression is followed with "may be NOT_SET" and "may be set" for each variable.

A variable is unset only when it starts so and nothing on the way has set it; outputs of actions, properties and
inputs count as set, so what is said to be always NOT_SET is so in every run that gets there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from flowlaunch.architect.lint.repair import UNREAD

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.architect.given import Given
    from flowlaunch.architect.typed import Typed

__all__ = ["SET", "UNSET", "Env", "Violation", "join", "refine", "value_of"]

UNSET: Final = 1
SET: Final = 2

Env: TypeAlias = "dict[str, int]"
"""Variable, lower case -> `UNSET`, `SET` or both; one that is missing counts as set."""


@dataclass(frozen=True, slots=True)
class Violation:
    """An operand that is or may be NOT_SET where that is not allowed.

    Attributes:
        is_certain: it is NOT_SET in every run that gets there.
        is_official: the platform documents that it is refused there; a property of NOT_SET is refused by our guess.

    """

    node: Typed
    where: str
    is_certain: bool
    is_official: bool = True


Report: TypeAlias = "Callable[[Violation], None]"


def ignore(_violation: Violation) -> None:
    """Report to nobody."""


def join(left: Env, right: Env) -> Env:
    """Combine what is known on two ways that meet."""
    return {key: left.get(key, SET) | right.get(key, SET) for key in {**left, **right}}


def value_of(given: Given, env: Env, report: Report = ignore) -> int:
    """Tell whether a value may be NOT_SET; `env` learns that what had to be set is set afterwards."""
    if given.type.is_collection:
        kept = given.expression
        if kept is not None:
            _guarded(kept.root, env, report)
        return SET
    if given.kind == "nothing":
        return SET if given.span == UNREAD else UNSET
    if given.expression is None:
        return SET
    return _guarded(given.expression.root, env, report)


def _guarded(node: Typed, env: Env, report: Report) -> int:
    try:
        return _value(node, env, report)
    except RecursionError:
        return SET  # nested so deep that nothing is said about it


def _value(node: Typed, env: Env, report: Report) -> int:
    if node.kind == "nul":
        return UNSET
    if node.key == "ref":
        return SET if node.type.is_collection else env.get(node.lookup, SET)
    if not node.operands:
        return SET
    form = node.overload.form if node.overload else ""
    if form == "if":
        return _if(node, env, report)
    if form in {"and", "or"}:
        return _logic(node, env, report, holds=form == "and")
    masks = [_value(operand, env, report) for operand in node.operands]
    for index, (operand, mask) in enumerate(zip(node.operands, masks, strict=True)):
        if mask & UNSET and _must_be_set(node, index):
            report(Violation(operand, _where(node, index), mask == UNSET, node.overload is not None))
            _learn(operand, env)
    is_cast = node.kind == "call" and node.key.startswith("To") and len(masks) == 1 and not node.type.is_collection
    return masks[0] if is_cast else SET


def _must_be_set(node: Typed, index: int) -> bool:
    operand = node.operands[index]
    if operand.kind == "lit" or operand.type.is_collection:
        return False
    if node.overload is None:
        return index == 1 or node.kind == "index"
    return not node.overload.parameter(index).takes_not_set


def _where(node: Typed, index: int) -> str:
    if node.overload is None:
        return f"in front of `.{node.text}`" if index == 1 else "as the name of a property"
    shown = {"-x": "-", "?": "? :", "[": "[ ]"}.get(node.key, node.key)
    return f"as '{node.overload.parameter(index).name}' of '{shown}'"


def _learn(node: Typed, env: Env) -> None:
    """After a value was used where it must be set, it is: otherwise the run has failed."""
    while node.kind == "call" and node.key.startswith("To") and len(node.operands) == 1:
        node = node.operands[0]
    if node.key == "ref":
        env[node.lookup] = SET


def _if(node: Typed, env: Env, report: Report) -> int:
    condition, when_true, when_false = node.operands
    _value(condition, env, report)
    result = 0
    after: Env | None = None
    for branch, holds in ((when_true, True), (when_false, False)):
        inner = refine(condition, env, holds=holds)
        if inner is None:
            continue
        result |= _value(branch, inner, report)
        after = inner if after is None else join(after, inner)
    if after is not None:
        env.update(after)
    return result or SET


def _logic(node: Typed, env: Env, report: Report, *, holds: bool) -> int:
    left, right = node.operands
    for index, operand in enumerate((left, right)):
        inner: Env | None = env if index == 0 else refine(left, env, holds=holds)
        if inner is None:
            return SET
        mask = _value(operand, inner, report)
        if mask & UNSET and operand.kind != "lit":
            report(Violation(operand, _where(node, index), mask == UNSET))
            _learn(operand, inner)
    return SET


def refine(node: Typed, env: Env, *, holds: bool) -> Env | None:
    """Give what is known once a condition came out as `holds`; None when it cannot come out so."""
    try:
        return _refined(node, dict(env), holds=holds)
    except RecursionError:
        return dict(env)


def _refined(node: Typed, env: Env, *, holds: bool) -> Env | None:
    form = node.overload.form if node.overload else ""
    if node.key == "!" and node.kind == "unary":
        return _refined(node.operands[0], env, holds=not holds)
    if form in {"and", "or"}:
        return _refined_logic(node, env, holds=holds, both=holds == (form == "and"))
    if node.kind == "lit" and isinstance(node.value, bool):
        return env if node.value is holds else None
    if node.kind == "call" and node.key in {"IsSet", "IsNotSetOrEmpty"} and node.operands:
        return _tested(node, env, holds=holds)
    if node.kind == "binary" and node.key in {"==", "!="}:
        return _compared(node, env, equal=holds == (node.key == "=="))
    return env


def _refined_logic(node: Typed, env: Env, *, holds: bool, both: bool) -> Env | None:
    left, right = node.operands
    first = _refined(left, dict(env), holds=holds)
    if both:
        return None if first is None else _refined(right, first, holds=holds)
    other = _refined(left, dict(env), holds=not holds)
    second = None if other is None else _refined(right, other, holds=holds)
    if first is None or second is None:
        return second if first is None else first
    return join(first, second)


def _tested(node: Typed, env: Env, *, holds: bool) -> Env | None:
    operand = node.operands[0]
    if node.key == "IsSet":
        return _narrow(operand, env, SET if holds else UNSET)
    return env if holds else _narrow(operand, env, SET)


def _compared(node: Typed, env: Env, *, equal: bool) -> Env | None:
    for one, other in (node.operands, node.operands[::-1]):
        if one.kind == "nul":
            return _narrow(other, env, UNSET if equal else SET)
        if one.kind == "lit" and equal:
            return _narrow(other, env, SET)
    return env


def _narrow(node: Typed, env: Env, mask: int) -> Env | None:
    while node.kind == "call" and node.key.startswith("To") and len(node.operands) == 1 and mask == SET:
        node = node.operands[0]
    if node.key != "ref" or node.lookup not in env:
        return env
    left = env[node.lookup] & mask
    if not left:
        return None
    env[node.lookup] = left
    return env
