"""Contracts of data actions, as their exports state them: what may be sent and what comes back.

An export is JSON with `name` and `contract.input.inputSchema` and `contract.output.successSchema`. Of JSON Schema,
those use `type`, `properties`, `required`, `items`, `enum` and `additionalProperties`; the rest is not looked at.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.errors import FlowStubError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from flowlaunch.architect.stubs.model import DataActionStub, Stubs

__all__ = ["Contract", "Contracts", "read_contract", "stub_problems"]

_EXPORTED: Final = re.compile(r"\s*-\s*Exported \d{4}-\d{2}-\d{2}.*$", re.DOTALL)
_MAX_PROBLEMS: Final = 20


@dataclass(frozen=True, slots=True)
class Contract:
    """One data action's contract: schemas of what is sent and of what success returns."""

    name: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Contracts:
    """Contracts by the data action's name in lower case; one that is not there is not checked."""

    by_name: Mapping[str, Contract]

    @classmethod
    def of(cls, contracts: Iterable[Contract]) -> Contracts:
        """Collect contracts."""
        return cls({contract.name.casefold(): contract for contract in contracts})

    def problems(self, what: str, action: str, body: Any) -> list[str]:
        """Say how `inputs` or `outputs` of a data action contradict its contract."""
        contract = self.by_name.get(action.casefold())
        if contract is None:
            return []
        if what == "inputs":
            found = _input_problems(contract.inputs, body)
        else:
            found = _output_problems(contract.outputs, {} if body is None else body)
        return [f"data action `{action}`, {what}: {problem}" for problem in found][:_MAX_PROBLEMS]


def read_contract(text: str, name: str) -> Contract:
    """Read an exported data action.

    Raises:
        FlowStubError: it is none.

    """
    try:
        document = json.loads(text)
        contract = document["contract"]
        inputs = contract["input"]["inputSchema"]
        outputs = contract["output"]["successSchema"]
        title = str(document.get("name") or name)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FlowStubError(
            f"{name} is no exported data action: {type(error).__name__} {error}",
            hint="Export the data action from its integration as JSON; it holds `contract.input.inputSchema`.",
        ) from error
    return Contract(_EXPORTED.sub("", title), inputs, outputs)


def stub_problems(stubs: Stubs, contracts: Contracts) -> list[str]:
    """Say which stubs contradict the contract of the data action that they name, each with its place."""
    found: list[str] = []
    for stub in stubs.data_actions:
        contract = contracts.by_name.get(stub.action.casefold())
        if contract is not None:
            found += [f"{stub.place}: data action `{stub.action}`: {text}" for text in _stub_problems(stub, contract)]
    return found


def _stub_problems(stub: DataActionStub, contract: Contract) -> Iterator[str]:
    known = contract.inputs.get("properties") or {}
    if contract.inputs.get("additionalProperties") is False or known:
        yield from (
            f"there is no input `{name}`; inputs: {', '.join(known)}" for name in stub.inputs if name not in known
        )
    for ending in stub.endings:
        if ending.path == "success" and ending.body is not None:
            yield from _output_problems(contract.outputs, ending.body)


def _input_problems(schema: Mapping[str, Any], sent: Mapping[str, Any]) -> Iterator[str]:
    """Check what a flow sends; None is NOT_SET, which is as good as absent."""
    known = schema.get("properties") or {}
    for name in schema.get("required") or []:
        if sent.get(name) is None:
            yield f"`{name}` is required and {'NOT_SET' if name in sent else 'missing'}"
    for name, value in sent.items():
        if name not in known:
            if known or schema.get("additionalProperties") is False:
                yield f"there is no `{name}`; the contract has {', '.join(known) or 'none'}"
        elif value is not None:
            yield from _problems(known[name], value, f"`{name}`")


def _output_problems(schema: Mapping[str, Any], body: Any) -> Iterator[str]:
    """Check a stubbed success result, nested or with flattened names (`user.id`)."""
    if not isinstance(body, dict):
        yield from _problems(schema, body, "the result")
        return
    known = schema.get("properties") or {}
    for name, value in body.items():
        part, is_list = _dig(schema, name)
        if part is None:
            if schema.get("additionalProperties") is False or (known and "additionalProperties" not in schema):
                yield f"there is no output `{name}`; the contract has {', '.join(known) or 'none'}"
        elif is_list and isinstance(value, list):
            for item in value:
                yield from _problems(part, item, f"an item of `{name}`")
        elif not _is_template(value):
            yield from _problems(part, value, f"`{name}`")


def _dig(schema: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any] | None, bool]:
    """Find the schema of an output by its name, or along its dots, through lists."""
    known = schema.get("properties") or {}
    if name in known:
        return known[name], False
    part: Mapping[str, Any] | None = schema
    is_list = False
    for step in name.split("."):
        while isinstance(part, dict) and part.get("type") == "array":
            part, is_list = part.get("items"), True
        part = (part.get("properties") or {}).get(step) if isinstance(part, dict) else None
    return part, is_list


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and "${" in value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: _is_number(value) and value == int(value),
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}


def _problems(schema: Any, value: Any, where: str) -> Iterator[str]:
    """Check a value against the parts of JSON Schema that contracts use."""
    if not isinstance(schema, dict) or _is_template(value):
        return
    wanted = schema.get("type")
    names = [wanted] if isinstance(wanted, str) else wanted if isinstance(wanted, list) else []
    if names and not any(_TYPES.get(name, lambda _: True)(value) for name in names):
        yield f"{where} must be {' or '.join(names)}, not {json.dumps(value, default=str)[:80]}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} must be one of {json.dumps(schema['enum'])[:120]}, not {json.dumps(value, default=str)[:80]}"
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _problems(schema.get("items"), item, f"{where}[{number}]")
    if isinstance(value, dict):
        known = schema.get("properties") or {}
        yield from (f"{where} lacks `{name}`" for name in schema.get("required") or [] if name not in value)
        for name, item in value.items():
            if name in known:
                yield from _problems(known[name], item, f"{where}.{name}")
            elif schema.get("additionalProperties") is False:
                yield f"{where} has no `{name}`"
