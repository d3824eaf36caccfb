"""Typed trees to closures: each node becomes one function of (variables, host)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.builtins import CONSTANTS
from flowlaunch.architect.functions.json_values import property_of
from flowlaunch.architect.render import joined
from flowlaunch.architect.values import NOT_SET, Currency, Json, NetworkObject, Opaque, PhoneNumber
from flowlaunch.errors import FlowRuntimeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowlaunch.architect.typed import Typed
    from flowlaunch.architect.values import Value

    Run = Callable[[Mapping[str, Value], Any], Any]

__all__ = ["compile_tree"]

_UNSET_CODE: Final = "error.workflow.expression.unexpectedNull"


def compile_tree(node: Typed) -> Run:
    """Make a function that evaluates a typed tree."""
    chain: list[Typed] = []
    while node.kind == "binary" and not _is_join(node):
        chain.append(node)
        node = node.operands[0]
    run = _join(node) if _is_join(node) else _single(node)
    for above in reversed(chain):
        run = _combine(above, (run, compile_tree(above.operands[1])))
    return run


def _is_join(node: Typed) -> bool:
    return node.overload is not None and node.overload.form == "join"


def _single(node: Typed) -> Run:
    match node.kind:
        case "lit" | "nul":
            return _constant(node.value)
        case "ref" | "sysref":
            return _variable(node)
        case "property":
            return _property(node, node.text)
        case "index" if node.overload is None:
            return _named_index(node)
        case _:
            return _combine(node, tuple(map(compile_tree, node.operands)))


def _combine(node: Typed, parts: tuple[Run, ...]) -> Run:
    forms: dict[str, Callable[[Typed, tuple[Run, ...]], Run]] = {"if": _if, "and": _and, "or": _or}
    form = forms.get(node.overload.form) if node.overload else None
    return form(node, parts) if form else _apply(node, parts)


def _constant(value: Value) -> Run:
    return lambda _variables, _host: value


def _variable(node: Typed) -> Run:
    key = node.lookup
    if node.type.name == "pmt" and key.startswith("prompt"):
        return _constant(Opaque("pmt", node.text.partition(".")[2]))
    if node.key == "sysref" and key.partition(".")[0] in {"format", "language", "system"} and key not in CONSTANTS:
        return _constant(Opaque(node.type.name, node.text))
    missing: Value = CONSTANTS.get(key, () if node.type.is_collection else NOT_SET)

    def run(variables: Mapping[str, Value], _host: Any) -> Any:
        try:
            return variables[key]
        except KeyError:
            return missing

    return run


def _unset(node: Typed, index: int) -> FlowRuntimeError:
    operand = node.operands[index]
    name = f"`{operand.written}`" if operand.key in {"ref", "sysref"} else "this"
    where = f"'{node.key}'"
    parameter = node.overload.parameter(index).name if node.overload else "value"
    return FlowRuntimeError(
        f"{name} is NOT_SET, which {where} does not allow as '{parameter}'",
        span=operand.span,
        hint="Test it first: If(IsSet(x), ..., ...).",
        server_code=_UNSET_CODE,
    )


def _failed(node: Typed, error: Exception) -> FlowRuntimeError:
    """Give the error its place; arithmetic that Python refuses becomes an error of the language."""
    if isinstance(error, FlowRuntimeError):
        error.span = error.span or node.span
        return error
    return FlowRuntimeError(f"'{node.key}' has no result for these values", span=node.span)


def _must_be_set(node: Typed, index: int) -> bool:
    operand = node.operands[index]
    if operand.kind == "lit" or operand.type.is_collection or node.overload is None:
        return False
    return not node.overload.parameter(index).takes_not_set


_REFUSED: Final = (FlowRuntimeError, ArithmeticError, ValueError, OverflowError)


def _apply(node: Typed, parts: tuple[Run, ...]) -> Run:
    overload = node.overload
    if overload is None:
        raise AssertionError(node.key)
    inner = overload.run
    checks = tuple(_must_be_set(node, index) for index in range(len(parts)))
    if overload.needs_host:
        return _apply_with_host(node, inner, parts, checks)
    if len(parts) == 1:
        return _apply_one(node, inner, parts[0], checks[0])
    if len(parts) == 2:
        return _apply_two(node, inner, parts[0], parts[1], checks)
    return _apply_many(node, inner, parts, checks)


def _apply_one(node: Typed, inner: Callable[..., Any], first: Run, must_be_set: bool) -> Run:
    def run(variables: Mapping[str, Value], host: Any) -> Any:
        value = first(variables, host)
        if must_be_set and value is NOT_SET:
            raise _unset(node, 0)
        try:
            return inner(value)
        except _REFUSED as error:
            raise _failed(node, error) from error.__cause__

    return run


def _apply_two(node: Typed, inner: Callable[..., Any], first: Run, second: Run, checks: tuple[bool, ...]) -> Run:
    check_first, check_second = checks

    def run(variables: Mapping[str, Value], host: Any) -> Any:
        left = first(variables, host)
        if check_first and left is NOT_SET:
            raise _unset(node, 0)
        right = second(variables, host)
        if check_second and right is NOT_SET:
            raise _unset(node, 1)
        try:
            return inner(left, right)
        except _REFUSED as error:
            raise _failed(node, error) from error.__cause__

    return run


def _apply_many(node: Typed, inner: Callable[..., Any], parts: tuple[Run, ...], checks: tuple[bool, ...]) -> Run:
    checked = tuple(index for index, check in enumerate(checks) if check)

    def run(variables: Mapping[str, Value], host: Any) -> Any:
        values = [part(variables, host) for part in parts]
        for index in checked:
            if values[index] is NOT_SET:
                raise _unset(node, index)
        try:
            return inner(*values)
        except _REFUSED as error:
            raise _failed(node, error) from error.__cause__

    return run


def _apply_with_host(node: Typed, inner: Callable[..., Any], parts: tuple[Run, ...], checks: tuple[bool, ...]) -> Run:
    gathered = _apply_many(node, lambda *values: values, parts, checks)

    def run(variables: Mapping[str, Value], host: Any) -> Any:
        values = gathered(variables, host)
        try:
            return inner(host, *values)
        except _REFUSED as error:
            raise _failed(node, error) from error.__cause__

    return run


def _if(_node: Typed, parts: tuple[Run, ...]) -> Run:
    condition, when_true, when_false = parts

    def run(variables: Mapping[str, Value], host: Any) -> Any:
        return when_true(variables, host) if condition(variables, host) is True else when_false(variables, host)

    return run


def _and(node: Typed, parts: tuple[Run, ...]) -> Run:
    left, right = parts

    def run(variables: Mapping[str, Value], host: Any) -> Any:
        first = left(variables, host)
        if first is NOT_SET:
            raise _unset(node, 0)
        if not first:
            return False
        second = right(variables, host)
        if second is NOT_SET:
            raise _unset(node, 1)
        return second

    return run


def _or(node: Typed, parts: tuple[Run, ...]) -> Run:
    left, right = parts

    def run(variables: Mapping[str, Value], host: Any) -> Any:
        first = left(variables, host)
        if first is NOT_SET:
            raise _unset(node, 0)
        if first:
            return True
        second = right(variables, host)
        if second is NOT_SET:
            raise _unset(node, 1)
        return second

    return run


def _join(node: Typed) -> Run:
    """Compile a whole chain of text additions into one join."""
    chain = [node]
    while (left := chain[-1].operands[0]).overload is not None and left.overload.form == "join":
        chain.append(left)
    chain.reverse()
    owners = [(chain[0], 0), *((link, 1) for link in chain)]
    parts = tuple((compile_tree(owner.operands[index]), owner, index) for owner, index in owners)

    def run(variables: Mapping[str, Value], host: Any) -> Any:
        texts = []
        for part, owner, index in parts:
            text = part(variables, host)
            if text is NOT_SET:
                raise _unset(owner, index)
            texts.append(text)
        try:
            return joined(texts)
        except FlowRuntimeError as error:
            raise _failed(owners[-1][0], error) from None

    return run


_PHONE: Final[Mapping[str, Callable[[PhoneNumber], Any]]] = {
    "dialingcode": lambda value: value.dialing_code,
    "e164": lambda value: value.e164,
    "subscribernumber": lambda value: value.subscriber_number,
    "isglobal": lambda value: value.e164 is not NOT_SET,
    "issip": lambda value: value.scheme in {"sip", "sips"},
    "istel": lambda value: value.scheme == "tel",
    "raw": lambda value: value.raw,
    "scheme": lambda value: value.scheme,
    "uri": lambda value: value.uri,
}


def _of_object(value: NetworkObject, name: str) -> Any:
    properties = {key.lower(): item for key, item in value.properties.items()}
    low = name.lower()
    if low in properties:
        return properties[low]
    if low == "id":
        return value.id
    if low == "name" or (low == "username" and value.name):
        return value.name or NOT_SET
    return value.id if low in {"username", "display"} else NOT_SET


def _read_property(value: Any, name: str) -> Any:
    if isinstance(value, Json):
        return property_of(value, name)
    if isinstance(value, PhoneNumber):
        return _PHONE[name.lower()](value)
    if isinstance(value, Currency):
        return value.amount if name.lower() == "amount" else value.code
    if isinstance(value, NetworkObject):
        return _of_object(value, name)
    return Opaque(value.kind, name) if isinstance(value, Opaque) else NOT_SET


def _property(node: Typed, name: str) -> Run:
    target = node.operands[1]
    inner = compile_tree(target)
    empty: Value = () if node.type.is_collection else NOT_SET
    of = node.type.name

    def run(variables: Mapping[str, Value], host: Any) -> Any:
        value = inner(variables, host)
        if value is NOT_SET:
            raise _unset_target(target, name)
        try:
            found = _read_property(value, name)
        except FlowRuntimeError as error:
            raise _failed(node, error) from None
        if isinstance(found, Opaque):
            return found.text if of == "str" else Opaque(of, found.text)
        return empty if found is NOT_SET else found

    return run


def _unset_target(target: Typed, name: str) -> FlowRuntimeError:
    what = f"`{target.written}`" if target.key in {"ref", "sysref"} else "this"
    return FlowRuntimeError(
        f"{what} is NOT_SET, so it has no property '{name}'",
        span=target.span,
        hint="Test it first: If(IsSet(x), x.y, ...).",
        server_code=_UNSET_CODE,
    )


def _named_index(node: Typed) -> Run:
    index, target = node.operands
    if index.kind == "lit":
        return _property(node, str(index.value))
    name_of, inner = compile_tree(index), compile_tree(target)

    def run(variables: Mapping[str, Value], host: Any) -> Any:
        value, name = inner(variables, host), name_of(variables, host)
        if value is NOT_SET or name is NOT_SET:
            raise _unset_target(target if value is NOT_SET else index, "of that name")
        try:
            return property_of(value, name)
        except FlowRuntimeError as error:
            raise _failed(node, error) from None

    return run
