"""Reading `lit:` values: typed by the field they stand in, so `lit: 12` is text in a string field."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.codec import from_json
from flowlaunch.architect.nodes import Listing, Node, Table, Text, did_you_mean, plain, text_of
from flowlaunch.architect.values import NOT_SET, NetworkObject, Opaque
from flowlaunch.errors import FlowNameError, FlowRuntimeError, FlowTypeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowlaunch.architect.expressions import Host
    from flowlaunch.architect.types import Type
    from flowlaunch.architect.values import Value

    Evaluate = Callable[[Mapping[str, Value], Host], Value]

__all__ = ["read_literal"]

_UNITS_MS: Final = {
    "days": 86_400_000,
    "hours": 3_600_000,
    "minutes": 60_000,
    "seconds": 1_000,
    "milliseconds": 1,
}
_MAX_DIGITS: Final = 50
_BY_VALUE: Final = frozenset({"dtm", "dat", "tim", "phn", "cur"})
_VALUE_TYPES: Final = frozenset({"bln", "int", "dec", "str", "dur", "jsn", "any", *_BY_VALUE})


def read_literal(node: Node, of: Type, what: str) -> Evaluate:
    """Read a literal of type `of` into an evaluator.

    An object of the organization is looked up by the name given, when it is needed; one that the organization
    lacks keeps its name and has it for its id.

    Raises:
        FlowTypeError: the text is no value of that type.
        FlowNameError: a mapping has a key that the type does not know.

    """
    if of.is_collection:
        return _collection(node, of, what)
    if of.name in _VALUE_TYPES:
        value = _value(node, of, what)
        return lambda _variables, _host: value
    if of.name in {"aud", "pmt", "com", "apa"}:
        spoken = Opaque(of.name, _spoken(node))
        return lambda _variables, _host: spoken
    return _network_object(node, of, what)


def _collection(node: Node, of: Type, what: str) -> Evaluate:
    if isinstance(node, Text) and node.is_empty:
        return lambda _variables, _host: ()
    if not isinstance(node, Listing):
        raise FlowTypeError(f"{what} must be a list, as it is a {of.title}", span=node.span)
    parts = [read_literal(_unwrapped(item), of.item, what) for item in node.items]
    return lambda variables, host: tuple(part(variables, host) for part in parts)


def _unwrapped(node: Node) -> Node:
    """Take `lit: x` inside a list as `x`."""
    if isinstance(node, Table) and len(node.entries) == 1 and node.entries[0][0].value == "lit":
        return node.entries[0][1]
    return node


def _value(node: Node, of: Type, what: str) -> Value:
    raw = _RAW.get(of.name, _raw_text)(node, what)
    try:
        return from_json(raw, of, where=what)
    except FlowTypeError as error:
        raise FlowTypeError(error.message, span=node.span, hint=error.hint) from error
    except FlowRuntimeError as error:
        raise FlowTypeError(f"{what}: {error.message}", span=node.span, hint=error.hint) from error


def _raw_text(node: Node, what: str) -> Any:
    return node.value if isinstance(node, Text) else _refuse(node, what)


def _raw_bool(node: Node, what: str) -> Any:
    return node.as_bool() if isinstance(node, Text) else _refuse(node, what)


def _raw_number(node: Node, what: str) -> Any:
    text = _raw_text(node, what).strip()
    if len(text) > _MAX_DIGITS:
        raise FlowTypeError(f"{what} has a number of {len(text):,} characters", span=node.span)
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise FlowTypeError(f"{what} must be a number, found `{text}`", span=node.span) from error
    if not number.is_finite() or abs(number.adjusted()) >= _MAX_DIGITS:
        raise FlowTypeError(f"{what} is out of range: `{text}`", span=node.span)
    return int(number) if number == number.to_integral_value() else number


def _raw_duration(node: Node, what: str) -> Any:
    if isinstance(node, Text):
        return node.value
    total = Decimal(0)
    for key, item in node.entries if isinstance(node, Table) else _refuse(node, what):
        if key.value not in _UNITS_MS:
            raise FlowNameError(
                f"{what} has no unit `{key.value[:60]}`",
                span=key.span,
                hint=did_you_mean(key.value, _UNITS_MS, "Units"),
            )
        total += Decimal(_raw_number(item, what)) * _UNITS_MS[key.value]
    return int(total)


def _raw_mapping(node: Node, what: str) -> Any:
    if isinstance(node, Text):
        return node.value
    return plain(node) if isinstance(node, Table) else _refuse(node, what)


def _refuse(node: Node, what: str) -> Any:
    raise FlowTypeError(
        f"{what} cannot be a {'list' if isinstance(node, Listing) else 'mapping'}",
        span=node.span,
        hint="Give one value.",
    )


_RAW: Final[Mapping[str, Callable[[Node, str], Any]]] = {
    "bln": _raw_bool,
    "int": _raw_number,
    "dec": _raw_number,
    "dur": _raw_duration,
    "cur": _raw_mapping,
    "jsn": lambda node, _what: plain(node),
    "any": lambda node, _what: plain(node),
}


def _spoken(node: Node) -> str:
    if isinstance(node, Text):
        return node.value
    name = node.get("name") if isinstance(node, Table) else None
    return name.value if isinstance(name, Text) else str(plain(node))[:500]


def _network_object(node: Node, of: Type, what: str) -> Evaluate:
    name, key = "", ""
    if isinstance(node, Table):
        node.refuse_others(("name", "id", "firstName", "lastName", "type", "email"), what)
        name = text_of(node.get("name"), what, "")
        key = text_of(node.get("id"), what, "")
    else:
        name = text_of(node, what)
    if not name and not key:
        raise FlowTypeError(f"{what} must name a {of.title}", span=node.span, hint="Write `name: ...`.")
    fallback = NetworkObject(of.name, key or name, name or key)
    by, wanted = ("id", key) if key else ("name", name)

    def look_up(_variables: Mapping[str, Value], host: Host) -> Value:
        found = host.find(of.name, wanted, by)
        return fallback if found is NOT_SET else found

    return look_up
