"""The catalogue: one entry per overload of every operator and function.

A signature is one line of text: `Left(srcString: str, length: int) -> str`. After a type, `[]` makes it a
collection, `?` says that NOT_SET is allowed, `...` that the parameter repeats (once or more). `any` takes any
scalar, `any[]` any collection; `T` too, but every `T` of one call must be of the same type; `apa` is audio or prompt;
`nts` is the bare word NOT_SET.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from flowlaunch.architect.types import ANY, Type, type_of_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Family", "Overload", "Parameter", "find_overloads", "function_names", "suggest_function"]

_SIGNATURE_RE: Final = re.compile(r"(\S+?)\((.*)\) -> (\S+)")
_PARAMETER_RE: Final = re.compile(r"(\w+): (\w+)(\[\])?(\?)?(\.\.\.)?")
_Function = TypeVar("_Function", bound="Callable[..., Any]")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name, type, whether NOT_SET is allowed and whether it repeats."""

    name: str
    type: Type
    takes_not_set: bool
    repeats: bool

    def __str__(self) -> str:
        title = ANY.collection.title if self.type.is_collection else ANY.title
        return f"{title if self.type.name == 'T' else self.type.title}{'...' if self.repeats else ''}"


@dataclass(frozen=True, slots=True)
class Overload:
    """One way to call an operator or function.

    Attributes:
        name: canonical name, or the operator's symbol.
        family: what it is about, e.g. `text`.
        parameters: in order; only the last may repeat.
        returns: type of the result; `T` stands for the type that the call bound.
        run: the implementation, called with one value per argument.
        needs_host: whether `run` gets the host as its first argument.
        form: how operands are evaluated: `eager`, or lazily as `if`, `and`, `or`.
        is_hidden: whether Architect's own help leaves it out.

    """

    name: str
    family: str
    parameters: tuple[Parameter, ...]
    returns: Type
    run: Callable[..., Any]
    needs_host: bool = False
    form: str = "eager"
    is_hidden: bool = False

    @property
    def is_variadic(self) -> bool:
        """Tell whether the last parameter repeats."""
        return bool(self.parameters) and self.parameters[-1].repeats

    def takes(self, count: int) -> bool:
        """Tell whether it can be called with that many arguments."""
        return count >= len(self.parameters) if self.is_variadic else count == len(self.parameters)

    def parameter(self, index: int) -> Parameter:
        """Give the parameter that the argument at `index` fills."""
        return self.parameters[min(index, len(self.parameters) - 1)]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.parameters))})"


_BY_NAME: Final[dict[str, list[Overload]]] = {}
_CANONICAL: Final[dict[str, str]] = {}


class Family:
    """Operators or functions that belong together; it puts their overloads into the catalogue."""

    def __init__(self, name: str) -> None:
        self.name = name

    def define(
        self, *signatures: str, needs_host: bool = False, form: str = "eager", is_hidden: bool = False
    ) -> Callable[[_Function], _Function]:
        """Register a function as the implementation of the overloads that the signatures describe."""

        def register(run: _Function) -> _Function:
            for signature in signatures:
                name, parameters, returns = read_signature(signature)
                _CANONICAL[name.lower()] = name
                _BY_NAME.setdefault(name.lower(), []).append(
                    Overload(name, self.name, parameters, returns, run, needs_host, form, is_hidden)
                )
            return run

        return register


def read_signature(signature: str) -> tuple[str, tuple[Parameter, ...], Type]:
    """Read one line of the catalogue."""
    found = _SIGNATURE_RE.fullmatch(signature)
    if found is None:
        raise ValueError(signature)
    name, inside, returns = found.groups()
    parameters = tuple(map(_read_parameter, inside.split(", "))) if inside else ()
    return name, parameters, type_of_code(returns)


def _read_parameter(text: str) -> Parameter:
    found = _PARAMETER_RE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    name, code, collection, not_set, repeats = found.groups()
    return Parameter(name, Type(code, is_collection=bool(collection)), bool(not_set), bool(repeats))


def find_overloads(name: str) -> tuple[Overload, ...]:
    """Give all overloads of a function or operator, in catalogue order; none if the name is unknown."""
    return tuple(_BY_NAME.get(name.lower(), ()))


def function_names() -> Iterable[str]:
    """Give the canonical names of all functions, operators left out."""
    return (name for name in _CANONICAL.values() if _is_function(name))


def _is_function(name: str) -> bool:
    return name[0].isalpha() and name not in {"and", "or"}


_OTHER_NAMES: Final = {
    "toupper": "Upper",
    "tolower": "Lower",
    "indexof": "FindString",
    "len": "Length",
    "count_items": "Count",
    "concat": "Append",
    "mid": "Substring",
    "getitem": "GetAt",
    "now": "GetCurrentDateTimeUtc",
    "currentdatetimeutc": "GetCurrentDateTimeUtc",
    "isnull": "IsNotSetOrEmpty",
    "isempty": "IsNotSetOrEmpty",
    "iif": "If",
    "tonumber": "ToInt",
    "parsejson": "JsonParse",
    "parseint": "ToInt",
    "tostr": "ToString",
    "size": "Count",
    "join": "ToString",
}


def suggest_function(name: str) -> str | None:
    """Guess which function was meant by an unknown name."""
    other = _OTHER_NAMES.get(name.lower())
    if other:
        return other
    known = {function.lower(): function for function in function_names()}
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return known[close[0]] if close else None
