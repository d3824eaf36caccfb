"""The job queue's own tables: in the ledger's database, in a schema of their own, kept up to date."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from flowlaunch.batch.ledger import postgres
from flowlaunch.errors import LedgerError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from flowlaunch.batch.ledger.store import Store

__all__ = ["JOBS_SCHEMA", "conninfo_of", "prepare_jobs"]

JOBS_SCHEMA: Final = "flowlaunch_jobs"
"""Its name; the schema's comment says how far its tables have come."""
_LOCK: Final = 0x666C_6A6F
"""Of the advisory lock under which one process at a time makes or changes the tables."""


def prepare_jobs(store: Store) -> None:
    """Make the tables of the job queue (Procrastinate), or bring them up to what its library needs.

    Raises:
        LedgerError: the ledger is a file, or the library is not installed.

    """
    _refuse_files(store)
    wanted = _migrations()
    with store.read("look at the job queue") as connection:
        if _version(connection) == wanted[-1]:
            return
    with store.write("prepare the job queue") as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        version = _version(connection)
        if version == wanted[-1]:
            return
        if version is None:
            _run(connection, f"CREATE SCHEMA IF NOT EXISTS {JOBS_SCHEMA}")
        _run(connection, f"SET LOCAL search_path TO {JOBS_SCHEMA}")
        if version is None:
            _run(connection, _text("schema.sql"))
        else:
            for name in wanted:
                if name > version:
                    _run(connection, _text("migrations", name))
        _run(connection, f"COMMENT ON SCHEMA {JOBS_SCHEMA} IS '{wanted[-1]}'")
        _run(connection, f"SET LOCAL search_path TO {postgres.SCHEMA}")


def _refuse_files(store: Store) -> None:
    if store.path is not None:
        raise LedgerError(
            f"work with several machines on {store.place}: it is a file of this one",
            hint="Copy it to PostgreSQL (`flowlaunch ledger copy`), or run the batch here (`flowlaunch batch run`).",
        )


def _version(connection: Connection) -> str | None:
    found = connection.execute(
        text("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = :name"),
        {"name": JOBS_SCHEMA},
    ).first()
    return str(found[0]) if found is not None and found[0] else None


def _migrations() -> list[str]:
    try:
        folder = resources.files("procrastinate.sql") / "migrations"
    except ImportError as error:
        raise LedgerError(
            "work with several machines: the job queue is not installed",
            code="ledger-driver",
            hint='Install it: pip install "flowlaunch[postgres]".',
        ) from error
    return sorted(one.name for one in folder.iterdir() if one.name.endswith(".sql"))


def _text(*where: str) -> str:
    return resources.files("procrastinate.sql").joinpath(*where).read_text(encoding="utf-8")


def _run(connection: Connection, statements: str) -> None:
    connection.exec_driver_sql(statements, execution_options={"no_parameters": True})


def conninfo_of(place: str) -> str:
    """Return a ledger's URL as the job queue's driver takes it, password included: never print it."""
    return postgres.parsed(place).set(drivername="postgresql").render_as_string(hide_password=False)
