"""Parsed expressions to typed trees: names are found, overloads chosen, types worked out."""

from __future__ import annotations

import difflib
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from flowlaunch.architect.builtins import builtin_names, find_builtin, is_own_scope, is_system_scope
from flowlaunch.architect.functions import FAMILIES
from flowlaunch.architect.functions.catalogue import find_overloads, suggest_function
from flowlaunch.architect.overloads import choose, refuse_call
from flowlaunch.architect.properties import find_property, property_names
from flowlaunch.architect.syntax import (
    Binary,
    Call,
    Conditional,
    Index,
    Literal,
    Name,
    Node,
    NotSetLiteral,
    Property,
    Unary,
)
from flowlaunch.architect.typed import Typed
from flowlaunch.architect.types import Type
from flowlaunch.errors import FlowNameError, FlowTypeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowlaunch.architect.expressions import Scope
    from flowlaunch.architect.functions.catalogue import Overload
    from flowlaunch.architect.source import Span

__all__ = ["CATALOGUE_FAMILIES", "check", "convert_root"]

CATALOGUE_FAMILIES: Final = FAMILIES
"""Imported so that the catalogue is filled before anything is checked."""

_UNTYPED: Final = Type("nts")
_STR: Final = Type("str")
_ANY: Final = Type("any")


def check(node: Node, scope: Scope) -> Typed:
    """Give the typed tree of an expression.

    Raises:
        FlowNameError: an unknown variable, function or property.
        FlowTypeError: operands or arguments that no overload takes.

    """
    return _Checker(scope).check(node)


class _Checker:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def check(self, node: Node) -> Typed:
        spine: list[Binary] = []
        while isinstance(node, Binary):
            spine.append(node)
            node = node.left
        typed = self.one(node)
        for above in reversed(spine):
            typed = self.binary(above, typed)
        return typed

    def one(self, node: Node) -> Typed:  # noqa: PLR0911  # one line a kind of node
        match node:
            case Literal():
                return self.literal(node)
            case NotSetLiteral():
                return Typed("nul", "nul", _UNTYPED, node.span, written="NOT_SET")
            case Name():
                return self.variable(node, [node.name])
            case Property():
                return self.property(node)
            case Index():
                return self.index(node)
            case Call():
                return self.call(node)
            case Unary():
                return self.unary(node)
            case Conditional():
                parts = [self.check(part) for part in (node.condition, node.when_true, node.when_false)]
                return self.apply("?", "ternary", "?", node.span, node.span, parts)
            case Binary():
                return self.check(node)

    def literal(self, node: Literal) -> Typed:
        if isinstance(node.value, str):
            return Typed("lit", "lit", _STR, node.span, text=node.value, value=node.value)
        name = "bln" if isinstance(node.value, bool) else "int" if isinstance(node.value, int) else "dec"
        return Typed("lit", "lit", Type(name), node.span, text=node.text, value=node.value, written=node.text)

    def variable(self, node: Name | Property, names: list[str]) -> Typed:
        name = ".".join(names)
        found = self.scope.find(name)
        builtin = find_builtin(name)
        found = found or builtin
        if found is None:
            raise self.unknown_variable(name, node.span)
        is_own = is_own_scope(name) and (builtin is None or found[1].name == "pmt")
        key = "ref" if is_own or (builtin is None and not is_system_scope(name)) else "sysref"
        written = _written(node)
        return Typed(key, key, found[1], node.span, text=written, written=written, lookup=found[0].lower())

    def unknown_variable(self, name: str, span: Span) -> FlowNameError:
        known = {known.lower(): known for known in (*self.scope.names(), *builtin_names())}
        close = difflib.get_close_matches(name.lower()[:200], known, n=1, cutoff=0.6)
        if not close and "." in name:
            same = [low for low in known if low.partition(".")[2] == name.lower().partition(".")[2]]
            close = same[:1]
        hint = f"Did you mean `{known[close[0]]}`?" if close else "Declare the variable, or correct its name."
        if name.lower() == "null":
            hint = "Write NOT_SET for no value."
        elif name.lower() in {"true", "false", "not_set"}:
            hint = f"Write `{'NOT_SET' if name.lower() == 'not_set' else name.lower()}` exactly so."
        return FlowNameError(f"there is no variable `{_short(name)}`", span=span, hint=hint)

    def property(self, node: Property) -> Typed:
        links: list[Property] = []
        target: Node = node
        while isinstance(target, Property):
            links.append(target)
            target = target.target
        links.reverse()
        if isinstance(target, Name):
            first = links.pop(0)
            if self.scope.find(f"{target.name}.{first.name}") or not self.scope.find(target.name):
                typed = self.variable(first, [target.name, first.name])
            else:
                links.insert(0, first)
                typed = self.variable(target, [target.name])
        else:
            typed = self.check(target)
        for link in links:
            typed = self.link(typed, link)
        return typed

    def link(self, target: Typed, node: Property) -> Typed:
        canonical, of = self.find_property(target, node.name, node.name_span)
        name = Typed("lit", "lit", _STR, node.name_span, text=canonical, value=canonical)
        written = node.name_span.text
        return Typed("property", ".", of, node.span, operands=(name, target), written=written, text=node.name)

    def find_property(self, target: Typed, name: str, span: Span) -> tuple[str, Type]:
        found = find_property(target.type, name)
        if found is not None:
            return found
        known = {known.lower(): known for known in property_names(target.type)}
        close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
        if not close and target.type.name.startswith("cpx_") and not target.type.is_collection:
            return name, _STR  # what is known of these objects is incomplete
        hint = f"Did you mean `{known[close[0]]}`?" if close else ""
        if not hint:
            names = ", ".join(known.values())
            hint = f"It has: {names}." if names else f"Values of type {target.type.title} have no properties."
        if target.type.is_collection:
            hint = "Take one item first: collection[0]."
        raise FlowNameError(f"{target.type.noun} has no property `{_short(name)}`", span=span, hint=hint)

    def index(self, node: Index) -> Typed:
        target = self.check(node.target)
        index = self.check(node.index)
        if index.type == _STR and not target.type.is_collection:
            of = Type("jsn")
            if target.type != of:
                if index.kind != "lit":
                    message = "the name of a property must be written as text here"
                    raise FlowTypeError(message, span=index.span, hint='Write it like x["name"].')
                canonical, of = self.find_property(target, index.text, index.span)
                index = replace(index, text=canonical, value=canonical)
            return Typed("index", "[", of, node.span, operands=(index, target), text=index.text)
        overloads = find_overloads("[")
        chosen = choose(overloads, (index, target))
        if chosen is None:
            raise self.refuse_index(target, index)
        overload, of, _ = chosen
        return Typed("index", "[", of, node.span, operands=(index, target), overload=overload)

    @staticmethod
    def refuse_index(target: Typed, index: Typed) -> FlowTypeError:
        if target.type.is_collection or target.type.name == "jsn":
            message = f"an index must be an Integer, but is {index.type.noun}"
            return FlowTypeError(message, span=index.span, hint="Convert it: ToInt(...).")
        message = f"only collections have items, but this is {target.type.noun}"
        return FlowTypeError(message, span=target.span, hint="Split(text, delimiter) makes a collection of a text.")

    def call(self, node: Call) -> Typed:
        overloads = find_overloads(node.name)
        if not overloads:
            close = suggest_function(node.name)
            hint = f"Did you mean `{close}`?" if close else "See the list of functions in the language reference."
            raise FlowNameError(f"there is no function `{_short(node.name)}`", span=node.name_span, hint=hint)
        arguments = [self.check(argument) for argument in node.arguments]
        return self.apply(overloads[0].name, "call", overloads[0].name, node.span, node.name_span, arguments)

    def unary(self, node: Unary) -> Typed:
        operand = self.check(node.operand)
        if node.operator == "-" and _is_number_beside(node, operand):
            text = f"-{operand.written}"
            value = -operand.value if isinstance(operand.value, int | Decimal) else operand.value
            return replace(operand, span=node.span, text=text, written=text, value=value)
        key = "-x" if node.operator == "-" else node.operator
        typed = self.apply(key, "unary", node.operator, node.span, node.operator_span, [operand])
        return replace(typed, key=node.operator)

    def binary(self, node: Binary, left: Typed) -> Typed:
        right = self.check(node.right)
        name = node.operator.lower()
        typed = self.apply(name, "binary", node.operator, node.span, node.operator_span, [left, right])
        return replace(typed, key=node.operator)

    def apply(self, name: str, kind: str, written: str, span: Span, blamed: Span, arguments: Sequence[Typed]) -> Typed:
        overloads = find_overloads(name)
        chosen = choose(overloads, arguments)
        if chosen is None:
            shown = {"-x": "-", "?": "? :"}.get(name, name)
            raise refuse_call(shown, blamed, overloads, arguments)
        overload, of, taken = chosen
        operands = tuple(
            replace(argument, type=as_type) if argument.type == _UNTYPED else argument
            for argument, as_type in zip(arguments, taken, strict=True)
        )
        return Typed(kind, name, of, span, operands=operands, overload=overload, written=written)


def _short(name: str) -> str:
    return name if len(name) <= 100 else f"{name[:97]}..."


def _written(node: Name | Property) -> str:
    if isinstance(node, Name):
        return node.name
    target = node.target
    prefix = target.name if isinstance(target, Name) else ""
    return f"{prefix}.{node.name_span.text}"


def _is_number_beside(node: Unary, operand: Typed) -> bool:
    if operand.kind != "lit" or operand.type.name not in {"int", "dec"} or operand.written.startswith("-"):
        return False
    between = node.span.source.text[node.operator_span.end : operand.span.start]
    return not between.strip()


_CASTS: Final = {
    "str": "ToString", "int": "ToInt", "dec": "ToDecimal", "bln": "ToBool", "dtm": "ToDateTime", "dur": "ToDuration",
    "phn": "ToPhoneNumber", "cur": "ToCurrency", "jsn": "ToJson", "com": "ToCommunication", "dat": "ToDate",
    "tim": "ToTime", "usr": "ToUser", "que": "ToQueue", "skl": "ToSkill", "lac": "ToLanguageSkill", "grp": "ToGroup",
    "wrc": "ToWrapupCode",
}  # fmt: skip
_AUDIO_CASTS: Final = {
    "str": "ToAudioTTS", "int": "ToAudioNumber", "dec": "ToAudioNumber", "bln": "ToAudioBool", "pmt": "ToAudio",
    "dur": "ToAudioDuration", "phn": "ToAudioPhoneNumber", "cur": "ToAudioCurrency", "dtm": "ToAudioDateTime",
}  # fmt: skip


def convert_root(node: Typed, want: Type | None) -> Typed:
    """Wrap a whole expression in the conversion to the type of its slot, the one conversion Architect makes.

    Raises:
        FlowTypeError: there is no such conversion.

    """
    if want is None or want == node.type or (want.name == "any" and want.is_collection == node.type.is_collection):
        return replace(node, type=_STR) if node.type == _UNTYPED else node
    if node.type == _UNTYPED and not want.is_collection:
        return replace(node, type=want)
    cast = _AUDIO_CASTS.get(node.type.name) if want.name in {"aud", "apa"} else _CASTS.get(want.name)
    cast = ("ToJsonCollection" if want.name == "jsn" else None) if want.is_collection else cast
    overloads: tuple[Overload, ...] = tuple(
        overload for overload in (find_overloads(cast) if cast else ()) if not overload.is_hidden
    )
    chosen = choose(overloads, (node,))
    if chosen is None:
        message = f"this must be {want.noun}, but is {node.type.noun}"
        hint = "Take one item first: collection[0]." if node.type.is_collection else ""
        raise FlowTypeError(message, span=node.span, hint=hint)
    overload, of, _ = chosen
    return Typed("call", overload.name, of, node.span, operands=(node,), overload=overload, written=overload.name)
