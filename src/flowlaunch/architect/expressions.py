"""The front door of the expression language: compile a text once, evaluate it as often as needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from flowlaunch.architect.checker import check, convert_root
from flowlaunch.architect.codec import to_json
from flowlaunch.architect.compile import compile_tree
from flowlaunch.architect.dialect import DEFAULT
from flowlaunch.architect.parser import parse
from flowlaunch.architect.printer import print_tree
from flowlaunch.architect.source import Source, Span
from flowlaunch.architect.standalone import StillHost, read_type, read_variables
from flowlaunch.architect.typed import Typed, tree_of
from flowlaunch.errors import FlowRuntimeError, FlowSyntaxError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from flowlaunch.architect.dialect import Dialect
    from flowlaunch.architect.types import Type
    from flowlaunch.architect.values import NetworkObject, NotSet, Value

__all__ = ["Evaluation", "Expression", "Host", "Scope", "compile_expression", "evaluate_text"]


class Scope(Protocol):
    """The variables that an expression may name."""

    def find(self, name: str) -> tuple[str, Type] | None:
        """Give canonical name and type of the variable called so in any letter case, or None."""
        ...

    def names(self) -> Iterable[str]:
        """Give the canonical names of all variables, for "did you mean"."""
        ...


class Host(Protocol):
    """What expressions need of the world."""

    def now(self) -> datetime:
        """Give the present moment, aware and in UTC."""
        ...

    def random(self) -> float:
        """Give a number of at least 0 and below 1."""
        ...

    def find(self, kind: str, key: str, by: str) -> NetworkObject | NotSet:
        """Look an object up: `kind` is its type (`usr`, `que`, `skl`...), `by` is `name`, `id` or `email`."""
        ...


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that was checked and is ready to run.

    Attributes:
        text: as written.
        type: of its value, after the conversion to the type that was wanted.
        canonical: the text as Architect itself writes it.
        span: where it stands.
        variables: canonical names of the variables it reads, in lower case, in order of first appearance.
        functions: canonical names of the functions it calls, in order of first appearance.
        root: the typed tree.

    """

    text: str
    type: Type
    canonical: str
    span: Span
    variables: tuple[str, ...]
    functions: tuple[str, ...]
    root: Typed = field(repr=False, compare=False)
    _run: Callable[[Mapping[str, Value], Host], Value] = field(repr=False, compare=False)

    @property
    def is_constant(self) -> bool:
        """Tell whether it is one literal, or NOT_SET."""
        return self.root.kind in {"lit", "nul"}

    def tree(self) -> dict[str, Any]:
        """Give the typed syntax tree as JSON, shaped as in compiled flows."""
        return tree_of(self.root)

    def evaluate(self, variables: Mapping[str, Value], host: Host) -> Value:
        """Compute the value.

        Args:
            variables: values by canonical name in lower case; a missing one counts as NOT_SET.
            host: what the expression may ask of the world.

        Raises:
            FlowRuntimeError: NOT_SET where it is not allowed, text that cannot be converted, a limit reached.

        """
        try:
            return self._run(variables, host)
        except RecursionError as error:
            message = "the expression is nested too deep to be evaluated here"
            raise FlowRuntimeError(message, span=self.span, hint="Split it over several variables.") from error


def compile_expression(
    text: str,
    scope: Scope,
    want: Type | None = None,
    source: Source | None = None,
    offset: int = 0,
    *,
    dialect: Dialect = DEFAULT,
) -> Expression:
    """Parse and check an expression.

    Args:
        text: the expression.
        scope: the variables it may name.
        want: type of the slot it fills; the result is converted to it once, at the root, if Architect would.
        source: the file it stands in, for messages; without it the expression itself is shown.
        offset: where `text` starts in `source`.
        dialect: how points are decided that nothing public settles.

    Raises:
        FlowSyntaxError: it cannot be parsed.
        FlowNameError: it names a variable, function or property that does not exist.
        FlowTypeError: operands or arguments do not fit, or the result cannot be converted to `want`.

    """
    where = source or Source("expression", text)
    try:
        return _compile(text, scope, want, where, offset, dialect)
    except RecursionError as error:
        span = Span(where, offset, offset + len(text))
        hint = "Split it over several variables."
        raise FlowSyntaxError("the expression is nested too deep", span=span, hint=hint) from error


def _compile(text: str, scope: Scope, want: Type | None, source: Source, offset: int, dialect: Dialect) -> Expression:
    root = convert_root(check(parse(text, source, offset), scope), want)
    variables, functions = _mentions(root)
    return Expression(
        text=text,
        type=root.type,
        canonical=print_tree(root),
        span=root.span,
        variables=variables,
        functions=functions,
        root=root,
        _run=compile_tree(root, dialect),
    )


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an expression gave: its value, the value's type, and the expression itself."""

    value: Value
    type: Type
    expression: Expression

    def to_json(self) -> Any:
        """Give the value as JSON; NOT_SET is null."""
        return to_json(self.value, self.type)


def evaluate_text(
    text: str,
    variables: Mapping[str, Any] | None = None,
    *,
    types: Mapping[str, str | Type] | None = None,
    want: str | Type | None = None,
    host: Host | None = None,
    dialect: Dialect = DEFAULT,
) -> Evaluation:
    """Evaluate one expression outside any flow.

    Args:
        text: the expression.
        variables: JSON-able values by name, e.g. `{"Flow.count": 3}`.
        types: types of variables by name (`string`, `stringCollection`, `str[]`); those not given are guessed. A
            variable with a type and no value is NOT_SET.
        want: type to convert the result to, as a slot of a flow would.
        host: time, randomness and lookups; by default nothing is found and there is no present time.
        dialect: how points are decided that nothing public settles.

    Raises:
        FlowError: any of its kinds; the place is marked in the message.

    """
    scope, values = read_variables(variables or {}, types)
    expression = compile_expression(text, scope, None if want is None else read_type(want), dialect=dialect)
    return Evaluation(expression.evaluate(values, host or StillHost()), expression.type, expression)


def _mentions(root: Typed) -> tuple[tuple[str, ...], tuple[str, ...]]:
    variables: dict[str, None] = {}
    functions: dict[str, None] = {}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.key in {"ref", "sysref"}:
            variables[node.lookup] = None
        elif node.kind == "call":
            functions[node.key] = None
        waiting.extend(reversed(node.operands))
    return tuple(variables), tuple(functions)
