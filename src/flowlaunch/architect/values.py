"""The values that expressions compute with.

Booleans, integers, decimals and strings are Python's own (`bool`, `int`, `decimal.Decimal`, `str`); a
date-time is an aware `datetime` in UTC with whole milliseconds; a collection is a tuple. The rest is below.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "NOT_SET",
    "PARTS",
    "Currency",
    "Duration",
    "Json",
    "NetworkObject",
    "NotSet",
    "Opaque",
    "PhoneNumber",
    "Value",
    "equal",
]


class NotSet(enum.Enum):
    """The one value that stands for "no value"; compare with `is NOT_SET`."""

    NOT_SET = "NOT_SET"

    def __repr__(self) -> str:
        return "NOT_SET"

    def __bool__(self) -> NoReturn:
        msg = "NOT_SET has no truth value; write `value is NOT_SET`"
        raise TypeError(msg)


NOT_SET: Final = NotSet.NOT_SET


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time in whole milliseconds; it may be negative."""

    milliseconds: int


@dataclass(frozen=True, slots=True)
class Currency:
    """An amount of money; the amount, the ISO 4217 code or both may be NOT_SET."""

    amount: Decimal | NotSet
    code: str | NotSet


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A telephone number or SIP address.

    Two numbers are equal when scheme, user and host agree, however they were written (`identity`).

    Attributes:
        raw: the text it was made from.
        scheme: `tel`, `sip` or `sips`.
        uri: the text as a URI with its scheme.
        e164: `+` and digits, or NOT_SET when the country is not known.
        subscriber_number: the digits after the dialing code, or the user part of a SIP address.
        dialing_code: the country's code without `+`, or NOT_SET.
        identity: what equality compares.

    """

    raw: str = field(compare=False)
    scheme: str = field(compare=False)
    uri: str = field(compare=False)
    e164: str | NotSet = field(compare=False)
    subscriber_number: str | NotSet = field(compare=False)
    dialing_code: str | NotSet = field(compare=False)
    identity: str


@dataclass(frozen=True, slots=True, eq=False)
class Json:
    """A JSON document: None, bool, int, float, Decimal, str, list or dict, nested.

    Numbers with a fraction that were parsed from text are `Decimal`, so no digit is lost. A document that was put
    together by functions knows its `size` (values in it) and `depth`; 0 means not measured.
    """

    value: Any
    size: int = 0
    depth: int = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Json) and _same_json(self.value, other.value)

    def __hash__(self) -> int:
        return hash(Json)  # 1, 1.0 and Decimal(1) are equal, at any depth


PARTS: Final = frozenset({"cpx_external_phone", "cpx_external_address"})
"""Kinds of object that are part of another one: they have neither id nor name, and are equal when all they hold is."""


@dataclass(frozen=True, slots=True)
class NetworkObject:
    """A user, queue, skill or other object of the organization; equal when kind and id agree.

    Attributes:
        kind: its type's name, e.g. `usr` or `que`.
        id: the object's id, or whatever names it when no id is known.
        name: what people call it.
        properties: further properties by name, e.g. `username`; values of the expression language.

    """

    kind: str
    id: str
    name: str = field(default="", compare=False)
    properties: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), compare=False)


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value that is carried and not interpreted: audio, a prompt, a communication, a format.

    Attributes:
        kind: its type's name, e.g. `aud`, `pmt`, `com`.
        text: what it would say or show, as text.

    """

    kind: str
    text: str


Scalar: TypeAlias = (
    bool
    | int
    | Decimal
    | str
    | datetime
    | date
    | time
    | Duration
    | Currency
    | PhoneNumber
    | Json
    | NetworkObject
    | Opaque
)
Value: TypeAlias = Scalar | NotSet | tuple[Any, ...]


def _same_json(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same_json(item, right[key]) for key, item in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same_json, left, right))
    return bool(left == right)


def equal(left: Value, right: Value) -> bool:
    """Tell whether `==` of the language holds: text exactly, numbers by value, NOT_SET equals NOT_SET."""
    if left is NOT_SET or right is NOT_SET:
        return left is right
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right)
