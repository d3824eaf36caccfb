"""Several workers on one batch, on any number of machines."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Count in parts, number a worker's writes, and weigh who wants slots."""
    op.rename_table("counts", "counts_before")
    op.create_table(
        "counts",
        sa.Column("batch_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"]),
        sa.PrimaryKeyConstraint("batch_id", "state", "reason", "part", name="counts_by_part"),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO counts SELECT batch_id, state, reason, 0, n FROM counts_before")
    op.drop_table("counts_before")
    with op.batch_alter_table("workers", recreate="never") as workers:
        workers.add_column(sa.Column("is_shared", sa.Boolean(), nullable=False, server_default=sa.false()))
        workers.add_column(sa.Column("serial", BIG, nullable=False, server_default="0"))
    is_present = sa.text("gone_us IS NULL")
    op.create_index(
        "workers_present",
        "workers",
        ["batch_id", "started_us"],
        sqlite_where=is_present,
        postgresql_where=is_present,
    )
    with op.batch_alter_table("controls", recreate="never") as controls:
        controls.add_column(sa.Column("priority", sa.Integer(), nullable=False, server_default="10"))
    with op.batch_alter_table("pace_clients", recreate="never") as clients:
        clients.add_column(sa.Column("kept_back", sa.Float(), nullable=False, server_default="0"))
    with op.batch_alter_table("pace_lanes", recreate="never") as lanes:
        lanes.add_column(sa.Column("weight", sa.Float(), nullable=False, server_default="1"))
        lanes.add_column(sa.Column("rate_per_minute", sa.Float(), nullable=False, server_default="0"))
        lanes.add_column(sa.Column("wants_until_us", BIG, nullable=False, server_default="0"))
