"""Expression text to tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flowlaunch.architect.source import Span
from flowlaunch.errors import FlowSyntaxError

if TYPE_CHECKING:
    from flowlaunch.architect.source import Source

__all__ = ["MAX_TEXT_CHARS", "Token", "tokenize"]

MAX_TEXT_CHARS: Final = 32_000
"""Longest expression that Architect accepts."""

_LETTER: Final = (
    r"A-Za-z$\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u1fff\u3040-\u318f\u3300-\u337f\u3400-\u3d2d\u4e00-\u9fff\uf900-\ufaff"
)
_TOKEN_RE: Final = re.compile(
    rf"""(?P<blank>[ \t\r\n\u00a0\f]+)
    |(?P<decimal>[0-9]+\.[0-9]*|\.[0-9]+)
    |(?P<integer>[0-9]+)
    |(?P<string>"(?:[^"\\]|\\.)*")
    |(?P<name>[{_LETTER}][{_LETTER}0-9_]*)
    |(?P<operator>==|!=|>=|<=|[-+*/%^?:|&<>!~()\[\],.])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES: Final = {'"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
_CURES: Final = {
    "=": "Compare with `==`.",
    "'": 'Strings stand in double quotes: "text".',
    "“": 'Strings stand in plain double quotes: "text".',
    "”": 'Strings stand in plain double quotes: "text".',
    '"': 'Close the string with a double quote; write a quote inside it as \\".',
    "_": "A name starts with a letter.",
    "{": "Fill the template's slots before the expression is compiled.",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        kind: `decimal`, `integer`, `string`, `name`, `operator` or `end`.
        text: what it says; of a string its content, escapes resolved.
        start: first character, as an offset in the expression.
        end: after the last character.

    """

    kind: str
    text: str
    start: int
    end: int


def tokenize(text: str, source: Source, offset: int) -> list[Token]:
    """Cut an expression into tokens, the last of kind `end`.

    Raises:
        FlowSyntaxError: a character or escape the language does not know, or a text beyond 32,000 characters.

    """
    if len(text) > MAX_TEXT_CHARS:
        raise FlowSyntaxError(
            f"an expression has at most {MAX_TEXT_CHARS:,} characters, this one {len(text):,}",
            span=Span(source, offset, offset),
            hint="Split it over several variables.",
        )
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        found = _TOKEN_RE.match(text, at)
        if found is None:
            raise _unknown_character(text, at, source, offset)
        kind = found.lastgroup or ""
        if kind != "blank":
            value = found.group()
            if kind == "string":
                value = _unescape(value, at, source, offset)
            tokens.append(Token(kind, value, at, found.end()))
        at = found.end()
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens


def _unknown_character(text: str, at: int, source: Source, offset: int) -> FlowSyntaxError:
    char = text[at]
    what = "this string has no end" if char == '"' else f"`{char}` means nothing here"
    return FlowSyntaxError(what, span=Span(source, offset + at, offset + at + 1), hint=_CURES.get(char, ""))


def _unescape(quoted: str, at: int, source: Source, offset: int) -> str:
    body = quoted[1:-1]
    if "\\" not in body:
        return body
    parts: list[str] = []
    here = 0
    while (slash := body.find("\\", here)) >= 0:
        meant = _ESCAPES.get(body[slash + 1])
        if meant is None:
            start = offset + at + 1 + slash
            raise FlowSyntaxError(
                f"`\\{body[slash + 1]}` is not an escape",
                span=Span(source, start, start + 2),
                hint='Known escapes: \\" \\\\ \\n \\r \\t; write a backslash as \\\\.',
            )
        parts += body[here:slash], meant
        here = slash + 2
    parts.append(body[here:])
    return "".join(parts)
