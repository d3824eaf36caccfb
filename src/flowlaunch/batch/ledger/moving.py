"""Move a ledger from a file to PostgreSQL: every table, proved equal, and the file marked as moved.

The mark is on the disk before the copy can be used, so that the two never both run: if anything fails after it, the
same command finishes the move.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import String, delete, func, insert, make_url, select, text

from flowlaunch.batch.ledger import postgres, versions
from flowlaunch.batch.ledger.keyed_hash import KEY_FILE, read_key
from flowlaunch.batch.ledger.liveness import lives
from flowlaunch.batch.ledger.marks import MOVED_TO, moved_to
from flowlaunch.batch.ledger.schema import facts, metadata, workers
from flowlaunch.batch.ledger.server_key import ServerKey
from flowlaunch.errors import LedgerBusyError, LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import Connection, Table

    from flowlaunch.batch.ledger.store import Clock, Store

__all__ = ["Moved", "TableMoved", "move_ledger", "use_again"]

ROWS_AT_ONCE: Final = 5_000
STALE_AFTER_S: Final = 30.0
LASTING: Final = tuple(one for one in metadata.sorted_tables if one.name not in {"worker_processes", "duties"})
"""What makes up a ledger; the tables left out tell which processes work now, and they may do so on the copy already."""
OWNER: Final = """SELECT pg_get_userbyid(relowner), current_user, pg_has_role(relowner, 'USAGE')
FROM pg_class WHERE oid = CAST(:table AS regclass)"""


class TableMoved(msgspec.Struct, frozen=True):
    """One table: how many rows it has in both places, and the hash over their content, whatever their order."""

    table: str
    rows: int
    sha256: str


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger that was moved and proved equal."""

    source: str
    place: str
    tables: tuple[TableMoved, ...]


def move_ledger(
    source: Path | str, target: str, *, clock: Clock, tell: Callable[[TableMoved], None] | None = None
) -> Moved:
    """Copy a ledger file into a database that has no ledger with batches, prove the copy equal and mark the file.

    Raises:
        LedgerBusyError: a process works on the ledger: stop it first.
        LedgerError: the database holds another ledger, is another's, cannot hold a text, or the copy is not equal:
            nothing was kept of it.

    """
    with (
        closing(versions.open_store(source, clock, create=False, moved_ok=True)) as old,
        closing(versions.open_store(target, clock, create=True)) as new,
    ):
        if old.path is None or new.path is not None:
            raise LedgerError(
                f"move {old.place} to {new.place}: only from a file to PostgreSQL",
                hint="Give the file first, then postgresql://….",
            )
        if _is_there_already(old, new):
            _check_unchanged(old, new)
        else:
            _check_target(old, new)
            _check_texts(old)
        _mark(old, new.place)
        with old.read("read the ledger") as reading:
            given = {}
            if _is_there_already(old, new):  # an earlier try was kept: prove it again
                given = {one.name: _digest(_records(reading, one)) for one in LASTING}
            with new.write("copy the ledger") as writing:  # it waits for nothing: PostgreSQL ends who idles
                if not given:
                    writing.execute(delete(facts))
                    given = {one.name: _copied(reading, writing, one) for one in LASTING}
                    _set_sequences(writing)
                moved = tuple(_proved(writing, one, given[one.name], tell) for one in LASTING)
        _take_key_along(old, new)
    return Moved(source=old.place, place=new.place, tables=moved)


def _is_there_already(old: Store, new: Store) -> bool:
    with old.read("look at the ledger") as here, new.read("look at the database") as there:
        return _ledger_id(here) == _ledger_id(there)


def _check_unchanged(old: Store, new: Store) -> None:
    """Refuse a ledger that went on at the new place, or in the file that was used again: neither is a copy any more."""
    with old.read("read the ledger") as here:
        given = {one.name: _digest(_records(here, one)) for one in LASTING}
    with new.read("read the copy") as there:
        changed = [one.name for one in LASTING if _digest(_records(there, one)) != given[one.name]]
    if changed:
        raise LedgerError(
            f"move {old.place} to {new.place}: it is there already, and has changed since ({', '.join(changed)})",
            hint="Go on there: `flowlaunch batch resume URL --run`. Nothing was changed by this command.",
        )


def _check_target(old: Store, new: Store) -> None:
    """Refuse what would make the move fail later, while the file is not marked yet."""
    with new.read("look at the database") as connection:
        owner, who, is_owner = connection.execute(text(OWNER), {"table": f"{postgres.SCHEMA}.{facts.name}"}).one()
        tables = [one for one in LASTING if one is not facts]
        found = {one.name: connection.execute(select(func.count()).select_from(one)).scalar_one() for one in tables}
    if not is_owner:
        raise LedgerError(
            f"move {old.place} to {new.place}: only the owner of its tables may, and {who} is not {owner}",
            hint=f"Copy as {owner}; work on the copy as whom you like.",
        )
    others = [f"{count} {name}" for name, count in found.items() if count]
    if others:
        raise LedgerError(
            f"move {old.place} to {new.place}: it holds {', '.join(others)} of another ledger",
            hint="Give an empty database.",
        )


def _check_texts(old: Store) -> None:
    """Refuse a text that PostgreSQL cannot hold."""
    with old.read("look for NUL") as connection:
        for table in LASTING:
            texts = [column for column in table.columns if isinstance(column.type, String)]
            for column in texts:
                hit = select(*table.primary_key.columns).where(func.instr(column, func.char(0)) > 0).limit(1)
                found = connection.execute(hit).first()
                if found is not None:
                    raise LedgerError(
                        f"move {old.place}: {table.name} {tuple(found)} holds a NUL in {column.name}",
                        hint="PostgreSQL holds none. Finish this batch here, or erase the row: batch forget --key.",
                    )


def _mark(old: Store, place: str) -> None:
    """Mark the file as moved while nobody works on it."""
    with old.write("mark the ledger as moved") as connection:
        present = connection.execute(select(workers).where(workers.c.gone_us.is_(None))).all()
        alive = [one for one in present if lives(one, old.now_us(), STALE_AFTER_S)]
        if alive:
            raise LedgerBusyError(
                f"move {old.place}: process {alive[0].pid} on {alive[0].host} works on batch {alive[0].batch_id}",
                pid=alive[0].pid,
                host=alive[0].host,
                hint="Pause the batch and stop its runner (Ctrl-C), then move the ledger.",
            )
        known = moved_to(connection)
        if known is not None and _server_of(known) != _server_of(place):
            raise LedgerError(
                f"move {old.place} to {place}: it was moved to {known} before",
                hint="Finish that move, or use the file again: flowlaunch ledger info FILE --use-again.",
            )
        if known is None:
            connection.execute(insert(facts).values(name=MOVED_TO, value=place))


def _server_of(place: str) -> tuple[str | None, int | None, str | None]:
    """Return host, port and database: whoever signs in there."""
    url = make_url(place)
    return url.host, url.port, url.database


def use_again(store: Store) -> None:
    """Take the mark off: the file is in use again. What was launched from the copy since is not in it."""
    with store.write("use the ledger again") as connection:
        connection.execute(delete(facts).where(facts.c.name == MOVED_TO))


def _ledger_id(connection: Connection) -> str | None:
    return connection.execute(select(facts.c.value).where(facts.c.name == "ledger_id")).scalar()


# one table ---------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Sum:
    """Hashes records, whatever their order: databases sort text each in its own way."""

    rows: int = 0
    _sum: int = 0

    def add(self, record: Sequence[Any]) -> None:
        digest = hashlib.sha256(msgspec.msgpack.encode(tuple(record))).digest()
        self._sum = (self._sum + int.from_bytes(digest, "big")) % (1 << 256)
        self.rows += 1

    @property
    def sha256(self) -> str:
        return f"{self._sum:064x}"


def _records(connection: Connection, table: Table) -> Iterator[Sequence[Any]]:
    """Yield a table's records in flat memory; what says of the file that it was moved is no part of it."""
    wanted = select(table).execution_options(stream_results=True, yield_per=ROWS_AT_ONCE)
    if table is facts:
        wanted = wanted.where(facts.c.name != MOVED_TO)
    for part in connection.execute(wanted).partitions():
        yield from (tuple(one) for one in part)


def _digest(records: Iterable[Sequence[Any]]) -> _Sum:
    total = _Sum()
    for record in records:
        total.add(record)
    return total


def _copied(reading: Connection, writing: Connection, table: Table) -> _Sum:
    """Copy a table and return the sum of what was read."""
    total = _Sum()

    def passing() -> Iterator[Sequence[Any]]:
        for record in _records(reading, table):
            total.add(record)
            yield record

    postgres.copy_into(writing, table.name, [column.name for column in table.columns], passing())
    return total


def _proved(connection: Connection, table: Table, given: _Sum, tell: Callable[[TableMoved], None] | None) -> TableMoved:
    """Read a table of the copy and compare it with what was given."""
    found = _digest(_records(connection, table))
    if found != given:
        raise LedgerError(
            f"copy the table {table.name}: {given.rows} rows were given and {found.rows} found, or they differ",
            hint="Nothing of the copy was kept. This is a defect, or the copy came into use just now: report it.",
        )
    moved = TableMoved(str(table.name), found.rows, found.sha256)
    if tell is not None:
        tell(moved)
    return moved


def _set_sequences(connection: Connection) -> None:
    """Let new rows get numbers after those that were copied."""
    for table in metadata.sorted_tables:
        for column in table.primary_key:
            name = func.pg_get_serial_sequence(table.name, column.name)
            if connection.execute(select(name)).scalar() is not None:
                highest = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
                connection.execute(select(func.setval(name, highest, False)))


def _take_key_along(old: Store, new: Store) -> None:
    """Give this user the key of hashed contacts for the new place."""
    key = read_key(Path(str(old.path)).parent / KEY_FILE)
    if key is not None and isinstance(new.key, ServerKey):
        new.key.adopt(key)
