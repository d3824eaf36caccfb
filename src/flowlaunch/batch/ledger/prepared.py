"""Statements compiled once and run many times with rows of values.

SQLAlchemy works out the parameters of every row anew, which costs more than the database does. A statement of
the inner loop is still a Core expression, compiled by the connection's own dialect, but its values are handed to
the driver as they are; so they must be plain: whole numbers, text, bytes, None.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection, Delete, Insert, Update

__all__ = ["PreparedStatement"]


class PreparedStatement:
    """One insert, update or delete whose every parameter is named by the rows of values given to it."""

    def __init__(self, statement: Insert | Update | Delete, *, columns: Sequence[str] | None = None) -> None:
        self._statement = statement
        self._columns = list(columns) if columns is not None else None
        self._compiled: dict[str, tuple[str, Callable[[Mapping[str, Any]], Any]]] = {}

    def run(self, connection: Connection, values: Sequence[Mapping[str, Any]]) -> int:
        """Run the statement once for each row of values; return how many rows of the table it touched."""
        text, arranged = self._compiled.get(connection.dialect.name) or self._compile(connection)
        return connection.exec_driver_sql(text, [arranged(one) for one in values]).rowcount

    def _compile(self, connection: Connection) -> tuple[str, Callable[[Mapping[str, Any]], Any]]:
        compiled = self._statement.compile(dialect=connection.dialect, column_keys=self._columns)
        names: Sequence[str] = compiled.positiontup or ()
        arranged: Callable[[Mapping[str, Any]], Any] = dict
        if len(names) == 1:
            arranged = lambda one: (one[names[0]],)  # noqa: E731 - itemgetter gives no tuple for one name
        elif names:
            arranged = itemgetter(*names)
        made = (str(compiled), arranged)
        self._compiled[connection.dialect.name] = made
        return made
