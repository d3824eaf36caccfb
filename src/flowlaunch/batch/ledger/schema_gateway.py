"""The tables of the gateway, in the ledger's database so that one transaction can hold both.

Instants are integer microseconds since 1970 (UTC). The batch code never looks at these tables.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, String, Table

from flowlaunch.batch.ledger.schema import BIG, metadata

__all__ = ["launches"]

launches = Table(
    "gateway_launches",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("row_id", BIG, ForeignKey("rows.id"), nullable=False),
    Column("caller", String(64), nullable=False),
    Column("idempotency_key", String(255)),
    Column("fingerprint", String(64), nullable=False),
    Column("trace", String(64), nullable=False),
    Column("created_us", BIG, nullable=False),
    sqlite_with_rowid=False,
)
"""What an app asked for: the row that it became, its idempotency key, and the trace it belongs to.

Ids rise with time, so that the newest launches are read from the end of the primary key.
"""

_HAS_KEY = launches.c.idempotency_key.is_not(None)
Index("gateway_launches_by_row", launches.c.row_id, unique=True)
Index(
    "gateway_launches_by_key",
    launches.c.caller,
    launches.c.idempotency_key,
    unique=True,
    sqlite_where=_HAS_KEY,
    postgresql_where=_HAS_KEY,
)
