"""Callbacks as people see them: lists, single ones with their attempts, replays, and letting go of old ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import func, select, update

from flowlaunch.batch.ledger.schema_edges import deliveries, delivery_attempts, wishes
from flowlaunch.gateway.store import audit
from flowlaunch.gateway.store.deliveries import Attempt

if TYPE_CHECKING:
    from sqlalchemy import Row, Select

    from flowlaunch.batch.ledger.store import Store
    from flowlaunch.gateway.access.caller import Caller

__all__ = ["STATES", "DeliveryRecord", "attempts_of", "count_by_state", "find", "read", "replay"]

STATES: Final = ("waiting", "delivered", "dead")


class DeliveryRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One end of one launch that is told to one address.

    Attributes:
        seq: the cursor of lists.
        id: the message id that the receiver sees; the same for every attempt.
        state: `waiting`, `delivered` or `dead` (given up).
        attempt: how often the row had been launched when it ended.
        tries: attempts to deliver since the start or the last replay; `tries_before`: those before it.
        due_us: when it is tried next; None when it is not.
        problem: why the last attempt failed.

    """

    seq: int
    id: str
    row_id: int
    launch_id: str
    route: str
    key_id: str
    origin: str
    state: str
    event: str
    execution_id: str | None
    attempt: int
    ended_us: int
    created_us: int
    tries: int
    tries_before: int
    due_us: int | None
    done_us: int | None
    http_status: int | None
    problem: str


def read(
    store: Store, *, state: str = "", row_id: int | None = None, before: int | None = None, limit: int = 100
) -> tuple[DeliveryRecord, ...]:
    """Return deliveries older than the cursor `before`, newest first; what is empty is not compared."""
    wanted = _wanted().order_by(deliveries.c.seq.desc()).limit(limit)
    if state:
        wanted = wanted.where(deliveries.c.state == state)
    if row_id is not None:
        wanted = wanted.where(deliveries.c.row_id == row_id)
    if before is not None:
        wanted = wanted.where(deliveries.c.seq < before)
    with store.read("list callbacks") as connection:
        return tuple(map(_made, connection.execute(wanted)))


def find(store: Store, delivery_id: str) -> DeliveryRecord | None:
    """Return the delivery of that message id."""
    with store.read("find a callback") as connection:
        row = connection.execute(_wanted().where(deliveries.c.id == delivery_id)).first()
    return None if row is None else _made(row)


def attempts_of(store: Store, seq: int) -> tuple[Attempt, ...]:
    """Return the attempts to deliver, oldest first."""
    columns = [delivery_attempts.c[name] for name in Attempt.__struct_fields__]
    wanted = select(*columns).where(delivery_attempts.c.delivery_seq == seq).order_by(delivery_attempts.c.number)
    with store.read("attempts of a callback") as connection:
        return tuple(Attempt(**one) for one in connection.execute(wanted).mappings())


def count_by_state(store: Store) -> dict[str, int]:
    """Return how many deliveries are in each state."""
    counted = select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
    with store.read("count callbacks") as connection:
        found = {str(state): int(n) for state, n in connection.execute(counted)}
    return {state: found.get(state, 0) for state in STATES}


def replay(store: Store, delivery_id: str, *, who: Caller | str) -> DeliveryRecord | None:
    """Have a delivery sent again from the start of its schedule, now; None when there is none of that id.

    One that is being sent at this moment is sent once more after it.
    """
    with store.write("replay a callback") as connection:
        again = (
            update(deliveries)
            .where(deliveries.c.id == delivery_id)
            .values(
                state="waiting",
                due_us=store.now_us(),
                tries_before=deliveries.c.tries_before + deliveries.c.tries,
                tries=0,
                done_us=None,
                lease=None,
                lease_until_us=None,
            )
        )
        if connection.execute(again).rowcount != 1:
            return None
        audit.record(store, who, "callback.replay", delivery_id, connection=connection)
        return _made(connection.execute(_wanted().where(deliveries.c.id == delivery_id)).one())


def _wanted() -> Select[*tuple[object, ...]]:
    own = [deliveries.c[name] for name in DeliveryRecord.__struct_fields__ if name in deliveries.c]
    told = [wishes.c.launch_id, wishes.c.route, wishes.c.key_id]
    return select(*own, *told).join(wishes, wishes.c.row_id == deliveries.c.row_id)


def _made(row: Row[*tuple[object, ...]]) -> DeliveryRecord:
    return DeliveryRecord(**row._mapping)  # noqa: SLF001 - SQLAlchemy's documented name
