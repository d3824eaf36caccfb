"""The gateway's edges: keys, quotas, sessions, webhooks in, callbacks out, the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make their tables."""
    op.create_table(
        "gateway_audit",
        sa.Column("id", BIG, nullable=False),
        sa.Column("at_us", BIG, nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("what", sa.String(length=64), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("gateway_audit_by_target", "gateway_audit", ["target", "id"])
    op.create_table(
        "gateway_delivery_attempts",
        sa.Column("delivery_seq", BIG, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at_us", BIG, nullable=False),
        sa.Column("took_us", BIG, nullable=False),
        sa.Column("http_status", sa.Integer()),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_seq", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "gateway_keys",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("old_hash", sa.String(length=64)),
        sa.Column("old_until_us", BIG),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("per_minute", sa.Integer()),
        sa.Column("per_day", sa.Integer()),
        sa.Column("created_us", BIG, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("rotated_us", BIG),
        sa.Column("expires_us", BIG),
        sa.Column("revoked_us", BIG),
        sa.Column("last_used_us", BIG),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "gateway_keys_by_name",
        "gateway_keys",
        ["name"],
        unique=True,
        sqlite_where=sa.text("revoked_us IS NULL"),
        postgresql_where=sa.text("revoked_us IS NULL"),
    )
    op.create_table(
        "gateway_links",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_us", BIG, nullable=False),
        sa.Column("expires_us", BIG, nullable=False),
        sa.Column("used_us", BIG),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_table(
        "gateway_messages",
        sa.Column("id", BIG, nullable=False),
        sa.Column("hook", sa.String(length=100), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("received_us", BIG, nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("launch_id", sa.Text()),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("gateway_messages_by_id", "gateway_messages", ["hook", "message_id"], unique=True)
    op.create_table(
        "gateway_quota_windows",
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("length_s", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("start_us", BIG, autoincrement=False, nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "length_s", "start_us"),
    )
    op.create_table(
        "gateway_sessions",
        sa.Column("id_hash", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_us", BIG, nullable=False),
        sa.Column("seen_us", BIG, nullable=False),
        sa.Column("expires_us", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id_hash"),
    )
    op.create_table(
        "gateway_deliveries",
        sa.Column("seq", BIG, nullable=False),
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("row_id", BIG, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("execution_id", sa.Text()),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("ended_us", BIG, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("created_us", BIG, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("tries_before", sa.Integer(), nullable=False),
        sa.Column("due_us", BIG),
        sa.Column("lease", sa.String(length=100)),
        sa.Column("lease_until_us", BIG),
        sa.Column("done_us", BIG),
        sa.Column("http_status", sa.Integer()),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["row_id"], ["rows.id"]),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    op.create_index("gateway_deliveries_by_id", "gateway_deliveries", ["id"], unique=True)
    op.create_index("gateway_deliveries_by_state", "gateway_deliveries", ["state", "seq"])
    op.create_index(
        "gateway_deliveries_due",
        "gateway_deliveries",
        ["due_us", "seq"],
        sqlite_where=sa.text("due_us IS NOT NULL"),
        postgresql_where=sa.text("due_us IS NOT NULL"),
    )
    op.create_index("gateway_deliveries_of_row", "gateway_deliveries", ["row_id"])
    op.create_table(
        "gateway_wishes",
        sa.Column("row_id", BIG, autoincrement=False, nullable=False),
        sa.Column("launch_id", sa.String(length=40), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("begun_us", BIG),
        sa.ForeignKeyConstraint(["row_id"], ["rows.id"]),
        sa.PrimaryKeyConstraint("row_id"),
    )
    op.create_index(
        "gateway_wishes_open",
        "gateway_wishes",
        ["row_id"],
        sqlite_where=sa.text("begun_us IS NULL"),
        postgresql_where=sa.text("begun_us IS NULL"),
    )
