"""What the ledger knows at a glance, for metrics and health: kept counts and short reads, no scan of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import func, insert, select, update

from flowlaunch.batch.ledger.schema import counts, facts, pace_slots, rows
from flowlaunch.batch.ledger.schema_edges import deliveries
from flowlaunch.batch.ledger.schema_gateway import launches
from flowlaunch.gateway.store.launches import first_id_at

if TYPE_CHECKING:
    from flowlaunch.batch.ledger.store import Store

__all__ = ["COUNTED_AT_MOST", "Glance", "glance", "launched_since", "probe"]

COUNTED_AT_MOST: Final = 100_000
"""Callbacks of one state that are counted; more show as this many."""
CALLBACK_STATES: Final = ("waiting", "dead")
LOOKED_AT_MOST: Final = 10_000
"""Launches that are looked at to tell of the time before the process."""
IDS_PER_STATEMENT: Final = 500
WINDOW_US: Final = 60_000_000
PROBE: Final = "written_at_us"


class Glance(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the ledger: rows by batch and state, callbacks by state, slots used in the last minute."""

    rows: dict[tuple[int, str], int]
    callbacks: dict[str, int]
    slots_used: int


def glance(store: Store, client_key: str) -> Glance:
    """Read everything in one short transaction."""
    now_us = store.now_us()
    by_state = select(counts.c.batch_id, counts.c.state, func.sum(counts.c.n).label("rows"))
    used = (
        select(func.count())
        .select_from(pace_slots)
        .where(
            pace_slots.c.client_key == client_key, pace_slots.c.at_us > now_us - WINDOW_US, pace_slots.c.at_us <= now_us
        )
    )
    with store.read("read gauges") as connection:
        found = connection.execute(by_state.group_by(counts.c.batch_id, counts.c.state)).all()
        waiting = {}
        for state in CALLBACK_STATES:
            some = select(deliveries.c.seq).where(deliveries.c.state == state).limit(COUNTED_AT_MOST).subquery()
            waiting[state] = int(connection.execute(select(func.count()).select_from(some)).scalar_one())
        slots = int(connection.execute(used).scalar_one())
    return Glance(rows={(one.batch_id, one.state): int(one.rows) for one in found}, callbacks=waiting, slots_used=slots)


def launched_since(store: Store, since_us: int, *, limit: int = LOOKED_AT_MOST) -> list[tuple[int, str]]:
    """Return when launches left and how they stand, of the newest `limit` that came through the door since an instant.

    Read along two primary keys, some at a time; rows of uploaded files are not among them.
    """
    newest = select(launches.c.row_id).where(launches.c.id >= first_id_at(since_us)).order_by(launches.c.id.desc())
    at_us = func.coalesce(rows.c.launched_us, rows.c.ended_us)
    found: list[tuple[int, str]] = []
    with store.read("look at the latest launches") as connection:
        row_ids = list(connection.execute(newest.limit(limit)).scalars())
        for at in range(0, len(row_ids), IDS_PER_STATEMENT):
            wanted = select(at_us, rows.c.state).where(rows.c.id.in_(row_ids[at : at + IDS_PER_STATEMENT]))
            found += [(int(one[0]), str(one[1])) for one in connection.execute(wanted.where(at_us >= since_us))]
    return found


def probe(store: Store) -> None:
    """Write something small, to see that the ledger can be written; LedgerError when it cannot."""
    now = str(store.now_us())
    with store.write("probe", durable=False) as connection:
        if not connection.execute(update(facts).where(facts.c.name == PROBE).values(value=now)).rowcount:
            connection.execute(insert(facts).values(name=PROBE, value=now))
