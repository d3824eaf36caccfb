"""Rows of a SQL query, streamed from the database that a SQLAlchemy URL names; the driver is the caller's."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from flowlaunch.batch.decisions import BadRow, InputRow, RowWarning
from flowlaunch.batch.rows.header import checked_header
from flowlaunch.batch.rows.options import Detected
from flowlaunch.batch.rows.plain import plain
from flowlaunch.errors import InputError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROWS_AT_ONCE: Final = 1_000


class QueryRows:
    """The records of one query, once; `line` is the number of the record.

    The hash is of the records, since a query has no bytes: the same records in the same order hash alike.
    """

    def __init__(self, url: str, query: str | None) -> None:
        self.blank_rows = 0
        self.notices: list[RowWarning] = []
        self._hash = hashlib.sha256()
        engine, self.name = _engine(url)
        if not query:
            raise InputError(
                f"read rows from {self.name}: no query was given",
                code="rows-query",
                hint="Give the query: --query 'SELECT phone, name FROM customers ORDER BY id'.",
            )
        self._connection: Any = None
        try:
            self._connection = engine.connect().execution_options(stream_results=True, yield_per=_ROWS_AT_ONCE)
            self._result = self._connection.exec_driver_sql(query)
        except Exception as error:
            self.close()
            raise self._failed(error) from error
        self.columns = checked_header(tuple(self._result.keys()), self.name)

    @property
    def detected(self) -> Detected:
        """Where the rows come from, without the password."""
        return Detected(format="sql", notes=(self.name,))

    def __iter__(self) -> Iterator[InputRow | BadRow]:
        """Yield the records in the order of the query."""
        for line, record in enumerate(self._records(), 1):
            cells = {name: plain(value) for name, value in zip(self.columns, record, strict=True)}
            self._hash.update(msgspec.json.encode(cells))
            yield InputRow(line, cells)

    def _records(self) -> Iterator[Any]:
        try:
            yield from self._result
        except Exception as error:
            raise self._failed(error) from error

    def sha256(self) -> str:
        """Return the hash of all records, reading whatever was not read yet."""
        for _row in self:
            pass
        return self._hash.hexdigest()

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection.engine.dispose()

    def _failed(self, error: Exception) -> Exception:
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - heavy, needed for queries alone

        if not isinstance(error, SQLAlchemyError):
            return error
        cause = getattr(error, "orig", None) or error
        return InputError(
            f"read rows from {self.name}: {cause}",
            code="rows-unreadable",
            hint="Check the query with the database's own client, and that it is reachable from here.",
        )


def _engine(url: str) -> tuple[Any, str]:
    try:
        from sqlalchemy import create_engine, make_url  # noqa: PLC0415 - heavy, needed for queries alone
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError  # noqa: PLC0415 - as above
    except ImportError as error:
        raise SettingsError(
            "read rows from a database: SQLAlchemy is not installed", hint="Install it with: pip install sqlalchemy"
        ) from error
    scheme = url.split("://", 1)[0]
    try:
        parsed = make_url(url)
        return create_engine(parsed), parsed.render_as_string(hide_password=True)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise SettingsError(
            f"read rows from a {scheme} database: {type(error).__name__} while opening it",
            hint=f"Install the driver that {scheme!r} names, e.g. pip install psycopg for postgresql+psycopg://.",
        ) from error
