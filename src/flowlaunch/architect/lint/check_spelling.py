"""Checks of upper and lower case: where it matters and differs, and where it only reads badly."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flowlaunch.architect.actions.branch import FirstMatch
from flowlaunch.architect.actions.call_data import CallData
from flowlaunch.architect.actions.lookups import FindRow
from flowlaunch.architect.lint.finding import Hit
from flowlaunch.architect.lint.subject import nodes_of
from flowlaunch.architect.typed import tree_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flowlaunch.architect.flow import ActionRef
    from flowlaunch.architect.lint.subject import Subject
    from flowlaunch.architect.source import Span
    from flowlaunch.architect.typed import Typed

__all__ = ["key_case", "literal_case", "variable_case"]

_JSON_CALLS = frozenset({"GetJsonObjectProperty", "SetJsonObjectProperty"})


@dataclass(frozen=True, slots=True)
class _Use:
    """One use of a name that is case-sensitive; `group` tells what it is a name of."""

    group: str
    name: str
    span: Span | None
    ref: ActionRef | None


def key_case(subject: Subject) -> Iterator[Hit]:
    """Find JSON properties and data action fields that differ only by case from another use."""
    groups: dict[tuple[str, str], list[_Use]] = {}
    for use in (*_json_uses(subject), *_field_uses(subject)):
        groups.setdefault((use.group, use.name.lower()), []).append(use)
    for (group, _), found in groups.items():
        counts = Counter(use.name for use in found)
        if len(counts) < 2:
            continue
        usual = counts.most_common(1)[0][0]
        for name in counts:
            if name != usual:
                use = next(one for one in found if one.name == name)
                message = f"{group} is read as `{name}` here and as `{usual}` elsewhere"
                yield Hit(
                    "FL211", message, "These are different names; use the spelling of the data.", use.span, use.ref
                )


def _json_uses(subject: Subject) -> Iterator[_Use]:
    for action, root in subject.expressions():
        ref = None if action is None else action.ref
        for node in nodes_of(root):
            found = _json_name(node)
            if found is not None:
                target, name, span = found
                yield _Use(f"a property of {_origin(target)}", name, span, ref)


def _json_name(node: Typed) -> tuple[Typed, str, Span] | None:
    if node.kind in {"property", "index"} and node.overload is None and len(node.operands) == 2:
        name, target = node.operands
        if target.type.name == "jsn" and name.kind == "lit":
            return target, name.text, name.span
    if node.kind == "call" and node.key in _JSON_CALLS and len(node.operands) > 1 and node.operands[1].kind == "lit":
        return node.operands[0], node.operands[1].text, node.operands[1].span
    return None


def _origin(target: Typed) -> str:
    """Name where a JSON value comes from, so that only properties of one value are compared."""
    parts: list[str] = []
    while target.kind in {"property", "index"} and len(target.operands) == 2:
        name, target = target.operands
        parts.append(
            f".{name.text}" if name.kind == "lit" and target.type.name == "jsn" and name.type.name == "str" else "[]"
        )
    root = target.lookup if target.key in {"ref", "sysref"} else target.key
    return (target.written or root or "a JSON value") + "".join(reversed(parts))


def _field_uses(subject: Subject) -> Iterator[_Use]:
    for action in subject.actions:
        spec = action.spec
        if isinstance(spec, CallData):
            for name, given in spec.inputs:
                yield _Use(f'an input of data action "{spec.action}"', name, given.span, action.ref)
            for binding in spec.success:
                yield _Use(f'an output of data action "{spec.action}"', binding.name, binding.target.span, action.ref)
        elif isinstance(spec, FindRow):
            for binding in spec.found:
                yield _Use(f'a column of data table "{spec.table}"', binding.name, binding.target.span, action.ref)


@dataclass(frozen=True, slots=True)
class _Comparison:
    left: str
    shown: str
    literal: str
    place: int
    span: Span
    ref: ActionRef | None


def literal_case(subject: Subject) -> Iterator[Hit]:
    """Find one value that is compared with texts that differ only by case, in different places."""
    seen: dict[tuple[str, str], _Comparison] = {}
    for one in _comparisons(subject):
        first = seen.setdefault((one.left, one.literal.lower()), one)
        if first.literal != one.literal and first.place != one.place:
            message = f'{one.shown} is compared with "{one.literal}" here and with "{first.literal}" elsewhere'
            hint = "Use one spelling, or compare Lower(...) with a text in lower case."
            yield Hit("FL212", message, hint, one.span, one.ref)


def _comparisons(subject: Subject) -> Iterator[_Comparison]:
    """Give comparisons with a text; those of one expression, or of one switch, share a place: they are on purpose."""
    for place, (action, root) in enumerate(subject.expressions()):
        ref = None if action is None else action.ref
        for node in nodes_of(root):
            if node.kind == "binary" and node.key in {"==", "!="}:
                yield from _of_pair(node.operands, place, ref)
    for action in subject.actions:
        spec = action.spec
        if isinstance(spec, FirstMatch) and spec.value.expression is not None:
            left = spec.value.expression.root
            for case in spec.cases:
                if case.kind == "literal" and case.span is not None and case.type.name == "str":
                    yield _Comparison(
                        _same(left), left.written, case.text, -action.ref.number - 1, case.span, action.ref
                    )


def _of_pair(pair: Iterable[Typed], place: int, ref: ActionRef | None) -> Iterator[_Comparison]:
    left, right = pair
    for one, other in ((left, right), (right, left)):
        if other.kind == "lit" and other.type.name == "str" and one.kind != "lit" and other.text:
            yield _Comparison(_same(one), one.written or "the value", other.text, place, other.span, ref)


def _same(node: Typed) -> str:
    """Give a text that is equal for equal expressions."""
    if node.key in {"ref", "sysref"}:
        return node.lookup
    tree: Any = tree_of(node)
    return str(tree)


def variable_case(subject: Subject) -> Iterator[Hit]:
    """Find variables spelt in another case than they were declared, each once."""
    names = {one.key: one.variable.name for one in subject.declared()}
    told: set[tuple[str, str]] = set()
    for action, root in subject.expressions():
        for node in nodes_of(root):
            written = node.written.replace('"', "")
            declared = names.get(node.lookup) if node.key == "ref" else None
            if declared is None or written == declared or written.lower() != declared.lower():
                continue
            if (declared, written) not in told:
                told.add((declared, written))
                message = f"{declared} is spelt `{written}` here"
                ref = None if action is None else action.ref
                yield Hit("FL213", message, f"Write {declared}.", node.span, ref)
