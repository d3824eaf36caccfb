"""An export's graph of actions as the tree that Archy YAML would write, so that one parser reads both.

Actions name the next one by id; a path without a next action is empty and falls through, as an absent path does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.export_actions import FIELDS, KEYS, PATHS
from flowlaunch.architect.export_values import Maker
from flowlaunch.errors import FlowSyntaxError, FlowUnsupportedError

if TYPE_CHECKING:
    from flowlaunch.architect.nodes import Node, Table
    from flowlaunch.architect.source import Source

__all__ = ["export_tree"]

_TYPES: Final = {"workflow": "workflow", "commonmodule": "commonModule"}
_VARIABLE_KEYS: Final = {"BoolVariable": "booleanVariable"}
_MAX_ACTIONS: Final = 50_000
_MAX_LEVELS: Final = 90


def export_tree(document: dict[str, Any], source: Source, *, lenient: bool = False) -> Table:
    """Turn a decoded export into the nodes of an Archy file.

    Leniently, an action that is not read keeps its type for a key, which the parser then lets through.

    Raises:
        FlowSyntaxError: ids do not fit together, or actions go in a circle.
        FlowUnsupportedError: it is another type of flow.

    """
    kind = str(document.get("type", "")).lower()
    if kind not in _TYPES:
        raise FlowUnsupportedError(
            f"{source.name} is an export of a flow of type `{kind[:60]}`, which is not emulated",
            hint="Workflows and common modules are.",
        )
    return _Export(document, source.name, _TYPES[kind], lenient=lenient).tree()


class _Export:
    """One export while it is turned over."""

    def __init__(self, document: dict[str, Any], name: str, kind: str, *, lenient: bool) -> None:
        self.lenient = lenient
        self.document = document
        self.name = name
        self.kind = kind
        self.maker = Maker(f"{name}: {_text(document, 'name')}")
        self.sequences = _dicts(document.get("flowSequenceItemList"))
        self.ref_of = {
            _text(item, "id"): f"{_text(item, 'name')}_{item.get('trackingId', '')}" for item in self.sequences
        }
        self.count = 0

    def tree(self) -> Table:
        make, document = self.maker, self.document
        entries: list[tuple[str, Node]] = [
            ("name", make.text(_text(document, "name"))),
            ("description", make.text(_text(document, "description"))),
            ("division", make.text(_division(document))),
            ("defaultLanguage", make.text(_text(document, "defaultLanguage"))),
            ("variables", make.listing(self.variable(item) for item in _dicts(document.get("variables")))),
        ]
        parts = self._workflow() if self.kind == "workflow" else self._module()
        return make.one(self.kind, make.table([*entries, *parts]))

    def _workflow(self) -> list[tuple[str, Node]]:
        make = self.maker
        start = _text(self.document, "initialSequence")
        if start not in self.ref_of:
            raise FlowSyntaxError(
                f"{self.name}: the first state `{start[:60]}` is missing", hint="Export the flow again."
            )
        states = [item for item in self.sequences if _text(item, "__type") in {"State", ""}]
        tasks = [item for item in self.sequences if _text(item, "__type") == "Task"]
        return [
            ("startUpRef", make.text(f"/workflow/states/state[{self.ref_of[start]}]")),
            ("settingsErrorHandling", self._error_handling()),
            ("states", make.listing(self.sequence(item, "state") for item in states)),
            ("tasks", make.listing(self.sequence(item, "task") for item in tasks)),
        ]

    def _module(self) -> list[tuple[str, Node]]:
        make = self.maker
        start = _text(self.document, "initialSequence")
        first = next((item for item in self.sequences if _text(item, "id") == start), None)
        if first is None:
            raise FlowSyntaxError(f"{self.name}: the start-up task is missing", hint="Export the module again.")
        others = [item for item in self.sequences if item is not first]
        variables = (self.variable(item) for item in _dicts(first.get("variables")))
        return [
            ("startUpTaskVariables", make.listing(variables)),
            ("startUpTaskActions", self.chain(first, _text(first, "startAction"), 0)),
            ("tasks", make.listing(self.sequence(item, "task") for item in others)),
        ]

    def _error_handling(self) -> Node:
        make = self.maker
        given = self.document.get("errorHandling")
        fields = given if isinstance(given, dict) else {}
        kind = _text(fields, "handlingType")
        handling = kind[:1].lower() + kind[1:] if kind else "endWorkflow"
        target = next(
            (self.ref_of[value] for value in fields.values() if isinstance(value, str) and value in self.ref_of),
            "",
        )
        field = {"changeState": "targetStateRef", "jumpToTask": "targetTaskRef"}.get(handling)
        body = make.one(field, make.text(target)) if field else make.one("none", make.flag(value=True))
        return make.one("errorHandling", make.one(handling, body))

    def variable(self, given: dict[str, Any]) -> Node:
        make = Maker(f"{self.name}: variable {_text(given, 'name')}")
        kind = _text(given, "__type")
        key = _VARIABLE_KEYS.get(kind, kind[:1].lower() + kind[1:])
        if given.get("isCollection") is True and "Collection" not in key:
            key = key.removesuffix("Variable") + "CollectionVariable"
        return make.one(
            key,
            make.table(
                [
                    ("name", make.text(_text(given, "name"))),
                    ("description", make.text(_text(given, "description"))),
                    ("initialValue", make.value(given.get("initialValue"))),
                    *((flag, make.flag(given.get(flag))) for flag in ("isInput", "isOutput", "isSecure")),
                ]
            ),
        )

    def sequence(self, given: dict[str, Any], kind: str) -> Node:
        make = self.maker
        name = _text(given, "name")
        variables = (self.variable(item) for item in _dicts(given.get("variables")))
        return make.one(
            kind,
            make.table(
                [
                    ("name", make.text(name)),
                    ("refId", make.text(self.ref_of[_text(given, "id")])),
                    ("variables", make.listing(variables)),
                    ("actions", self.chain(given, _text(given, "startAction"), 0)),
                ]
            ),
        )

    def chain(self, sequence: dict[str, Any], first: str, level: int) -> Node:
        """Follow `nextAction` from `first`; every path of an action is a chain of its own."""
        if level > _MAX_LEVELS:
            raise FlowSyntaxError(f"{self.name}: actions nest deeper than {_MAX_LEVELS} levels, or go in a circle")
        actions = {_text(item, "id"): item for item in _dicts(sequence.get("actionList"))}
        items: list[Node] = []
        current = first
        while current:
            self.count += 1
            if self.count > _MAX_ACTIONS:
                raise FlowSyntaxError(f"{self.name}: over {_MAX_ACTIONS:,} actions, or they go in a circle")
            action = actions.get(current)
            if action is None:
                raise FlowSyntaxError(
                    f"{self.name}: state {_text(sequence, 'name')} names an action `{current[:60]}` that is missing",
                    hint="Export the flow again.",
                )
            items.append(self.action(sequence, action, level))
            current = _text(action, "nextAction")
        return self.maker.listing(items)

    def action(self, sequence: dict[str, Any], given: dict[str, Any], level: int) -> Node:
        name = _text(given, "name")
        make = Maker(f"{self.name}: {_text(sequence, 'name')} / {given.get('trackingId', '?')} {name}")
        kind = _text(given, "__type")
        key = KEYS.get(kind) or _guessed_key(kind)
        fields = FIELDS.get(key)
        if fields is None and self.lenient:
            return make.one(kind or "unnamed", make.one("name", make.text(name)))
        if fields is None:
            raise FlowUnsupportedError(
                f"action {kind} of an export is not read (action `{name[:80]}`)",
                span=make.span,
                hint="Export the flow as Archy YAML instead.",
            )
        paths = given.get("paths") if isinstance(given.get("paths"), list) else [given.get("path")]
        filled = {
            PATHS.get(_text(path, "outputId"), _text(path, "outputId")): self.chain(
                sequence, _text(path, "nextActionId"), level + 1
            )
            for path in _dicts(paths)
            if _text(path, "nextActionId")
        }
        entries = [("name", make.text(name)), *fields(given, make, self.ref_of, filled)]
        if filled:
            outputs = make.table((path, make.one("actions", chain)) for path, chain in filled.items())
            entries.append(("outputs", outputs))
        return make.one(key, make.table(entries))


def _guessed_key(kind: str) -> str:
    """`FindQueueAction` -> `findQueue`: the rule that all known names follow but those in `KEYS`."""
    stem = kind.removesuffix("Action")
    return stem[:1].lower() + stem[1:]


def _division(document: dict[str, Any]) -> str:
    division = document.get("division")
    return _text(division, "name") if isinstance(division, dict) else _text(document, "division")


def _text(given: Any, key: str) -> str:
    value = given.get(key) if isinstance(given, dict) else None
    return value if isinstance(value, str) else ""


def _dicts(given: Any) -> list[dict[str, Any]]:
    return [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
