"""Mutants: the same flow with one small mistake in it, to see whether its cases notice.

A mutant is made from the loaded flow: one expression or literal is changed and compiled anew, or two paths are
swapped. Changes that do not compile are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.actions.branch import Decision
from flowlaunch.architect.actions.data import UpdateData
from flowlaunch.architect.expressions import compile_expression
from flowlaunch.architect.flow import Action, Flow, Sequence
from flowlaunch.architect.given import Given, constant
from flowlaunch.architect.program import link_program
from flowlaunch.architect.render import text_of
from flowlaunch.architect.scope import VariableScope
from flowlaunch.architect.standalone import StillHost
from flowlaunch.architect.values import Duration
from flowlaunch.errors import FlowError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from flowlaunch.architect.flow import Spec
    from flowlaunch.architect.typed import Typed

__all__ = ["Mutant", "mutants"]

_SWAPPED: Final[Mapping[str, tuple[str, ...]]] = {
    "==": ("!=",),
    "!=": ("==",),
    "<": ("<=", ">"),
    "<=": ("<", ">"),
    ">": (">=", "<"),
    ">=": (">", "<"),
    "and": ("or",),
    "or": ("and",),
    "+": ("-",),
    "-": ("+",),
    "*": ("/",),
    "/": ("*",),
}
_NOT_MUTATED: Final = frozenset({"playAudio"})


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed flow.

    Attributes:
        action: the action that was changed, of the flow as it was.
        kind: `negated`, `operator`, `literal`, `swapped` or `omitted`.
        change: what was changed into what.

    """

    action: Action
    kind: str
    change: str
    flow: Flow

    @property
    def place(self) -> str:
        """Name the place as `file:line`."""
        ref = self.action.ref
        source = self.flow.source.name
        return f"{source}:{ref.line}" if ref.line else f"{source} ({ref.place})"

    def __str__(self) -> str:
        ref = self.action.ref
        return f'{self.place}: {ref.key} "{ref.name}": {self.change}'


def mutants(flow: Flow) -> Iterator[Mutant]:
    """Give every mutant of a flow in the order of its text, made one at a time."""
    for kind, sequences in (("states", flow.states), ("tasks", flow.tasks)):
        for ref_id, sequence in sequences.items():
            scope = _scope(flow, sequence)
            for path, action in _walk(sequence.actions, ()):
                for what, change, changed in _changes(action, scope):
                    yield Mutant(action, what, change, _with(flow, kind, ref_id, path, changed))


def _scope(flow: Flow, sequence: Sequence) -> VariableScope:
    scope = VariableScope()
    for variable in (*flow.variables, *sequence.variables):
        scope.add(variable)
    return scope


_Path = tuple[tuple[int, str], ...]


def _walk(actions: tuple[Action, ...], above: _Path) -> Iterator[tuple[_Path, Action]]:
    """Give actions with the way to each: (position, output path) pairs from the outside in."""
    for index, action in enumerate(actions):
        yield (*above, (index, "")), action
        for out, inner in action.paths.items():
            yield from _walk(inner, (*above, (index, out)))


# -- putting a changed action into its flow ----------------------------------------------------------------------


def _with(flow: Flow, kind: str, ref_id: str, path: _Path, changed: Action) -> Flow:
    sequences = dict(flow.states if kind == "states" else flow.tasks)
    sequence = sequences[ref_id]
    sequences[ref_id] = replace(sequence, actions=_replaced(sequence.actions, path, changed))
    states, tasks = (sequences, flow.tasks) if kind == "states" else (flow.states, sequences)
    program = link_program(states, tasks, flow.start, flow.variables, flow.error_handling, flow.program.expressions)
    return replace(flow, states=states, tasks=tasks, program=program)


def _replaced(actions: tuple[Action, ...], path: _Path, changed: Action) -> tuple[Action, ...]:
    (index, out), *deeper = path
    old = actions[index]
    if not deeper:
        new = changed
    else:
        new = replace(old, paths={**old.paths, out: _replaced(old.paths[out], tuple(deeper), changed)})
    return (*actions[:index], new, *actions[index + 1 :])


# -- changes of one action ---------------------------------------------------------------------------------------

_Change = tuple[str, str, Action]


def _changes(action: Action, scope: VariableScope) -> Iterator[_Change]:
    if action.key in _NOT_MUTATED:
        return
    if isinstance(action.spec, Decision):
        yield from _negations(action, action.spec)
    for what, change, spec in _spec_changes(action.spec, scope):
        yield what, change, replace(action, spec=spec)
    yield from _swaps(action)
    if isinstance(action.spec, UpdateData):
        yield from _omissions(action, action.spec)


def _negations(action: Action, spec: Decision) -> Iterator[_Change]:
    condition = spec.condition
    evaluate = condition.evaluate

    def negated(variables: Any, host: Any) -> Any:
        value = evaluate(variables, host)
        return not value if isinstance(value, bool) else value

    given = replace(condition, evaluate=negated)
    yield "negated", f"`{condition.text}` negated", replace(action, spec=replace(spec, condition=given))


def _swaps(action: Action) -> Iterator[_Change]:
    """Swap each path with the next filled one; those of a decision are what negating it does."""
    filled = [path for path, actions in action.paths.items() if actions]
    if isinstance(action.spec, Decision):
        return
    for first, second in pairwise(filled):
        paths = {**action.paths, first: action.paths[second], second: action.paths[first]}
        yield "swapped", f"paths {first} and {second} swapped", replace(action, paths=paths)


def _omissions(action: Action, spec: UpdateData) -> Iterator[_Change]:
    for index, (target, _) in enumerate(spec.statements):
        rest = (*spec.statements[:index], *spec.statements[index + 1 :])
        yield "omitted", f"{target.name} is not set", replace(action, spec=replace(spec, statements=rest))


def _spec_changes(spec: Spec, scope: VariableScope) -> Iterator[tuple[str, str, Spec]]:
    if not is_dataclass(spec):
        return
    for field in fields(spec):
        value = getattr(spec, field.name)
        for what, change, changed in _value_changes(value, scope):
            yield what, change, replace(spec, **{field.name: changed})


def _value_changes(value: Any, scope: VariableScope) -> Iterator[tuple[str, str, Any]]:
    """Find what is given inside a field: a value itself, or tuples that hold some."""
    if isinstance(value, Given):
        yield from _given_changes(value, scope)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            for what, change, changed in _value_changes(item, scope):
                yield what, change, (*value[:index], changed, *value[index + 1 :])


def _given_changes(given: Given, scope: VariableScope) -> Iterator[tuple[str, str, Given]]:
    if given.expression is not None:
        for what, old, new, text in _texts(given.text, given.expression.root):
            try:
                expression = compile_expression(text, scope, None if given.type.name == "any" else given.type)
            except FlowError:
                continue
            changed = replace(given, text=text, evaluate=expression.evaluate, expression=expression)
            yield what, f"`{old}` became `{new}` in `{_short(given.text)}`", changed
    elif given.kind == "literal":
        yield from _literal_changes(given)


def _literal_changes(given: Given) -> Iterator[tuple[str, str, Given]]:
    try:
        value = given.evaluate({}, StillHost())
    except FlowError:
        return
    change = _OTHER.get(type(value))
    if change is not None:
        other = change(value)
        old, new = text_of(value), text_of(other)
        yield "literal", f"`{old}` became `{new}`", replace(given, text=str(new), evaluate=constant(other))


_OTHER: Final[Mapping[type, Callable[[Any], Any]]] = {
    bool: lambda value: not value,
    int: lambda value: value + 1,
    Decimal: lambda value: value + 1,
    str: lambda value: f"{value}~",
    Duration: lambda value: Duration(value.milliseconds + 60_000),
}


def _short(text: str, limit: int = 100) -> str:
    return text if len(text) <= limit else f"{text[:limit]}..."


def _texts(text: str, root: Typed) -> Iterator[tuple[str, str, str, str]]:
    """Give changes of an expression from left to right: kind, old part, new part, whole new text."""
    base = root.span.start
    nodes = sorted(_nodes(root), key=lambda node: node.span.start)
    origin = _origin(text, root, base)
    if origin is None:
        return
    for node in nodes:
        start, end = node.span.start - origin, node.span.end - origin
        if node.kind == "lit":
            new = _literal_text(node)
            if new is not None and text[start:end]:
                yield "literal", text[start:end], new, f"{text[:start]}{new}{text[end:]}"
        elif node.kind == "binary" and len(node.operands) == 2:
            yield from _operators(text, node, origin)


def _origin(text: str, root: Typed, base: int) -> int | None:
    """Find where the expression's text begins in its source."""
    source = root.span.source.text
    for start in range(base, max(-1, base - len(text) - 1), -1):
        if source.startswith(text, start):
            return start
    return None


def _operators(text: str, node: Typed, origin: int) -> Iterator[tuple[str, str, str, str]]:
    left, right = node.operands
    start, end = left.span.end - origin, right.span.start - origin
    between = text[start:end]
    position = between.lower().find(node.key)
    if position < 0:
        return
    at = start + position
    for other in _SWAPPED.get(node.key, ()):
        yield "operator", node.key, other, f"{text[:at]}{other}{text[at + len(node.key) :]}"


def _literal_text(node: Typed) -> str | None:
    value = node.value
    if isinstance(value, bool):
        return "false" if value else "true"
    if isinstance(value, int):
        return str(value + 1)
    if isinstance(value, Decimal):
        return str(value + 1)
    if isinstance(value, str) and node.span.text.startswith('"'):
        return f'{node.span.text[:-1]}~"'
    return None


def _nodes(root: Typed) -> Iterator[Typed]:
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(node.operands)
