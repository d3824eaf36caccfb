"""Pace slots in the database: one budget for all processes that share an OAuth client and a ledger.

Whoever reserves holds the lock on the client's row, so that reservations of a client come one after the other, on any
number of machines. On PostgreSQL they go by the server's clock.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import case, delete, insert, or_, select, update

from flowlaunch.batch.ledger import slot_clients
from flowlaunch.batch.ledger.faults import retried
from flowlaunch.batch.ledger.schema import controls, pace_clients, pace_lanes, pace_slots
from flowlaunch.batch.ledger.shapes import SlotGrant
from flowlaunch.batch.ledger.slot_rules import (
    LATE_US,
    SECOND_US,
    WINDOW_US,
    Claim,
    Wish,
    batch_of,
    fair_rate,
    gap_us_of,
    grant,
)
from flowlaunch.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from flowlaunch.batch.ledger.store import Store

__all__ = ["Wish", "give_back", "keep_back", "push_back", "reserve"]

LONG_AGO: Final = 0
RECENT_US: Final = 10 * SECOND_US
"""How far back a lane's use is looked at to tell what it leaves to others."""
GRACE_US: Final = SECOND_US
"""How long after it may ask again a lane that got too little still counts as wanting more."""


@retried(even_if_kept=True)
def reserve(store: Store, wish: Wish) -> SlotGrant:
    """Reserve slots in one transaction."""
    if wish.budget_per_minute < 1 or wish.rate_per_minute <= 0:
        raise LedgerError(
            f"reserve slots at {wish.rate_per_minute} of {wish.budget_per_minute} a minute: the budget must be at"
            " least one request and the rate above zero",
            hint="Pause the batch to stop it.",
        )
    # a server that crashes must not forget slots that are used all the same; a machine that does is silent longer
    with store.write("reserve slots", durable=store.path is None) as connection:
        client = slot_clients.ready(store, connection, wish.client_key)
        now_us = client.now_us
        mine = _ready_lane(connection, wish)
        _drop_old(connection, wish.client_key, now_us)
        slots = select(pace_slots.c.at_us, pace_slots.c.lane).where(pace_slots.c.client_key == wish.client_key)
        taken = connection.execute(slots.order_by(pace_slots.c.at_us)).all()
        fair = _fair(wish, client, [mine, *_rivals(connection, wish, client)], taken)
        granted = grant(
            fair,
            [one.at_us for one in taken],
            even_us=mine.even_us,
            silent_until_us=client.silent_until_us,
            now_us=now_us,
        )
        if granted.at_us:
            connection.execute(
                insert(pace_slots),
                [{"client_key": wish.client_key, "lane": wish.lane, "at_us": at_us} for at_us in granted.at_us],
            )
        wants_until_us = granted.next_us + GRACE_US if granted.next_us is not None else LONG_AGO
        connection.execute(
            update(pace_lanes)
            .where(pace_lanes.c.client_key == wish.client_key, pace_lanes.c.lane == wish.lane)
            .values(
                even_us=granted.even_us, gap_us=gap_us_of(fair), rate_per_minute=wish.rate_per_minute,
                wants_until_us=wants_until_us,
            )
        )  # fmt: skip
    return client.handed_out(SlotGrant(at_us=granted.at_us, next_us=granted.next_us, late_us=LATE_US))


def _ready_lane(connection: Connection, wish: Wish) -> Row[*tuple[Any, ...]]:
    """Return the wish's lane, made when it is new, with its batch's priority as weight."""
    here = (pace_lanes.c.client_key == wish.client_key, pace_lanes.c.lane == wish.lane)
    found = connection.execute(select(pace_lanes).where(*here)).first()
    batch_id = batch_of(wish.lane)
    weight = found.weight if found is not None else 1.0
    if batch_id is not None:
        priority = select(controls.c.priority).where(controls.c.batch_id == batch_id)
        weight = float(connection.execute(priority).scalar() or weight)
    if found is not None and found.weight == weight:
        return found
    if found is not None:
        connection.execute(update(pace_lanes).where(*here).values(weight=weight))
    else:
        connection.execute(
            insert(pace_lanes).values(
                client_key=wish.client_key, lane=wish.lane, even_us=LONG_AGO, gap_us=gap_us_of(wish), weight=weight,
                rate_per_minute=wish.rate_per_minute, wants_until_us=LONG_AGO,
            )
        )  # fmt: skip
    return connection.execute(select(pace_lanes).where(*here)).one()


def _rivals(connection: Connection, wish: Wish, client: slot_clients.Client) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return the other lanes that serve batches, used slots lately or want some now."""
    at_work = or_(
        pace_lanes.c.wants_until_us > client.now_us, pace_lanes.c.even_us > client.now_us - WINDOW_US - RECENT_US
    )
    others = select(pace_lanes).where(pace_lanes.c.client_key == wish.client_key, pace_lanes.c.lane != wish.lane)
    return [one for one in connection.execute(others.where(at_work)) if batch_of(one.lane) is not None]


def _fair(
    wish: Wish,
    client: slot_clients.Client,
    lanes: Sequence[Row[*tuple[Any, ...]]],
    taken: Sequence[Row[*tuple[Any, ...]]],
) -> Wish:
    """Return the wish with the budget less what is kept back, and the rate that is the lane's fair share of it.

    A lane that got all it asked for claims what it used lately, one that did not claims its rate. Lanes that serve no
    batch send single requests: they are not held up, and claim nothing.
    """
    budget = max(1.0, wish.budget_per_minute * (1.0 - client.kept_back))
    rate = min(wish.rate_per_minute, budget)
    if batch_of(wish.lane) is not None and len(lanes) > 1:
        lately = Counter(one.lane for one in taken if one.at_us >= client.now_us - RECENT_US)
        claims = [
            Claim(one.lane, _wanted(one, lately[one.lane], client.now_us), one.weight)
            if one.lane != wish.lane
            else Claim(wish.lane, rate, one.weight)
            for one in lanes
        ]
        rate = fair_rate(wish.lane, claims, budget)
    return Wish(wish.client_key, wish.lane, wish.n, budget, rate, wish.horizon_s)


def _wanted(lane: Row[*tuple[Any, ...]], lately: int, now_us: int) -> float:
    """Return the rate that another lane would use."""
    return float(lane.rate_per_minute) if lane.wants_until_us > now_us else lately * 60.0 * SECOND_US / RECENT_US


def _drop_old(connection: Connection, client_key: str, now_us: int) -> None:
    connection.execute(
        delete(pace_slots).where(
            pace_slots.c.client_key == client_key, pace_slots.c.at_us < now_us - WINDOW_US - SECOND_US
        )
    )


@retried(even_if_kept=True)
def give_back(store: Store, client_key: str, lane: str, at_us: Sequence[int]) -> None:
    """Free slots that were not used, and let the lane use its rate again."""
    if not at_us:
        return
    given_us = slot_clients.taken_back(store, at_us)
    with store.write("give back slots", durable=False) as connection:
        slot_clients.lock(connection, client_key)
        mine = (pace_slots.c.client_key == client_key, pace_slots.c.lane == lane)
        found = connection.execute(
            select(pace_slots.c.id, pace_slots.c.at_us).where(*mine, pace_slots.c.at_us.in_(set(given_us)))
        ).all()
        ids = _one_each(given_us, [(one.id, one.at_us) for one in found])
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


@retried(even_if_kept=True)
def push_back(store: Store, client_key: str, seconds: float) -> None:
    """Hold every request of the client for a while; a longer silence asked for before stays."""
    with store.write("push back", durable=False) as connection:
        client = slot_clients.ready(store, connection, client_key)
        until_us = client.now_us + round(seconds * SECOND_US)
        here = update(pace_clients).where(pace_clients.c.client_key == client_key)
        later = case((pace_clients.c.silent_until_us > until_us, pace_clients.c.silent_until_us), else_=until_us)
        connection.execute(here.values(silent_until_us=later))


@retried(even_if_kept=True)
def keep_back(store: Store, client_key: str, share: float) -> None:
    """Leave a share of every budget of the client to others that use it."""
    if not 0.0 <= share < 1.0:
        raise LedgerError(
            f"keep back {share:g} of a client's budget: it must be at least 0 and below 1",
            hint="Give e.g. 0.2 for a fifth.",
        )
    with store.write("keep back a share") as connection:
        slot_clients.ready(store, connection, client_key)
        here = update(pace_clients).where(pace_clients.c.client_key == client_key)
        connection.execute(here.values(kept_back=share))
