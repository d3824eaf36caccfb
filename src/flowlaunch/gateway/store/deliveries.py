"""Callbacks in the ledger's database: which ends are to be told, who tells them now, and what came of it.

A wish is made with its launch. When the launch's row has ended, one transaction closes the wish and leaves a delivery;
whoever leases a delivery sends it. So no end is forgotten by a crash, and two processes do not send one at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import ColumnElement, Select, func, insert, or_, select, update

from flowlaunch.batch.ledger.schema import attempts, results, rows
from flowlaunch.batch.ledger.schema_edges import deliveries, delivery_attempts, wishes
from flowlaunch.batch.ledger.schema_gateway import launches
from flowlaunch.batch.states import FINAL_STATES, UNKNOWN_ENDS, RowState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from sqlalchemy import Connection, Row

    from flowlaunch.batch.ledger.store import Store

__all__ = [
    "Attempt",
    "Due",
    "Ended",
    "Leased",
    "Settled",
    "Wish",
    "begin",
    "due",
    "ended_of",
    "free_leases",
    "lease",
    "next_due_us",
    "reopen",
    "settle",
    "wish",
]

ROWS_PER_TRANSACTION: Final = 500
FINAL: Final = tuple(sorted(state.value for state in FINAL_STATES))
LONGEST_PROBLEM: Final = 300
UNKNOWN: Final = "launch.unknown"
"""The event of a launch whose end cannot be learnt any more: it was launched, and may have done its work."""
_IS_UNKNOWN: Final = (rows.c.state == RowState.LAUNCHED.value) & rows.c.reason.in_(sorted(UNKNOWN_ENDS))


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to tell when a row ends; `key_id` says whose secret signs."""

    row_id: int
    launch_id: str
    route: str
    key_id: str
    url: str


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that may be sent now."""

    seq: int
    origin: str


class Leased(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that is ours to send until the lease ends."""

    seq: int
    id: str
    row_id: int
    launch_id: str
    route: str
    key_id: str
    url: str
    event: str
    execution_id: str | None
    attempt: int
    ended_us: int
    tries: int
    tries_before: int


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to deliver; `http_status` is None when no answer came, `problem` is empty when all was well."""

    number: int
    at_us: int
    took_us: int
    http_status: int | None = None
    problem: str = ""


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a delivery after an attempt: `delivered`, `dead`, or `waiting` until `due_us`."""

    seq: int
    state: str
    attempt: Attempt
    due_us: int | None = None


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger knows of a launch that has ended, for its callback; a text is empty where there is none."""

    idempotency_key: str | None
    state: str
    message: str = ""
    error_code: str = ""
    launched_us: int | None = None
    completion_reason: str = ""
    outputs: bytes | None = None
    trace: str = ""


# from launches to deliveries --------------------------------------------------------------------------------------


def wish(connection: Connection, wanted: Sequence[Wish]) -> None:
    """Have the ends of new rows told."""
    if wanted:
        connection.execute(insert(wishes), [msgspec.structs.asdict(one) | {"begun_us": None} for one in wanted])


def reopen(connection: Connection, row_ids: Sequence[int]) -> None:
    """Have the next end of rows that are launched again told, too; rows without a callback are passed over."""
    if row_ids:
        connection.execute(update(wishes).where(wishes.c.row_id.in_(row_ids)).values(begun_us=None))


def begin(store: Store, origin_of: Callable[[str], str], row_ids: Sequence[int] | None = None) -> int:
    """Make deliveries of open wishes whose rows have ended, of these rows or of all; return how many."""
    if row_ids is not None:
        parts = [row_ids[at : at + ROWS_PER_TRANSACTION] for at in range(0, len(row_ids), ROWS_PER_TRANSACTION)]
        return sum(_deliver(store, _ended(store, 0, part), origin_of) for part in parts)
    made, after = 0, 0
    while found := _ended(store, after, None):
        made += _deliver(store, found, origin_of)
        after = found[-1].row_id
    return made


def _ended(store: Store, after: int, row_ids: Sequence[int] | None) -> Sequence[Row[*tuple[Any, ...]]]:
    wanted = (
        select(wishes.c.row_id, wishes.c.launch_id, wishes.c.url)
        .add_columns(rows.c.state, rows.c.execution_id, rows.c.attempts, rows.c.ended_us)
        .join(rows, rows.c.id == wishes.c.row_id)
        .where(wishes.c.begun_us.is_(None), wishes.c.row_id > after, or_(rows.c.state.in_(FINAL), _IS_UNKNOWN))
        .order_by(wishes.c.row_id)
        .limit(ROWS_PER_TRANSACTION)
    )
    if row_ids is not None:
        wanted = wanted.where(wishes.c.row_id.in_(row_ids))
    with store.read("find ended launches") as connection:
        return connection.execute(wanted).all()


def _deliver(store: Store, found: Sequence[Row[*tuple[Any, ...]]], origin_of: Callable[[str], str]) -> int:
    """Close the wishes and leave their deliveries; a wish that another process closed first is passed over."""
    if not found:
        return 0
    now_us = store.now_us()
    made = []
    with store.write("begin callbacks") as connection:
        for one in found:
            still_open = (wishes.c.row_id == one.row_id, wishes.c.begun_us.is_(None))
            if connection.execute(update(wishes).where(*still_open).values(begun_us=now_us)).rowcount != 1:
                continue
            ended_us = one.ended_us or now_us
            made.append(
                {
                    "id": f"{one.launch_id}_{ended_us}",
                    "row_id": one.row_id,
                    "state": "waiting",
                    "event": UNKNOWN if one.state == RowState.LAUNCHED else f"launch.{one.state}",
                    "execution_id": one.execution_id,
                    "attempt": one.attempts,
                    "ended_us": ended_us,
                    "origin": origin_of(one.url),
                    "created_us": now_us,
                    "tries": 0,
                    "tries_before": 0,
                    "due_us": now_us,
                    "problem": "",
                }
            )
        if made:
            connection.execute(insert(deliveries), made)
    return len(made)


# sending ----------------------------------------------------------------------------------------------------------


def due(
    store: Store, *, but_origins: Collection[str] = (), limit: int, per_origin: int | None = None
) -> tuple[Due, ...]:
    """Return deliveries that are due and that nobody sends now, longest due first, so many of each origin at most.

    The origins are chosen first, so that what waits for a busy one is never read however much that is.
    """
    now_us = store.now_us()
    found: list[Row[*tuple[Any, ...]]] = []
    with store.read("find due callbacks") as connection:
        for origin in connection.execute(_origins_due(now_us, but_origins).limit(limit)).scalars().all():
            wanted = select(deliveries.c.seq, deliveries.c.origin, deliveries.c.due_us)
            found += connection.execute(_due_at(wanted, origin, now_us).limit(per_origin or limit))
    found.sort(key=lambda one: (one.due_us, one.seq))
    return tuple(Due(seq=one.seq, origin=one.origin) for one in found[:limit])


def _origins_due(now_us: int, but_origins: Collection[str]) -> Select[str]:
    """Select origins for which a delivery is due, longest due first: one step in the index for each that has any."""
    is_waiting = deliveries.c.due_us.is_not(None)
    lowest = select(func.min(deliveries.c.origin)).where(is_waiting)
    origins = select(lowest.scalar_subquery().label("origin")).cte("origins", recursive=True)
    following = lowest.where(deliveries.c.origin > origins.c.origin).scalar_subquery()
    origins = origins.union_all(select(following).where(origins.c.origin.is_not(None)))
    oldest = _due_at(select(deliveries.c.due_us), origins.c.origin, now_us).limit(1).scalar_subquery()
    each = select(origins.c.origin, oldest.label("due_us")).where(origins.c.origin.not_in(but_origins)).subquery()
    return select(each.c.origin).where(each.c.due_us.is_not(None)).order_by(each.c.due_us)


def _due_at(
    wanted: Select[*tuple[Any, ...]], origin: str | ColumnElement[str], now_us: int
) -> Select[*tuple[Any, ...]]:
    here = (deliveries.c.origin == origin, deliveries.c.due_us <= now_us, _is_free(now_us))
    return wanted.where(*here).order_by(deliveries.c.due_us, deliveries.c.seq)


def next_due_us(store: Store) -> int | None:
    """Return when the next delivery that nobody sends now is due; None when none waits."""
    wanted = select(deliveries.c.due_us).where(deliveries.c.due_us.is_not(None), _is_free(store.now_us()))
    with store.read("next callback") as connection:
        found = connection.execute(wanted.order_by(deliveries.c.due_us).limit(1)).scalar()
    return None if found is None else int(found)


def lease(store: Store, seqs: Sequence[int], holder: str, *, lasts_us: int) -> tuple[Leased, ...]:
    """Take deliveries for `holder`; those that someone else took meanwhile are missing from what is returned."""
    now_us = store.now_us()
    with store.write("lease callbacks", durable=False) as connection:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.seq.in_(seqs), deliveries.c.due_us <= now_us, _is_free(now_us))
            .values(lease=holder, lease_until_us=now_us + lasts_us)
        )
        wanted = (
            select(
                *(deliveries.c[name] for name in Leased.__struct_fields__ if name in deliveries.c),
                wishes.c.launch_id,
                wishes.c.route,
                wishes.c.key_id,
                wishes.c.url,
            )
            .join(wishes, wishes.c.row_id == deliveries.c.row_id)
            .where(deliveries.c.seq.in_(seqs), deliveries.c.lease == holder)
            .order_by(deliveries.c.seq)
        )
        found = connection.execute(wanted).mappings().all()
    return tuple(Leased(**one) for one in found)


def free_leases(store: Store, is_dead: Callable[[str], bool]) -> int:
    """End the leases of holders that are dead, before their time; return how many deliveries are free."""
    held = select(deliveries.c.lease).where(deliveries.c.due_us.is_not(None), deliveries.c.lease.is_not(None))
    with store.read("look for dead senders") as connection:
        dead = [holder for holder in connection.execute(held.distinct()).scalars() if is_dead(holder)]
    if not dead:
        return 0
    with store.write("free callbacks", durable=False) as connection:
        theirs = update(deliveries).where(deliveries.c.lease.in_(dead))
        return connection.execute(theirs.values(lease=None, lease_until_us=None)).rowcount


def settle(store: Store, holder: str, done: Settled) -> bool:
    """Write what came of an attempt; return False, leaving all as it is, when the lease went to someone else.

    It need not be on the disk at once: after a power cut a message is sent again, and its receiver knows its id.
    """
    attempt = done.attempt
    new = {
        "state": done.state,
        "due_us": done.due_us,
        "lease": None,
        "lease_until_us": None,
        "tries": deliveries.c.tries + 1,
        "http_status": attempt.http_status,
        "problem": attempt.problem[:LONGEST_PROBLEM],
        "done_us": None if done.state == "waiting" else attempt.at_us + attempt.took_us,
    }
    with store.write("settle a callback", durable=False) as connection:
        ours = (deliveries.c.seq == done.seq, deliveries.c.lease == holder)
        if connection.execute(update(deliveries).where(*ours).values(**new)).rowcount != 1:
            return False
        values = msgspec.structs.asdict(attempt) | {"problem": attempt.problem[:LONGEST_PROBLEM]}
        connection.execute(insert(delivery_attempts).values(delivery_seq=done.seq, **values))
    return True


def ended_of(store: Store, one: Leased) -> Ended | None:
    """Return what is told about a launch: how it had ended then, even if it was launched again since."""
    named = select(launches.c.idempotency_key, launches.c.trace).where(launches.c.row_id == one.row_id)
    tried = select(attempts.c.ended_us, attempts.c.message, attempts.c.error_code).where(
        attempts.c.row_id == one.row_id, attempts.c.number == one.attempt
    )
    with store.read("read an ended launch") as connection:
        row = connection.execute(select(rows.c.message, rows.c.reason).where(rows.c.id == one.row_id)).first()
        if row is None:
            return None
        key, trace = connection.execute(named).first() or (None, "")
        attempt = connection.execute(tried).first()
        result = connection.execute(select(results).where(results.c.execution_id == one.execution_id)).first()
    ended = Ended(idempotency_key=key, state=one.event.partition(".")[2], message=row.message, trace=trace)
    if attempt is not None:  # launched at least once: rows that never were are never launched again
        launched_us = attempt.ended_us if one.execution_id is not None else None
        told = (row.message, row.reason) if one.event == UNKNOWN else (attempt.message, attempt.error_code)
        ended = msgspec.structs.replace(ended, launched_us=launched_us, message=told[0], error_code=told[1])
    if result is None:
        return ended
    return msgspec.structs.replace(
        ended,
        message=result.error_message,
        error_code=result.error_code,
        completion_reason=result.completion_reason,
        outputs=result.outputs,
    )


def _is_free(now_us: int) -> ColumnElement[bool]:
    return or_(deliveries.c.lease.is_(None), deliveries.c.lease_until_us <= now_us)
