"""Functions on collections; positions count from 0."""

from __future__ import annotations

from typing import Any, Final

from flowlaunch.architect.functions.catalogue import Family
from flowlaunch.architect.functions.operators import item_at
from flowlaunch.architect.values import Value, equal
from flowlaunch.errors import FlowRuntimeError

_LIST: Final = Family("list")

Items = tuple[Any, ...]


@_LIST.define("GetAt(collection: T[], index: int) -> T")
def _get_at(items: Items, index: int) -> Any:
    return item_at(index, items)


@_LIST.define("Count(value: any[]) -> int")
def _count(items: Items) -> int:
    return len(items)


@_LIST.define("Find(list: T[], item: T?) -> int[]")
def _find(items: Items, sought: Value) -> tuple[int, ...]:
    return tuple(index for index, item in enumerate(items) if equal(item, sought))


@_LIST.define("FindFirst(list: T[], item: T?) -> int")
def _find_first(items: Items, sought: Value) -> int:
    return next((index for index, item in enumerate(items) if equal(item, sought)), -1)


@_LIST.define("MakeList(item: T?...) -> T[]")
def _make_list(*items: Value) -> Items:
    return items


@_LIST.define("MakeEmptyList(item: T?) -> T[]")
def _make_empty_list(_item: Value) -> Items:
    return ()


@_LIST.define("AddItem(collection: T[], item: T?...) -> T[]")
def _add_item(items: Items, *added: Value) -> Items:
    return items + added


@_LIST.define("AddItemAt(collection: T[], index: int, item: T?) -> T[]")
def _add_item_at(items: Items, index: int, added: Value) -> Items:
    if index != len(items):
        item_at(index, items)
    return (*items[:index], added, *items[index:])


@_LIST.define("RemoveDups(collection: T[]) -> T[]")
def _remove_duplicates(items: Items) -> Items:
    try:
        return tuple(dict.fromkeys(items))
    except TypeError as error:
        raise FlowRuntimeError("these items cannot be compared with each other") from error


@_LIST.define("RemoveItem(collection: T[], item: T?...) -> T[]")
def _remove_item(items: Items, *removed: Value) -> Items:
    return tuple(item for item in items if not any(equal(item, sought) for sought in removed))


@_LIST.define("RemoveItemAt(collection: T[], index: int) -> T[]")
def _remove_item_at(items: Items, index: int) -> Items:
    item_at(index, items)
    return items[:index] + items[index + 1 :]


@_LIST.define("ReplaceItem(collection: T[], item: T?, replacement: T?) -> T[]")
def _replace_item(items: Items, sought: Value, replacement: Value) -> Items:
    return tuple(replacement if equal(item, sought) else item for item in items)


@_LIST.define("ReplaceItemFirst(collection: T[], item: T?, replacement: T?) -> T[]")
def _replace_item_first(items: Items, sought: Value, replacement: Value) -> Items:
    index = _find_first(items, sought)
    return items if index < 0 else _replace_item_at(items, index, replacement)


@_LIST.define("ReplaceItemAt(collection: T[], index: int, replacement: T?) -> T[]")
def _replace_item_at(items: Items, index: int, replacement: Value) -> Items:
    item_at(index, items)
    return (*items[:index], replacement, *items[index + 1 :])
