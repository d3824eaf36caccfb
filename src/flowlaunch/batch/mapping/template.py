"""Text with columns in it: `Order {order_id} for {first_name}`, doubled braces for braces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from flowlaunch.batch.mapping.convert import Formats, to_text
from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PIECE: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_FORMATS: Final = Formats()

PLACEHOLDERS: Final = ("token", "row", "line", "key", "batch")
"""Names with a meaning of their own: the launch token, the row's number, its line, its key and the batch's id."""


class Template(NamedTuple):
    """Texts and names in turn; `names` are what the template asks for, `is_column` that it is a column alone."""

    text: str
    texts: tuple[str, ...]
    names: tuple[str, ...]
    is_column: bool = False

    def fill(self, cells: Mapping[str, Any], facts: Mapping[str, str]) -> str:
        """Return the text with every name replaced: by a fact where there is one of this name, else by the cell."""
        parts = [self.texts[0]]
        for name, text in zip(self.names, self.texts[1:], strict=True):
            value = facts[name] if name in facts else cells.get(name)
            parts.append(value if type(value) is str else "" if value is None else shown_as(value))
            parts.append(text)
        return "".join(parts)


def shown_as(value: Any) -> str:
    """Return a typed cell as text; an object or a list is shown as JSON."""
    is_nested = isinstance(value, (dict, list))
    return msgspec.json.encode(value).decode() if is_nested else to_text(value, _FORMATS)


def column_template(column: str) -> Template:
    """Return the template that is one column, whatever its name."""
    return Template(column, ("", ""), (column,), is_column=True)


def parse_template(text: str) -> Template:
    """Return the template that `text` writes; InputError for a brace without its pair."""
    texts, names, place = [""], [], 0
    for found in _PIECE.finditer(text):
        texts[-1] += text[place : found.start()]
        place = found.end()
        piece = found.group()
        if piece in {"{{", "}}"}:
            texts[-1] += piece[0]
        elif found.group(1):
            names.append(found.group(1).strip())
            texts.append("")
        else:
            raise InputError(
                f"read the template {text!r}: {piece} at character {found.start() + 1} has no name in it",
                code="mapping-template",
                hint="Write {column}, and {{ or }} for braces themselves.",
            )
    texts[-1] += text[place:]
    return Template(text, tuple(texts), tuple(names))
