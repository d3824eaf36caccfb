"""JSON documents to typed values and back.

Which JSON stands for which type (anything else is refused, naming the place):

* boolean, string, JSON: themselves; integer: a whole number, also written 5.0; decimal: a number;
* date-time, date, time, duration, phone number: text (`2009-01-10T06:30:00Z`, `PT1H`, `+13178723000`); a
  duration also as whole milliseconds;
* currency: `{"amount": 10.5, "code": "USD"}` or `"10.50|USD"`;
* network objects: their id as text, or `{"id": ..., "name": ...}`.

null is NOT_SET, and an empty collection for a collection. The forms of all but the first group are a guess: the
platform's schema is not public.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from flowlaunch.architect.iso import (
    checked_duration,
    date_time_text,
    duration_text,
    parse_date,
    parse_date_time,
    parse_duration,
    parse_time,
    time_text,
)
from flowlaunch.architect.numbers import CONTEXT, MAX_INT, decimal_text
from flowlaunch.architect.phone import parse_phone_number
from flowlaunch.architect.values import (
    NOT_SET,
    PARTS,
    Currency,
    Duration,
    Json,
    NetworkObject,
    NotSet,
    Opaque,
    PhoneNumber,
    Value,
)
from flowlaunch.errors import FlowRuntimeError, FlowTypeError

if TYPE_CHECKING:
    from flowlaunch.architect.types import Type

__all__ = ["from_json", "json_ready", "to_json"]

_OPAQUE_KINDS: Final = frozenset({"aud", "pmt", "com", "apa"})
_MAX_JSON_DEPTH: Final = 200


def from_json(value: Any, of: Type, *, where: str = "value") -> Value:
    """Read a JSON-able value as a value of type `of`.

    Args:
        value: what `json.loads` gives; `Decimal` is accepted for numbers.
        of: the type wanted.
        where: how messages call the place, e.g. `input Flow.count`.

    Raises:
        FlowTypeError: the JSON does not fit the type; the message says what was found and what fits.

    """
    if of.is_collection:
        if value is None:
            return ()
        if not isinstance(value, list | tuple):
            raise _misfit(value, of, where)
        item_type = of.item
        return tuple(from_json(item, item_type, where=f"{where}[{index}]") for index, item in enumerate(value))
    if value is None:
        return NOT_SET
    read = _READERS.get(of.name)
    try:
        result = read(value) if read else _read_object(value, of)
    except (FlowRuntimeError, InvalidOperation, RecursionError) as error:
        raise _misfit(value, of, where, hint=getattr(error, "hint", None)) from error
    if result is None:
        raise _misfit(value, of, where)
    return result


def _misfit(value: Any, of: Type, where: str, hint: str | None = None) -> FlowTypeError:
    shown = reprlib.repr(value)
    found = _JSON_NAMES.get(type(value), type(value).__name__)
    wanted = _WANTED.get(of.name, "an id as text, or an object with `id` and `name`")
    wanted = f"a list; each item {wanted}" if of.is_collection else wanted
    return FlowTypeError(f"{where} must be {of.noun}, but is {found} {shown}", hint=hint or f"Give {wanted}.")


_JSON_NAMES: Final[Mapping[type, str]] = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "text",
    list: "list",
    dict: "object",
}
_WANTED: Final = {
    "bln": "true or false",
    "int": f"a whole number between -{MAX_INT} and {MAX_INT}",
    "dec": "a number",
    "str": "text",
    "dtm": 'text like "2009-01-10T06:30:00Z"',
    "dat": 'text like "2009-01-10"',
    "tim": 'text like "06:30:00"',
    "dur": 'text like "PT1H30M", or whole milliseconds',
    "cur": 'an object like {"amount": 10.5, "code": "USD"}, or text like "10.50|USD"',
    "phn": 'text like "+13178723000"',
}


def _read_bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _read_int(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if not -MAX_INT <= value <= MAX_INT:
        return None
    number = int(value)
    return number if number == value else None


def _read_decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if isinstance(value, int) and abs(value) >= 10**40:
        return None
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return CONTEXT.plus(number) if number.is_finite() else None


def _read_str(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _read_json(value: Any) -> Json:
    return Json(_exact(value, 0))


def _exact(value: Any, depth: int) -> Any:
    if depth > _MAX_JSON_DEPTH:
        raise FlowRuntimeError(f"JSON is nested more than {_MAX_JSON_DEPTH} deep")
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, Mapping):
        return {str(key): _exact(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(item, depth + 1) for item in value]
    return value


def _from_text(parse: Callable[[str], Value]) -> Callable[[Any], Value | None]:
    def read(value: Any) -> Value | None:
        return parse(value) if isinstance(value, str) else None

    return read


def _read_duration(value: Any) -> Duration | None:
    if isinstance(value, str):
        return parse_duration(value)
    number = _read_int(value)
    return None if number is None else checked_duration(number)


def parse_currency(text: str) -> Currency:
    """Read `10.50|USD`; either side may be missing."""
    amount_text, _, code = text.partition("|")
    try:
        amount = CONTEXT.create_decimal(amount_text.strip()) if amount_text.strip() else NOT_SET
    except InvalidOperation as error:
        raise FlowRuntimeError(f'"{text[:80]}" is not a currency', hint="Write it like 10.50|USD.") from error
    if isinstance(amount, Decimal) and not amount.is_finite():
        raise FlowRuntimeError(f'"{text[:80]}" is not a currency', hint="Write it like 10.50|USD.")
    return Currency(amount, code.strip() or NOT_SET)


def _read_currency(value: Any) -> Currency | None:
    if isinstance(value, str):
        return parse_currency(value)
    if not isinstance(value, Mapping) or not value.keys() <= {"amount", "code"}:
        return None
    amount, code = value.get("amount"), value.get("code")
    number = NOT_SET if amount is None else _read_decimal(amount)
    if number is None or not (code is None or isinstance(code, str)):
        return None
    return Currency(number, code or NOT_SET)


def _read_object(value: Any, of: Type) -> Value | None:
    if of.name in _OPAQUE_KINDS:
        return Opaque(of.name, value) if isinstance(value, str) else None
    if isinstance(value, str):
        return NetworkObject(of.name, value, value)
    if not isinstance(value, Mapping):
        return None
    if of.name in PARTS:
        return NetworkObject(of.name, repr(sorted(value.items(), key=str)), "", _properties(value))
    if not isinstance(value.get("id", value.get("name")), str):
        return None
    name = str(value.get("name", ""))
    return NetworkObject(of.name, str(value.get("id", name)), name, _properties(value))


def _properties(value: Mapping[Any, Any]) -> Mapping[str, Value]:
    rest = {str(key): plain_value(item) for key, item in value.items() if key not in {"id", "name"}}
    return MappingProxyType(rest)


def plain_value(value: Any) -> Value:
    """Give the value of a JSON document of no declared type: scalars as themselves, the rest as JSON."""
    if value is None:
        return NOT_SET
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, bool | int | str | Decimal):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return _read_json(value)


_READERS: Final[Mapping[str, Callable[[Any], Value | None]]] = {
    "bln": _read_bool,
    "int": _read_int,
    "dec": _read_decimal,
    "str": _read_str,
    "jsn": _read_json,
    "dtm": _from_text(parse_date_time),
    "dat": _from_text(parse_date),
    "tim": _from_text(parse_time),
    "dur": _read_duration,
    "phn": _from_text(parse_phone_number),
    "cur": _read_currency,
    "any": plain_value,
}


def to_json(value: Value, of: Type | None = None) -> Any:
    """Write a value as JSON: the reverse of `from_json`. NOT_SET is null; decimals are numbers.

    Args:
        value: the value.
        of: its type; reserved, the value says enough.

    """
    del of
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    write = _WRITERS.get(type(value))
    return write(value) if write else value


def json_ready(value: Any) -> Any:
    """Turn the decimals inside a JSON document into numbers that `json.dumps` knows."""
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, dict):
        return {key: json_ready(item) for key, item in value.items()}
    if isinstance(value, list):
        return [json_ready(item) for item in value]
    return value


def _number(value: Decimal) -> float:
    return float(value)


def _write_currency(value: Currency) -> dict[str, Any]:
    return {"amount": to_json(value.amount), "code": to_json(value.code)}


def _write_object(value: NetworkObject) -> dict[str, Any]:
    rest = {key: to_json(cast("Value", item)) for key, item in value.properties.items()}
    if value.kind in PARTS:
        return rest
    return {"id": value.id, "name": value.name, **rest}


_WRITERS: Final[Mapping[type, Callable[[Any], Any]]] = {
    NotSet: lambda _: None,
    Decimal: _number,
    datetime: date_time_text,
    date: lambda value: value.isoformat(),
    time: time_text,
    Duration: duration_text,
    Currency: _write_currency,
    PhoneNumber: lambda value: value.raw if value.e164 is NOT_SET else value.e164,
    Json: lambda value: json_ready(value.value),
    NetworkObject: _write_object,
    Opaque: lambda value: value.text,
}


def currency_text(value: Currency, places: int | None = None) -> str:
    """Write `10.50|USD`; an amount or code that is NOT_SET leaves its side empty."""
    code = "" if value.code is NOT_SET else value.code
    amount = "" if value.amount is NOT_SET else decimal_text(value.amount, 2 if places is None else places)
    return f"{amount}|{code}"
