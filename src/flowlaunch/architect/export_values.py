"""Values of an export as Archy nodes: `{config, text, type}` becomes `lit`, `exp`, `var` or `noValue`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.nodes import Listing, Node, Table, Text
from flowlaunch.architect.source import Source, Span

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Maker"]

_DURATION: Final = re.compile(r"(-?)P(\d{1,15})D(\d{1,15})H(\d{1,15})M(\d{1,15})S(\d{1,15})F")
_UNITS: Final = ("days", "hours", "minutes", "seconds", "milliseconds")
_PLAIN: Final = frozenset({"str", "int", "dec", "bln", "dtm", "dat", "tim", "cur", "phn"})
_SPOKEN: Final = frozenset({"aud", "pmt", "com", "apa"})


class Maker:
    """Makes nodes that all stand at one place: an export has no lines, so the place is the action's name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.span = Span(Source(name, name.rpartition(": ")[2]), 0, 0)

    def text(self, value: str, *, quoted: bool = True) -> Text:
        """Make a text; quoted ones are never taken for a number or boolean."""
        return Text(value, quoted, self.span)

    def expression(self, value: str) -> Text:
        """Make the text of an expression, with a source of its own for carets."""
        return Text(value, True, Span(Source(self.name, value), 0, len(value)))

    def table(self, entries: Iterable[tuple[str, Node]] = ()) -> Table:
        """Make a mapping."""
        return Table(tuple((self.text(key), node) for key, node in entries), self.span)

    def one(self, key: str, node: Node) -> Table:
        """Make a mapping of one entry."""
        return self.table([(key, node)])

    def listing(self, items: Iterable[Node]) -> Listing:
        """Make a list."""
        return Listing(tuple(items), self.span)

    def flag(self, value: Any) -> Text:
        """Make a boolean."""
        return self.text("true" if value is True else "false", quoted=False)

    def value(self, given: Any) -> Node:
        """Turn one value of the export into `lit`, `exp` or `noValue`."""
        if not isinstance(given, dict):
            return self.no_value()
        config = given.get("config")
        root = next(iter(config)) if isinstance(config, dict) and config else "emp"
        text = given.get("text")
        if root == "emp" or (not isinstance(text, str)):
            return self.no_value()
        if root != "lit" or not isinstance(config, dict):
            return self.one("exp", self.expression(text))
        literal = config["lit"]
        inner = literal.get("text") if isinstance(literal, dict) else None
        kind = str(given.get("type", ""))
        chosen = literal.get("val") if isinstance(literal, dict) else None
        if isinstance(chosen, str) and kind not in _PLAIN and not kind.endswith("_coll"):
            names = [("id", self.text(chosen)), ("name", self.text(text))]
            return self.one("lit", self.table(names))
        return self._literal(kind, inner if isinstance(inner, str) else text, text)

    def no_value(self) -> Table:
        """Make `noValue: true`."""
        return self.one("noValue", self.flag(value=True))

    def receiver(self, given: Any) -> Node:
        """Turn a bound variable into `var`, an unbound one into `noValue`."""
        text = given.get("text") if isinstance(given, dict) else None
        config = given.get("config") if isinstance(given, dict) else None
        if not isinstance(text, str) or not text or (isinstance(config, dict) and "emp" in config):
            return self.no_value()
        return self.one("var", self.text(text))

    def _literal(self, kind: str, text: str, written: str) -> Node:
        if kind == "dur":
            match = _DURATION.fullmatch(text)
            return self.one("lit", self._duration(match) if match else self.text(text))
        if kind in _PLAIN or kind in _SPOKEN:
            return self.one("lit", self.text(text, quoted=kind in {"str", *_SPOKEN}))
        if kind.endswith("_coll") or kind == "jsn":
            return self.one("exp", self.expression(written))
        return self.one("lit", self.one("id", self.text(text)))

    def _duration(self, match: re.Match[str]) -> Table:
        sign = match[1]
        return self.table(
            (unit, self.text(sign + amount, quoted=False))
            for unit, amount in zip(_UNITS, match.groups()[1:], strict=True)
        )
