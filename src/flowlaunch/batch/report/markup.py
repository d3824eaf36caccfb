"""HTML and SVG as values: whatever is not markup already is escaped, so no text of a row can become a tag."""

from __future__ import annotations

from html import escape
from typing import Final, TypeAlias

__all__ = ["Child", "Markup", "joined", "tag"]


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Child: TypeAlias = "Markup | str | int | float | None"

_VOID: Final = frozenset({"meta", "link", "br", "hr", "col", "img"})


def tag(name: str, /, *children: Child, **attributes: object) -> Markup:
    """Build one element: plain text is escaped, None and False are left out.

    Underscores of attribute names become hyphens; one at the end is dropped, so `class_` is `class`.
    """
    opening = name + "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_spelt(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Markup(f"<{opening}>")
    return Markup(f"<{opening}>{joined(*children)}</{name}>")


def joined(*children: Child) -> Markup:
    """Put pieces one after the other, escaping those that are plain text."""
    return Markup("".join(_markup(child) for child in children if child is not None))


def _markup(child: Child) -> str:
    return child if isinstance(child, Markup) else escape(_without_controls(_spelt(child)))


def _spelt(value: object) -> str:
    """Spell a coordinate with at most two decimals: a tenth of a pixel is not seen."""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return "" if value is True else str(value)


def _without_controls(text: str) -> str:
    """Spell control characters out: some of them are not allowed in HTML at all."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode("ascii") for c in text)
