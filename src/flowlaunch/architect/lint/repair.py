"""Reading a flow with mistakes in it: each is noted and taken out, so that the next one shows too.

The loader stops at the first mistake. Here the node it names is taken out of the tree and the tree is read again: a
bad value becomes `noValue`, an unknown field goes, and an action that cannot be read goes as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from flowlaunch.architect.load_flow import parse_flow
from flowlaunch.architect.nodes import Listing, Node, Table, Text
from flowlaunch.architect.source import Source, Span
from flowlaunch.errors import FlowError, FlowNameError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowlaunch.architect.flow import Flow

__all__ = ["MAX_ERRORS", "UNREAD", "Mistake", "Reading", "read_flow"]

MAX_ERRORS: Final = 50
UNREAD: Final = Span(Source("a value that could not be read", ""), 0, 0)
"""Where a value stands that was taken out: nothing may be said about it."""
_VALUES: Final = frozenset({"exp", "lit"})
_PARTS: Final = frozenset({"statements", "attributes"})
"""Lists whose items go as a whole: one without its variable or value says nothing."""

Steps: TypeAlias = tuple[tuple[Table | Listing, int], ...]
"""The way from the root to a node: each container on it, with the position of the next."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """An error of the loader, and the key or value it is about; empty when it is about a whole block."""

    error: FlowError
    written: str


@dataclass(slots=True)
class Reading:
    """What came of reading one tree.

    Attributes:
        flow: None when not even a part could be read.
        errors: every mistake, in the order they were met.
        is_whole: whether nothing but single values had to be taken out.
        is_cut_off: whether there are more mistakes than are listed.

    """

    flow: Flow | None = None
    errors: list[Mistake] = field(default_factory=list)
    is_whole: bool = True
    is_cut_off: bool = False


class _Repairer:
    def __init__(self, root: Node, source: Source) -> None:
        self.root = root
        self.source = source
        self.reading = Reading()
        self.damaged: set[Span] = set()
        self.dropped: set[str] = set()

    def read(self) -> Reading:
        for _ in range(MAX_ERRORS * 4):
            try:
                self.reading.flow = parse_flow(self.root, self.source, lenient=False)
            except FlowError as error:
                if not self.mend(error):
                    break
            else:
                break
        return self.reading

    def mend(self, error: FlowError) -> bool:
        """Note a mistake and take it out; tells whether reading again makes sense."""
        reading = self.reading
        steps, node = (None, None) if error.span is None else find_place(self.root, error.span)
        item = None if steps is None else _item(steps)
        is_block = not isinstance(node, Text)
        again = is_block and item is not None and item.span in self.damaged
        if not again and not self.follows(error):
            reading.errors.append(Mistake(error, node.value if isinstance(node, Text) else ""))
        if steps is None or len(reading.errors) >= MAX_ERRORS:
            reading.is_cut_off = steps is not None
            reading.is_whole = False
            return False
        if not again and (wrapper := _value(steps)) is not None:
            self.root = _rebuilt(steps[:wrapper], _no_value())
            return True
        reading.is_whole = False
        cut = _cut(steps, whole_item=again)
        if cut is None:
            return False
        if item is not None:
            self.damaged.add(item.span)
        container, position = steps[cut]
        self.dropped.update(_names(_child(container, position)))
        self.root = _rebuilt(steps[:cut], _without(container, position))
        return True

    def follows(self, error: FlowError) -> bool:
        """Tell whether a mistake only follows from something that was taken out before."""
        return isinstance(error, FlowNameError) and any(f"`{name}`" in error.message.lower() for name in self.dropped)


def read_flow(root: Node, source: Source) -> Reading:
    """Read a flow, collecting up to `MAX_ERRORS` mistakes."""
    return _Repairer(root, source).read()


def find_place(root: Node, span: Span) -> tuple[Steps | None, Node | None]:
    """Find the node that holds a place, and the way to it: a key or text around it, or the block that it begins."""
    block: tuple[Steps | None, Node | None] = (None, None)
    for steps, node in walk(root):
        if isinstance(node, Text):
            if _holds(node, span):
                return steps, node
        elif block[1] is None and node.span == span:
            block = (steps, node)
    return block


def walk(root: Node) -> Iterator[tuple[Steps, Node]]:
    """Give every node with the way to it; a table's keys come with the way to their entry."""
    waiting: list[tuple[Steps, Node]] = [((), root)]
    while waiting:
        steps, node = waiting.pop()
        yield steps, node
        if isinstance(node, Listing):
            inner = [((*steps, (node, index)), item) for index, item in enumerate(node.items)]
            waiting.extend(reversed(inner))
        elif isinstance(node, Table):
            inner = []
            for index, (key, value) in enumerate(node.entries):
                way = (*steps, (node, index))
                inner += [(way, key), (way, value)]
            waiting.extend(reversed(inner))


def _holds(text: Text, span: Span) -> bool:
    if span.source == text.span.source:
        return text.span.start <= span.start and span.end <= max(text.span.end, text.span.start)
    return bool(text.value) and span.source.text == text.value


def _item(steps: Steps) -> Node | None:
    """Give the innermost item of a list on the way."""
    return next((c.items[i] for c, i in reversed(steps) if isinstance(c, Listing)), None)


def _value(steps: Steps) -> int | None:
    """Give the position of the table `exp: ...` or `lit: ...` that the way ends in."""
    for index in range(len(steps) - 1, -1, -1):
        container, position = steps[index]
        if isinstance(container, Listing):
            return None
        if len(container.entries) == 1 and container.entries[position][0].value in _VALUES:
            return index
    return None


def _cut(steps: Steps, *, whole_item: bool) -> int | None:
    """Choose what to take out: the nearest entry that has others beside it, or the nearest item of a list."""
    is_part = _key_of(steps, _listing_at(steps)) in _PARTS
    for index in range(len(steps) - 1, -1, -1):
        container, _ = steps[index]
        if isinstance(container, Listing) or (not whole_item and not is_part and len(container.entries) > 1):
            return index
    return None


def _listing_at(steps: Steps) -> int:
    return next((index for index in range(len(steps) - 1, -1, -1) if isinstance(steps[index][0], Listing)), -1)


def _key_of(steps: Steps, index: int) -> str:
    """Give the key under which the container at `index` stands."""
    if index < 1:
        return ""
    container, position = steps[index - 1]
    return container.entries[position][0].value if isinstance(container, Table) else ""


def _child(container: Table | Listing, position: int) -> Node:
    return container.items[position] if isinstance(container, Listing) else container.entries[position][1]


def _without(container: Table | Listing, position: int) -> Node:
    if isinstance(container, Listing):
        return replace(container, items=(*container.items[:position], *container.items[position + 1 :]))
    return replace(container, entries=(*container.entries[:position], *container.entries[position + 1 :]))


def _rebuilt(steps: Steps, node: Node) -> Node:
    """Give the tree with `node` at the end of the way."""
    for container, position in reversed(steps):
        if isinstance(container, Listing):
            items = (*container.items[:position], node, *container.items[position + 1 :])
            node = replace(container, items=items)
        else:
            key = container.entries[position][0]
            entries = (*container.entries[:position], (key, node), *container.entries[position + 1 :])
            node = replace(container, entries=entries)
    return node


def _no_value() -> Table:
    return Table(((Text("noValue", quoted=False, span=UNREAD), Text("true", quoted=False, span=UNREAD)),), UNREAD)


def _names(node: Node) -> Iterator[str]:
    """Give the names that something taken out declared: of variables, states and tasks."""
    if not isinstance(node, Table) or len(node.entries) != 1:
        return
    body = node.entries[0][1]
    if isinstance(body, Table):
        for key in ("name", "refId"):
            found = body.get(key)
            if isinstance(found, Text) and found.value:
                yield found.value.lower()
