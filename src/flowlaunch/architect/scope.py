"""The variables that the actions of one state, task or module may name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowlaunch.architect.dialect import DEFAULT, Dialect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flowlaunch.architect.flow import Variable
    from flowlaunch.architect.types import Type

__all__ = ["VariableScope"]


class VariableScope:
    """Declared variables by name in any letter case; an inner scope adds to an outer one.

    `dialect` goes with the scope to every expression that is compiled in it.
    """

    def __init__(self, outer: VariableScope | None = None, dialect: Dialect = DEFAULT) -> None:
        self.dialect: Dialect = outer.dialect if outer else dialect
        self._known: dict[str, tuple[str, Type]] = (
            {name.lower(): (name, of) for name, of in outer.items()} if outer else {}
        )

    def add(self, variable: Variable) -> None:
        """Bring one more variable into reach."""
        self._known[variable.name.lower()] = (variable.name, variable.type)

    def find(self, name: str) -> tuple[str, Type] | None:
        """Give canonical name and type, or None."""
        return self._known.get(name.lower())

    def items(self) -> Iterable[tuple[str, Type]]:
        """Give canonical names and types in reach."""
        return self._known.values()

    def names(self) -> Iterable[str]:
        """Give the canonical names in reach."""
        return [name for name, _ in self._known.values()]
