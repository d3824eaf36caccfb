"""Functions on JSON values."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final

from flowlaunch.architect.codec import to_json
from flowlaunch.architect.functions.catalogue import Family
from flowlaunch.architect.values import NOT_SET, Json, NotSet, Value
from flowlaunch.errors import FlowRuntimeError

_JSON: Final = Family("json")
MAX_JSON_CHARS: Final = 1_000_000
MAX_JSON_DEPTH: Final = 200
MAX_JSON_VALUES: Final = 1_000_000


def _refuse_constant(text: str) -> Any:
    raise ValueError(text)


def parse_json(text: str) -> Json:
    """Read strict JSON; fractions stay exact."""
    if len(text) > MAX_JSON_CHARS:
        raise FlowRuntimeError(f"JSON text is longer than {MAX_JSON_CHARS:,} characters")
    if _depth(text) > MAX_JSON_DEPTH:
        raise FlowRuntimeError(f"JSON is nested more than {MAX_JSON_DEPTH} deep")
    try:
        return Json(json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant))
    except (ValueError, RecursionError) as error:
        place = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise FlowRuntimeError(
            f'"{text[:60]}" is not JSON{place}', hint="Keys and texts need double quotes."
        ) from error


def _depth(text: str) -> int:
    depth = deepest = 0
    for char in text:
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest


@_JSON.define("JsonParse(text: str?) -> jsn")
def _json_parse(text: str | NotSet) -> Json | NotSet:
    return NOT_SET if text is NOT_SET or not text.strip() else parse_json(text)


def _measure(document: Any) -> tuple[int, int]:
    """Weigh a document and tell how deep it is nested.

    Each value weighs one, and one more for 64 characters of text; shared parts count each time they appear.
    """
    size, depth = 0, 0
    level = [document]
    while level and depth <= MAX_JSON_DEPTH and size <= MAX_JSON_VALUES:
        size += len(level)
        depth += 1
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
            elif isinstance(item, str):
                size += len(item) // 64
            if len(inner) > MAX_JSON_VALUES:
                break
        level = inner
    return size, depth


def _put_together(old: Json, document: Any, added: Value) -> Json:
    """Make a document out of an old one and a new part, within the limits on size and depth."""
    size, depth = (old.size, old.depth) if old.size else _measure(old.value)
    if isinstance(added, Json) and added.size:
        more, deeper = added.size, added.depth
    else:
        more, deeper = _measure(document_of(added))
    size, depth = size + more, max(depth, deeper + 1)
    if size > MAX_JSON_VALUES or depth > MAX_JSON_DEPTH:
        raise FlowRuntimeError(
            f"the JSON value would hold more than {MAX_JSON_VALUES:,} values or be nested over {MAX_JSON_DEPTH} deep"
        )
    return Json(document, size, depth)


def document_of(value: Value) -> Any:
    """Give the JSON document that stands for a value; decimals stay exact."""
    if isinstance(value, Json):
        return value.value
    if isinstance(value, Decimal):
        return value
    if isinstance(value, tuple):
        return [document_of(item) for item in value]
    return to_json(value)


@_JSON.define("ToJson(value: jsn?) -> jsn", "ToJson(value: nts?) -> jsn")
def _keep(value: Value) -> Value:
    return value


@_JSON.define("ToJson(value: any?) -> jsn", "ToJson(value: any[]) -> jsn")
def _to_json(value: Value) -> Json | NotSet:
    return NOT_SET if value is NOT_SET else Json(document_of(value))


@_JSON.define("ToJsonCollection(value: jsn?) -> jsn[]")
def _to_json_collection(value: Json | NotSet) -> tuple[Json | NotSet, ...]:
    if value is NOT_SET or value.value is None:
        return ()
    if not isinstance(value.value, list):
        raise FlowRuntimeError("ToJsonCollection needs a JSON array")
    return tuple(map(Json, value.value))


@_JSON.define("ToJsonCollection(value: any[]) -> jsn[]")
def _list_to_json_collection(items: tuple[Any, ...]) -> tuple[Json | NotSet, ...]:
    return tuple(_to_json(item) for item in items)


def _object(value: Json) -> dict[str, Any]:
    if not isinstance(value.value, dict):
        raise FlowRuntimeError("this JSON value is not an object", hint="Test it first: IsJsonObject(...).")
    return value.value


def property_of(value: Json, name: str) -> Json | NotSet:
    """Give a property of a JSON object, names being case-sensitive; missing and null are NOT_SET."""
    found = _object(value).get(name)
    return NOT_SET if found is None else Json(found)


@_JSON.define("GetJsonObjectProperty(jsonObject: jsn, propertyName: str) -> jsn")
def _get_property(value: Json, name: str) -> Json | NotSet:
    return property_of(value, name)


@_JSON.define("SetJsonObjectProperty(jsonObject: jsn, propertyName: str, value: any?) -> jsn")
def _set_property(value: Json, name: str, new: Value) -> Json:
    return _put_together(value, {**_object(value), name: document_of(new)}, new)


@_JSON.define("SetJsonObjectProperty(jsonObject: jsn, propertyName: str, value: any[]) -> jsn")
def _set_list_property(value: Json, name: str, new: tuple[Any, ...]) -> Json:
    return _set_property(value, name, new)


@_JSON.define("RemoveJsonObjectProperty(jsonObject: jsn, propertyName: str) -> jsn")
def _remove_property(value: Json, name: str) -> Json:
    return Json({key: item for key, item in _object(value).items() if key != name})


@_JSON.define("GetJsonObjectPropertyNames(jsonObject: jsn) -> str[]")
def _property_names(value: Json) -> tuple[str, ...]:
    return tuple(_object(value))


@_JSON.define("HasJsonObjectProperty(jsonObject: jsn, propertyName: str) -> bln")
def _has_property(value: Json, name: str) -> bool:
    return name in _object(value)


def _define_test(name: str, *kinds: type) -> None:
    def test(value: Json | NotSet) -> bool:
        if value is NOT_SET:
            return False
        is_bool = isinstance(value.value, bool)
        return isinstance(value.value, kinds) and (not is_bool or bool in kinds)

    _JSON.define(f"{name}(value: jsn?) -> bln")(test)


_define_test("IsJsonObject", dict)
_define_test("IsJsonArray", list)
_define_test("IsJsonString", str)
_define_test("IsJsonNumber", int, Decimal)
_define_test("IsJsonBoolean", bool)
_define_test("IsJsonNull", type(None))


def _array(value: Json) -> list[Any]:
    if not isinstance(value.value, list):
        raise FlowRuntimeError("this JSON value is not an array", hint="Test it first: IsJsonArray(...).")
    return value.value


def _checked_index(index: int, count: int) -> int:
    if not 0 <= index < count:
        raise FlowRuntimeError(f"index {index} is outside a JSON array of {count} items")
    return index


@_JSON.define("GetJsonArrayItem(jsonArray: jsn, index: int) -> jsn")
def _array_item(value: Json, index: int) -> Json | NotSet:
    items = _array(value)
    found = items[_checked_index(index, len(items))]
    return NOT_SET if found is None else Json(found)


@_JSON.define("GetJsonArrayLength(jsonArray: jsn) -> int")
def _array_length(value: Json) -> int:
    return len(_array(value))


@_JSON.define("AddJsonArrayItem(jsonArray: jsn, value: any?) -> jsn")
def _add_array_item(value: Json, new: Value) -> Json:
    return _put_together(value, [*_array(value), document_of(new)], new)


@_JSON.define("RemoveJsonArrayItem(jsonArray: jsn, index: int) -> jsn")
def _remove_array_item(value: Json, index: int) -> Json:
    items = _array(value)
    at = _checked_index(index, len(items))
    return Json(items[:at] + items[at + 1 :])


@_JSON.define("ReplaceJsonArrayItem(jsonArray: jsn, index: int, value: any?) -> jsn")
def _replace_array_item(value: Json, index: int, new: Value) -> Json:
    items = _array(value)
    at = _checked_index(index, len(items))
    return _put_together(value, [*items[:at], document_of(new), *items[at + 1 :]], new)
