"""Tokens to a syntax tree, by precedence climbing.

Lowest to highest: `? :`, `or`, `and`, `|`, `&`, equality, comparison, sums, products, `^` (right-associative),
`!` and `~`, `-`, then a primary with its properties and indexers.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from flowlaunch.architect.lexer import Token, tokenize
from flowlaunch.architect.numbers import CONTEXT, MAX_INT
from flowlaunch.architect.source import Source, Span
from flowlaunch.architect.syntax import (
    Binary,
    Call,
    Conditional,
    Index,
    Literal,
    Name,
    Node,
    NotSetLiteral,
    Property,
    Unary,
)
from flowlaunch.errors import FlowSyntaxError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MAX_CALL_DEPTH", "parse"]

MAX_CALL_DEPTH: Final = 60
"""Deepest nesting of calls that Architect accepts."""

MAX_ROW: Final = 120
"""Most `!`, properties or indexers in a row."""

_MAX_FRAMES: Final = 640
_EXPRESSION_FRAMES: Final = 7
"""Budget of the stack: what one nested expression costs at most, so that no text can exhaust it."""

MAX_OPERATORS: Final = 250
"""Most binary operators in a row; evaluation nests that deep."""

_LEVELS: Final[Mapping[str, int]] = {
    "or": 2, "and": 3, "|": 4, "&": 5, "==": 6, "!=": 6, ">": 7, ">=": 7, "<": 7, "<=": 7,
    "+": 8, "-": 8, "*": 9, "/": 9, "%": 9, "^": 10,
}  # fmt: skip
_POWER: Final = 10
_WORDS: Final = frozenset({"or", "and"})
_LITERALS: Final = {"true": True, "false": False}
_CURES: Final = {
    "&&": "Write `and`.",
    "||": "Write `or`.",
    "=": "Compare with `==`.",
    "<>": "Write `!=`.",
    "--": "Put the inner minus in parentheses: -(-x).",
}


def parse(text: str, source: Source | None = None, offset: int = 0) -> Node:
    """Parse one expression.

    Args:
        text: the expression.
        source: the file it stands in, for messages; without it the expression itself is shown.
        offset: where `text` starts in `source`.

    Raises:
        FlowSyntaxError: it is not an expression, or beyond a limit (32,000 characters, 60 nested calls).

    """
    where = source or Source("expression", text)
    return _Parser(tokenize(text, where, offset), where, offset).parse()


class _Parser:
    def __init__(self, tokens: list[Token], source: Source, offset: int) -> None:
        self.tokens = tokens
        self.source = source
        self.offset = offset
        self.at = 0
        self.frames = 0
        self.call_depth = 0

    def parse(self) -> Node:
        node = self.expression()
        if self.tokens[self.at].kind != "end":
            raise self.unexpected()
        return node

    def expression(self) -> Node:
        self.nest(_EXPRESSION_FRAMES)
        condition = self.binary(2)
        if self.take("?"):
            when_true = self.expression()
            self.expect(":", "`:` and the value for false")
            when_false = self.expression()
            condition = Conditional(
                condition, when_true, when_false, Span(self.source, condition.span.start, when_false.span.end)
            )
        self.frames -= _EXPRESSION_FRAMES
        return condition

    def nest(self, frames: int) -> None:
        self.frames += frames
        if self.frames > _MAX_FRAMES:
            hint = "Split it over several variables."
            raise self.refuse("this expression is nested too deep", self.tokens[self.at], hint)

    def binary(self, lowest: int) -> Node:
        left = self.unary()
        count = 0
        while True:
            token = self.tokens[self.at]
            operator = token.text
            level = self.level_of(token)
            if level < lowest:
                return left
            self.at += 1
            self.nest(1)
            right = self.binary(level) if level == _POWER else self.binary(level + 1)
            self.frames -= 1
            count += 1
            if count > MAX_OPERATORS:
                raise self.refuse(f"more than {MAX_OPERATORS} operators in a row", token)
            span = Span(self.source, left.span.start, right.span.end)
            left = Binary(operator, left, right, span, self.span(token))

    @staticmethod
    def level_of(token: Token) -> int:
        if token.kind == "operator":
            return _LEVELS.get(token.text, 0)
        if token.kind == "name" and token.text.lower() in _WORDS:
            return _LEVELS[token.text.lower()]
        return 0

    def unary(self) -> Node:
        marks: list[Token] = []
        while (token := self.tokens[self.at]).kind == "operator" and token.text in "!~":
            marks.append(token)
            self.at += 1
            if len(marks) > MAX_ROW:
                raise self.refuse(f"more than {MAX_ROW} `!` or `~` in a row", token)
        minus = self.tokens[self.at]
        if self.take("-"):
            if self.tokens[self.at].text == "-" and self.tokens[self.at].kind == "operator":
                raise self.refuse("two minus signs in a row are not allowed", self.tokens[self.at], _CURES["--"])
            marks.append(minus)
        node = self.postfix()
        for mark in reversed(marks):
            node = self.apply(mark, node)
        return node

    def apply(self, mark: Token, operand: Node) -> Node:
        span = Span(self.source, self.offset + mark.start, operand.span.end)
        return Unary(mark.text, operand, span, self.span(mark))

    def postfix(self) -> Node:
        node = self.primary()
        links = 0
        while True:
            if self.take("."):
                token = self.tokens[self.at]
                if token.kind not in {"name", "string"}:
                    raise self.refuse("a property's name must follow the dot", token)
                self.at += 1
                span = Span(self.source, node.span.start, self.offset + token.end)
                node = Property(node, token.text, token.kind == "string", span, self.span(token))
            elif self.take("["):
                index = self.expression()
                end = self.expect("]", "`]`")
                node = Index(node, index, Span(self.source, node.span.start, self.offset + end.end))
            else:
                return node
            links += 1
            if links > MAX_ROW:
                raise self.refuse(f"more than {MAX_ROW} properties and indexers in a row", self.tokens[self.at])

    def primary(self) -> Node:
        token = self.tokens[self.at]
        self.at += 1
        span = self.span(token)
        if token.kind == "string":
            return Literal(token.text, token.text, span)
        if token.kind == "integer":
            return self.integer(token)
        if token.kind == "decimal":
            return self.decimal(token)
        if token.kind == "name":
            return self.named(token)
        if token.text == "(" and token.kind == "operator":
            node = self.expression()
            self.expect(")", "`)`")
            return node
        self.at -= 1
        raise self.unexpected()

    def integer(self, token: Token) -> Node:
        digits = token.text.lstrip("0") or "0"
        if len(digits) > len(str(MAX_INT)):
            raise self.refuse(f"an integer is at most {MAX_INT:,}", token, "Write a decimal: add `.0`.")
        return Literal(int(digits), token.text, self.span(token))

    def decimal(self, token: Token) -> Node:
        if len(token.text.replace(".", "").strip("0")) > CONTEXT.prec:
            raise self.refuse(f"a decimal has at most {CONTEXT.prec} digits", token)
        text = f"0{token.text}" if token.text.startswith(".") else token.text
        text = f"{text}0" if text.endswith(".") else text
        return Literal(Decimal(text), token.text, self.span(token))

    def named(self, token: Token) -> Node:
        span = self.span(token)
        if token.text == "NOT_SET":
            return NotSetLiteral(span)
        if token.text in _LITERALS:
            return Literal(_LITERALS[token.text], token.text, span)
        if token.text.lower() in _WORDS:
            self.at -= 1
            raise self.unexpected()
        if not self.take("("):
            return Name(token.text, span)
        self.call_depth += 1
        if self.call_depth > MAX_CALL_DEPTH:
            raise self.refuse(f"calls are nested more than {MAX_CALL_DEPTH} deep", token)
        arguments = self.arguments(token)
        self.call_depth -= 1
        end = self.tokens[self.at - 1]
        return Call(token.text, arguments, Span(self.source, span.start, self.offset + end.end), span)

    def arguments(self, name: Token) -> tuple[Node, ...]:
        if self.take(")"):
            return ()
        found = [self.expression()]
        while self.take(","):
            found.append(self.expression())
        self.expect(")", f"`,` or the `)` that ends {name.text}(...)")
        return tuple(found)

    def take(self, text: str) -> bool:
        token = self.tokens[self.at]
        if token.kind == "operator" and token.text == text:
            self.at += 1
            return True
        return False

    def expect(self, text: str, meaning: str) -> Token:
        token = self.tokens[self.at]
        if not self.take(text):
            raise self.unexpected(meaning)
        return token

    def span(self, token: Token) -> Span:
        return Span(self.source, self.offset + token.start, self.offset + token.end)

    def refuse(self, message: str, token: Token, hint: str = "") -> FlowSyntaxError:
        return FlowSyntaxError(message, span=self.span(token), hint=hint)

    def unexpected(self, wanted: str = "") -> FlowSyntaxError:
        token = self.tokens[self.at]
        if len(self.tokens) == 1:
            return self.refuse("the expression is empty", token, "Write a value, a variable or a function.")
        found = "the end of the expression" if token.kind == "end" else f"`{token.text[:40]}`"
        pair = self.tokens[max(0, self.at - 1)].text + token.text
        hint = _CURES.get(pair, "")
        return self.refuse(
            f"expected {wanted}, found {found}" if wanted else f"{found} is not expected here", token, hint
        )
