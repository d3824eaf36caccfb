"""The least rights that working on batches needs in PostgreSQL: reading and writing rows, and no table's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import func, select, text

from flowlaunch.batch.ledger import postgres, versions
from flowlaunch.batch.ledger.jobs_schema import JOBS_SCHEMA
from flowlaunch.batch.ledger.schema import facts, metadata
from flowlaunch.errors import LedgerError

if TYPE_CHECKING:
    from sqlalchemy import Table

    from flowlaunch.batch.ledger.store import Clock

__all__ = ["Granted", "grant_role", "role_statements"]

USUAL: Final = "SELECT, INSERT, UPDATE"
OWNER: Final = "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = CAST(:table AS regclass)"
EMPTIED: Final = frozenset({"pace_slots", "pace_lanes", "worker_processes", "handovers", "duties", "chunks", "workers"})
"""Tables whose rows come and go."""
PRUNED: Final = frozenset({"rows", "attempts", "results", "counts", "events", "controls", "batches"})
"""Tables whose rows only go when what is old is removed."""


def role_statements(
    role: str, *, database: str, prunes: bool = False, has_jobs: bool = True, is_new: bool = True
) -> tuple[str, ...]:
    """Return the statements that make a role, or renew one, and give it the rights to work on batches.

    Args:
        role: its name; it has no password until the owner gives it one.
        database: the database that the ledger is in.
        prunes: whether it may remove old rows, as a gateway with retention does.
        has_jobs: whether the job queue of workers is in the database.
        is_new: whether the role is to be made; roles belong to the server, and serve several databases.

    """
    quoted = quote_identifier
    who, schema = quoted(role), quoted(postgres.SCHEMA)
    made = [f"CREATE ROLE {who} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"] if is_new else []
    made += [
        f"GRANT CONNECT ON DATABASE {quoted(database)} TO {who}",
        f"GRANT USAGE ON SCHEMA {schema} TO {who}",
        f"GRANT SELECT ON {schema}.alembic_version TO {who}",
    ]
    made += [
        f"GRANT {_rights(table, prunes=prunes)} ON {schema}.{quoted(table.name)} TO {who}"
        for table in metadata.sorted_tables
    ]
    made += [
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {who}",
        f"GRANT EXECUTE ON FUNCTION {schema}.look_at_rows(integer) TO {who}",
    ]
    if has_jobs:
        jobs = quoted(JOBS_SCHEMA)
        made += [
            f"GRANT USAGE ON SCHEMA {jobs} TO {who}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {jobs} TO {who}",
            f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {jobs} TO {who}",
            f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {jobs} TO {who}",
        ]
    return tuple(made)


def quote_identifier(name: str) -> str:
    """Return a name as PostgreSQL takes any name."""
    return '"' + name.replace('"', '""') + '"'


def _rights(table: Table, *, prunes: bool) -> str:
    if table is facts:  # what a ledger is called, and its key: once written they stay
        return "SELECT, INSERT"
    is_emptied = table.name in EMPTIED or table.name.startswith("gateway_") or (prunes and table.name in PRUNED)
    return f"{USUAL}, DELETE" if is_emptied else USUAL


class Granted(msgspec.Struct, frozen=True):
    """The statements for a role, and whether they make it: one that exists keeps its password."""

    statements: tuple[str, ...]
    is_new: bool


def grant_role(place: str, role: str, *, clock: Clock, prunes: bool, create: bool) -> Granted:
    """Return the statements for a role of the ledger at a URL, and run them if `create`: all or none.

    A role that exists gets the rights of this version.

    Raises:
        LedgerError: the ledger is a file, is none yet, is the role's own, or whoever signs in may not do so.

    """
    store = versions.open_store(place, clock, create=False)
    try:
        if store.path is not None:
            raise LedgerError(
                f"make a role for {store.place}: it is a file", hint="Whoever may write the file may use the ledger."
            )
        with store.read("look for the job queue") as connection:
            database = str(connection.execute(select(func.current_database())).scalar_one())
            owner = connection.execute(text(OWNER), {"table": f"{postgres.SCHEMA}.{facts.name}"}).scalar_one()
            is_new = not connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).all()
            has_jobs = connection.execute(select(func.to_regnamespace(JOBS_SCHEMA))).scalar() is not None
        if role == owner:
            raise LedgerError(
                f"make a role in {store.place}: {role} owns its tables, so no grant takes any right from it",
                hint="Name another role; it is made if there is none of that name.",
            )
        statements = role_statements(role, database=database, prunes=prunes, has_jobs=has_jobs, is_new=is_new)
        if create:
            with store.write("make a role") as connection:
                for one in statements:
                    connection.exec_driver_sql(one, execution_options={"no_parameters": True})
    finally:
        store.close()
    return Granted(statements, is_new)
