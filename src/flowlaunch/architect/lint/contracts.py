"""Contracts of data actions, from the files that Genesys Cloud exports for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.errors import FlowSyntaxError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Contract", "read_contract"]

_MAX_DEPTH: Final = 12


@dataclass(frozen=True, slots=True)
class Contract:
    """What a data action takes and gives.

    Attributes:
        inputs: names of the inputs; `takes_others` when more are allowed.
        required: inputs that must be given.
        outputs: flattened names, as flows bind them (`user.id`); `gives_others` when there may be more.

    """

    name: str
    inputs: frozenset[str]
    required: frozenset[str]
    takes_others: bool
    outputs: frozenset[str]
    gives_others: bool


def read_contract(document: Any, name: str) -> Contract:
    """Read an exported data action.

    Args:
        document: the JSON of the export: `name` and `contract` with an input and an output schema.
        name: how messages call it, e.g. the file's name.

    Raises:
        FlowSyntaxError: it is no exported data action.

    """
    contract = document.get("contract") if isinstance(document, dict) else None
    title = document.get("name") if isinstance(document, dict) else None
    if not isinstance(contract, dict) or not isinstance(title, str):
        raise FlowSyntaxError(
            f"{name} is no exported data action: it lacks `name` or `contract`",
            hint="Export the action from its integration in Genesys Cloud.",
        )
    given, answer = _part(contract, "input", "inputSchema"), _part(contract, "output", "successSchema")
    properties = _table(given, "properties")
    required = given.get("required")
    return Contract(
        name=title,
        inputs=frozenset(properties),
        required=frozenset(str(one) for one in required) if isinstance(required, list) else frozenset(),
        takes_others=given.get("additionalProperties") is not False,
        outputs=frozenset(_flattened(answer, "", 0)),
        gives_others=answer.get("additionalProperties") is not False,
    )


def _part(contract: Mapping[str, Any], side: str, schema: str) -> Mapping[str, Any]:
    return _table(_table(contract, side), schema)


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _flattened(schema: Mapping[str, Any], prefix: str, depth: int) -> Iterator[str]:
    """Give every name that a flow can bind: leaves joined by dots, through lists of objects."""
    for name, inner in _table(schema, "properties").items():
        if not isinstance(inner, dict) or depth > _MAX_DEPTH:
            continue
        path = f"{prefix}{name}"
        items = _table(inner, "items")
        yield path
        for nested in (inner, items):
            if _table(nested, "properties"):
                yield from _flattened(nested, f"{path}.", depth + 1)
