"""The tables of workers on many machines: who is there, which batches are theirs, and whose turn a duty is."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, String, Table, Text

from flowlaunch.batch.ledger.schema import BIG, metadata

__all__ = ["duties", "handovers", "processes"]

processes = Table(
    "worker_processes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_us", BIG, nullable=False),
    Column("heartbeat_us", BIG, nullable=False),
    Column("is_draining", Integer, nullable=False),
    Column("clients", Text, nullable=False),
    Column("standing", Text, nullable=False),
)
"""One line for each `flowlaunch worker run`; `clients` and `standing` are JSON, without any secret."""

handovers = Table(
    "handovers",
    metadata,
    Column("batch_id", Integer, ForeignKey("batches.id"), primary_key=True, autoincrement=False),
    Column("client_key", String(128), nullable=False),
    Column("profile", Text, nullable=False),
    Column("given_us", BIG, nullable=False),
    Column("done_us", BIG),
    Column("stage", Integer, nullable=False),
    Column("stage_full_us", BIG),
    Column("baseline", Text),
    Column("overrides", Text, nullable=False),
)
"""Batches that workers work on, and how far each has come on its ramp and with its error budget."""

duties = Table(
    "duties",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until_us", BIG, nullable=False),
)
"""What one process at a time does for all: held for seconds, so that a stopped process keeps nobody waiting."""
