"""JSON Schemas of a flow's inputs and outputs.

How the platform renders each type inside such a schema is not public, so every rendering here is a guess; what it
accepts is exactly what `codec.from_json` reads. Keys are variable names with their scope (`Flow.customerName`),
which is how launches are written. No input is required, as the platform's own examples leave inputs out; so there is
no `required` (draft 4 has no empty one).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.numbers import MAX_INT
from flowlaunch.architect.types import key_of_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowlaunch.architect.flow import Flow, Variable
    from flowlaunch.architect.types import Type

__all__ = ["input_schema", "output_schema", "type_schema"]

DRAFT: Final = "http://json-schema.org/draft-04/schema#"
"""The draft that data action contracts in real exports name."""

_SCALARS: Final[Mapping[str, Mapping[str, Any]]] = {
    "bln": {"type": "boolean"},
    "int": {"type": "integer", "minimum": -MAX_INT, "maximum": MAX_INT},
    "dec": {"type": "number"},
    "str": {"type": "string"},
    "dtm": {"type": "string", "format": "date-time"},
    "dat": {"type": "string", "format": "date"},
    "tim": {"type": "string", "format": "time"},
    "dur": {"type": ["string", "integer"], "description": "ISO 8601 duration such as PT1H30M, or milliseconds"},
    "phn": {"type": "string", "description": "telephone number such as +13178723000"},
    "cur": {
        "type": ["object", "string"],
        "properties": {"amount": {"type": ["number", "null"]}, "code": {"type": ["string", "null"]}},
        "additionalProperties": False,
    },
    "jsn": {},
    "any": {},
}
_OBJECT: Final[Mapping[str, Any]] = {
    "type": ["string", "object"],
    "properties": {"id": {"type": "string"}, "name": {"type": "string"}},
}


def input_schema(flow: Flow) -> dict[str, Any]:
    """Describe what a launch may give this flow; unknown keys are allowed, as the platform drops them."""
    return _schema(flow, flow.inputs, "inputs", allow_others=True)


def output_schema(flow: Flow) -> dict[str, Any]:
    """Describe what a completed run of this flow returns; a variable that was never set is null."""
    return _schema(flow, flow.outputs, "outputs", allow_others=False)


def type_schema(of: Type) -> dict[str, Any]:
    """Describe one type; NOT_SET is null, and a collection is a list that may be null."""
    if of.is_collection:
        return {"type": ["array", "null"], "items": _nullable(_scalar(of.item))}
    return _nullable(_scalar(of))


def _scalar(of: Type) -> dict[str, Any]:
    known = _SCALARS.get(of.name)
    return dict(known) if known is not None else {**_OBJECT, "description": f"id of a {of.title}, or id and name"}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = schema.get("type")
    if kinds is None:
        return schema
    return {**schema, "type": [*([kinds] if isinstance(kinds, str) else kinds), "null"]}


def _schema(flow: Flow, variables: Iterable[Variable], what: str, *, allow_others: bool) -> dict[str, Any]:
    return {
        "$schema": DRAFT,
        "title": f"{flow.name} {what}",
        "type": "object",
        "properties": {variable.name: _property(variable) for variable in variables},
        "additionalProperties": allow_others,
    }


def _property(variable: Variable) -> dict[str, Any]:
    """Describe one variable; `architectType` is ours and says which Architect type it is."""
    described = {"title": variable.name, "architectType": key_of_type(variable.type), **type_schema(variable.type)}
    return described | ({"description": variable.description} if variable.description else {})
