"""Cells as the types that a flow's inputs declare: one rule a type, and a cure for what does not fit."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_INTEGER: Final = re.compile(r"[+-]?\d+", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_THOUSANDS: Final = re.compile(r"[+-]?\d{1,3}([ ,.'\u00a0\u202f]\d{3})+([.,]\d+)?", re.ASCII)
_WORDS: Final = {
    **dict.fromkeys(("true", "yes", "y", "1", "on"), True),
    **dict.fromkeys(("false", "no", "n", "0", "off"), False),
}


class UnconvertibleError(ValueError):
    """A cell that does not fit its input: what was expected, and the cure."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.cure = cure


@dataclass(frozen=True, slots=True)
class Formats:
    """How cells write what has several forms: the decimal mark, items of a list, days, and the zone of times."""

    decimal: str = "."
    separator: str = ";"
    date_format: str | None = None
    time_zone: str | None = None


def to_text(value: Any, _formats: Formats) -> str:
    """Return a cell as text: text itself, numbers without a needless .0, truth as true or false."""
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, (dict, list)):
        raise UnconvertibleError(
            "an object or a list, not text", "pick one of its values with jmespath:, e.g. address.city"
        )
    return str(value)


def to_integer(value: Any, formats: Formats) -> int:
    """Return a cell as a whole number; `4711.0` in text is no whole number but a sign of damage."""
    if isinstance(value, bool):
        raise UnconvertibleError("true or false, not a whole number", "write 1 or 0")
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    text = to_text(value, formats).strip()
    if not _INTEGER.fullmatch(text):
        raise UnconvertibleError("no whole number", _integer_cure(text))
    return int(text)


def _integer_cure(text: str) -> str:
    if re.fullmatch(r"[+-]?\d+[.,]0+", text):
        return f"write {re.split('[.,]', text)[0]}"
    if _THOUSANDS.fullmatch(text):
        return f"write it without marks between thousands: {re.sub(r'[^0-9+-]', '', text)}"
    return "write digits only, such as 4711"


def to_number(value: Any, formats: Formats) -> float | int:
    """Return a cell as a number, with the decimal mark that `formats` names."""
    if isinstance(value, bool):
        raise UnconvertibleError("true or false, not a number", "write 1 or 0")
    if isinstance(value, (int, float)):
        return value
    text = to_text(value, formats).strip()
    plain = text.replace(formats.decimal, ".") if "." not in text or formats.decimal == "." else ""
    if not _NUMBER.fullmatch(plain):
        raise UnconvertibleError("no number", _number_cure(text, formats))
    number = int(plain) if _INTEGER.fullmatch(plain) else float(plain)
    if not math.isfinite(number):
        raise UnconvertibleError("a number beyond what JSON holds", "write a smaller one")
    return number


def _number_cure(text: str, formats: Formats) -> str:
    if formats.decimal == "." and re.fullmatch(r"[+-]?\d+,\d+", text):
        return f"write {text.replace(',', '.')}, or name the decimal mark: decimal = ','"
    if _THOUSANDS.fullmatch(text):
        return "write it without marks between thousands"
    return f"write digits and {formats.decimal!r} only, such as 12{formats.decimal}50"


def to_truth(value: Any, formats: Formats) -> bool:
    """Return a cell as true or false: true, yes, y, on, 1 and their opposites, in any case."""
    if isinstance(value, bool):
        return value
    text = to_text(value, formats).strip().lower()
    if text not in _WORDS:
        raise UnconvertibleError("neither true nor false", "write true or false (or yes and no, 1 and 0)")
    return _WORDS[text]


def to_instant(value: Any, formats: Formats) -> str:
    """Return a cell as an instant in UTC, `2026-11-21T08:30:00.000Z`; see `instant_of`."""
    return instant_of(value, formats).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant_of(value: Any, formats: Formats) -> dt.datetime:
    """Return a cell's ISO 8601 instant as an aware UTC datetime; the zone comes from the cell or from `formats`.

    A local time that does not exist, or exists twice, when clocks are changed is refused.
    """
    text = to_text(value, formats).strip()
    try:
        moment = _parsed_moment(text, formats.date_format)
    except ValueError as error:
        raise UnconvertibleError("no date and time", _instant_cure(text)) from error
    try:
        return _in_utc(moment, formats)
    except OverflowError as error:
        raise UnconvertibleError("no date in UTC", "give a day within the years 1 to 9999") from error


def _in_utc(moment: dt.datetime, formats: Formats) -> dt.datetime:
    if moment.tzinfo is not None:
        return moment.astimezone(dt.UTC)
    if formats.time_zone is None:
        cure = f"write {moment.isoformat()}Z or …+01:00, or name the zone of all times: time_zone = 'Europe/Berlin'"
        raise UnconvertibleError("a time without a zone", cure)
    return _placed(moment, ZoneInfo(formats.time_zone))


def _parsed_moment(text: str, date_format: str | None) -> dt.datetime:
    if date_format is not None:
        return dt.datetime.strptime(text, date_format)  # noqa: DTZ007 - the zone is added by the caller
    if not re.match(r"\d{4}-\d\d-\d\d", text):
        raise ValueError(text)
    return dt.datetime.fromisoformat(text)


def _placed(moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    early = moment.replace(tzinfo=zone, fold=0)
    late = moment.replace(tzinfo=zone, fold=1)
    if early.utcoffset() == late.utcoffset():
        return early.astimezone(dt.UTC)
    back = early.astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None)
    problem = "a time that occurs twice" if back == moment else "a time that does not exist"
    raise UnconvertibleError(
        f"{problem} in {zone.key}, where clocks are changed", "write it with its offset, such as …+01:00"
    )


def _instant_cure(text: str) -> str:
    if re.match(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}", text):
        return "write year-month-day, such as 2026-03-04T09:30Z, or name the form: date_format = '%d.%m.%Y %H:%M'"
    return "write ISO 8601, such as 2026-03-04T09:30:00Z"


def to_day(value: Any, formats: Formats) -> str:
    """Return a cell as a day, `2026-11-21`."""
    text = to_text(value, formats).strip()
    try:
        if formats.date_format is not None:
            return dt.datetime.strptime(text, formats.date_format).date().isoformat()  # noqa: DTZ007 - a day has none
        return dt.date.fromisoformat(re.sub(r"[T ]00:00(:00)?$", "", text)).isoformat()
    except ValueError as error:
        cure = "write year-month-day, such as 2026-03-04, or name the form: date_format = '%d.%m.%Y'"
        raise UnconvertibleError("no day", cure) from error


def to_json(value: Any, _formats: Formats) -> Any:
    """Return a cell as JSON: typed cells as they are, text parsed."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        cure = "write JSON such as {}, [] or a quoted text"
        raise UnconvertibleError("no JSON", cure) from error


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def json_or_text(value: Any, formats: Formats) -> Any:
    """Return a cell for an input of no single type: text that begins like an object or a list is read as JSON."""
    is_json = isinstance(value, str) and value.lstrip()[:1] in {"{", "["}
    return to_json(value, formats) if is_json else value


def to_list(rule: Any) -> Callable[[Any, Formats], list[Any]]:
    """Return the rule of a collection whose items follow `rule`: a list, JSON `[…]`, or items with a separator."""
    convert = converter(rule)

    def convert_items(value: Any, formats: Formats) -> list[Any]:
        items = _items(value, formats)
        return [convert(item, formats) for item in items]

    return convert_items


def _items(value: Any, formats: Formats) -> list[Any]:
    if isinstance(value, list):
        return value
    if not isinstance(value, str):
        return [value]
    if value.lstrip().startswith("["):
        try:
            parsed = msgspec.json.decode(value)
        except msgspec.DecodeError as error:
            raise UnconvertibleError(
                "begins with [ and is no JSON list", f"write a;b with {formats.separator!r} between, or mend the JSON"
            ) from error
        return parsed if isinstance(parsed, list) else [parsed]
    return [item.strip() for item in value.split(formats.separator)]


_BY_TYPE: Final[Mapping[str, Callable[[Any, Formats], Any]]] = {
    "string": to_text,
    "integer": to_integer,
    "number": to_number,
    "boolean": to_truth,
    "object": to_json,
    "date-time": to_instant,
    "date": to_day,
}


def converter(rule: Any) -> Callable[[Any, Formats], Any]:
    """Return the conversion that a property of an input schema asks for; what it does not type stays as it is."""
    kind = type_of(rule)
    if kind == "array":
        return to_list(rule.get("items"))
    convert = _BY_TYPE.get(kind, json_or_text)
    if not isinstance(rule, Mapping):
        return convert
    choices = rule.get("enum")
    if isinstance(choices, list) and choices:
        return _one_of(convert, tuple(choice for choice in choices if choice is not None))
    if kind in {"integer", "number"} and ("minimum" in rule or "maximum" in rule):
        return _within(convert, rule.get("minimum", -math.inf), rule.get("maximum", math.inf))
    return convert


def type_of(rule: Any) -> str:
    """Return the one type of a property, null aside; its format where that says more; `any` when there are several."""
    kinds = rule.get("type") if isinstance(rule, Mapping) else None
    named = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind not in {None, "null"}]
    if len(named) != 1:
        return "string" if "string" in named and not {"object", "array"} & set(named) else "any"
    form = rule.get("format")
    return str(form) if named == ["string"] and form in {"date-time", "date"} else str(named[0])


def _within(convert: Callable[[Any, Formats], Any], least: float, most: float) -> Callable[[Any, Formats], Any]:
    def convert_bounded(value: Any, formats: Formats) -> Any:
        converted = convert(value, formats)
        if not least <= converted <= most:
            raise UnconvertibleError("a number beyond the input's range", f"write one from {least} to {most}")
        return converted

    return convert_bounded


def _one_of(convert: Callable[[Any, Formats], Any], choices: tuple[Any, ...]) -> Callable[[Any, Formats], Any]:
    def convert_choice(value: Any, formats: Formats) -> Any:
        converted = convert(value, formats)
        if converted not in choices:
            shown = ", ".join(map(str, choices[:12]))
            raise UnconvertibleError("none of the values that the input takes", f"write one of {shown}")
        return converted

    return convert_choice
