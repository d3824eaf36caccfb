"""Typed trees as text, the way Architect itself writes expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flowlaunch.architect.typed import Typed

__all__ = ["print_tree", "quoted"]

_OPERATORS: Final = frozenset({"binary", "unary", "ternary"})
_ESCAPES: Final = str.maketrans({'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def quoted(text: str) -> str:
    """Write a string literal."""
    return f'"{text.translate(_ESCAPES)}"'


def print_tree(node: Typed) -> str:
    """Write an expression canonically: one blank around operators, each operator that is an operand in parentheses."""
    spine: list[Typed] = []
    while node.kind == "binary":
        spine.append(node)
        node = node.operands[0]
    text = _one(node)
    if spine and node.kind in _OPERATORS:
        text = f"({text})"
    parts = ["(" * (len(spine) - 1), text]
    for above in reversed(spine):
        parts.append(f" {above.written} {_operand(above.operands[1])}")
        if above is not spine[0]:
            parts.append(")")
    return "".join(parts)


def _operand(node: Typed) -> str:
    text = print_tree(node)
    return f"({text})" if node.kind in _OPERATORS else text


def _one(node: Typed) -> str:  # noqa: PLR0911  # one line a kind of node
    if node.kind == "lit":
        return quoted(node.text) if node.type.name == "str" else node.written
    if node.kind == "call":
        return f"{node.key}({', '.join(map(print_tree, node.operands))})"
    if node.kind == "property":
        return f"{_target(node.operands[1])}.{node.written}"
    if node.kind == "index":
        return f"{_target(node.operands[1])}[{print_tree(node.operands[0])}]"
    if node.kind == "unary":
        operand = node.operands[0]
        is_number = node.written == "-" and operand.kind == "lit"
        text = _operand(operand)
        return f"{node.written}({text})" if is_number else f"{node.written}{text}"
    if node.kind == "ternary":
        condition, when_true, when_false = map(_operand, node.operands)
        return f"{condition} ? {when_true} : {when_false}"
    return node.written


def _target(node: Typed) -> str:
    text = _operand(node)
    is_negative = node.kind == "lit" and node.written.startswith("-")
    return f"({text})" if is_negative else text
