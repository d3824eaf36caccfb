"""Filling the `{{name}}` and `${name}` slots of a flow text before it is parsed as YAML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from flowlaunch.architect.nodes import did_you_mean
from flowlaunch.architect.source import Source, Span
from flowlaunch.architect.yaml_nodes import MAX_TEXT_BYTES
from flowlaunch.errors import FlowNameError, FlowSyntaxError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["fill_slots", "slot_names"]

_SLOT: Final = re.compile(r"\{\{[ \t]*([\w.-]{1,200})[ \t]*\}\}|(?<!\$)\$\{([A-Za-z_][\w.-]{0,199})\}|\$(\$\{)")
_COMMENT: Final = re.compile(r"[ \t]{0,1000}#")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def slot_names(text: str) -> tuple[str, ...]:
    """List the slots of a text in order of appearance, each once; slots in comment lines are left out."""
    return tuple(dict.fromkeys(match[1] or match[2] for match in _slots(text) if not match[3]))


def fill_slots(source: Source, slots: Mapping[str, str]) -> Source:
    """Replace every slot by its value; `$${` becomes `${`.

    Raises:
        FlowNameError: a slot has no value; the message names it and its line.
        FlowSyntaxError: a value holds a line break or another control character.

    """
    for name, value in slots.items():
        if not isinstance(value, str) or _CONTROL.search(value):
            raise FlowSyntaxError(
                f"the value of slot `{name}` must be text without line breaks",
                hint="Put longer texts into the flow itself.",
            )
    parts: list[str] = []
    position, size = 0, len(source.text)
    for match in _slots(source.text):
        value = _value(match, source, slots)
        size += len(value)
        if size > MAX_TEXT_BYTES:
            raise FlowSyntaxError(f"{source.name} is over {MAX_TEXT_BYTES:,} characters once its slots are filled")
        parts += (source.text[position : match.start()], value)
        position = match.end()
    if not parts:
        return source
    return Source(source.name, "".join((*parts, source.text[position:])))


def _slots(text: str) -> Iterator[re.Match[str]]:
    """Give the slots outside of comment lines; each character is looked at a bounded number of times."""
    line_start, seen = 0, 0
    for match in _SLOT.finditer(text):
        line_break = text.rfind("\n", seen, match.start())
        line_start = line_break + 1 if line_break >= 0 else line_start
        seen = match.end()
        if not _COMMENT.match(text, line_start):
            yield match


def _value(match: re.Match[str], source: Source, slots: Mapping[str, str]) -> str:
    if match[3]:
        return match[3]
    name = match[1] or match[2]
    if name in slots:
        return slots[name]
    raise FlowNameError(
        f"slot `{match[0]}` has no value",
        span=Span(source, match.start(), match.end()),
        hint=did_you_mean(name, slots, "Slots given")
        or f"Give slots a value for `{name}`; write `$${{` for a literal `${{`.",
    )
