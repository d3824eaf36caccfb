"""Which overload a call means, and what to say when none fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flowlaunch.architect.types import Type
from flowlaunch.errors import FlowTypeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowlaunch.architect.functions.catalogue import Overload, Parameter
    from flowlaunch.architect.source import Span
    from flowlaunch.architect.typed import Typed

__all__ = ["Choice", "choose", "refuse_call"]

_AUDIO: Final = frozenset({"aud", "pmt"})
_UNBOUND: Final = Type("T")
_UNTYPED: Final = Type("nts")
_FALLBACK: Final = Type("str")
"""Type of NOT_SET where nothing says otherwise, as in AreEqual(NOT_SET, NOT_SET)."""

Choice = tuple["Overload", Type, tuple[Type, ...]]
"""The overload, the type of its result, and the type each argument is taken as (for NOT_SET, the type it gets)."""


def choose(overloads: Sequence[Overload], arguments: Sequence[Typed]) -> Choice | None:
    """Find the first overload whose parameters the arguments fit, exactly and without conversion."""
    types = [argument.type for argument in arguments]
    fitting = [overload for overload in overloads if overload.takes(len(types))]
    if _UNTYPED in types:  # an overload made for the bare word comes before those that merely allow it
        fitting.sort(key=lambda overload: all(parameter.type != _UNTYPED for parameter in overload.parameters))
    for fallback in (None, _FALLBACK):
        for overload in fitting:
            chosen = _match(overload, types, fallback)
            if chosen is not None:
                return chosen
    return None


def _match(overload: Overload, types: list[Type], fallback: Type | None) -> Choice | None:
    bound: Type | None = None
    for index, found in enumerate(types):
        parameter = overload.parameter(index)
        if found == _UNTYPED:
            if not _takes_bare_not_set(parameter, fallback):
                return None
        elif parameter.type.name == "T":
            if found.is_collection != parameter.type.is_collection or (bound is not None and found.item != bound):
                return None
            bound = found.item
        elif not _fits(found, parameter.type):
            return None
    if bound is None and _needs_binding(overload):
        bound = fallback
        if bound is None:
            return None
    returns = _resolve(overload.returns, bound)
    taken = tuple(
        _type_of_not_set(overload.parameter(index), returns, bound) if found == _UNTYPED else found
        for index, found in enumerate(types)
    )
    return overload, returns, taken


def _needs_binding(overload: Overload) -> bool:
    return any(parameter.type.name == "T" for parameter in overload.parameters)


def _takes_bare_not_set(parameter: Parameter, fallback: Type | None) -> bool:
    if parameter.type.is_collection or not parameter.takes_not_set:
        return False
    return fallback is not None or parameter.type.name != "any"


def _fits(found: Type, wanted: Type) -> bool:
    if found.is_collection != wanted.is_collection:
        return False
    if wanted.name == "any":
        return True
    return found.name == wanted.name or (wanted.name == "apa" and found.name in _AUDIO)


def _resolve(returns: Type, bound: Type | None) -> Type:
    if returns.name != "T" or bound is None:
        return returns
    return bound.collection if returns.is_collection else bound


def _type_of_not_set(parameter: Parameter, returns: Type, bound: Type | None) -> Type:
    if parameter.type.name == "nts":
        return returns.item
    if parameter.type.name == "T" and bound is not None:
        return bound
    return _FALLBACK if parameter.type.name == "any" else parameter.type


def refuse_call(name: str, span: Span, overloads: Sequence[Overload], arguments: Sequence[Typed]) -> FlowTypeError:
    """Say why no overload fits: the number of arguments, one argument, or their combination."""
    found = ", ".join(argument.type.title for argument in arguments)
    is_function = name[0].isalpha() and name.lower() not in {"and", "or"}
    fitting = [overload for overload in overloads if overload.takes(len(arguments))]
    if not fitting:
        counts = " or ".join(sorted({_count_text(overload) for overload in overloads}))
        given = "1 was" if len(arguments) == 1 else f"{len(arguments)} were"
        return FlowTypeError(
            f"the function '{name}' takes {counts}, but {given} given", span=span, hint=_forms(overloads)
        )
    single = _single_misfit(fitting, arguments)
    if single is not None:
        index, parameter = single
        argument = arguments[index]
        if argument.type == _UNTYPED:
            message = f"NOT_SET is not allowed as argument {index + 1} ('{parameter.name}') of '{name}'"
        else:
            message = (
                f"argument {index + 1} ('{parameter.name}') of '{name}' must be {parameter.type.noun},"
                f" but is {argument.type.noun}"
            )
        return FlowTypeError(message, span=argument.span, hint=_cure(argument.type, parameter.type))
    if is_function:
        message = f"no version of the function '{name}' takes ({found})"
        return FlowTypeError(message, span=span, hint=_forms(fitting))
    message = f"the operator '{name}' cannot be used on {' and '.join(argument.type.title for argument in arguments)}"
    return FlowTypeError(message, span=span, hint=_operator_cure(arguments))


def _count_text(overload: Overload) -> str:
    count = len(overload.parameters)
    more = " or more" if overload.is_variadic else ""
    return "no arguments" if count == 0 else f"{count}{more} argument{'s' if count > 1 or more else ''}"


def _forms(overloads: Sequence[Overload]) -> str:
    shown = [str(overload) for overload in overloads if not overload.is_hidden][:6]
    same = any(parameter.type.name == "T" for overload in overloads for parameter in overload.parameters)
    note = " Where it takes any type, all those arguments must be of one type." if same else ""
    return f"It can be called as {'; '.join(dict.fromkeys(shown))}.{note}"


def _single_misfit(overloads: Sequence[Overload], arguments: Sequence[Typed]) -> tuple[int, Parameter] | None:
    """Find the one argument at fault when every overload of this length agrees on what it should be."""
    if len(overloads) != 1 or not overloads[0].name[0].isalpha():
        return None
    overload = overloads[0]
    for index, argument in enumerate(arguments):
        parameter = overload.parameter(index)
        if argument.type == _UNTYPED:
            if not _takes_bare_not_set(parameter, _FALLBACK):
                return index, parameter
        elif parameter.type.name not in {"T", "any"} and not _fits(argument.type, parameter.type):
            return index, parameter
    return None


_CASTS: Final = {
    "str": "ToString", "int": "ToInt", "dec": "ToDecimal", "bln": "ToBool", "dtm": "ToDateTime", "dur": "ToDuration",
    "phn": "ToPhoneNumber", "cur": "ToCurrency", "jsn": "ToJson", "dat": "ToDate", "tim": "ToTime",
}  # fmt: skip


def _cure(found: Type, wanted: Type) -> str:
    if found == _UNTYPED:
        return "Give a value, or test with IsSet(...) before."
    if found.is_collection and not wanted.is_collection:
        return "Take one item: GetAt(collection, 0) or collection[0]."
    cast = None if wanted.is_collection else _CASTS.get(wanted.name)
    return f"Convert it: {cast}(...)." if cast else ""


def _operator_cure(arguments: Sequence[Typed]) -> str:
    names = {argument.type.name for argument in arguments}
    if any(argument.type == _UNTYPED for argument in arguments):
        return "Test with IsSet(...) first; NOT_SET cannot be computed with."
    if "str" in names and len(names) == 2:
        return "Operands are never converted by themselves: write ToString(...) around the other one."
    if "jsn" in names:
        return "Convert the JSON value first: ToString(...), ToInt(...), ToDecimal(...) or ToBool(...)."
    return ""
