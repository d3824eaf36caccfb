"""Typed trees to closures: each node becomes one function of (variables, host)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.access import read_property
from flowlaunch.architect.builtins import CONSTANTS
from flowlaunch.architect.dialect import DEFAULT
from flowlaunch.architect.functions.json_values import property_of
from flowlaunch.architect.functions.variants import implementation
from flowlaunch.architect.render import joined
from flowlaunch.architect.values import NOT_SET, Json, Opaque
from flowlaunch.errors import FlowRuntimeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowlaunch.architect.dialect import Dialect
    from flowlaunch.architect.typed import Typed
    from flowlaunch.architect.values import Value

    Run = Callable[[Mapping[str, Value], Any], Any]

__all__ = ["compile_tree"]

_UNSET_CODE: Final = "error.workflow.expression.unexpectedNull"


def compile_tree(node: Typed, dialect: Dialect = DEFAULT) -> Run:
    """Make a function that evaluates a typed tree under a dialect."""
    chain: list[Typed] = []
    while node.kind == "binary" and not _is_join(node):
        chain.append(node)
        node = node.operands[0]
    run = _join(node, dialect) if _is_join(node) else _single(node, dialect)
    for above in reversed(chain):
        run = _combine(above, (run, compile_tree(above.operands[1], dialect)), dialect)
    return run


def _is_join(node: Typed) -> bool:
    return node.overload is not None and node.overload.form == "join"


def _single(node: Typed, dialect: Dialect) -> Run:
    match node.kind:
        case "lit" | "nul":
            return _constant(node.value)
        case "ref" | "sysref":
            return _variable(node)
        case "property":
            return _property(node, node.text, dialect)
        case "index" if node.overload is None:
            return _named_index(node, dialect)
        case _:
            return _combine(node, tuple(compile_tree(operand, dialect) for operand in node.operands), dialect)


def _combine(node: Typed, parts: tuple[Run, ...], dialect: Dialect) -> Run:
    overload = node.overload
    if overload is None:
        raise AssertionError(node.key)
    if dialect.evaluation == "lazy":
        match overload.form:
            case "if":
                return _if(node, parts, dialect)
            case "and" | "or":
                return _decide(node, parts, settled_by=overload.form == "or")
            case _:
                pass
    return _apply(node, parts, implementation(overload, dialect), dialect)


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


def _must_be_set(node: Typed, index: int, dialect: Dialect) -> bool:
    operand = node.operands[index]
    if operand.kind == "lit" or operand.type.is_collection or node.overload is None:
        return False
    if node.overload.form == "if" and index == 0 and dialect.unset_condition == "error":
        return True
    return not node.overload.parameter(index).takes_not_set


_REFUSED: Final = (FlowRuntimeError, ArithmeticError, ValueError, OverflowError)


def _apply(node: Typed, parts: tuple[Run, ...], inner: Callable[..., Any], dialect: Dialect) -> Run:
    checks = tuple(_must_be_set(node, index, dialect) for index in range(len(parts)))
    if node.overload is not None and node.overload.needs_host:
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


def _if(node: Typed, parts: tuple[Run, ...], dialect: Dialect) -> Run:
    condition, when_true, when_false = parts

    def run(variables: Mapping[str, Value], host: Any) -> Any:
        return when_true(variables, host) if condition(variables, host) is True else when_false(variables, host)

    if not _must_be_set(node, 0, dialect):
        return run

    def strict(variables: Mapping[str, Value], host: Any) -> Any:
        decided = condition(variables, host)
        if decided is NOT_SET:
            raise _unset(node, 0)
        return when_true(variables, host) if decided else when_false(variables, host)

    return strict


def _decide(node: Typed, parts: tuple[Run, ...], *, settled_by: bool) -> Run:
    """Compile `and` (settled by false) or `or` (settled by true); the second operand may never be needed."""
    left, right = parts

    def run(variables: Mapping[str, Value], host: Any) -> Any:
        first = left(variables, host)
        if first is NOT_SET:
            raise _unset(node, 0)
        if first is settled_by:
            return settled_by
        second = right(variables, host)
        if second is NOT_SET:
            raise _unset(node, 1)
        return second

    return run


def _join(node: Typed, dialect: Dialect) -> Run:
    """Compile a whole chain of text additions into one join."""
    chain = [node]
    while (left := chain[-1].operands[0]).overload is not None and left.overload.form == "join":
        chain.append(left)
    chain.reverse()
    owners = [(chain[0], 0), *((link, 1) for link in chain)]
    parts = tuple((compile_tree(owner.operands[index], dialect), owner, index) for owner, index in owners)

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


def _property(node: Typed, name: str, dialect: Dialect) -> Run:
    target = node.operands[1]
    inner = compile_tree(target, dialect)
    empty: Value = () if node.type.is_collection else NOT_SET
    of = node.type.name

    def run(variables: Mapping[str, Value], host: Any) -> Any:
        value = inner(variables, host)
        if value is NOT_SET:
            return _of_unset(target, name, empty, dialect)
        try:
            found = read_property(value, name, node.type)
        except FlowRuntimeError as error:
            raise _failed(node, error) from None
        if isinstance(found, Opaque):
            return found.text if of == "str" else Opaque(of, found.text)
        if found is not NOT_SET:
            return found
        _check_present(node, value, name, dialect)
        return empty

    return run


def _check_present(node: Typed, value: Any, name: str, dialect: Dialect) -> None:
    if dialect.missing_json_property == "error" and isinstance(value, Json) and name not in value.value:
        raise FlowRuntimeError(f"the JSON object has no property '{name[:100]}'", span=node.span)


def _of_unset(target: Typed, name: str, empty: Value, dialect: Dialect) -> Value:
    if dialect.property_of_unset == "unset":
        return empty
    what = f"`{target.written}`" if target.key in {"ref", "sysref"} else "this"
    raise FlowRuntimeError(
        f"{what} is NOT_SET, so it has no property '{name}'",
        span=target.span,
        hint="Test it first: If(IsSet(x), x.y, ...).",
        server_code=_UNSET_CODE,
    )


def _named_index(node: Typed, dialect: Dialect) -> Run:
    index, target = node.operands
    if index.kind == "lit":
        return _property(node, str(index.value), dialect)
    name_of, inner = compile_tree(index, dialect), compile_tree(target, dialect)

    def run(variables: Mapping[str, Value], host: Any) -> Any:
        value, name = inner(variables, host), name_of(variables, host)
        if value is NOT_SET or name is NOT_SET:
            return _of_unset(target if value is NOT_SET else index, "of that name", NOT_SET, dialect)
        try:
            found = property_of(value, name)
        except FlowRuntimeError as error:
            raise _failed(node, error) from None
        if found is NOT_SET:
            _check_present(node, value, name, dialect)
        return found

    return run
