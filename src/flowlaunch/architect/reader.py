"""What the parser of one action gets: its fields, the variables in reach, and ways to read each form of field."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from flowlaunch.architect.given import find_target, read_given, read_target
from flowlaunch.architect.nodes import Listing, Table, Text, listing_of, table_of, text_of
from flowlaunch.errors import FlowError, FlowSyntaxError

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.architect.flow import Action, Spec
    from flowlaunch.architect.given import Given, Target
    from flowlaunch.architect.nodes import Node
    from flowlaunch.architect.scope import VariableScope
    from flowlaunch.architect.source import Span
    from flowlaunch.architect.types import Type

__all__ = ["ActionReader", "Kind", "Notes"]


@dataclass(slots=True)
class Notes:
    """What parsing collects on the side: where expressions stand, and what was let through."""

    expressions: list[Span] = field(default_factory=list)
    problems: list[FlowError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of action.

    Attributes:
        parse: makes the spec from the fields.
        fields: names beside `name` and `outputs`.
        paths: names of its output paths.

    """

    parse: Callable[[ActionReader], Spec]
    fields: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


@dataclass(slots=True)
class ActionReader:
    """Fields of one action.

    Attributes:
        key, name: kind and name of the action, for messages.
        fields: its mapping.
        inner: parses a list of actions that stands in a field (a switch's case) and files it under a path.
        paths: output paths parsed so far.
        in_loop: whether a loop is around it.

    """

    key: str
    name: str
    fields: Table
    scope: VariableScope
    notes: Notes
    inner: Callable[[Node | None, str], tuple[Action, ...]]
    paths: dict[str, tuple[Action, ...]]
    in_loop: bool
    container: str

    def what(self, field_name: str = "") -> str:
        """Name a field for messages: `callData "Find order", field timeout`."""
        return f'{self.key} "{self.name}"' + (f", field {field_name}" if field_name else "")

    def given(self, name: str, of: Type, *, required: bool = False) -> Given:
        """Read a value field of the action."""
        node = self.fields.get(name)
        if node is None and required:
            self.missing(name)
        return self.given_in(node, of, name)

    def given_in(self, node: Node | None, of: Type, name: str) -> Given:
        """Read a value that stands somewhere inside the action."""
        result = read_given(node, self.scope, of, self.what(name))
        if result.expression is not None and result.span is not None:
            self.notes.expressions.append(result.span)
        return result

    def target(self, name: str, of: Type | None = None) -> Target | None:
        """Read a field that names the variable for an output."""
        return read_target(self.fields.get(name), self.scope, self.what(name), of)

    def target_in(self, node: Node | None, name: str, of: Type | None = None) -> Target | None:
        """Read a variable for an output that stands somewhere inside the action."""
        return read_target(node, self.scope, self.what(name), of)

    def variable(self, node: Node | None, name: str, of: Type | None = None) -> Target:
        """Read a bare variable name, as updateData writes it."""
        if isinstance(node, Table):
            target = read_target(node, self.scope, self.what(name), of)
            if target is not None:
                return target
        if not isinstance(node, Text) or node.is_empty:
            raise FlowSyntaxError(
                f"{self.what(name)} must name a variable",
                span=self.span(node),
                hint="Write `variable: Flow.name`.",
            )
        return find_target(node.value, node.span, self.scope, self.what(name), of)

    def text(self, name: str, default: str | None = None) -> str:
        """Read a field that is plain text, not a value."""
        node = self.fields.get(name)
        if node is None and default is None:
            self.missing(name)
        return text_of(node, self.what(name), default)

    def table(self, name: str) -> Table:
        """Read a field that must be a mapping."""
        node = self.fields.get(name)
        if node is None:
            self.missing(name)
        return table_of(node, self.what(name))

    def optional_table(self, node: Node | None, name: str) -> Table:
        """Take a mapping inside the action; an absent or empty one is an empty mapping."""
        if node is None or (isinstance(node, Text) and node.is_empty):
            return Table((), self.fields.span)
        if isinstance(node, Listing) and not node.items:
            return Table((), node.span)
        return table_of(node, self.what(name))

    def items(self, node: Node | None, name: str) -> tuple[Node, ...]:
        """Take a list inside the action."""
        return listing_of(node, self.what(name))

    def missing(self, name: str) -> NoReturn:
        """Refuse the action because a field is missing."""
        raise FlowSyntaxError(f"{self.what()} lacks its field `{name}`", span=self.fields.span, hint=f"Add `{name}:`.")

    def span(self, node: Node | None) -> Span:
        """Give the place of a node, or of the action."""
        return self.fields.span if node is None else node.span
