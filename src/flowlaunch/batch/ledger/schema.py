"""The tables. `migrations/` builds them; a test holds the two to each other.

Instants are integer microseconds since 1970 (UTC). A row's id is (batch id << 32) | row number, so rows lie
in the order of the file and `id BETWEEN` is "the rows of this batch".

On PostgreSQL `rows` and `attempts` are partitioned by batch, along these ids; a trigger makes the partitions. They
have no foreign keys there, and an execution id is unique within its batch.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    and_,
    false,
    or_,
)

from flowlaunch.batch.states import RowState

__all__ = [
    "HEAD",
    "IN_ATTENTION",
    "attempts",
    "batches",
    "chunks",
    "controls",
    "counts",
    "events",
    "facts",
    "metadata",
    "of_batch",
    "pace_clients",
    "pace_lanes",
    "pace_slots",
    "results",
    "rows",
    "workers",
]

HEAD: Final = 6
"""The schema version that this program reads and writes: the number of the newest migration."""

BIG = BigInteger().with_variant(Integer(), "sqlite")  # INTEGER PRIMARY KEY is the row's own id in SQLite
metadata = MetaData()

facts = Table(
    "ledger_facts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

batches = Table(
    "batches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("spec", Text, nullable=False),
    Column("created_us", BIG, nullable=False),
    Column("last_number", BIG, nullable=False),
    Column("loaded_us", BIG),
    Column("started_us", BIG),
    Column("epoch", BIG, nullable=False),
    Column("worker_id", String(64)),
)

workers = Table(
    "workers",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("batch_id", Integer, ForeignKey("batches.id"), nullable=False, index=True),
    Column("pid", Integer, nullable=False),
    Column("host", Text, nullable=False),
    Column("started_us", BIG, nullable=False),
    Column("heartbeat_us", BIG, nullable=False),
    Column("gone_us", BIG),
    Column("is_shared", Boolean, nullable=False, server_default=false()),
    Column("serial", BIG, nullable=False, server_default="0"),
)
"""`serial` is the number of the worker's last commit: after a lost connection it tells what became of it."""

chunks = Table(
    "chunks",
    metadata,
    Column("id", BIG, primary_key=True),
    Column("batch_id", Integer, ForeignKey("batches.id"), nullable=False),
    Column("epoch", BIG, nullable=False),
    Column("worker_id", String(64), nullable=False),
    Column("taken_us", BIG, nullable=False),
    Column("closed_us", BIG),
    Column("rows", Integer, nullable=False),
)

rows = Table(
    "rows",
    metadata,
    Column("id", BIG, primary_key=True, autoincrement=False),
    Column("batch_id", Integer, ForeignKey("batches.id"), nullable=False),
    Column("number", BIG, nullable=False),
    Column("line", BIG, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(100), nullable=False),
    Column("epoch", BIG, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("chunk_id", BIG),
    Column("not_before_us", BIG, nullable=False),
    Column("not_after_us", BIG),
    Column("closes_us", BIG),
    Column("look_at_us", BIG),
    Column("intent_us", BIG),
    Column("launched_us", BIG),
    Column("ended_us", BIG),
    Column("http_status", Integer),
    Column("execution_id", Text),
    Column("correlation_id", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("contact", Text),
    Column("name", Text),
    Column("calendars", Text),
    Column("error_code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("payload", LargeBinary),
)

attempts = Table(
    "attempts",
    metadata,
    Column("row_id", BIG, ForeignKey("rows.id"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("intent_us", BIG, nullable=False),
    Column("ended_us", BIG, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", String(100), nullable=False),
    Column("http_status", Integer),
    Column("execution_id", Text),
    Column("correlation_id", Text, nullable=False),
    Column("contact", Text),
    Column("error_code", Text, nullable=False),
    Column("message", Text, nullable=False),
    sqlite_with_rowid=False,
)

results = Table(
    "results",
    metadata,
    Column("execution_id", Text, primary_key=True),
    Column("row_id", BIG, ForeignKey("rows.id"), nullable=False),
    Column("status", Text, nullable=False),
    Column("completion_reason", Text, nullable=False),
    Column("error_code", Text, nullable=False),
    Column("error_message", Text, nullable=False),
    Column("started_us", BIG),
    Column("ended_us", BIG),
    Column("recorded_us", BIG, nullable=False),
    Column("outputs", LargeBinary),
)

counts = Table(
    "counts",
    metadata,
    Column("batch_id", Integer, ForeignKey("batches.id"), primary_key=True, autoincrement=False),
    Column("state", String(16), primary_key=True),
    Column("reason", String(100), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("n", BIG, nullable=False),
    sqlite_with_rowid=False,
)
"""A count is the sum of its parts: processes that write at once change parts of their own, so that none waits."""

controls = Table(
    "controls",
    metadata,
    Column("batch_id", Integer, ForeignKey("batches.id"), primary_key=True, autoincrement=False),
    Column("paused", Boolean, nullable=False),
    Column("pause_reason", Text, nullable=False),
    Column("paused_by", Text, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    Column("rate_per_minute", Float),
    Column("concurrency", Integer),
    Column("version", Integer, nullable=False),
    Column("changed_us", BIG),
    Column("priority", Integer, nullable=False, server_default="10"),
)

events = Table(
    "events",
    metadata,
    Column("id", BIG, primary_key=True),
    Column("batch_id", Integer, ForeignKey("batches.id"), nullable=False),
    Column("at_us", BIG, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("row_id", BIG),
    Column("facts", Text, nullable=False),
    sqlite_autoincrement=True,
)

pace_clients = Table(
    "pace_clients",
    metadata,
    Column("client_key", String(128), primary_key=True),
    Column("silent_until_us", BIG, nullable=False),
    Column("clock_base_us", BIG, nullable=False),
    Column("clock_host", Text, nullable=False),
    Column("kept_back", Float, nullable=False, server_default="0"),
)

pace_lanes = Table(
    "pace_lanes",
    metadata,
    Column("client_key", String(128), primary_key=True),
    Column("lane", String(128), primary_key=True),
    Column("even_us", BIG, nullable=False),
    Column("gap_us", BIG, nullable=False),
    Column("weight", Float, nullable=False, server_default="1"),
    Column("rate_per_minute", Float, nullable=False, server_default="0"),
    Column("wants_until_us", BIG, nullable=False, server_default="0"),
)

pace_slots = Table(
    "pace_slots",
    metadata,
    Column("id", BIG, primary_key=True),
    Column("client_key", String(128), nullable=False),
    Column("at_us", BIG, nullable=False),
    Column("lane", String(128), nullable=False),
)

IN_ATTENTION: Final = (
    RowState.IN_DOUBT,
    RowState.HELD,
    RowState.REFUSED,
    RowState.FAILED,
    RowState.REJECTED,
    RowState.SKIPPED,
    RowState.CANCELLED,
)
"""States whose rows people ask for by state; the others are most of a batch and are read in order."""


def of_batch(batch_id: int) -> ColumnElement[bool]:
    """Return the condition for the rows of one batch, by its indexes and, where it is one, in its partition alone."""
    first, past = batch_id << 32, (batch_id + 1) << 32
    return and_(rows.c.batch_id == batch_id, rows.c.id >= first, rows.c.id < past)


FREE = rows.c.chunk_id.is_(None) & (rows.c.state == RowState.PENDING.value)
Index("rows_by_key", rows.c.key)
Index("rows_due", rows.c.batch_id, rows.c.not_before_us, rows.c.id, sqlite_where=FREE, postgresql_where=FREE)
Index(
    "rows_in_chunk",
    rows.c.chunk_id,
    sqlite_where=rows.c.chunk_id.is_not(None),
    postgresql_where=rows.c.chunk_id.is_not(None),
)
Index(
    "rows_to_look_at",
    rows.c.batch_id,
    rows.c.look_at_us,
    sqlite_where=rows.c.look_at_us.is_not(None),
    postgresql_where=rows.c.look_at_us.is_not(None),
)
_ATTENTION = or_(*(rows.c.state == state.value for state in IN_ATTENTION))
Index(
    "rows_in_attention", rows.c.batch_id, rows.c.state, rows.c.id, sqlite_where=_ATTENTION, postgresql_where=_ATTENTION
)
_HAS_CONTACT = attempts.c.contact.is_not(None)
Index(
    "attempts_by_contact",
    attempts.c.contact,
    attempts.c.intent_us,
    sqlite_where=_HAS_CONTACT,
    postgresql_where=_HAS_CONTACT,
)
_HAS_EXECUTION = attempts.c.execution_id.is_not(None)
Index(
    "attempts_by_execution",
    attempts.c.execution_id,
    unique=True,
    sqlite_where=_HAS_EXECUTION,
    postgresql_where=_HAS_EXECUTION,
)
Index(
    "chunks_open",
    chunks.c.batch_id,
    sqlite_where=chunks.c.closed_us.is_(None),
    postgresql_where=chunks.c.closed_us.is_(None),
)
_IS_PRESENT = workers.c.gone_us.is_(None)
Index(
    "workers_present",
    workers.c.batch_id,
    workers.c.started_us,
    sqlite_where=_IS_PRESENT,
    postgresql_where=_IS_PRESENT,
)
Index("events_of_batch", events.c.batch_id, events.c.id)
Index("results_of_row", results.c.row_id)
Index("pace_slots_in_order", pace_slots.c.client_key, pace_slots.c.at_us)
