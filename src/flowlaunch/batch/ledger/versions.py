"""Schema versions: what a place holds, whether we can read it, and how it is brought up to date."""

from __future__ import annotations

import logging
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, inspect, select, text

from flowlaunch.batch.ledger import (
    postgres,
    schema_edges,  # noqa: F401 - its tables are part of the schema
    schema_gateway,  # noqa: F401 - as above
    schema_workers,  # noqa: F401 - as above
    sqlite,
)
from flowlaunch.batch.ledger.marks import refuse_moved
from flowlaunch.batch.ledger.schema import HEAD, facts
from flowlaunch.batch.ledger.store import Clock, Store
from flowlaunch.errors import LedgerError, LedgerTooNewError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

__all__ = ["known_version", "open_store", "server_store", "upgrade", "version_of", "version_of_file"]

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def open_store(
    place: Path | str,
    clock: Clock,
    *,
    create: bool,
    boundary: Callable[[str], None] | None = None,
    moved_ok: bool = False,
    on_store: Callable[[Store], None] | None = None,
) -> Store:
    """Open the ledger at `place`, making it, or bringing a file up to date."""
    if isinstance(place, str) and "://" in place:
        store = server_store(place, clock, boundary=boundary)
        if on_store is not None:
            on_store(store)
        return _checked(store, create=create)
    path = Path(place).absolute()
    fresh = _check_file(path, create=create)
    if fresh:
        sqlite.make(path)
    store = Store(sqlite.SqliteFile(path), clock, boundary=boundary)
    try:
        _bring_up_to_date(store, path, fresh=fresh)
        if not moved_ok:
            with store.read("open") as connection:
                refuse_moved(connection, store.place)
    except BaseException:
        store.close()
        raise
    return store


def _checked(store: Store, *, create: bool) -> Store:
    try:
        if _server_version(store, create=create) == 0:
            upgrade(store, HEAD)
    except BaseException:
        store.close()
        raise
    return store


def _server_version(store: Store, *, create: bool) -> int:
    """Return the version of a ledger in a server: HEAD, or 0 when it is to be made; else raise LedgerError."""
    version = known_version(store)
    if version == 0 and not create:
        raise LedgerError(
            f"open the ledger {store.place}: there is none", hint="Make one: `flowlaunch ledger upgrade URL`."
        )
    if 0 < version < HEAD:
        raise LedgerError(
            f"open the ledger {store.place}: it has schema version {version}, this program needs {HEAD}",
            code="ledger-too-old",
            hint="Stop every older program that uses it, then run: flowlaunch ledger upgrade URL",
        )
    return version


def server_store(place: str, clock: Clock, *, boundary: Callable[[str], None] | None = None) -> Store:
    """Return a store on a database, whatever it holds; LedgerError when it is none that can hold a ledger."""
    if not postgres.is_postgres(place):
        raise LedgerError(
            f"open the ledger at {place.split('://', maxsplit=1)[0]}://…: only PostgreSQL and files are supported",
            hint="Give the path of a file, or postgresql://USER:PASSWORD@HOST:PORT/DATABASE.",
        )
    return Store(postgres.PostgresDatabase(place), clock, boundary=boundary)


def _check_file(path: Path, *, create: bool) -> bool:
    """Return whether the file is to be made; raise LedgerError when it is something else than a ledger."""
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        if not create:
            raise LedgerError(
                f"open the ledger {path}: there is none", hint="Check the path; `flowlaunch batch run` makes ledgers."
            )
        if not path.parent.is_dir():
            raise LedgerError(
                f"make the ledger {path}: there is no folder {path.parent}", hint="Make the folder first."
            )
        return True
    mark = sqlite.application_id(path)
    # 0: made but never finished, e.g. the process died between making the file and the first commit
    if mark not in {sqlite.APPLICATION_ID, 0}:
        raise LedgerError(
            f"open the ledger {path}: the file is no ledger of flowlaunch",
            hint="Give the path of a ledger, or a new one.",
        )
    return mark == 0


def version_of(connection: Connection) -> int:
    """Return the schema version of a ledger; 0 when it has no tables yet."""
    if connection.dialect.name == "postgresql":
        table = postgres.SCHEMA + ".alembic_version"
        is_there = connection.execute(select(func.to_regclass(table))).scalar() is not None
    else:
        is_there = inspect(connection).has_table("alembic_version")
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if is_there else None
    return int(found) if found is not None else 0


def version_of_file(place: Path | str) -> int:
    """Return the schema version of a ledger file; 0 when there is none."""
    path = Path(place).absolute()
    if _check_file(path, create=True):
        return 0
    database = sqlite.SqliteFile(path)
    try:
        with database.reading() as connection:
            return version_of(connection)
    finally:
        database.close()


def known_version(store: Store) -> int:
    """Return the schema version of a ledger; LedgerTooNewError when it is none that this program knows."""
    with store.read("open") as connection:
        version = version_of(connection)
    if version > HEAD:
        raise LedgerTooNewError(
            f"open the ledger {store.place}: it has schema version {version}, this program knows versions up to {HEAD}"
        )
    return version


def _bring_up_to_date(store: Store, path: Path, *, fresh: bool) -> None:
    version = known_version(store)
    if fresh and version == 0:
        with store.read("open") as connection:
            strange = inspect(connection).get_table_names()
        if strange:
            raise LedgerError(
                f"open the ledger {path}: the file is a database of something else",
                hint="Give the path of a ledger, or a new one.",
            )
    if version == HEAD:
        return
    if version > 0:
        sqlite.copy(path, _free_name(path, version))
    upgrade(store, HEAD)


def _free_name(path: Path, version: int) -> Path:
    """Return where the copy of an older ledger goes: beside it, never over an earlier copy."""
    n, name = 1, path.with_name(f"{path.name}.version{version}.bak")
    while name.exists():
        n += 1
        name = path.with_name(f"{path.name}.version{version}.{n}.bak")
    return name


def upgrade(store: Store, version: int) -> None:
    """Run the migrations up to `version` in one transaction: all of them or none."""
    from alembic import command  # noqa: PLC0415 - only needed when a schema changes
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with store.write("upgrade") as connection:
        if store.path is None:
            postgres.make_schema(connection)
        if version_of(connection) >= version:  # another process was first
            return
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, f"{version:04d}")
        except CommandError as error:
            raise LedgerError(f"bring the ledger {store.place} to schema version {version}: {error}") from error
        if store.path is not None:
            sqlite.stamp(connection, version)
        if connection.execute(select(facts.c.value).where(facts.c.name == "ledger_id")).first() is None:
            connection.execute(facts.insert(), [{"name": "ledger_id", "value": uuid.uuid4().hex}])
