"""Worker processes, the batches handed to them, and duties that one at a time has."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make their tables."""
    op.create_table(
        "worker_processes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_us", BIG, nullable=False),
        sa.Column("heartbeat_us", BIG, nullable=False),
        sa.Column("is_draining", sa.Integer(), nullable=False),
        sa.Column("clients", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "handovers",
        sa.Column("batch_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("client_key", sa.String(length=128), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("given_us", BIG, nullable=False),
        sa.Column("done_us", BIG),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("stage_full_us", BIG),
        sa.Column("baseline", sa.Text()),
        sa.Column("overrides", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"]),
        sa.PrimaryKeyConstraint("batch_id"),
    )
    op.create_table(
        "duties",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("until_us", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
