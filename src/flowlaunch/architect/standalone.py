"""Scope and host for expressions outside a flow: variables from a mapping, and a world that stands still."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flowlaunch.architect.codec import from_json
from flowlaunch.architect.types import Type, type_of_code, type_of_variable_key
from flowlaunch.architect.values import NOT_SET, NetworkObject, NotSet
from flowlaunch.errors import FlowNameError, FlowRuntimeError, FlowTypeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from flowlaunch.architect.values import Value

__all__ = ["MapScope", "StillHost", "guess_type", "read_type", "read_variables"]


class MapScope:
    """The variables of a mapping from name to type."""

    def __init__(self, types: Mapping[str, Type]) -> None:
        self._types = {name.lower(): (name, of) for name, of in types.items()}

    def find(self, name: str) -> tuple[str, Type] | None:
        """Give canonical name and type of a variable, in any letter case."""
        return self._types.get(name.lower())

    def names(self) -> Iterable[str]:
        """Give the canonical names."""
        return (name for name, _ in self._types.values())


@dataclass(frozen=True, slots=True)
class StillHost:
    """A world that does not change.

    Attributes:
        moment: what GetCurrentDateTimeUtc gives; without it, calling that function is an error.
        random_number: what Random gives.
        objects: what the Find functions know.

    """

    moment: datetime | None = None
    random_number: float = 0.5
    objects: tuple[NetworkObject, ...] = ()

    def now(self) -> datetime:
        """Give the moment that was set."""
        if self.moment is None:
            raise FlowRuntimeError(
                "this expression asks for the present time and none was given", hint="Give the moment (`now`)."
            )
        return self.moment

    def random(self) -> float:
        """Give the number that was set."""
        return self.random_number

    def find(self, kind: str, key: str, by: str) -> NetworkObject | NotSet:
        """Look an object up among those given; names are compared in any letter case."""
        for known in self.objects:
            if known.kind == kind and key.lower() in _keys(known, by):
                return known
        return NOT_SET


def _keys(known: NetworkObject, by: str) -> set[str]:
    if by == "id":
        return {known.id.lower()}
    names = [known.name, *(known.properties.get(name, "") for name in ("username", "email"))]
    return {name.lower() for name in names if isinstance(name, str) and name}


def guess_type(value: Any) -> Type:
    """Guess the type that a JSON-able value stands for: text, number, boolean, a list of one of them, else JSON."""
    if isinstance(value, list | tuple):
        kinds = {guess_type(item) for item in value}
        of = kinds.pop() if len(kinds) == 1 else Type("jsn") if kinds else Type("str")
        return Type("jsn") if of.is_collection else of.collection
    for kinds_of, name in ((bool, "bln"), (int, "int"), ((float, Decimal), "dec"), (str, "str")):
        if isinstance(value, kinds_of):
            return Type(name)
    return Type("str") if value is None else Type("jsn")


def read_type(name: str | Type) -> Type:
    """Read a type's name as people write it: `str`, `str[]`, `str_coll`, `string`, `stringCollection`."""
    if isinstance(name, Type):
        return name
    try:
        return type_of_variable_key(name)
    except FlowNameError:
        of = type_of_code(name)
        if of.title == of.name.title() and not of.name.startswith("cpx_"):
            raise
        return of


def read_variables(
    variables: Mapping[str, Any], types: Mapping[str, str | Type] | None = None
) -> tuple[MapScope, dict[str, Value]]:
    """Make scope and values from JSON-able variables; a type that is not given is guessed from its value.

    Raises:
        FlowNameError: a type has an unknown name.
        FlowTypeError: a value does not fit its type.

    """
    given = {name.lower(): read_type(of) for name, of in (types or {}).items()}
    unknown = given.keys() - {name.lower() for name in variables}
    scope = {name: given.get(name.lower()) or guess_type(value) for name, value in variables.items()}
    scope |= {name: read_type(of) for name, of in (types or {}).items() if name.lower() in unknown}
    values: dict[str, Value] = {}
    for name, value in variables.items():
        if name.lower() in values:
            raise FlowTypeError(f"variable {name} is given twice", hint="Names are the same in any letter case.")
        values[name.lower()] = from_json(value, scope[name], where=f"variable {name}")
    return MapScope(scope), values
