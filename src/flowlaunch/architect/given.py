"""What a field of an action is given: a literal, an expression, nothing, or a variable to receive an output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.builtins import find_builtin
from flowlaunch.architect.codec import from_json
from flowlaunch.architect.expressions import compile_expression
from flowlaunch.architect.literals import read_literal
from flowlaunch.architect.nodes import Node, Table, Text, did_you_mean, table_of, text_of
from flowlaunch.architect.source import Source, Span
from flowlaunch.architect.values import NOT_SET
from flowlaunch.errors import FlowNameError, FlowRuntimeError, FlowSyntaxError, FlowTypeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowlaunch.architect.expressions import Expression, Host
    from flowlaunch.architect.scope import VariableScope
    from flowlaunch.architect.types import Type
    from flowlaunch.architect.values import Value

    Evaluate = Callable[[Mapping[str, Value], Host], Value]

__all__ = ["Given", "Target", "nothing", "read_given", "read_target"]

_SPOKEN: Final = frozenset({"tts", "prompt", "systemPrompt", "userPrompt", "blankAudio", "language"})


@dataclass(frozen=True, slots=True)
class Given:
    """One value given to a field.

    Attributes:
        kind: `literal`, `expression` or `nothing` (Archy's noValue).
        text: as written, for messages and traces.
        evaluate: computes the value from the variables and the world; nothing gives NOT_SET or an empty collection.

    """

    kind: str
    text: str
    type: Type
    evaluate: Evaluate
    span: Span | None = None
    expression: Expression | None = None

    @property
    def is_nothing(self) -> bool:
        """Tell whether the field was left empty."""
        return self.kind == "nothing"


@dataclass(frozen=True, slots=True)
class Target:
    """A variable that receives a value; `key` is its place in a run's variables."""

    name: str
    key: str
    type: Type
    span: Span | None = None

    def convert(self, value: Any, what: str) -> Value:
        """Turn JSON from outside into a value of this variable.

        Raises:
            FlowRuntimeError: it does not fit.

        """
        try:
            return from_json(value, self.type, where=what)
        except FlowTypeError as error:
            raise FlowRuntimeError(
                f"{what} does not fit {self.name} ({self.type.title}): {error.message}",
                span=self.span,
                hint=error.hint,
                server_code="flowlaunch.output.type",
            ) from error


def constant(value: Value) -> Evaluate:
    """Give an evaluator that always gives `value`."""

    def evaluate(_variables: Mapping[str, Value], _host: Host) -> Value:
        return value

    return evaluate


def nothing(of: Type, span: Span | None = None) -> Given:
    """Give the `Given` of a field that was left empty."""
    return Given("nothing", "", of, constant(() if of.is_collection else NOT_SET), span)


def read_given(node: Node | None, scope: VariableScope, of: Type, what: str) -> Given:
    """Read a field's value and compile it for type `of`; an absent field is nothing.

    Raises:
        FlowError: it is no value, or its expression does not fit.

    """
    if node is None:
        return nothing(of)
    table = table_of_value(node, what)
    key, value = table.only(what)
    if key.value == "exp":
        return _expression(value, scope, of, what)
    if key.value == "noValue":
        return nothing(of, key.span)
    if key.value == "lit":
        return Given("literal", _literal_text(value), of, read_literal(value, of, what), value.span)
    if key.value in {"var", "variable"}:
        return _expression(value, scope, of, what)
    if key.value in _SPOKEN:
        return Given("literal", _literal_text(value), of, constant(_literal_text(value)), value.span)
    raise FlowNameError(
        f"{what} has no form `{key.value[:80]}`",
        span=key.span,
        hint=did_you_mean(key.value, ("lit", "exp", "noValue"), "Write one of"),
    )


def table_of_value(node: Node, what: str) -> Table:
    """Take `node` as a table `lit: ...`, `exp: ...` or `noValue: true`, saying how to write one if it is none."""
    if isinstance(node, Text):
        raise FlowSyntaxError(
            f"{what} must be a mapping with `lit`, `exp` or `noValue`",
            span=node.span,
            hint=f"Write `lit: {node.value[:60]}` for a constant, `exp: ...` for an expression.",
        )
    return table_of(node, what)


def read_target(node: Node | None, scope: VariableScope, what: str, of: Type | None = None) -> Target | None:
    """Read `var: Name` (or a bare name); None when nothing is to be received.

    Raises:
        FlowNameError: there is no such variable, or it is built in and read-only.
        FlowTypeError: the variable is not of type `of`.

    """
    if node is None:
        return None
    text = node
    if isinstance(node, Table):
        key, text = node.only(what)
        if key.value == "noValue":
            return None
        if key.value not in {"var", "variable", "exp"}:
            raise FlowNameError(
                f"{what} has no form `{key.value[:80]}`",
                span=key.span,
                hint="Write `var: Flow.name` or `noValue: true`.",
            )
    return find_target(text_of(text, what), text.span, scope, what, of)


def find_target(name: str, span: Span, scope: VariableScope, what: str, of: Type | None = None) -> Target:
    """Find the variable called `name` to receive `what`; raises as `read_target` does."""
    bare = name.strip().replace('."', ".").removesuffix('"') if '"' in name else name.strip()
    found = scope.find(bare)
    if found is None and find_builtin(bare) is not None:
        raise FlowNameError(f"{what} cannot set {bare}: it is built in and read-only", span=span)
    if found is None:
        raise FlowNameError(
            f"{what} names a variable `{bare[:100]}` that does not exist",
            span=span,
            hint=did_you_mean(bare, scope.names(), "Variables in reach"),
        )
    canonical, variable_type = found
    if of is not None and variable_type != of:
        raise FlowTypeError(
            f"{what} is a {of.title}, but {canonical} is a {variable_type.title}",
            span=span,
            hint=f"Use a {of.title} variable.",
        )
    return Target(canonical, canonical.lower(), variable_type, span)


def _expression(node: Node, scope: VariableScope, of: Type, what: str) -> Given:
    text = text_of(node, what)
    if not text.strip():
        raise FlowSyntaxError(
            f"{what} has an empty expression", span=node.span, hint="Write an expression, or `noValue: true`."
        )
    source, offset = place_of_text(node.span, text)
    is_open = of.name == "any" and not of.is_collection
    expression = compile_expression(text, scope, None if is_open else of, source, offset, dialect=scope.dialect)
    result = expression.type if is_open else of
    return Given("expression", text, result, expression.evaluate, Span(source, offset, offset + len(text)), expression)


def place_of_text(span: Span, text: str) -> tuple[Source, int]:
    """Find where `text` stands: in the file if it was written there as it is, else in a source of its own."""
    written = span.source.text[span.start : span.end]
    for skip in (0, 1):
        if written[skip : skip + len(text)] == text:
            return span.source, span.start + skip
    return Source(f"{span.source.name}:{span.line}", text), 0


def _literal_text(node: Node) -> str:
    if isinstance(node, Text):
        return node.value
    if isinstance(node, Table):
        name = node.get("name")
        if isinstance(name, Text):
            return name.value
        return ", ".join(f"{key.value}: {_literal_text(item)}" for key, item in node.entries[:8])
    return ", ".join(_literal_text(item) for item in node.items[:8])
