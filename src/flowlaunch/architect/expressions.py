"""The front door of the expression language: compile a text once, evaluate it as often as needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from flowlaunch.architect.source import Source, Span
from flowlaunch.architect.types import Type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from flowlaunch.architect.values import NetworkObject, NotSet, Value

__all__ = ["Expression", "Host", "Scope", "compile_expression"]


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
        variables: canonical names of the variables it reads, in order of appearance.
        functions: canonical names of the functions it calls.
    """

    text: str
    type: Type
    canonical: str
    variables: tuple[str, ...]
    functions: tuple[str, ...]
    run: Callable[[Mapping[str, Value], Host], Value] = field(
        default=lambda _v, _h: "", repr=False, compare=False
    )

    def tree(self) -> dict[str, Any]:
        """Give the typed syntax tree as JSON, shaped as in compiled flows."""
        return {}

    def evaluate(self, variables: Mapping[str, Value], host: Host) -> Value:
        """Compute the value.

        Args:
            variables: values by canonical name in lower case; a missing one counts as NOT_SET.
            host: what the expression may ask of the world.

        Raises:
            FlowRuntimeError: NOT_SET where it is not allowed, text that cannot be converted, a limit reached.
        """
        return self.run(variables, host)


def compile_expression(
    text: str, scope: Scope, want: Type | None = None, source: Source | None = None, offset: int = 0
) -> Expression:
    """Parse and check an expression.

    Args:
        text: the expression.
        scope: the variables it may name.
        want: type of the slot it fills; the result is converted to it once, at the root, if Architect would.
        source: the file it stands in, for messages; without it the expression itself is shown.
        offset: where `text` starts in `source`.

    Raises:
        FlowSyntaxError: it cannot be parsed.
        FlowNameError: it names a variable, function or property that does not exist.
        FlowTypeError: operands or arguments do not fit, or the result cannot be converted to `want`.
        FlowUnsupportedError: Architect knows what it calls, but it is not emulated here.
    """
    span = Span(source or Source("expression", text), offset, offset + len(text))
    raise NotImplementedError(span)
