"""Launches as recorded: appended in groups with their rows, found by id and by idempotency key."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import and_, insert, or_, select

from flowlaunch.batch.ledger import row_id_of, rows as ledger_rows
from flowlaunch.batch.ledger.faults import CONFLICT
from flowlaunch.batch.ledger.keyed_hash import PREFIX
from flowlaunch.batch.ledger.prepared import PreparedStatement
from flowlaunch.batch.ledger.privacy_edges import ERASED
from flowlaunch.batch.ledger.schema import attempts, counts
from flowlaunch.batch.ledger.schema_gateway import launches
from flowlaunch.batch.states import RowState
from flowlaunch.errors import LedgerError
from flowlaunch.gateway.store import deliveries

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Row

    from flowlaunch.batch.decisions import RowPlan
    from flowlaunch.batch.ledger.store import Store

__all__ = [
    "Accepted",
    "AttemptRecord",
    "Erased",
    "Full",
    "LaunchRecord",
    "Order",
    "Reused",
    "append",
    "attempts_of",
    "find",
    "find_keyed",
    "new_launch_id",
    "of_rows",
    "repeated",
]

ID_PREFIX: Final = "ln_"
SHOWN_BITS: Final = 80
"""Random bits of an id: nobody comes upon another app's launch by trying."""


class LaunchRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One launch as an app asked for it; what became of it is in its row."""

    id: str
    row_id: int
    caller: str
    idempotency_key: str | None
    fingerprint: str
    trace: str
    created_us: int


class AttemptRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One attempt to launch a row, with what came of it."""

    number: int
    intent_us: int
    ended_us: int
    outcome: str
    reason: str
    http_status: int | None
    execution_id: str | None
    correlation_id: str
    error_code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A launch to record.

    Attributes:
        make: makes the decided row, given the number that it gets.
        fingerprint: hash of what was asked for, to tell a repeated request from another one with the same key.
        most_waiting: rows that may wait in the batch; None: any number.

    """

    launch_id: str
    batch_id: int
    make: Callable[[int], RowPlan]
    caller: str
    idempotency_key: str | None
    fingerprint: str
    route: str
    callback_url: str | None = None
    trace: str = ""
    most_waiting: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The launch is on the disk; `is_repeat`: it was there before, under the same idempotency key."""

    launch: LaunchRecord
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Reused:
    """The idempotency key belongs to another request."""

    launch: LaunchRecord


@dataclass(frozen=True, slots=True)
class Erased:
    """What was launched under the idempotency key was erased since: whether this is the same cannot be told."""

    launch: LaunchRecord


@dataclass(frozen=True, slots=True)
class Full:
    """So many rows wait already: nothing was recorded."""

    waiting: int


Answer = Accepted | Reused | Erased | Full
"""What becomes of an order."""


def new_launch_id(now_us: int) -> str:
    """Return an id that sorts by time and cannot be guessed."""
    return f"{ID_PREFIX}{now_us // 1000:012x}{secrets.token_hex(SHOWN_BITS // 8)}"


def first_id_at(at_us: int) -> str:
    """Return the least id that a launch of that instant can have."""
    return f"{ID_PREFIX}{max(0, at_us) // 1000:012x}"


_ADD = PreparedStatement(insert(launches))
_COLUMNS: Final = [launches.c[name] for name in LaunchRecord.__struct_fields__]


def append(store: Store, orders: Sequence[Order]) -> list[Answer]:
    """Record launches with their rows in one transaction that is on the disk when this returns."""
    try:
        return _append(store, orders)
    except LedgerError as error:
        if error.code != CONFLICT:
            raise
        return _append(store, orders)  # another process wrote the same key between our look and our write


def _append(store: Store, orders: Sequence[Order]) -> list[Answer]:
    now_us = store.now_us()
    with store.write("accept launches") as connection:
        known = _known(store, connection, ((order.caller, order.idempotency_key) for order in orders))
        waiting = _waiting(connection, {order.batch_id for order in orders if order.most_waiting is not None})
        answers: list[Answer | None] = []
        fresh: dict[int, list[int]] = {}
        firsts: dict[tuple[str, str], int] = {}
        for place, order in enumerate(orders):
            key = (order.caller, order.idempotency_key or "")
            answer: Answer | None = None
            if key in known:
                answer = repeated(known[key], order.fingerprint)
            elif order.most_waiting is not None and waiting[order.batch_id] >= order.most_waiting:
                answer = Full(waiting[order.batch_id])
            elif order.idempotency_key is None or firsts.setdefault(key, place) == place:
                waiting[order.batch_id] += 1
                fresh.setdefault(order.batch_id, []).append(place)
            answers.append(answer)
        made = _write(store, connection, orders, fresh, now_us)
    for place, order in enumerate(orders):
        if answers[place] is None:
            first = firsts.get((order.caller, order.idempotency_key or ""), place)
            answers[place] = Accepted(made[place]) if first == place else repeated(made[first], order.fingerprint)
    return [answer for answer in answers if answer is not None]


def _write(
    store: Store, connection: Connection, orders: Sequence[Order], fresh: Mapping[int, list[int]], now_us: int
) -> dict[int, LaunchRecord]:
    made: dict[int, LaunchRecord] = {}
    for batch_id, places in fresh.items():
        row_ids = ledger_rows.append(store, connection, batch_id, [orders[place].make for place in places])
        for place, row_id in zip(places, row_ids, strict=True):
            order = orders[place]
            made[place] = LaunchRecord(
                id=order.launch_id, row_id=row_id, caller=order.caller, idempotency_key=order.idempotency_key,
                fingerprint=order.fingerprint, trace=order.trace, created_us=now_us,
            )  # fmt: skip
    if made:
        _ADD.run(connection, [msgspec.structs.asdict(one) for one in made.values()])
        wishes = [
            deliveries.Wish(row_id=one.row_id, launch_id=one.id, route=orders[place].route, key_id=one.caller, url=url)
            for place, one in made.items()
            if (url := orders[place].callback_url) is not None
        ]
        deliveries.wish(connection, wishes)
    return made


def repeated(known: LaunchRecord, fingerprint: str) -> Accepted | Reused | Erased:
    """Return what a request under the key of a known launch is to be answered."""
    if known.fingerprint == ERASED:
        return Erased(known)
    return Accepted(known, is_repeat=True) if known.fingerprint == fingerprint else Reused(known)


def _known(
    store: Store, connection: Connection, asked: Iterable[tuple[str, str | None]]
) -> dict[tuple[str, str], LaunchRecord]:
    """Return the launches that callers' keys stand for, also those whose keys were erased since."""
    keys: dict[str, set[str]] = {}
    for caller, key in asked:
        if key is not None:
            keys.setdefault(caller, set()).add(key)
    known = _keyed(connection, keys)
    for caller in _holding_erased(connection, keys):  # asked for after the keys: an erasure in between is seen here
        asked_for = keys[caller]
        standing_for = {store.keyed_hash.known_of(key): key for key in asked_for if (caller, key) not in known}
        found = _keyed(connection, {caller: standing_for})
        known |= {(caller, standing_for[stand_in]): one for (_caller, stand_in), one in found.items()}
    return known


def _keyed(connection: Connection, keys: Mapping[str, Collection[str]]) -> dict[tuple[str, str], LaunchRecord]:
    wanted = [and_(launches.c.caller == who, launches.c.idempotency_key.in_(of)) for who, of in keys.items() if of]
    if not wanted:
        return {}
    found = map(_record, connection.execute(select(*_COLUMNS).where(or_(*wanted))))
    return {(one.caller, one.idempotency_key or ""): one for one in found}


def _holding_erased(connection: Connection, callers: Collection[str]) -> list[str]:
    """Return the callers of whom a key was erased; for the others no stand-in of a key is asked for."""
    if not callers:
        return []
    is_hidden = and_(launches.c.idempotency_key >= PREFIX, launches.c.idempotency_key < f"{PREFIX}g")
    is_asked_for = launches.c.caller.in_(callers)
    wanted = select(launches.c.caller).where(is_asked_for, is_hidden, launches.c.fingerprint == ERASED)
    return list(connection.execute(wanted.distinct()).scalars())


def _waiting(connection: Connection, batch_ids: Iterable[int]) -> Counter[int]:
    ids = list(batch_ids)
    if not ids:
        return Counter()
    wanted = select(counts.c.batch_id, counts.c.n).where(
        counts.c.batch_id.in_(ids), counts.c.state == RowState.PENDING.value
    )
    total: Counter[int] = Counter()
    for one in connection.execute(wanted):
        total[one.batch_id] += one.n
    return total


def _record(one: Row[*tuple[Any, ...]]) -> LaunchRecord:
    return LaunchRecord(**one._mapping)  # noqa: SLF001 - SQLAlchemy's own public name


def find(store: Store, launch_id: str) -> LaunchRecord | None:
    """Return the launch of that id."""
    with store.read("find launch") as connection:
        one = connection.execute(select(*_COLUMNS).where(launches.c.id == launch_id)).first()
    return None if one is None else _record(one)


def find_keyed(store: Store, keys: Sequence[tuple[str, str]]) -> list[LaunchRecord | None]:
    """Return the launches that callers asked for under keys, each a caller and a key, also of keys erased since."""
    with store.read("find launches by key") as connection:
        known = _known(store, connection, keys)
    return [known.get(key) for key in keys]


def of_rows(store: Store, row_ids: Sequence[int]) -> dict[int, LaunchRecord]:
    """Return the launches of rows, by row id; rows that came in otherwise have none."""
    with store.read("launches of rows") as connection:
        found = connection.execute(select(*_COLUMNS).where(launches.c.row_id.in_(row_ids))).all()
    return {one.row_id: _record(one) for one in found}


def attempts_of(store: Store, row_id: int) -> tuple[AttemptRecord, ...]:
    """Return the attempts of a row that have ended, oldest first."""
    columns = [attempts.c[name] for name in AttemptRecord.__struct_fields__]
    wanted = select(*columns).where(attempts.c.row_id == row_id).order_by(attempts.c.number)
    with store.read("attempts of a row") as connection:
        return tuple(AttemptRecord(**one._mapping) for one in connection.execute(wanted))  # noqa: SLF001 - as above


def bounds_of(batch_id: int) -> tuple[int, int]:
    """Return the first row id of a batch, and the first beyond it."""
    return row_id_of(batch_id, 0), row_id_of(batch_id + 1, 0)
