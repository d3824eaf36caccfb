"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IN_ATTENTION = (
    "state = 'in_doubt' OR state = 'held' OR state = 'refused' OR state = 'failed' OR state = 'rejected'"
    " OR state = 'skipped' OR state = 'cancelled'"
)


MAKE_ROOM = """
CREATE FUNCTION make_room() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    first bigint := NEW.id::bigint << 32;
    past bigint := (NEW.id::bigint + 1) << 32;
    whole text;
BEGIN
    FOREACH whole IN ARRAY ARRAY['rows', 'attempts'] LOOP
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', whole || '_' || NEW.id, whole);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                       whole, whole || '_' || NEW.id, first, past);
    END LOOP;
    EXECUTE format('CREATE UNIQUE INDEX ON %I (execution_id) WHERE execution_id IS NOT NULL', 'attempts_' || NEW.id);
    RETURN NULL;
END $$
"""
"""Gives a new batch its partitions, with the rights of the tables' owner: who works on batches needs no such rights.

A partition is made aside and attached: that waits for nobody who reads or writes other batches.
"""

LOOK_AT_ROWS = """
CREATE FUNCTION look_at_rows(of_batch integer) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
BEGIN
    EXECUTE format('ANALYZE %I', 'rows_' || of_batch);
END $$
"""
"""Has the server look at what was loaded: before it does, it takes every partition for a small one and plans badly."""


def is_postgresql() -> bool:
    """Whether the ledger is in PostgreSQL, where rows and attempts are partitioned by batch.

    They have no foreign keys there: the bounds of a partition say of which batch its rows are.
    """
    return op.get_bind().dialect.name == "postgresql"


def refers_to(column: str, whole: str) -> list[sa.ForeignKeyConstraint]:
    """Return the foreign key of a table that is partitioned on PostgreSQL, or refers to one."""
    return [] if is_postgresql() else [sa.ForeignKeyConstraint([column], [f"{whole}.id"])]


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "batches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("created_us", BIG, nullable=False),
        sa.Column("last_number", BIG, nullable=False),
        sa.Column("loaded_us", BIG),
        sa.Column("started_us", BIG),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("worker_id", sa.String(length=64)),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "ledger_facts",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "pace_clients",
        sa.Column("client_key", sa.String(length=128), nullable=False),
        sa.Column("silent_until_us", BIG, nullable=False),
        sa.Column("clock_base_us", BIG, nullable=False),
        sa.Column("clock_host", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("client_key"),
    )
    op.create_table(
        "pace_lanes",
        sa.Column("client_key", sa.String(length=128), nullable=False),
        sa.Column("lane", sa.String(length=128), nullable=False),
        sa.Column("even_us", BIG, nullable=False),
        sa.Column("gap_us", BIG, nullable=False),
        sa.PrimaryKeyConstraint("client_key", "lane"),
    )
    op.create_table(
        "pace_slots",
        sa.Column("id", BIG, nullable=False),
        sa.Column("client_key", sa.String(length=128), nullable=False),
        sa.Column("at_us", BIG, nullable=False),
        sa.Column("lane", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("pace_slots_in_order", "pace_slots", ["client_key", "at_us"])
    op.create_table(
        "chunks",
        sa.Column("id", BIG, nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("worker_id", sa.String(length=64), nullable=False),
        sa.Column("taken_us", BIG, nullable=False),
        sa.Column("closed_us", BIG),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["batches.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "chunks_open",
        "chunks",
        ["batch_id"],
        sqlite_where=sa.text("closed_us IS NULL"),
        postgresql_where=sa.text("closed_us IS NULL"),
    )
    op.create_table(
        "controls",
        sa.Column("batch_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("pause_reason", sa.Text(), nullable=False),
        sa.Column("paused_by", sa.Text(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("rate_per_minute", sa.Float()),
        sa.Column("concurrency", sa.Integer()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_us", BIG),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["batches.id"],
        ),
        sa.PrimaryKeyConstraint("batch_id"),
    )
    op.create_table(
        "counts",
        sa.Column("batch_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["batches.id"],
        ),
        sa.PrimaryKeyConstraint("batch_id", "state", "reason"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "events",
        sa.Column("id", BIG, nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("at_us", BIG, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("row_id", BIG),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["batches.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("events_of_batch", "events", ["batch_id", "id"])
    op.create_table(
        "rows",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.Column("line", BIG, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("chunk_id", BIG),
        sa.Column("not_before_us", BIG, nullable=False),
        sa.Column("not_after_us", BIG),
        sa.Column("closes_us", BIG),
        sa.Column("look_at_us", BIG),
        sa.Column("intent_us", BIG),
        sa.Column("launched_us", BIG),
        sa.Column("ended_us", BIG),
        sa.Column("http_status", sa.Integer()),
        sa.Column("execution_id", sa.Text()),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text()),
        sa.Column("name", sa.Text()),
        sa.Column("calendars", sa.Text()),
        sa.Column("error_code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary()),
        *refers_to("batch_id", "batches"),
        sa.PrimaryKeyConstraint("id"),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index("rows_by_key", "rows", ["key"])
    op.create_index(
        "rows_due",
        "rows",
        ["batch_id", "not_before_us", "id"],
        sqlite_where=sa.text("chunk_id IS NULL AND state = 'pending'"),
        postgresql_where=sa.text("chunk_id IS NULL AND state = 'pending'"),
    )
    op.create_index(
        "rows_in_attention",
        "rows",
        ["batch_id", "state", "id"],
        sqlite_where=sa.text(IN_ATTENTION),
        postgresql_where=sa.text(IN_ATTENTION),
    )
    op.create_index(
        "rows_in_chunk",
        "rows",
        ["chunk_id"],
        sqlite_where=sa.text("chunk_id IS NOT NULL"),
        postgresql_where=sa.text("chunk_id IS NOT NULL"),
    )
    op.create_index(
        "rows_to_look_at",
        "rows",
        ["batch_id", "look_at_us"],
        sqlite_where=sa.text("look_at_us IS NOT NULL"),
        postgresql_where=sa.text("look_at_us IS NOT NULL"),
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("started_us", BIG, nullable=False),
        sa.Column("heartbeat_us", BIG, nullable=False),
        sa.Column("gone_us", BIG),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["batches.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_workers_batch_id", "workers", ["batch_id"])
    op.create_table(
        "attempts",
        sa.Column("row_id", BIG, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("intent_us", BIG, nullable=False),
        sa.Column("ended_us", BIG, nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("http_status", sa.Integer()),
        sa.Column("execution_id", sa.Text()),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text()),
        sa.Column("error_code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        *refers_to("row_id", "rows"),
        sa.PrimaryKeyConstraint("row_id", "number"),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (row_id)",
    )
    op.create_index(
        "attempts_by_contact",
        "attempts",
        ["contact", "intent_us"],
        sqlite_where=sa.text("contact IS NOT NULL"),
        postgresql_where=sa.text("contact IS NOT NULL"),
    )
    if not is_postgresql():  # there each partition has its own
        op.create_index(
            "attempts_by_execution",
            "attempts",
            ["execution_id"],
            unique=True,
            sqlite_where=sa.text("execution_id IS NOT NULL"),
        )
    op.create_table(
        "results",
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.Column("row_id", BIG, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("completion_reason", sa.Text(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=False),
        sa.Column("error_message", sa.Text(), nullable=False),
        sa.Column("started_us", BIG),
        sa.Column("ended_us", BIG),
        sa.Column("recorded_us", BIG, nullable=False),
        sa.Column("outputs", sa.LargeBinary()),
        *refers_to("row_id", "rows"),
        sa.PrimaryKeyConstraint("execution_id"),
    )
    op.create_index("results_of_row", "results", ["row_id"])
    if is_postgresql():
        op.execute(MAKE_ROOM)
        op.execute(LOOK_AT_ROWS)
        op.execute("REVOKE EXECUTE ON FUNCTION make_room(), look_at_rows(integer) FROM PUBLIC")
        op.execute("CREATE TRIGGER make_room AFTER INSERT ON batches FOR EACH ROW EXECUTE FUNCTION make_room()")
