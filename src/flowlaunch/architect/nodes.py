"""The parsed form of a flow file: tables, lists and texts that know where they stand.

Archy YAML is read into these nodes, and an Architect export is turned into them, so that one set of parsers
reads both.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from flowlaunch.errors import FlowNameError, FlowSyntaxError, FlowTypeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flowlaunch.architect.source import Span

__all__ = ["Listing", "Node", "Table", "Text", "did_you_mean", "plain"]

_TRUE: Final = frozenset({"true", "yes", "on"})
_FALSE: Final = frozenset({"false", "no", "off"})
_NUMBER: Final = re.compile(r"[-+]?(?:\d{1,400}\.?\d{0,400}|\.\d{1,400})(?:[eE][-+]?\d{1,4})?")
_INTEGER: Final = re.compile(r"[-+]?\d{1,400}")


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar as written; `quoted` tells `"5"` from `5`."""

    value: str
    quoted: bool
    span: Span

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was written at all (`key:`), or YAML's null."""
        return not self.quoted and self.value in {"", "~", "null", "Null", "NULL"}

    def as_bool(self) -> bool:
        """Read a boolean; `yes` and `no` count as YAML 1.1 has them.

        Raises:
            FlowTypeError: it is none.

        """
        word = self.value.strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
        raise FlowTypeError(f"expected true or false, found `{_shown(self.value)}`", span=self.span)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of nodes."""

    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping; keys are texts (a bare `yes` stays `yes`) and appear once."""

    entries: tuple[tuple[Text, Node], ...]
    span: Span

    def __iter__(self) -> Iterator[tuple[Text, Node]]:
        return iter(self.entries)

    def get(self, key: str) -> Node | None:
        """Give the value under `key`, or None."""
        for text, node in self.entries:
            if text.value == key:
                return node
        return None

    def require(self, key: str, what: str) -> Node:
        """Give the value under `key`.

        Raises:
            FlowSyntaxError: it is missing.

        """
        node = self.get(key)
        if node is None:
            raise FlowSyntaxError(f"{what} lacks `{key}`", span=self.span, hint=f"Add `{key}:`.")
        return node

    def only(self, what: str) -> tuple[Text, Node]:
        """Give the single entry.

        Raises:
            FlowSyntaxError: there are more or none.

        """
        if len(self.entries) != 1:
            keys = ", ".join(f"`{text.value}`" for text, _ in self.entries[:5]) or "none"
            raise FlowSyntaxError(
                f"{what} must have exactly one key, found {len(self.entries)}: {keys}",
                span=self.span,
                hint="Check the indentation: each list item `- kind:` holds its fields one level deeper.",
            )
        return self.entries[0]

    def refuse_others(self, known: Iterable[str], what: str) -> None:
        """Check that no key is unknown.

        Raises:
            FlowNameError: one is; the hint names the nearest known key.

        """
        names = frozenset(known)
        for text, _ in self.entries:
            if text.value not in names:
                raise FlowNameError(
                    f"{what} has no field `{_shown(text.value)}`",
                    span=text.span,
                    hint=did_you_mean(text.value, names),
                )


Node: TypeAlias = Text | Listing | Table


def did_you_mean(word: str, known: Iterable[str], what: str = "Known") -> str:
    """Suggest the nearest of `known`, or list them."""
    names = sorted(known)
    by_lower = {name.lower(): name for name in names}
    close = difflib.get_close_matches(word[:100].lower(), by_lower, n=1, cutoff=0.7)
    if close:
        return f"Did you mean `{by_lower[close[0]]}`?"
    shown = ", ".join(f"`{name}`" for name in names[:12])
    return f"{what}: {shown}{', ...' if len(names) > 12 else ''}." if names else ""


def table_of(node: Node | None, what: str, span: Span | None = None) -> Table:
    """Take `node` as a table.

    Raises:
        FlowSyntaxError: it is something else.

    """
    if isinstance(node, Table):
        return node
    raise FlowSyntaxError(f"{what} must be a mapping (`key: value`)", span=span if node is None else node.span)


def listing_of(node: Node | None, what: str) -> tuple[Node, ...]:
    """Take `node` as a list; nothing at all is an empty one.

    Raises:
        FlowSyntaxError: it is something else.

    """
    if node is None or (isinstance(node, Text) and node.is_empty):
        return ()
    if isinstance(node, Listing):
        return node.items
    raise FlowSyntaxError(f"{what} must be a list (`- item`)", span=node.span)


def text_of(node: Node | None, what: str, default: str | None = None) -> str:
    """Take `node` as text; an absent one is `default`.

    Raises:
        FlowSyntaxError: it is something else, or absent with no default.

    """
    if isinstance(node, Text):
        return "" if node.is_empty else node.value
    if node is None and default is not None:
        return default
    raise FlowSyntaxError(f"{what} must be text", span=None if node is None else node.span)


def plain(node: Node) -> Any:
    """Turn a node into Python values: unquoted numbers, booleans and null are typed, fractions are Decimal."""
    if isinstance(node, Text):
        return _plain_text(node)
    if isinstance(node, Listing):
        return [plain(item) for item in node.items]
    return {text.value: plain(item) for text, item in node.entries}


def _plain_text(node: Text) -> Any:
    if node.quoted:
        return node.value
    if node.is_empty:
        return None
    word = node.value
    if word.lower() in {"true", "false"}:
        return word.lower() == "true"
    if _INTEGER.fullmatch(word):
        return int(word)
    if _NUMBER.fullmatch(word):
        return Decimal(word)
    return word


def _shown(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
