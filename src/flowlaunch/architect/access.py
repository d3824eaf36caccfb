"""Properties of values, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.codec import from_json, to_json
from flowlaunch.architect.functions.json_values import property_of
from flowlaunch.architect.types import Type
from flowlaunch.architect.values import NOT_SET, Currency, Json, NetworkObject, Opaque, PhoneNumber
from flowlaunch.errors import FlowRuntimeError, FlowTypeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["read_property"]

_TEXT: Final = Type("str")

_PHONE: Final[Mapping[str, Callable[[PhoneNumber], Any]]] = {
    "dialingcode": lambda value: value.dialing_code,
    "e164": lambda value: value.e164,
    "subscribernumber": lambda value: value.subscriber_number,
    "isglobal": lambda value: value.e164 is not NOT_SET,
    "issip": lambda value: value.scheme in {"sip", "sips"},
    "istel": lambda value: value.scheme == "tel",
    "raw": lambda value: value.raw,
    "scheme": lambda value: value.scheme,
    "uri": lambda value: value.uri,
}


def _of_object(value: NetworkObject, name: str) -> Any:
    properties = {key.lower(): item for key, item in value.properties.items()}
    low = name.lower()
    if low in properties:
        return properties[low]
    if low == "id":
        return value.id
    if low == "name" or (low == "username" and value.name):
        return value.name or NOT_SET
    return value.id if low in {"username", "display"} else NOT_SET


def _fitted(found: Any, of: Type, name: str) -> Any:
    """Read what an object was given with as the type its property has; phones and addresses come as JSON objects."""
    if found is NOT_SET or (of == _TEXT and isinstance(found, str)):
        return found
    try:
        return from_json(found.value if isinstance(found, Json) else to_json(found), of, where=f"property '{name}'")
    except FlowTypeError as error:
        raise FlowRuntimeError(error.message, hint=error.hint) from error


def read_property(value: Any, name: str, of: Type) -> Any:
    """Give a property of a value, of type `of`; what is missing is NOT_SET."""
    if isinstance(value, Json):
        return property_of(value, name)
    if isinstance(value, PhoneNumber):
        return _PHONE[name.lower()](value)
    if isinstance(value, Currency):
        return value.amount if name.lower() == "amount" else value.code
    if isinstance(value, NetworkObject):
        return _fitted(_of_object(value, name), of, name)
    return Opaque(value.kind, name) if isinstance(value, Opaque) else NOT_SET
