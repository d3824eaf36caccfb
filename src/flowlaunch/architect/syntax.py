"""Syntax tree of an expression as written, before types are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from decimal import Decimal

    from flowlaunch.architect.source import Span

__all__ = [
    "Binary",
    "Call",
    "Conditional",
    "Index",
    "Literal",
    "Name",
    "Node",
    "NotSetLiteral",
    "Property",
    "Unary",
]


@dataclass(frozen=True, slots=True)
class Literal:
    """A boolean, integer, decimal or string; `text` is how a number was written."""

    value: bool | int | Decimal | str
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class NotSetLiteral:
    """The word NOT_SET, whose type comes from its surroundings."""

    span: Span


@dataclass(frozen=True, slots=True)
class Name:
    """A name that nothing follows but perhaps `.parts`: a variable, or the scope in front of one."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Property:
    """`target.name`; `is_quoted` when the name stood in quotes."""

    target: Node
    name: str
    is_quoted: bool
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Index:
    """`target[index]`: an item of a collection, or a property named by text."""

    target: Node
    index: Node
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """`name(arguments)`."""

    name: str
    arguments: tuple[Node, ...]
    span: Span
    name_span: Span


@dataclass(frozen=True, slots=True)
class Unary:
    """`!`, `~` or `-` before an operand."""

    operator: str
    operand: Node
    span: Span
    operator_span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands; `operator` as written, so `OR` stays `OR`."""

    operator: str
    left: Node
    right: Node
    span: Span
    operator_span: Span


@dataclass(frozen=True, slots=True)
class Conditional:
    """`condition ? when_true : when_false`."""

    condition: Node
    when_true: Node
    when_false: Node
    span: Span


Node: TypeAlias = Literal | NotSetLiteral | Name | Property | Index | Call | Unary | Binary | Conditional
