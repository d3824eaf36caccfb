"""The typed syntax tree: what the checker makes of a parsed expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flowlaunch.architect.values import NOT_SET

if TYPE_CHECKING:
    from flowlaunch.architect.functions.catalogue import Overload
    from flowlaunch.architect.source import Span
    from flowlaunch.architect.types import Type
    from flowlaunch.architect.values import Value

__all__ = ["Typed", "tree_of"]


@dataclass(slots=True)
class Typed:
    """One node of the typed tree.

    Attributes:
        kind: `lit`, `ref`, `sysref`, `nul`, `call`, `unary`, `binary`, `ternary`, `property` or `index`.
        key: how compiled flows name the node: the kind of a leaf, else the operator or function.
        type: type of its value.
        text: content of a literal, name of a variable; empty elsewhere.
        operands: in the order of compiled flows (of `.` and `[` the property or index comes first).
        span: where it stands.
        overload: which overload was chosen; None for leaves and properties.
        value: value of a literal.
        written: how a literal, property or operator was written, for printing.
        lookup: key of a variable's value, lower case.

    """

    kind: str
    key: str
    type: Type
    span: Span
    text: str = ""
    operands: tuple[Typed, ...] = ()
    overload: Overload | None = None
    value: Value = NOT_SET
    written: str = ""
    lookup: str = ""


def tree_of(node: Typed) -> dict[str, Any]:
    """Write a typed tree as JSON, shaped as in compiled flows."""
    spine: list[Typed] = []
    while node.kind == "binary":
        spine.append(node)
        node = node.operands[0]
    tree = _one(node)
    for above in reversed(spine):
        tree = {above.key: {"type": above.type.code, "operands": [tree, tree_of(above.operands[1])]}}
    return tree


def _one(node: Typed) -> dict[str, Any]:
    if node.kind in {"lit", "ref", "sysref", "nul"}:
        return {node.key: {"type": node.type.code, "text": node.text}}
    return {node.key: {"type": node.type.code, "operands": [tree_of(operand) for operand in node.operands]}}
