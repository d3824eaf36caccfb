"""The tables of the gateway's edges: keys, quotas, sessions, webhooks in, callbacks out, the audit log.

No secret is in them in clear: of keys, links and sessions there are hashes; secrets that sign are not here at all.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, literal_column

from flowlaunch.batch.ledger.schema import BIG, metadata

__all__ = [
    "IS_REFUSED",
    "audit",
    "deliveries",
    "delivery_attempts",
    "keys",
    "links",
    "messages",
    "quota_windows",
    "sessions",
    "wishes",
]

keys = Table(
    "gateway_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("secret_hash", String(64), nullable=False),
    Column("old_hash", String(64)),
    Column("old_until_us", BIG),
    Column("scopes", Text, nullable=False),
    Column("per_minute", Integer),
    Column("per_day", Integer),
    Column("created_us", BIG, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("rotated_us", BIG),
    Column("expires_us", BIG),
    Column("revoked_us", BIG),
    Column("last_used_us", BIG),
)

quota_windows = Table(
    "gateway_quota_windows",
    metadata,
    Column("subject", String(200), primary_key=True),
    Column("length_s", Integer, primary_key=True, autoincrement=False),
    Column("start_us", BIG, primary_key=True, autoincrement=False),
    Column("used", Integer, nullable=False),
)

sessions = Table(
    "gateway_sessions",
    metadata,
    Column("id_hash", String(64), primary_key=True),
    Column("key_id", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_us", BIG, nullable=False),
    Column("seen_us", BIG, nullable=False),
    Column("expires_us", BIG, nullable=False),
)

links = Table(
    "gateway_links",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_us", BIG, nullable=False),
    Column("expires_us", BIG, nullable=False),
    Column("used_us", BIG),
)

messages = Table(
    "gateway_messages",
    metadata,
    Column("id", BIG, primary_key=True),
    Column("hook", String(100), nullable=False),
    Column("message_id", String(200), nullable=False),
    Column("body_sha256", String(64), nullable=False),
    Column("received_us", BIG, nullable=False),
    Column("times", Integer, nullable=False),
    Column("launch_id", Text),
    Column("problem", Text, nullable=False),
    Column("body", LargeBinary),
    sqlite_autoincrement=True,
)

wishes = Table(
    "gateway_wishes",
    metadata,
    Column("row_id", BIG, ForeignKey("rows.id"), primary_key=True, autoincrement=False),
    Column("launch_id", String(40), nullable=False),
    Column("route", Text, nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("url", Text, nullable=False),
    Column("begun_us", BIG),
)
"""Whom to tell when a row ends; open until `begun_us`, when its delivery was made in the same transaction."""

deliveries = Table(
    "gateway_deliveries",
    metadata,
    Column("seq", BIG, primary_key=True),
    Column("id", String(100), nullable=False),
    Column("row_id", BIG, ForeignKey("rows.id"), nullable=False),
    Column("state", String(16), nullable=False),
    Column("event", String(32), nullable=False),
    Column("execution_id", Text),
    Column("attempt", Integer, nullable=False),
    Column("ended_us", BIG, nullable=False),
    Column("origin", Text, nullable=False),
    Column("created_us", BIG, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("tries_before", Integer, nullable=False),
    Column("due_us", BIG),
    Column("lease", String(100)),
    Column("lease_until_us", BIG),
    Column("done_us", BIG),
    Column("http_status", Integer),
    Column("problem", Text, nullable=False),
    sqlite_autoincrement=True,
)

delivery_attempts = Table(
    "gateway_delivery_attempts",
    metadata,
    Column("delivery_seq", BIG, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at_us", BIG, nullable=False),
    Column("took_us", BIG, nullable=False),
    Column("http_status", Integer),
    Column("problem", Text, nullable=False),
    sqlite_with_rowid=False,
)

audit = Table(
    "gateway_audit",
    metadata,
    Column("id", BIG, primary_key=True),
    Column("at_us", BIG, nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("what", String(64), nullable=False),
    Column("target", Text, nullable=False),
    Column("facts", Text, nullable=False),
    sqlite_autoincrement=True,
)

_IS_NAMED = keys.c.revoked_us.is_(None)
Index("gateway_keys_by_name", keys.c.name, unique=True, sqlite_where=_IS_NAMED, postgresql_where=_IS_NAMED)
Index("gateway_messages_by_id", messages.c.hook, messages.c.message_id, unique=True)
Index("gateway_messages_of_hook", messages.c.hook, messages.c.id)
IS_REFUSED = messages.c.problem != literal_column("''")
"""Spelt out, not a parameter: only so is it known to be what the indexes of refused messages are about."""
Index("gateway_messages_refused", messages.c.id, sqlite_where=IS_REFUSED, postgresql_where=IS_REFUSED)
Index(
    "gateway_messages_refused_of_hook",
    messages.c.hook,
    messages.c.id,
    sqlite_where=IS_REFUSED,
    postgresql_where=IS_REFUSED,
)
_IS_OPEN = wishes.c.begun_us.is_(None)
Index("gateway_wishes_open", wishes.c.row_id, sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN)
Index("gateway_deliveries_by_id", deliveries.c.id, unique=True)
_IS_DUE = deliveries.c.due_us.is_not(None)
Index("gateway_deliveries_due", deliveries.c.due_us, deliveries.c.seq, sqlite_where=_IS_DUE, postgresql_where=_IS_DUE)
Index(
    "gateway_deliveries_due_at_origin",
    deliveries.c.origin,
    deliveries.c.due_us,
    deliveries.c.seq,
    sqlite_where=_IS_DUE,
    postgresql_where=_IS_DUE,
)
_IS_LEASED = deliveries.c.lease.is_not(None)
Index("gateway_deliveries_leased", deliveries.c.lease, sqlite_where=_IS_LEASED, postgresql_where=_IS_LEASED)
Index("gateway_deliveries_by_state", deliveries.c.state, deliveries.c.seq)
Index("gateway_deliveries_of_row", deliveries.c.row_id)
Index("gateway_audit_by_target", audit.c.target, audit.c.id)
Index("gateway_audit_by_what", audit.c.what, audit.c.id)
Index("gateway_audit_by_key", audit.c.key_id, audit.c.id)
