"""Statements that take all their rows of values at once, as one JSON text.

A statement run once a row takes and gives up Python's lock once a row; beside a busy event loop each turn may wait
for it, and writing a group of rows took four times as long as the database needed. Here the database unpacks the
group itself: one statement, one turn, whatever the number of rows.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, cast as typed

import msgspec
from sqlalchemy import BindParameter, Insert, Update, bindparam, cast, func, insert, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.visitors import iterate, replacement_traverse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, Connection, Dialect, Subquery
    from sqlalchemy.types import TypeEngine

__all__ = ["SetStatement"]

NAME: Final = "given_rows"


class SetStatement:
    """One insert or update whose every parameter is named by the rows of values given to it.

    The values are whole numbers, text or None; a NUL character, which neither database can unpack, is replaced. No
    two rows may be about the same row of the table.
    """

    def __init__(self, statement: Insert | Update) -> None:
        self._statement = statement
        self._types = _types_of(statement)
        self._compiled: dict[str, str] = {}
        self._arranged: Callable[[Mapping[str, Any]], Any] = itemgetter(*self._types)

    def run(self, connection: Connection, values: Sequence[Mapping[str, Any]]) -> int:
        """Run the statement for all rows of values; return how many rows of the table it touched."""
        text = self._compiled.get(connection.dialect.name) or self.text(connection.dialect)
        given = _as_json([self._arranged(one) for one in values])
        return connection.exec_driver_sql(text, (given,) if connection.dialect.positional else {NAME: given}).rowcount

    def text(self, dialect: Dialect) -> str:
        """Return the statement as a database understands it."""
        given = _GIVEN[dialect.name](self._types)
        text = str(_spread(self._statement, given).compile(dialect=dialect))
        self._compiled[dialect.name] = text
        return text


def _as_json(rows: list[tuple[Any, ...]]) -> str:
    text = msgspec.json.encode(rows).decode()
    if "\\u0000" not in text:
        return text
    plain = [[one.replace("\0", "\ufffd") if isinstance(one, str) else one for one in row] for row in rows]
    return msgspec.json.encode(plain).decode()


def _types_of(statement: Insert | Update) -> dict[str, TypeEngine[Any]]:
    """Return the statement's parameters with their types; a value written to a column has the column's."""
    types = {one.key: one.type for one in iterate(statement) if isinstance(one, BindParameter) and one.required}
    for column, value in _written(statement).items():
        if isinstance(value, BindParameter):
            types[value.key] = column.type
    return types


def _written(statement: Insert | Update) -> dict[Column[Any], Any]:
    """Return the columns that a statement writes, each with its value."""
    columns: Any = statement.table.c
    values: Mapping[Any, Any] = statement._values or {}  # noqa: SLF001 - Core tells it nowhere else
    return {columns[one] if isinstance(one, str) else one: value for one, value in values.items()}


def _given_to_sqlite(types: Mapping[str, TypeEngine[Any]]) -> Subquery:
    each = func.json_each(bindparam(NAME)).table_valued("value", name="each")
    taken = (
        func.json_extract(each.c.value, literal_column(f"'$[{place}]'"), type_=kind).label(name)
        for place, (name, kind) in enumerate(types.items())
    )
    return select(*taken).subquery("given")


def _given_to_postgresql(types: Mapping[str, TypeEngine[Any]]) -> Subquery:
    rows = func.jsonb_array_elements(cast(bindparam(NAME), JSONB))
    each = rows.table_valued("value", name="each").render_derived()
    taken = (
        cast(each.c.value.op("->>")(literal_column(str(place))), kind).label(name)
        for place, (name, kind) in enumerate(types.items())
    )
    return select(*taken).subquery("given")


_GIVEN = {"sqlite": _given_to_sqlite, "postgresql": _given_to_postgresql}


def _spread(statement: Insert | Update, given: Subquery) -> Insert | Update:
    """Return `statement` with its parameters read from the rows of `given`."""

    def read(element: Any, **_options: Any) -> ColumnElement[Any] | None:
        return given.c[element.key] if isinstance(element, BindParameter) and element.required else None

    if isinstance(statement, Update):
        return typed("Update", replacement_traverse(statement, {}, read))
    written = _written(statement)
    values = [replacement_traverse(value, {}, read) for value in written.values()]
    table: Any = statement.table
    return insert(table).from_select(list(written), select(*values).select_from(given))
