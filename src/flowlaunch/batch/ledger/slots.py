"""Pace slots in the database: one budget for all processes that share an OAuth client and a ledger."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Final

from sqlalchemy import case, delete, insert, select, update

from flowlaunch.batch.ledger.schema import pace_clients, pace_lanes, pace_slots
from flowlaunch.batch.ledger.shapes import SlotGrant
from flowlaunch.batch.ledger.slot_rules import LATE_US, SECOND_US, WINDOW_US, Wish, gap_us_of, grant
from flowlaunch.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from flowlaunch.batch.ledger.store import Store

__all__ = ["Wish", "give_back", "push_back", "reserve"]

LONG_AGO: Final = 0
CLOCK_JUMP_US: Final = 250_000
"""A step of the wall clock against the monotonic one that is no slewing: the slots move with it."""
FUTURE_US: Final = 2 * SECOND_US


def reserve(store: Store, wish: Wish) -> SlotGrant:
    """Reserve slots in one transaction."""
    if wish.budget_per_minute < 1 or wish.rate_per_minute <= 0:
        raise LedgerError(
            f"reserve slots at {wish.rate_per_minute} of {wish.budget_per_minute} a minute: the budget must be at"
            " least one request and the rate above zero",
            hint="Pause the batch to stop it.",
        )
    with store.write("reserve slots", durable=False) as connection:
        now_us, silent_until_us = _ready_client(store, connection, wish.client_key)
        even_us = _ready_lane(connection, wish)
        _drop_old(connection, wish.client_key, now_us)
        in_order = select(pace_slots.c.at_us).where(pace_slots.c.client_key == wish.client_key)
        taken = list(connection.execute(in_order.order_by(pace_slots.c.at_us)).scalars())
        granted = grant(wish, taken, even_us=even_us, silent_until_us=silent_until_us, now_us=now_us)
        if granted.at_us:
            connection.execute(
                insert(pace_slots),
                [{"client_key": wish.client_key, "lane": wish.lane, "at_us": at_us} for at_us in granted.at_us],
            )
            connection.execute(
                update(pace_lanes)
                .where(pace_lanes.c.client_key == wish.client_key, pace_lanes.c.lane == wish.lane)
                .values(even_us=granted.even_us, gap_us=gap_us_of(wish))
            )
    return SlotGrant(at_us=granted.at_us, next_us=granted.next_us, late_us=LATE_US)


def _ready_client(store: Store, connection: Connection, client_key: str) -> tuple[int, int]:
    """Return the time and until when the client must be silent; move its slots when the wall clock has jumped."""
    moment = store.clock.now()
    now_us = round(moment.unix_s * SECOND_US)
    base_us = now_us - round(moment.mono_s * SECOND_US)
    host = platform.node()
    here = pace_clients.c.client_key == client_key
    row = connection.execute(select(pace_clients).where(here)).first()
    if row is None:
        connection.execute(
            insert(pace_clients).values(
                client_key=client_key, silent_until_us=LONG_AGO, clock_base_us=base_us, clock_host=host
            )
        )
        return now_us, LONG_AGO
    jump_us = base_us - row.clock_base_us
    if row.clock_host == host and abs(jump_us) <= CLOCK_JUMP_US:
        return now_us, row.silent_until_us
    silent_until_us = row.silent_until_us
    if row.clock_host == host:
        silent_until_us += jump_us
        _shift(connection, client_key, jump_us, now_us)
    connection.execute(
        update(pace_clients).where(here).values(clock_base_us=base_us, clock_host=host, silent_until_us=silent_until_us)
    )
    return now_us, silent_until_us


def _shift(connection: Connection, client_key: str, jump_us: int, now_us: int) -> None:
    """Move a client's slots with the wall clock; none further than a slot may lie ahead (a restart shows as a jump)."""
    cap_us = now_us + FUTURE_US
    for table, column in ((pace_slots, pace_slots.c.at_us), (pace_lanes, pace_lanes.c.even_us)):
        moved = column + jump_us
        connection.execute(
            update(table)
            .where(table.c.client_key == client_key)
            .values({column: case((moved > cap_us, cap_us), else_=moved)})
        )


def _ready_lane(connection: Connection, wish: Wish) -> int:
    """Return up to when the lane's even spacing has used its rate."""
    here = (pace_lanes.c.client_key == wish.client_key, pace_lanes.c.lane == wish.lane)
    found = connection.execute(select(pace_lanes.c.even_us).where(*here)).scalar()
    if found is None:
        connection.execute(
            insert(pace_lanes).values(
                client_key=wish.client_key, lane=wish.lane, even_us=LONG_AGO, gap_us=gap_us_of(wish)
            )
        )
        return LONG_AGO
    return int(found)


def _drop_old(connection: Connection, client_key: str, now_us: int) -> None:
    connection.execute(
        delete(pace_slots).where(
            pace_slots.c.client_key == client_key, pace_slots.c.at_us < now_us - WINDOW_US - SECOND_US
        )
    )


def give_back(store: Store, client_key: str, lane: str, at_us: Sequence[int]) -> None:
    """Free slots that were not used, and let the lane use its rate again."""
    if not at_us:
        return
    with store.write("give back slots", durable=False) as connection:
        mine = (pace_slots.c.client_key == client_key, pace_slots.c.lane == lane)
        found = connection.execute(
            select(pace_slots.c.id, pace_slots.c.at_us).where(*mine, pace_slots.c.at_us.in_(set(at_us)))
        ).all()
        ids = _one_each(at_us, [(one.id, one.at_us) for one in found])
        connection.execute(delete(pace_slots).where(pace_slots.c.id.in_(ids)))
        connection.execute(
            update(pace_lanes)
            .where(pace_lanes.c.client_key == client_key, pace_lanes.c.lane == lane)
            .values(even_us=pace_lanes.c.even_us - pace_lanes.c.gap_us * len(ids))
        )


def _one_each(at_us: Sequence[int], found: Sequence[tuple[int, int]]) -> list[int]:
    """Return one slot id for each instant given: a burst has several slots at one instant."""
    by_instant: dict[int, list[int]] = {}
    for slot_id, instant in found:
        by_instant.setdefault(instant, []).append(slot_id)
    return [by_instant[instant].pop() for instant in at_us if by_instant.get(instant)]


def push_back(store: Store, client_key: str, seconds: float) -> None:
    """Hold every request of the client for a while; a longer silence asked for before stays."""
    with store.write("push back", durable=False) as connection:
        now_us, silent_until_us = _ready_client(store, connection, client_key)
        until_us = max(silent_until_us, now_us + round(seconds * SECOND_US))
        connection.execute(
            update(pace_clients).where(pace_clients.c.client_key == client_key).values(silent_until_us=until_us)
        )
