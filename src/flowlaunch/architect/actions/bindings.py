"""Variables bound to the outputs of an action, and filling them from an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.errors import FlowTypeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.architect.given import Given, Target
    from flowlaunch.architect.nodes import Node
    from flowlaunch.architect.reader import ActionReader
    from flowlaunch.architect.run_state import Run

__all__ = ["Binding", "bind", "dig", "read_bindings", "shown_inputs", "wrong_answer"]

_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Binding:
    """One output, by its flattened name, and the variable that receives it."""

    name: str
    target: Target


def read_bindings(reader: ActionReader, node: Node | None, what: str) -> tuple[Binding, ...]:
    """Read `{output name: {var: ...} | {noValue: true}}`; unbound outputs are left out."""
    table = reader.optional_table(node, what)
    pairs = ((key.value, reader.target_in(item, f"{what}.{key.value}")) for key, item in table)
    return tuple(Binding(name, target) for name, target in pairs if target is not None)


def bind(run: Run, bindings: tuple[Binding, ...], outputs: Any, what: str) -> list[tuple[str, Any]]:
    """Fill the bound variables from `outputs`, nested or flattened, and give the changes.

    Raises:
        FlowRuntimeError: an output does not fit its variable.

    """
    keep = run.rules.missing_output == "keep"
    changes = []
    for binding in bindings:
        value = dig(outputs, binding.name, many=binding.target.type.is_collection)
        if value is _ABSENT and keep:
            continue
        found = None if value is _ABSENT else value
        changes.append(run.assign(binding.target, binding.target.convert(found, f"output {binding.name} of {what}")))
    return changes


def dig(outputs: Any, name: str, *, many: bool) -> Any:
    """Find an output: as spelt, or along its dots; through lists every leaf is gathered into one list.

    An item that lacks the leaf gives NOT_SET, so that the collections of one list stay in step.
    """
    if not isinstance(outputs, dict):
        return _ABSENT
    if name in outputs:
        found = outputs[name]
        return _gathered(found) if many else found
    levels: list[Any] = [outputs]
    through_list = False
    for part in name.split("."):
        through_list = through_list or any(isinstance(level, list) for level in levels)
        items = [item for level in levels for item in (level if isinstance(level, list) else [level])]
        levels = [item.get(part, _ABSENT) if isinstance(item, dict) else _ABSENT for item in items]
    if through_list:
        return _gathered([None if level is _ABSENT else level for level in levels])
    found = levels[0]
    return _gathered(found) if many and found is not _ABSENT else found


def _gathered(found: Any) -> Any:
    """Flatten nested lists to one; a single value for a collection stays as it is and is refused by its type."""
    if not isinstance(found, list):
        return found
    flat: list[Any] = []
    for item in found:
        flat.extend(item if isinstance(item, list) else [item])
    return flat


def shown_inputs(
    run: Run, inputs: tuple[tuple[str, Given], ...], values: Mapping[str, Any]
) -> tuple[tuple[str, Any], ...]:
    """Give the inputs of an action as the trace may show them."""
    return tuple((name, run.shown(given, values[name])) for name, given in inputs if name in values)


def wrong_answer(effect: Any, answer: Any, wanted: str) -> FlowTypeError:
    """Make the error for a driver that answers an effect with the wrong class."""
    return FlowTypeError(
        f"{type(effect).__name__} was answered with {type(answer).__name__}",
        hint=f"Answer it with {wanted}.",
        code="flow-answer",
    )
