"""Alembic scripts: how a ledger of each schema version becomes one of the next."""
