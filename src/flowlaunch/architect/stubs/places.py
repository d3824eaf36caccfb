"""Where each part of a YAML document stands, so that a problem with plain values can name its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from flowlaunch.architect.codec import json_ready
from flowlaunch.architect.nodes import Listing, Node, Table, Text, plain
from flowlaunch.architect.source import Source, Span
from flowlaunch.architect.yaml_nodes import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Document", "Path", "read_document"]

Path: TypeAlias = tuple["str | int", ...]


class Document:
    """A parsed YAML document: its plain values and, by path, their places."""

    def __init__(self, name: str, root: Node | None, value: Any) -> None:
        self.name = name
        self.value = value
        self._root = root

    def span(self, path: Iterable[str | int]) -> Span | None:
        """Find the place of the value at `path`, or of the nearest part around it; None without a text."""
        node, span = self._root, None
        for step in path:
            node, found = _inside(node, step)
            if node is None:
                break
            span = found
        return span

    def place(self, path: Iterable[str | int]) -> str:
        """Name the place as `file:line`, or as a path of keys when there is no text."""
        steps = tuple(path)
        span = self.span(steps)
        if span is not None:
            return f"{self.name}:{span.line}"
        return f"{self.name}: {' / '.join(map(str, steps))}" if steps else self.name


def _inside(node: Node | None, step: str | int) -> tuple[Node | None, Span | None]:
    """Give the part of a node and where it stands; of a table's entry, the key is the place."""
    if isinstance(node, Table):
        for key, value in node:
            if key.value == str(step):
                return value, key.span
    if isinstance(node, Listing) and isinstance(step, int) and step < len(node.items):
        return node.items[step], node.items[step].span
    return None, None


def read_document(text: str, name: str) -> Document:
    """Parse YAML text safely into plain values; an empty text is an empty mapping.

    Raises:
        FlowSyntaxError: it is no YAML, too large or too deep, or uses tags or aliases.

    """
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()):
        return Document(name, None, {})
    root = read_yaml(Source(name, text))
    value = {} if isinstance(root, Text) and root.is_empty else json_ready(plain(root))
    return Document(name, root, value)
