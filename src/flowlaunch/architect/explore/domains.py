"""Values worth trying for each variable of a flow: what its expressions compare with, and the edges of its type."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from flowlaunch.architect.actions.branch import FirstMatch
from flowlaunch.architect.actions.data import UpdateData
from flowlaunch.architect.actions.loops import Loop
from flowlaunch.architect.codec import to_json
from flowlaunch.architect.given import Given
from flowlaunch.architect.standalone import StillHost
from flowlaunch.errors import FlowError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from flowlaunch.architect.flow import Flow, Spec
    from flowlaunch.architect.typed import Typed
    from flowlaunch.architect.types import Type

    Pick = Callable[[tuple[Any, ...]], int]

__all__ = ["Domains", "edges_of"]

Chain: TypeAlias = tuple[str, tuple[str, ...]]
"""A variable in lower case and the properties read of it, e.g. `("flow.event", ("body", "action"))`."""

_EDGES: Final[Mapping[str, tuple[Any, ...]]] = {
    "bln": (True, False),
    "int": (1, 0, 2, -1, 100),
    "dec": (1.5, 0.0, -2.5, 100.0),
    "str": ("text", "", "12345", "+13175550100", "2026-01-05T09:00:00Z"),
    "dtm": ("2026-01-05T09:00:00Z", "2026-07-04T22:30:00Z"),
    "dat": ("2026-01-05",),
    "tim": ("09:00:00",),
    "dur": ("PT5M", "PT0S"),
    "phn": ("+13175550100",),
    "cur": ({"amount": 10.5, "code": "USD"},),
    "jsn": ({},),
    "any": ("text", 1),
}
_MAX_CANDIDATES: Final = 40
_ROUNDS: Final = 4


def edges_of(of: Type) -> tuple[Any, ...]:
    """Give values of a type that often matter; null (NOT_SET) comes last."""
    found = _EDGES.get(of.name, ({"id": "id-1", "name": "Some name"},))
    if of.is_collection:
        return ([found[0]], [found[0], found[-1], found[0]], [])
    return (*found, None)


@dataclass(slots=True)
class Domains:
    """Candidates by variable and, for JSON, by the properties read of it.

    Attributes:
        parsed: variables that hold JSON as text.

    """

    found: dict[str, dict[tuple[str, ...], list[Any]]] = field(default_factory=lambda: defaultdict(dict))
    parsed: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, flows: Iterable[Flow]) -> Domains:
        """Read the expressions of flows; what a variable is compared with reaches those it was computed from."""
        domains = cls()
        specs = [action.spec for flow in flows for action in flow.actions()]
        for spec in specs:
            for given in _givens(spec):
                domains._read(given)
            if isinstance(spec, FirstMatch):
                for case in spec.cases:
                    domains._add_all(_chains(spec.value), _constants(case))
            if isinstance(spec, Loop):
                domains._add_all(_chains(spec.count), [2])
        for _ in range(_ROUNDS):
            for spec in specs:
                if isinstance(spec, UpdateData):
                    domains._push_back(spec)
        return domains

    def choose(self, variable: str, of: Type, pick: Pick, key: tuple[Any, ...]) -> Any:
        """Choose a value for a variable by genes; in a JSON document every property read has a gene of its own."""
        name = variable.lower()
        inner = {path: values for path, values in self.found.get(name, {}).items() if path}
        is_json = of.name == "jsn" or name in self.parsed
        if not is_json or of.is_collection or not inner or pick((*key, "form")) % 8 == 7:
            options = self.candidates(variable, of)
            return options[pick(key) % len(options)]
        document = _document(inner, lambda path: pick((*key, *path)))
        return json.dumps(document) if name in self.parsed else document

    def candidates(self, variable: str, of: Type) -> tuple[Any, ...]:
        """Give the values worth trying for a variable, as JSON."""
        paths = self.found.get(variable.lower(), {})
        if of.name == "jsn" and not of.is_collection:
            return self._documents(paths)
        if variable.lower() in self.parsed and not of.is_collection:
            return (*(json.dumps(document) for document in self._documents(paths)), "{}", "no JSON", None)
        own = [fitted for value in paths.get((), []) for fitted in _fitted(value, of)]
        if of.name == "str":
            own += [f"sip:+13175550100@{value}.example" for value in own if isinstance(value, str) and value.isalnum()]
        if of.is_collection:
            lists = [[value] for value in own] + ([own] if len(own) > 1 else [])
            return _unique((*lists, *edges_of(of)))
        return _unique((*own, *edges_of(of)))

    def _documents(self, paths: Mapping[tuple[str, ...], list[Any]]) -> tuple[Any, ...]:
        """Build JSON documents that have every property read, each with one of its candidates."""
        whole = [value for value in paths.get((), []) if isinstance(value, dict | list)]
        inner = {path: values for path, values in paths.items() if path}
        if not inner:
            return _unique((*whole, {}, {"id": "id-1", "name": "text"}, [], None))
        widest = max((len(values) for values in inner.values()), default=0)
        documents = [_document(inner, _always(index)) for index in range(min(widest + 1, _MAX_CANDIDATES))]
        return _unique((*documents, *whole, {}, None))

    def leaves(self, variable: str) -> Mapping[tuple[str, ...], list[Any]]:
        """Give the properties read of a JSON variable, each with its candidates."""
        return {path: [*values, "text", 1] for path, values in self.found.get(variable.lower(), {}).items() if path}

    def _read(self, given: Given) -> None:
        if given.expression is None:
            return
        root = given.expression.root
        constants = [value for node in _nodes(root) if node.kind == "lit" for value in _around(node.value)]
        chains = list(_chains_in(root, self.parsed))
        self._add_all(chains, constants)

    def _push_back(self, spec: UpdateData) -> None:
        for target, given in spec.statements:
            if given.expression is None:
                continue
            known = self.found.get(target.key, {})
            for variable, path in list(_chains_in(given.expression.root, self.parsed)):
                for deeper, values in list(known.items()):
                    self._add((variable, path + deeper), values)

    def _add_all(self, chains: Iterable[Chain], values: Iterable[Any]) -> None:
        listed = list(values)
        for chain in chains:
            self._add(chain, listed)

    def _add(self, chain: Chain, values: Iterable[Any]) -> None:
        variable, path = chain
        held = self.found[variable].setdefault(path, [])
        for value in values:
            if len(held) < _MAX_CANDIDATES and not any(type(one) is type(value) and one == value for one in held):
                held.append(value)


def _always(index: int) -> Callable[[tuple[str, ...]], int]:
    return lambda _path: index


def _document(inner: Mapping[tuple[str, ...], list[Any]], index_of: Callable[[tuple[str, ...]], int]) -> dict[str, Any]:
    """Build a document that has every property read; `index_of` says which candidate each takes."""
    document: dict[str, Any] = {}
    for path, values in sorted(inner.items(), key=lambda pair: len(pair[0])):
        place = document
        for step in path[:-1]:
            following = place.get(step)
            if not isinstance(following, dict):
                following = place[step] = {}
            place = following
        if not isinstance(place.get(path[-1]), dict):
            options = [*values, "text", 1]
            place[path[-1]] = options[index_of(path) % len(options)]
    return document


def _fitted(value: Any, of: Type) -> Iterator[Any]:
    """Turn a constant into a value of the variable's type, if one comes to mind."""
    name = of.name
    if name == "str":
        yield value if isinstance(value, str) else json.dumps(value)
    elif name == "bln" and isinstance(value, bool):
        yield value
    elif name in {"int", "dec"} and isinstance(value, int | float) and not isinstance(value, bool):
        yield int(value) if name == "int" else float(value)
    elif name == "any":
        yield value
    elif name in {"usr", "que", "skl", "grp", "cpx_external_contact"} and isinstance(value, str):
        yield {"id": value, "name": value}


def _unique(values: Iterable[Any]) -> tuple[Any, ...]:
    seen: dict[str, Any] = {}
    for value in values:
        seen.setdefault(json.dumps(value, sort_keys=True), value)
    return tuple(seen.values())


def _around(value: Any) -> list[Any]:
    """Give a constant and, of a number, its neighbours."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return [value] if isinstance(value, bool | str) else []
    number = value if isinstance(value, int) else float(value)
    return [number, number + 1, number - 1]


def _constants(given: Given) -> list[Any]:
    """Give the literals of a value, and what it comes to if it needs no variable and no clock."""
    root = None if given.expression is None else given.expression.root
    literals = [value for node in _nodes(root) if node.kind == "lit" for value in _around(node.value)] if root else []
    if root is not None and any(node.kind in {"ref", "sysref"} for node in _nodes(root)):
        return literals
    try:
        value = to_json(given.evaluate({}, StillHost()))
    except FlowError:
        return literals
    return literals if value is None or value in literals else [*literals, value]


def _givens(spec: Spec) -> Iterator[Given]:
    """Give every value field of a spec, however deep in tuples."""
    pending: list[Any] = [getattr(spec, one.name) for one in fields(spec)] if is_dataclass(spec) else []
    while pending:
        value = pending.pop()
        if isinstance(value, Given):
            yield value
        elif isinstance(value, tuple):
            pending.extend(value)


def _chains(given: Given) -> list[Chain]:
    return [] if given.expression is None else list(_chains_in(given.expression.root, set()))


def _nodes(root: Typed) -> Iterator[Typed]:
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(node.operands)


def _chains_in(root: Typed, parsed: set[str]) -> Iterator[Chain]:
    """Give the outermost chains of an expression: `Flow.event.body.action` once, not its parts as well."""
    pending = [root]
    while pending:
        node = pending.pop()
        chain = _chain(node, parsed)
        if chain is not None:
            yield chain
        else:
            pending.extend(node.operands)


def _chain(node: Typed, parsed: set[str]) -> Chain | None:
    """Read a variable, its properties and items, through JsonParse and GetJsonObjectProperty."""
    steps: list[str] = []
    while True:
        if node.kind == "ref":
            return node.lookup, tuple(reversed(steps))
        name = node.key.lower()
        if node.kind in {"property", "index"} and len(node.operands) == 2:
            first, inner = node.operands
            if first.kind == "lit" and isinstance(first.value, str):
                steps.append(first.value)
            node = inner
        elif name == "getjsonobjectproperty" and len(node.operands) >= 2 and node.operands[1].kind == "lit":
            steps.append(str(node.operands[1].value))
            node = node.operands[0]
        elif name in {"jsonparse", "tojson"} and node.operands:
            inner = node.operands[0]
            if name == "jsonparse" and inner.kind == "ref":
                parsed.add(inner.lookup)
            node = inner
        else:
            return None
