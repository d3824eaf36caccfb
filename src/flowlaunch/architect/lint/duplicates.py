"""States and tasks with the same refId, found before the flow is read and told apart so that the rest shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flowlaunch.architect.lint.finding import Hit
from flowlaunch.architect.nodes import Listing, Table, Text

if TYPE_CHECKING:
    from flowlaunch.architect.nodes import Node

__all__ = ["tell_apart"]


def tell_apart(root: Node) -> tuple[Node, list[Hit]]:
    """Give the tree with each later refId of the same name changed, and a hit for each."""
    hits: list[Hit] = []
    if not isinstance(root, Table):
        return root, hits
    flows = tuple((key, _lists(node, hits)) for key, node in root.entries)
    return (replace(root, entries=flows) if hits else root), hits


def _lists(node: Node, hits: list[Hit]) -> Node:
    if not isinstance(node, Table):
        return node
    entries = tuple((key, _items(key.value, inner, hits) if key.value in {"states", "tasks"} else inner)
                    for key, inner in node.entries)  # fmt: skip
    return replace(node, entries=entries)


def _items(field: str, node: Node, hits: list[Hit]) -> Node:
    if not isinstance(node, Listing):
        return node
    seen: dict[str, int] = {}
    items: list[Node] = []
    for number, item in enumerate(node.items):
        found = _ref_id(item)
        if found is not None and found.value in seen:
            message = f"two {field} have the refId `{found.value}` (the first on line {seen[found.value]})"
            hits.append(Hit("FL009", message, "Give each its own.", found.span))
            items.append(_renamed(item, f"{found.value} ({number})"))
        else:
            items.append(item)
            if found is not None:
                seen[found.value] = found.span.line
    return replace(node, items=tuple(items))


def _body(item: Node) -> Table | None:
    body = item.entries[0][1] if isinstance(item, Table) and len(item.entries) == 1 else None
    return body if isinstance(body, Table) else None


def _ref_id(item: Node) -> Text | None:
    body = _body(item)
    found = None if body is None else body.get("refId")
    return found if isinstance(found, Text) else None


def _renamed(item: Node, ref_id: str) -> Node:
    body = _body(item)
    if body is None or not isinstance(item, Table):
        return item
    fields = tuple((key, replace(node, value=ref_id) if key.value == "refId" and isinstance(node, Text) else node)
                   for key, node in body.entries)  # fmt: skip
    return replace(item, entries=((item.entries[0][0], replace(body, entries=fields)),))
