"""Check input data against a flow's input schema before anything is sent.

The platform drops a wrong key in silence and the run fails later, so this is where a slip is caught: every
problem at once, each with its cure.

Source: what a launch accepts and drops (observed: a public report of a nested object that was dropped); how the
schema renders types is not published, so it is read leniently (guess).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from flowlaunch._core.jsonable import as_mapping, to_json_value
from flowlaunch._core.suggest import folded, suggest
from flowlaunch.models import FlowInput, JsonObject, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flowlaunch.contracts import Contract

MAX_BODY_BYTES: Final = 512_000
"""Largest request body. Source: limit request.bytes.max as third parties quote it (observed)."""

_JSON_TYPES: Final[tuple[tuple[type, str], ...]] = (
    (bool, "boolean"),
    (int, "integer"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
    (type(None), "null"),
)


class Inputs:
    """A flow's inputs as its schema declares them, made ready once and asked for every launch."""

    def __init__(self, contract: Contract, schema: Mapping[str, Any]) -> None:
        self.schema = schema
        self._prefix = contract.input_prefix
        bare = contract.schema_prefix
        self._declared = {name.removeprefix(bare): rule for name, rule in _properties(schema).items()}
        required = schema.get("required")
        listed = required if isinstance(required, list) else ()
        self._required = tuple(name.removeprefix(bare) for name in listed if isinstance(name, str))
        self._slots = {name: Slot(name, rule) for name, rule in self._declared.items()}
        self.is_open = is_open(contract, schema)

    def listed(self) -> tuple[FlowInput, ...]:
        """Return the inputs, in the schema's order."""
        return tuple(
            FlowInput(
                name=name,
                type=type_text(rule),
                required=name in self._required,
                description=str(rule.get("description") or "") if isinstance(rule, Mapping) else "",
            )
            for name, rule in self._declared.items()
        )

    def check(self, data: JsonObject, problems: list[Problem]) -> JsonObject:
        """Return `data` with its keys as declared, adding to `problems` what is wrong with it.

        `customerName` becomes `Flow.customerName` where that is unambiguous.
        """
        taken: JsonObject = {}
        stray: JsonObject = {}
        for key, value in data.items():
            slot = self._slots.get(key) or self._slots.get(self._other_spelling(key))
            if slot is None:
                stray[key] = value
            elif slot.name in taken:
                message = f"{slot.name} is given twice, once as {key}"
                problems.append(Problem(kind="unknown-key", key=key, message=message, cure=f"keep {slot.name} alone"))
            else:
                taken[slot.name] = value
        if stray and not self.is_open:
            problems.extend(_unknown_key(key, value, self._declared) for key, value in stray.items())
        if any(taken.get(name) is None for name in self._required):
            told = {} if self.is_open else stray  # what was told above as a slip need not be told as missing too
            problems.extend(_missing(self._required, self._declared, taken, told))
        for name, value in taken.items():
            if type(value) not in self._slots[name].plain_types:
                problems.extend(_wrong_type(name, value, self._declared[name]))
        return {**taken, **stray}

    def _other_spelling(self, key: str) -> str:
        return key.removeprefix(self._prefix) if key.startswith(self._prefix) else self._prefix + key


@dataclass(frozen=True, slots=True)
class Slot:
    """One declared input; a value of one of `plain_types` needs no closer look."""

    name: str
    rule: Any
    plain_types: frozenset[type] = frozenset()

    def __post_init__(self) -> None:
        kinds = _kinds(self.rule)
        has_more_rules = isinstance(self.rule, Mapping) and "enum" in self.rule
        plain = frozenset({type(None), *(_PLAIN_TYPES[kind] for kind in kinds if kind in _PLAIN_TYPES)})
        object.__setattr__(self, "plain_types", frozenset() if has_more_rules else plain)


_PLAIN_TYPES: Final[Mapping[str, type]] = {"string": str, "integer": int, "boolean": bool}


def is_open(contract: Contract, schema: Mapping[str, Any]) -> bool:
    """Whether keys that `schema` does not declare reach the flow.

    On the platform they are dropped, whatever the schema says of additional properties.
    """
    return contract.takes_undeclared_keys and schema.get("additionalProperties") not in (None, False)


def check_input(inputs: Inputs | None, given: object) -> tuple[JsonObject, list[Problem]]:
    """Return `given` as it would be sent, and every problem with it; with no `inputs` only JSON itself is checked."""
    fields = as_mapping(given)
    if fields is None:
        return {}, [_not_an_object(given)]
    problems: list[Problem] = []
    data: JsonObject = to_json_value(dict(fields), "", problems)
    return (data if inputs is None else inputs.check(data, problems)), problems


def type_text(rule: Any) -> str:
    """Return a property's type for people: `string`, `array of string`, `any`."""
    kinds = [kind for kind in _kinds(rule) if kind != "null"]
    if kinds == ["array"] and isinstance(rule, Mapping):
        return f"array of {type_text(rule['items'])}" if isinstance(rule.get("items"), Mapping) else "array"
    return " or ".join(kinds) or "any"


def too_large(size_bytes: int) -> Problem | None:
    """Return the problem of a body of `size_bytes`, if it is one."""
    if size_bytes <= MAX_BODY_BYTES:
        return None
    return Problem(
        kind="too-large",
        key="",
        message=f"the request would have {size_bytes:,} bytes; the platform takes {MAX_BODY_BYTES:,}",
        cure="pass an id and let the flow fetch the rest",
    )


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def _unknown_key(key: str, value: Any, declared: Mapping[str, Any]) -> Problem:
    meant = suggest(key, declared)
    if meant is None and isinstance(value, dict) and value:
        inner = next((suggest(name, declared) for name in value), None)
        if inner is not None:
            cure = f"write flat keys: {inner!r} and so on, without the object around them"
            return Problem(kind="unknown-key", key=key, message=f"{key} is no input of this flow", cure=cure)
    if meant is not None:
        cure = f"did you mean {meant}?"
    elif declared:
        cure = f"its inputs are {', '.join(list(declared)[:12])}"
    else:
        cure = "this flow has no inputs: leave it out"
    return Problem(kind="unknown-key", key=key, message=f"{key} is no input of this flow", cure=cure)


def _missing(
    required: Sequence[str], declared: Mapping[str, Any], taken: JsonObject, stray: JsonObject
) -> Iterator[Problem]:
    slips = {folded(key) for key in stray}
    for name in required:
        if taken.get(name) is None and folded(name) not in slips:
            cure = f"give it, e.g. {name}={_EXAMPLES.get(type_text(declared.get(name)), '…')}"
            yield Problem(kind="missing-input", key=name, message=f"{name} is required and not given", cure=cure)


_EXAMPLES: Final = {"string": '"text"', "integer": "1", "number": "1.5", "boolean": "true"}


def _kinds(rule: Any) -> list[str]:
    kind = rule.get("type") if isinstance(rule, Mapping) else None
    return [str(one) for one in kind] if isinstance(kind, list) else [str(kind)] if kind else []


def _wrong_type(key: str, value: Any, rule: Any) -> Iterator[Problem]:
    """Yield what is wrong with `value` by its property's rule; null always means NOT_SET."""
    kinds = _kinds(rule)
    if value is None or not isinstance(rule, Mapping):
        return
    if kinds and not any(_fits(value, kind) for kind in kinds):
        message = f"{key} takes {type_text(rule)}, not {_named(value)}"
        yield Problem(kind="wrong-type", key=key, message=message, cure=_type_cure(key, value, kinds))
        return
    if isinstance(value, list) and isinstance(rule.get("items"), Mapping):
        for index, item in enumerate(value):
            yield from _wrong_type(f"{key}[{index}]", item, rule["items"])
        return
    choices = rule.get("enum")
    if isinstance(choices, list) and value not in choices:
        message = f"{key} takes one of {', '.join(map(str, choices[:12]))}, not {_named(value)}"
        yield Problem(
            kind="wrong-type",
            key=key,
            message=message,
            cure=f"give {choices[0]!r}, for instance" if choices else "",
        )


def _fits(value: Any, kind: str) -> bool:
    if kind == "number":
        return not isinstance(value, (bool, str, list, dict))
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    if kind == "integer" and isinstance(value, Decimal):
        return value == value.to_integral_value()
    return kind not in _KNOWN_KINDS or _json_type(value) == kind


_KNOWN_KINDS: Final = frozenset(name for _kind, name in _JSON_TYPES)


def _json_type(value: Any) -> str:
    return next((name for kind, name in _JSON_TYPES if isinstance(value, kind)), "number")


def _named(value: Any) -> str:
    kind = _json_type(value)
    shown = str(value) if isinstance(value, Decimal) else repr(value)
    if kind in {"string", "integer", "number", "boolean"} and len(shown) <= 40:
        return f"the {kind} {shown}"
    return f"{'an' if kind[0] in 'aio' else 'a'} {kind}"


def _type_cure(key: str, value: Any, kinds: list[str]) -> str:
    wanted = kinds[0]
    if isinstance(value, str) and wanted in {"integer", "number", "boolean"}:
        text = value.strip().lower()
        is_number = wanted != "boolean" and text.lstrip("+-").replace(".", "", wanted == "number").isdecimal()
        if is_number or (wanted == "boolean" and text in {"true", "false"}):
            return f"give {text} without quotes ({key}:={text} on the command line)"
    if wanted == "string" and not isinstance(value, (list, dict)):
        return f"give it as text: {str(value).lower() if isinstance(value, bool) else str(value)!r}"
    if wanted == "array" and not isinstance(value, dict):
        return f"give a list: [{value!r}]"
    return f"give a value of type {wanted}"


def _not_an_object(given: object) -> Problem:
    return Problem(
        kind="not-an-object",
        key="",
        message=f"input data is a {type(given).__name__}, not an object of input names and values",
        cure='give a mapping such as {"Flow.orderId": "4711"}, a dataclass, a msgspec struct or a pydantic model',
    )
