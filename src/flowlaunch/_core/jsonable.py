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
    if callable(dump) and not isinstance(given, type):
        return dict(dump(mode="python", by_alias=True))
    return None


def to_json_value(value: object, path: str, problems: list[Problem], depth: int = 0) -> Any:
    """Return `value` as JSON, adding to `problems` what JSON cannot say."""
    if type(value) in _PLAIN:
        return value
    if depth > MAX_DEPTH:
        problems.append(_not_json(path, f"{path} is nested deeper than {MAX_DEPTH} levels, or contains itself"))
        return None
    convert = next((rule for kind, rule in _RULES if isinstance(value, kind)), None)
    if convert is not None:
        return convert(value, path, problems, depth)
    fields = as_mapping(value)
    if fields is not None:
        return _mapping(fields, path, problems, depth)
    kind = type(value).__name__
    problems.append(
        _not_json(path, f"{path} is a {kind}, which JSON cannot hold", "give text, a number, a list or an object")
    )
    return None


Problems = list[Problem]
_PLAIN: Final = frozenset({str, bool, int, type(None)})


def _same(value: Any, _path: str, _problems: Problems, _depth: int) -> Any:
    return value


def _number(value: Any, path: str, problems: Problems, _depth: int) -> Any:
    finite = value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)
    if not finite:
        problems.append(
            _not_json(path, f"{path} is {value}, which JSON cannot hold", "leave the key out to mean NOT_SET")
        )
    return value


def _mapping(value: Mapping[Any, Any], path: str, problems: Problems, depth: int) -> dict[str, Any]:
    result = {}
    for key, item in value.items():
        if not isinstance(key, str):
            problems.append(_not_json(path, f"{path} has the key {key!r}, which is not text", "make every key text"))
            continue
        result[key] = to_json_value(item, f"{path}.{key}" if path else key, problems, depth + 1)
    return result


def _sequence(value: Sequence[Any], path: str, problems: Problems, depth: int) -> list[Any]:
    return [to_json_value(item, f"{path}[{index}]", problems, depth + 1) for index, item in enumerate(value)]


def _instant(value: dt.datetime, path: str, problems: Problems, _depth: int) -> str:
    if value.tzinfo is None:
        problems.append(
            _not_json(path, f"{path} is a date-time without a time zone", "give it one, e.g. datetime.now(UTC)")
        )
    return value.isoformat().replace("+00:00", "Z")


def _text(value: Any, _path: str, _problems: Problems, _depth: int) -> str:
    return str(value)


def _iso(value: Any, _path: str, _problems: Problems, _depth: int) -> str:
    return str(value.isoformat())


def _duration(value: dt.timedelta, _path: str, _problems: Problems, _depth: int) -> str:
    sign = "-" if value < dt.timedelta() else ""
    return f"{sign}PT{abs(value).total_seconds():.3f}".rstrip("0").rstrip(".") + "S"


def _enum(value: Enum, path: str, problems: Problems, depth: int) -> Any:
    return to_json_value(value.value, path, problems, depth)


_RULES: Final[tuple[tuple[type | tuple[type, ...], Callable[[Any, str, Problems, int], Any]], ...]] = (
    (Enum, _enum),
    ((str, bool, int, type(None)), _same),
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
