"""Lists of webhooks, callbacks and the audit log that stay quick at a million lines."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

INDEXES = (
    ("gateway_messages_of_hook", "gateway_messages", ["hook", "id"], None),
    ("gateway_messages_refused", "gateway_messages", ["id"], "problem != ''"),
    ("gateway_messages_refused_of_hook", "gateway_messages", ["hook", "id"], "problem != ''"),
    ("gateway_deliveries_due_at_origin", "gateway_deliveries", ["origin", "due_us", "seq"], "due_us IS NOT NULL"),
    ("gateway_deliveries_leased", "gateway_deliveries", ["lease"], "lease IS NOT NULL"),
    ("gateway_audit_by_what", "gateway_audit", ["what", "id"], None),
    ("gateway_audit_by_key", "gateway_audit", ["key_id", "id"], None),
)
"""Name, table, columns, and which lines are in it."""


def upgrade() -> None:
    """Make their indexes."""
    for name, table, columns, condition in INDEXES:
        where = None if condition is None else sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
