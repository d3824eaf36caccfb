"""Launches that came in through the gateway."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table of launches."""
    op.create_table(
        "gateway_launches",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("row_id", BIG, nullable=False),
        sa.Column("caller", sa.String(length=64), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255)),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("trace", sa.String(length=64), nullable=False),
        sa.Column("created_us", BIG, nullable=False),
        sa.ForeignKeyConstraint(["row_id"], ["rows.id"]),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index("gateway_launches_by_row", "gateway_launches", ["row_id"], unique=True)
    has_key = sa.text("idempotency_key IS NOT NULL")
    op.create_index(
        "gateway_launches_by_key",
        "gateway_launches",
        ["caller", "idempotency_key"],
        unique=True,
        sqlite_where=has_key,
        postgresql_where=has_key,
    )
