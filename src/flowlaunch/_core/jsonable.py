"""From what a caller gives as input data to plain JSON values, with every problem named by its path."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec

from flowlaunch.models import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DEPTH: Final = 64


def as_mapping(given: object) -> Mapping[str, Any] | None:
    """Return `given` as a mapping: a mapping itself, or the fields of a dataclass, msgspec struct or pydantic model.

    None when it is none of these.
    """
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return given
    if isinstance(given, msgspec.Struct):
        return {f.encode_name: getattr(given, f.name) for f in msgspec.structs.fields(given)}
    if dataclasses.is_dataclass(given) and not isinstance(given, type):
        return {f.name: getattr(given, f.name) for f in dataclasses.fields(given)}
    dump = getattr(given, "model_dump", None)
    return _dumped(dump) if callable(dump) and not isinstance(given, type) else None


def _dumped(dump: Callable[..., Any]) -> Mapping[str, Any] | None:
    try:
        fields = dump(mode="python", by_alias=True)
    except Exception:  # noqa: BLE001 - code of the caller's own; what it cannot dump is no input data
        return None
    return fields if isinstance(fields, Mapping) else None


def to_json_value(value: object, path: str, problems: list[Problem], within: tuple[int, ...] = ()) -> Any:
    """Return `value` as JSON, adding to `problems` what JSON cannot say; `within` has the ids of what holds it."""
    if type(value) in _PLAIN:
        return value
    if id(value) in within:
        problems.append(_not_json(path, f"{path} contains itself"))
        return None
    if len(within) > MAX_DEPTH:
        problems.append(_not_json(path, f"{path} is nested deeper than {MAX_DEPTH} levels"))
        return None
    convert = next((rule for kind, rule in _RULES if isinstance(value, kind)), None)
    if convert is not None:
        return convert(value, path, problems, within)
    fields = as_mapping(value)
    if fields is not None:
        return _mapping(fields, path, problems, (*within, id(value)))
    kind = type(value).__name__
    problems.append(
        _not_json(path, f"{path} is a {kind}, which JSON cannot hold", "give text, a number, a list or an object")
    )
    return None


Problems = list[Problem]
Within = tuple[int, ...]
_PLAIN: Final = frozenset({bool, int, type(None)})


def _string(value: str, path: str, problems: Problems, _within: Within) -> str:
    if not _is_unicode(value):
        problems.append(_not_json(path, f"{path} holds half a character, which JSON cannot hold", "decode it anew"))
    return value if type(value) is str else str.__str__(value)


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


def _whole(value: int, _path: str, _problems: Problems, _within: Within) -> int:
    return int(value)


def _number(value: Any, path: str, problems: Problems, _within: Within) -> Any:
    finite = value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)
    if not finite:
        problems.append(
            _not_json(path, f"{path} is {value}, which JSON cannot hold", "leave the key out to mean NOT_SET")
        )
        return None
    return value if isinstance(value, Decimal) else float(value)


def _mapping(value: Mapping[Any, Any], path: str, problems: Problems, within: Within) -> dict[str, Any]:
    result = {}
    for key, item in value.items():
        if not isinstance(key, str) or not _is_unicode(key):
            what = path or "the input data"
            problems.append(_not_json(path, f"{what} has the key {key!r}, which is not text", "make every key text"))
            continue
        result[key] = to_json_value(item, f"{path}.{key}" if path else key, problems, (*within, id(value)))
    return result


def _sequence(value: Sequence[Any], path: str, problems: Problems, within: Within) -> list[Any]:
    inside = (*within, id(value))
    return [to_json_value(item, f"{path}[{index}]", problems, inside) for index, item in enumerate(value)]


def _instant(value: dt.datetime, path: str, problems: Problems, _within: Within) -> str:
    if value.tzinfo is None:
        problems.append(
            _not_json(path, f"{path} is a date-time without a time zone", "give it one, e.g. datetime.now(UTC)")
        )
    return value.isoformat().replace("+00:00", "Z")


def _text(value: Any, _path: str, _problems: Problems, _within: Within) -> str:
    return str(value)


def _iso(value: Any, _path: str, _problems: Problems, _within: Within) -> str:
    return str(value.isoformat())


def _duration(value: dt.timedelta, _path: str, _problems: Problems, _within: Within) -> str:
    sign = "-" if value < dt.timedelta() else ""
    return f"{sign}PT{abs(value).total_seconds():.3f}".rstrip("0").rstrip(".") + "S"


def _enum(value: Enum, path: str, problems: Problems, within: Within) -> Any:
    return to_json_value(value.value, path, problems, within)


_RULES: Final[tuple[tuple[type | tuple[type, ...], Callable[[Any, str, Problems, Within], Any]], ...]] = (
    (Enum, _enum),
    (str, _string),
    (int, _whole),
    ((float, Decimal), _number),
    (dt.datetime, _instant),
    ((dt.date, dt.time), _iso),
    (dt.timedelta, _duration),
    (UUID, _text),
    (Mapping, _mapping),
    ((list, tuple), _sequence),
)


def _not_json(path: str, message: str, cure: str = "") -> Problem:
    return Problem(kind="not-json", key=path, message=message, cure=cure)
