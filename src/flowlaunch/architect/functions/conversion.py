"""ToBool, ToInt, ToDecimal, ToString, ToDateTime, ToDuration, ToPhoneNumber and the hidden ToUser family."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from flowlaunch.architect.codec import currency_text
from flowlaunch.architect.functions.catalogue import Family
from flowlaunch.architect.functions.operators import amount_of
from flowlaunch.architect.iso import (
    checked_datetime,
    checked_duration,
    parse_date,
    parse_date_time,
    parse_duration,
    parse_time,
)
from flowlaunch.architect.numbers import (
    CONTEXT,
    MAX_INT,
    checked_decimal,
    checked_int,
    digits_of,
    round_half_away,
)
from flowlaunch.architect.phone import parse_phone_number
from flowlaunch.architect.render import joined, text_of
from flowlaunch.architect.values import (
    NOT_SET,
    Currency,
    Duration,
    Json,
    NetworkObject,
    NotSet,
    Opaque,
    PhoneNumber,
    Value,
)
from flowlaunch.errors import FlowRuntimeError

if TYPE_CHECKING:
    from collections.abc import Callable

_CAST: Final = Family("cast")

_INTEGER_RE: Final = re.compile(r"[+-]?[0-9]+")
_DECIMAL_RE: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_TRUE: Final = frozenset({"true", "t", "1"})
_FALSE: Final = frozenset({"false", "f", "0"})
_LONGEST_NUMBER: Final = 200


def _not_a(kind: str, text: str) -> FlowRuntimeError:
    shown = text if len(text) <= 80 else f"{text[:80]}..."
    return FlowRuntimeError(f'"{shown}" is not {kind}', hint="Test the text before it is converted.")


@_CAST.define("ToBool(valueToConvert: dec?) -> bln", "ToBool(valueToConvert: int?) -> bln")
def _number_to_bool(value: int | Decimal | NotSet) -> bool | NotSet:
    return NOT_SET if value is NOT_SET else value != 0


@_CAST.define("ToBool(valueToConvert: str?) -> bln")
def _text_to_bool(value: str | NotSet) -> bool | NotSet:
    word = "" if value is NOT_SET else value.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else NOT_SET


@_CAST.define("ToInt(valueToConvert: bln?) -> int")
def _bool_to_int(value: Any) -> int | NotSet:
    return NOT_SET if value is NOT_SET else int(value)


@_CAST.define("ToInt(valueToConvert: dec?) -> int")
def _decimal_to_int(value: Any) -> int | NotSet:
    return NOT_SET if value is NOT_SET else checked_int(int(value))


@_CAST.define("ToInt(valueToConvert: str?) -> int")
def text_to_int(value: str | NotSet) -> int | NotSet:
    """Read whole numbers; blank text is NOT_SET, anything else an error."""
    text = "" if value is NOT_SET else value.strip()
    if not text:
        return NOT_SET
    if len(text) > _LONGEST_NUMBER or not _INTEGER_RE.fullmatch(text):
        raise _not_a("an integer", text)
    return checked_int(int(text))


@_CAST.define("ToInt(valueToConvert: dur?) -> int")
def _duration_to_int(value: Duration | NotSet) -> int | NotSet:
    return NOT_SET if value is NOT_SET else value.milliseconds


@_CAST.define("ToDecimal(valueToConvert: bln?) -> dec", "ToDecimal(valueToConvert: int?) -> dec")
def _int_to_decimal(value: Any) -> Decimal | NotSet:
    return NOT_SET if value is NOT_SET else Decimal(int(value))


@_CAST.define("ToDecimal(valueToConvert: cur?) -> dec")
def _currency_to_decimal(value: Currency | NotSet) -> Decimal | NotSet:
    return NOT_SET if value is NOT_SET else value.amount


@_CAST.define("ToDecimal(valueToConvert: str?) -> dec")
def text_to_decimal(value: str | NotSet) -> Decimal | NotSet:
    """Read numbers; blank text is NOT_SET, anything else an error."""
    text = "" if value is NOT_SET else value.strip()
    if not text:
        return NOT_SET
    if len(text) > _LONGEST_NUMBER or not _DECIMAL_RE.fullmatch(text):
        raise _not_a("a decimal", text)
    return checked_decimal(CONTEXT.create_decimal(text))


@_CAST.define("ToDateTime(text: str?) -> dtm")
def _text_to_date_time(value: str | NotSet) -> datetime | NotSet:
    return parse_date_time(value) if value is not NOT_SET and value.strip() else NOT_SET


@_CAST.define("ToDateTime(valueToConvert: int?) -> dtm")
def _seconds_to_date_time(value: int | NotSet) -> datetime | NotSet:
    if value is NOT_SET:
        return NOT_SET
    try:
        return checked_datetime(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value))
    except OverflowError as error:
        raise FlowRuntimeError(f"{value:,} seconds after 1970 are outside the years 1800 to 2200") from error


@_CAST.define("ToDuration(valueToConvert: str?) -> dur")
def _text_to_duration(value: str | NotSet) -> Duration | NotSet:
    return parse_duration(value) if value is not NOT_SET and value.strip() else NOT_SET


@_CAST.define("ToDuration(valueToConvert: int?) -> dur")
def _milliseconds_to_duration(value: int | NotSet) -> Duration | NotSet:
    return NOT_SET if value is NOT_SET else checked_duration(value)


@_CAST.define("ToDate(valueToConvert: str?) -> dat")
def _text_to_date(value: str | NotSet) -> date | NotSet:
    return parse_date(value) if value is not NOT_SET and value.strip() else NOT_SET


@_CAST.define("ToDate(valueToConvert: dtm?) -> dat")
def _date_of(value: datetime | NotSet) -> date | NotSet:
    return NOT_SET if value is NOT_SET else value.date()


@_CAST.define("ToTime(valueToConvert: str?) -> tim")
def _text_to_time(value: str | NotSet) -> time | NotSet:
    return parse_time(value) if value is not NOT_SET and value.strip() else NOT_SET


@_CAST.define("ToTime(valueToConvert: dtm?) -> tim")
def _time_of(value: datetime | NotSet) -> time | NotSet:
    return NOT_SET if value is NOT_SET else value.time()


@_CAST.define("ToPhoneNumber(valueToConvert: str?) -> phn")
def _text_to_phone_number(value: str | NotSet) -> PhoneNumber | NotSet:
    return parse_phone_number(value) if value is not NOT_SET and value.strip() else NOT_SET


def _json_cast(
    signature: str,
    read_text: Callable[[Any], Value],
    from_bool: Callable[[bool], Value],
    from_number: Callable[[Any], Value],
) -> None:
    """Let a conversion take JSON: its text, boolean or number is converted; null is NOT_SET."""

    def convert(value: Json | NotSet) -> Value:
        if value is NOT_SET or value.value is None:
            return NOT_SET
        content = value.value
        if isinstance(content, bool):
            return from_bool(content)
        if isinstance(content, int | Decimal):
            return from_number(content)
        if isinstance(content, str):
            return read_text(content)
        raise FlowRuntimeError("a JSON object or array cannot be converted to a single value")

    _CAST.define(signature)(convert)


def _from_json_number(value: Any) -> Decimal:
    return checked_decimal(CONTEXT.create_decimal(value))


def _whole(value: Any) -> int:
    if not -MAX_INT <= value <= MAX_INT:
        raise FlowRuntimeError(f"the JSON number is beyond +-{MAX_INT:,}")
    return int(value)


def _refuse(value: Any) -> Value:
    raise FlowRuntimeError(f"the JSON value {str(value)[:40]} cannot be converted to this type")


_json_cast("ToBool(valueToConvert: jsn?) -> bln", _text_to_bool, lambda flag: flag, lambda number: number != 0)
_json_cast("ToInt(valueToConvert: jsn?) -> int", text_to_int, int, _whole)
_json_cast(
    "ToDecimal(valueToConvert: jsn?) -> dec", text_to_decimal, lambda flag: Decimal(int(flag)), _from_json_number
)
_json_cast(
    "ToDateTime(valueToConvert: jsn?) -> dtm", _text_to_date_time, _refuse, lambda n: _seconds_to_date_time(_whole(n))
)
_json_cast("ToDuration(valueToConvert: jsn?) -> dur", _text_to_duration, _refuse, lambda n: checked_duration(_whole(n)))
_json_cast("ToPhoneNumber(valueToConvert: jsn?) -> phn", _text_to_phone_number, _refuse, _refuse)

_KEPT: Final = {
    "ToBool": "bln", "ToInt": "int", "ToDecimal": "dec", "ToDateTime": "dtm", "ToDuration": "dur", "ToDate": "dat",
    "ToTime": "tim", "ToPhoneNumber": "phn", "ToSkill": "skl", "ToUser": "usr", "ToLanguageSkill": "lac",
    "ToQueue": "que", "ToGroup": "grp", "ToWrapupCode": "wrc", "ToSchedule": "sch", "ToScheduleGroup": "scg",
    "ToEmergencyGroup": "emg", "ToCurrency": "cur", "ToExternalContact": "cpx_external_contact",
}  # fmt: skip


@_CAST.define(
    *(f"{name}(valueToReturn: {code}?) -> {code}" for name, code in _KEPT.items()),
    *(f"{name}(valueToConvert: nts?) -> {code}" for name, code in _KEPT.items()),
)
def _keep(value: Value) -> Value:
    return value


@_CAST.define("ToString(valueToConvert: any?) -> str", "ToString(nullValue: nts?) -> str")
def _to_string(value: Value) -> str | NotSet:
    return text_of(value)


@_CAST.define("ToString(valueToConvert: any[]) -> str", "ToString(valueToConvert: any[], delimiter: str?) -> str")
def _list_to_string(items: tuple[Any, ...], delimiter: str | NotSet = "\n") -> str | NotSet:
    return text_of(items, "" if delimiter is NOT_SET else delimiter)


def _rounded(value: Decimal | Currency | NotSet, places: int) -> str | NotSet:
    if value is NOT_SET:
        return NOT_SET
    if isinstance(value, Currency):
        amount = NOT_SET if value.amount is NOT_SET else round_half_away(amount_of(value), places)
        return currency_text(Currency(amount, value.code), places)
    return format(round_half_away(value, places), f".{digits_of(places)}f")


@_CAST.define(
    "ToString(decimalValueToConvert: dec?, decimalPlaces: int) -> str",
    "ToString(currencyValueToConvert: cur?, decimalPlaces: int) -> str",
)
def _number_to_string(value: Any, places: int) -> str | NotSet:
    return _rounded(value, digits_of(places))


def _join_rounded(items: tuple[Any, ...], delimiter: str | NotSet, places: int) -> str:
    texts = (_rounded(item, digits_of(places)) for item in items)
    between = "" if delimiter is NOT_SET else delimiter
    return joined(("" if text is NOT_SET else text for text in texts), between)


@_CAST.define(
    "ToString(valueToConvert: dec[], decimalPlaces: int) -> str",
    "ToString(currencyCollectionToConvert: cur[]?, decimalPlaces: int) -> str",
)
def _numbers_to_string(items: tuple[Any, ...], places: int) -> str:
    return _join_rounded(items, "\n", places)


@_CAST.define(
    "ToString(valueToConvert: dec[], delimiter: str?, decimalPlaces: int) -> str",
    "ToString(currencyCollectionToConvert: cur[]?, delimiter: str?, decimalPlaces: int) -> str",
)
def _numbers_to_delimited_string(items: tuple[Any, ...], delimiter: str | NotSet, places: int) -> str:
    return _join_rounded(items, delimiter, places)


def _define_object_cast(name: str, code: str, by: str) -> None:
    def convert(host: Any, text: str | NotSet) -> Value:
        if text is NOT_SET or not text.strip():
            return NOT_SET
        found: Value = host.find(code, text, by)
        return NetworkObject(code, text, text) if found is NOT_SET else found

    _CAST.define(f"{name}(name: str?) -> {code}", needs_host=True, is_hidden=True)(convert)


_OBJECT_CASTS: Final = (
    ("ToUser", "usr", "email"), ("ToSkill", "skl", "name"), ("ToLanguageSkill", "lac", "name"),
    ("ToQueue", "que", "name"), ("ToGroup", "grp", "name"), ("ToWrapupCode", "wrc", "name"),
    ("ToSchedule", "sch", "name"), ("ToScheduleGroup", "scg", "name"), ("ToEmergencyGroup", "emg", "name"),
)  # fmt: skip
for _cast in _OBJECT_CASTS:
    _define_object_cast(*_cast)


@_CAST.define("ToDisplayString(value: any?) -> str", "ToDisplayString(value: any[]) -> str")
def _to_display_string(value: Value) -> str | NotSet:
    return text_of(value, ", ")


def text_to_say(value: Value) -> str:
    """Give the text that stands for a value in what is said or shown."""
    if isinstance(value, Opaque):
        return value.text
    text = text_of(value, ", ")
    return "" if text is NOT_SET else text
