"""Sample answers for the actions of a flow: what a stub of each might say, by the variables that receive it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml

from flowlaunch.architect.actions.call_data import CallData, CallTable
from flowlaunch.architect.actions.conversation import GetAttributes
from flowlaunch.architect.actions.lookups import Find, FindRow, Schedule
from flowlaunch.architect.actions.modules import CallModule
from flowlaunch.architect.actions.perform import Performed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from flowlaunch.architect.actions.bindings import Binding
    from flowlaunch.architect.flow import Action, Flow
    from flowlaunch.architect.types import Type

__all__ = ["SECTIONS", "as_yaml", "sample", "stanza"]

SECTIONS: Final = {
    "queue": "queues",
    "externalContact": "contacts",
    "externalOrganization": "organizations",
    "skill": "skills",
    "group": "groups",
    "user": "users",
}
"""Kind of thing -> its section in a stub file; other kinds stand under `things`."""

_SAMPLES: Final[Mapping[str, Any]] = {
    "bln": True,
    "int": 1,
    "dec": 1.5,
    "str": "text",
    "dtm": "2026-01-05T09:00:00Z",
    "dat": "2026-01-05",
    "tim": "09:00:00",
    "dur": "PT5M",
    "phn": "+13175550100",
    "cur": {"amount": 10.5, "code": "USD"},
    "jsn": {},
    "any": "text",
}


def sample(of: Type) -> Any:
    """Give a JSON value that fits a type."""
    one = _SAMPLES.get(of.name, "id-1")
    return [one] if of.is_collection else one


def as_yaml(document: Any, *, width: int = 110) -> str:
    """Write a JSON value as YAML for people."""
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=width, default_flow_style=False)
    return text


def _outputs(bindings: Iterable[Binding]) -> dict[str, Any]:
    return {binding.name: sample(binding.target.type) for binding in bindings}


def _literal(text: str, fallback: str) -> str:
    return text.strip().strip('"') or fallback


def _data_action(spec: CallData) -> dict[str, Any]:
    outputs = _outputs(spec.success)
    return {"data_actions": [{"category": spec.category, "action": spec.action, "outputs": outputs}]}


def _decision_table(spec: CallTable) -> dict[str, Any]:
    return {"decision_tables": {spec.table: [{"inputs": {}, "outputs": _outputs(spec.found)}]}}


def _table(spec: FindRow) -> dict[str, Any]:
    key = _literal(spec.key.text, "a key") if spec.key.kind == "literal" else "a key"
    return {"tables": {spec.table: {"key": "key", "rows": [{"key": key, **_outputs(spec.found)}]}}}


def _find(spec: Find) -> dict[str, Any]:
    wanted = _literal(spec.key.text, "a name") if spec.key.kind == "literal" else f"a {spec.by}"
    if spec.kind == "user":
        return {"users": [{"id": wanted if spec.by == "id" else "user-1", "name": wanted, "email": "ada@example.com"}]}
    row = {"id": wanted if spec.by == "id" else f"{spec.kind}-1", "name": wanted}
    section = SECTIONS.get(spec.kind)
    return {section: [row]} if section else {"things": {spec.kind: [row]}}


def _schedule(spec: Schedule) -> dict[str, Any]:
    state = "active" if spec.kind == "schedule" else "open"
    return {"schedules": {_literal(spec.subject.text, "a schedule"): state}}


def _attributes(spec: GetAttributes) -> dict[str, Any]:
    names = (_literal(name.text, "name") for name, _ in spec.attributes)
    return {"conversations": [{"id": "conversation-1", "attributes": dict.fromkeys(names, "text")}]}


def _module(spec: CallModule) -> dict[str, Any]:
    return {"modules": {spec.name: {"outputs": _outputs(spec.outputs)}}}


_STANZAS: Final[Mapping[type, Callable[[Any], dict[str, Any]]]] = {
    CallData: _data_action,
    CallTable: _decision_table,
    FindRow: _table,
    Find: _find,
    Schedule: _schedule,
    GetAttributes: _attributes,
    CallModule: _module,
}


def stanza(action: Action) -> dict[str, Any]:
    """Give the part of a stub file that answers an action; empty for one that needs no stub."""
    write = _STANZAS.get(type(action.spec))
    if write is not None:
        return write(action.spec)
    if isinstance(action.spec, Performed) and action.spec.results:
        return {"actions": [{"name": action.name, "path": "success", "outputs": _outputs(action.spec.results)}]}
    return {}


def skeleton(flow: Flow) -> dict[str, Any]:
    """Give a stub file that answers every action of a flow once, its entries merged by section."""
    merged: dict[str, Any] = {}
    for action in flow.actions():
        for section, part in stanza(action).items():
            _merge(merged, section, part)
    return merged


def _merge(merged: dict[str, Any], section: str, part: Any) -> None:
    if isinstance(part, list):
        held = merged.setdefault(section, [])
        for entry in part:
            same = next((one for one in held if _identity(one) == _identity(entry)), None)
            if same is None:
                held.append(_numbered(entry, len(held) + 1))
            elif isinstance(same.get("outputs"), dict):
                same["outputs"] = {**entry.get("outputs", {}), **same["outputs"]}
        return
    held = merged.setdefault(section, {})
    for name, value in part.items():
        held.setdefault(name, value)


def _numbered(entry: dict[str, Any], number: int) -> dict[str, Any]:
    """Give a thing that was given an id of ours one that no other has."""
    held = entry.get("id")
    if isinstance(held, str) and held.endswith("-1") and number > 1:
        return {**entry, "id": f"{held[:-1]}{number}"}
    return entry


def _identity(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(entry.get(key) for key in ("category", "action", "name"))
