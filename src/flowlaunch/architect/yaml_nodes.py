"""Reading YAML text into nodes, safely: no tags, no aliases, bounded size, depth and count.

The events of PyYAML are taken one by one, so nothing is resolved, constructed or built recursively.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import yaml

from flowlaunch.architect.nodes import Listing, Node, Table, Text
from flowlaunch.architect.source import Source, Span
from flowlaunch.errors import FlowSyntaxError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MAX_DEPTH", "MAX_NODES", "MAX_TEXT_BYTES", "read_yaml"]

MAX_TEXT_BYTES: Final = 5_000_000
MAX_DEPTH: Final = 100
MAX_NODES: Final = 300_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STR_TAG: Final = "tag:yaml.org,2002:str"


def read_yaml(source: Source) -> Node:
    """Parse one YAML document.

    Raises:
        FlowSyntaxError: it is no YAML, too large or too deep, or uses tags, aliases or repeated keys.

    """
    if len(source.text) > MAX_TEXT_BYTES:
        raise FlowSyntaxError(
            f"{source.name} has {len(source.text):,} characters; the limit is {MAX_TEXT_BYTES:,}",
            hint="Split the flow: move parts into common modules.",
        )
    builder = _Builder(source)
    try:
        for event in _events(source.text):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, source) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise FlowSyntaxError(f"{source.name} is not readable YAML: {str(error).splitlines()[0][:200]}") from error
    return builder.document()


def _events(text: str) -> Iterator[Any]:
    events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
    return events


_LOOK_BACK: Final = 500
"""Lines before a mistake that are searched for an open quote."""
_OPEN_QUOTE: Final = re.compile(r"""[ ]*(?:- +)*[^\s"'#][^"'#]{0,200}: +(?:"(?:[^"\\]|\\.)*|'(?:[^']|'')*)$""")


def _syntax_error(error: yaml.MarkedYAMLError, source: Source) -> FlowSyntaxError:
    mark = error.problem_mark or error.context_mark
    span = None if mark is None else _span(source, mark.index, mark.index + 1)
    problem = error.problem or error.context or "it cannot be parsed"
    hint = "Quote values that hold `: `, `#`, `{` or start with a special character; indent with blanks, not tabs."
    if "tab" in problem or "\\t" in problem:
        hint = "Indent with blanks, not tabs."
    elif "did not find expected" in problem:
        hint = "Check the indentation: this line does not line up with the ones above it." + _open_quote(source, span)
    elif "mapping values" in problem:
        hint = "Check the indentation of this line and the one above; quote a value that holds `: `."
    return FlowSyntaxError(f"{source.name} is not YAML: {problem}", span=span, hint=hint)


def _open_quote(source: Source, span: Span | None) -> str:
    """Name the last value before a place whose quote is not closed on its own line; "" if there is none.

    The parser then reads on to the next quote in the file and complains there.
    """
    if span is None:
        return ""
    lines = source.text[: span.start].split("\n")[:-1][-_LOOK_BACK:]
    for back, line in enumerate(reversed(lines), 1):
        if _OPEN_QUOTE.match(line):
            return f" Or is the quote never closed that opens on line {span.line - back}?"
    return ""


def _span(source: Source, start: int, end: int) -> Span:
    length = len(source.text)
    start = min(max(start, 0), length)
    return Span(source, start, min(max(end, start), length))


class _Open:
    """A list or table that is still being read."""

    __slots__ = ("entries", "is_table", "items", "key", "keys", "start")

    def __init__(self, *, is_table: bool, start: int) -> None:
        self.is_table = is_table
        self.start = start
        self.items: list[Node] = []
        self.entries: list[tuple[Text, Node]] = []
        self.key: Text | None = None
        self.keys: dict[str, Text] = {}


class _Builder:
    """Builds the nodes of one document with a stack of its own, so that depth costs no Python stack."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.stack: list[_Open] = []
        self.root: Node | None = None
        self.documents = 0
        self.count = 0
        self.rules: dict[type, Any] = {
            yaml.ScalarEvent: self._scalar,
            yaml.SequenceStartEvent: self._open,
            yaml.MappingStartEvent: self._open,
            yaml.SequenceEndEvent: self._close,
            yaml.MappingEndEvent: self._close,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }

    def take(self, event: Any) -> None:
        rule = self.rules.get(type(event))
        if rule is not None:
            rule(event)

    def document(self) -> Node:
        if self.root is None or (isinstance(self.root, Text) and self.root.is_empty):
            raise FlowSyntaxError(
                f"{self.source.name} is empty", hint="Give a flow in Archy YAML or an Architect export."
            )
        return self.root

    def _at(self, event: Any) -> Span:
        return _span(self.source, event.start_mark.index, event.end_mark.index)

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            raise FlowSyntaxError(
                f"{self.source.name} holds more than one YAML document",
                span=self._at(event),
                hint="Keep one flow a file.",
            )

    def _alias(self, event: Any) -> None:
        raise FlowSyntaxError(
            f"YAML alias `*{event.anchor}` is not allowed in a flow",
            span=self._at(event),
            hint="Write the value out where it is used.",
        )

    def _check(self, event: Any) -> None:
        self.count += 1
        if self.count > MAX_NODES:
            raise FlowSyntaxError(f"{self.source.name} has over {MAX_NODES:,} YAML nodes", span=self._at(event))
        if event.tag is not None and event.tag != _STR_TAG:
            raise FlowSyntaxError(
                f"YAML tag `{event.tag[:80]}` is not allowed in a flow",
                span=self._at(event),
                hint="Remove the tag.",
            )

    def _scalar(self, event: Any) -> None:
        self._check(event)
        quoted = (event.style is not None and event.style != "") or event.tag == _STR_TAG
        self._add(Text(event.value, quoted, self._at(event)))

    def _open(self, event: Any) -> None:
        self._check(event)
        if len(self.stack) >= MAX_DEPTH:
            raise FlowSyntaxError(
                f"{self.source.name} nests deeper than {MAX_DEPTH} levels",
                span=self._at(event),
                hint="Move the inner actions into a task or a common module.",
            )
        self.stack.append(_Open(is_table=type(event) is yaml.MappingStartEvent, start=event.start_mark.index))

    def _close(self, event: Any) -> None:
        done = self.stack.pop()
        span = _span(self.source, done.start, self._trimmed(done.start, event.start_mark.index))
        self._add(Table(tuple(done.entries), span) if done.is_table else Listing(tuple(done.items), span))

    def _trimmed(self, start: int, end: int) -> int:
        """Shorten a block to its first line: that is where a caret belongs."""
        line_end = self.source.text.find("\n", start, end)
        return end if line_end < 0 else line_end

    def _add(self, node: Node) -> None:
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        if not top.is_table:
            top.items.append(node)
        elif top.key is None:
            top.key = self._key(node, top)
        else:
            top.entries.append((top.key, node))
            top.key = None

    def _key(self, node: Node, top: _Open) -> Text:
        if not isinstance(node, Text):
            raise FlowSyntaxError(
                "a mapping key must be text",
                span=node.span,
                hint="Quote a key that holds `{` or `[`; `{{slots}}` must be filled before.",
            )
        first = top.keys.setdefault(node.value, node)
        if first is not node:
            raise FlowSyntaxError(
                f"the key `{node.value[:80]}` appears twice (first on line {first.span.line})",
                span=node.span,
                hint="Keep one of the two.",
            )
        return node
