"""Rows: recorded once from decided plans, read back in order, refilled when their payload was let go."""

from __future__ import annotations

from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import ColumnElement, and_, bindparam, func, insert, literal_column, or_, select, update

from flowlaunch.batch.ledger import batches as batch_rows, counts
from flowlaunch.batch.ledger.faults import retried
from flowlaunch.batch.ledger.marks import refuse_moved
from flowlaunch.batch.ledger.postgres import copy_into
from flowlaunch.batch.ledger.prepared import PreparedStatement
from flowlaunch.batch.ledger.schema import IN_ATTENTION, batches, results, rows
from flowlaunch.batch.ledger.shapes import RowFilter, RowRecord, row_id_of
from flowlaunch.batch.states import RowState
from flowlaunch.errors import LedgerError, LedgerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Row

    from flowlaunch.batch.decisions import RowPlan
    from flowlaunch.batch.ledger.shapes import Batch
    from flowlaunch.batch.ledger.store import Store

__all__ = ["HASHED_PAYLOAD", "add", "append", "in_states", "matching", "missing_payloads", "read", "refill"]

ROWS_PER_TRANSACTION: Final = 5000
ROWS_PER_READ: Final = 2000
ALL_ROWS: Final = 1 << 32
HASHED_PAYLOAD: Final = b"hash:"

STATE_BY_KIND: Final[Mapping[str, RowState]] = {
    "launch": RowState.PENDING,
    "hold": RowState.HELD,
    "skip": RowState.SKIPPED,
    "reject": RowState.REJECTED,
}
"""What a decision makes of a new row."""


_ADDED: Final = (
    "id", "batch_id", "number", "line", "state", "reason", "epoch", "attempts", "not_before_us", "not_after_us",
    "closes_us", "calendars", "correlation_id", "error_code", "message", "token", "key", "contact", "name", "payload",
)  # fmt: skip
_ADD = PreparedStatement(insert(rows), columns=_ADDED)


def add(store: Store, batch_id: int, plans: Iterable[RowPlan]) -> int:
    """Record plans in transactions of a few thousand; plans recorded before are passed over."""
    batch = batch_rows.read(store, batch_id)
    last = batch.last_number
    added = 0
    fresh = iter(plans)
    while part := list(islice(fresh, ROWS_PER_TRANSACTION)):
        part = [plan for plan in part if plan.row_number > batch.last_number]
        if not part:
            continue
        _check_order(part, last)
        made = [_columns(store, batch, plan) for plan in part]
        _insert(store, batch_id, last, made)
        last = part[-1].row_number
        added += len(made)
    return added


def append(store: Store, connection: Connection, batch_id: int, made: Sequence[Callable[[int], RowPlan]]) -> list[int]:
    """Add rows at the end of an open-ended batch within the present transaction; return their ids.

    Each row is made from its number, which is assigned here, so that any number of processes may append.
    """
    add_up = update(batches).where(batches.c.id == batch_id).values(last_number=batches.c.last_number + len(made))
    connection.execute(add_up)
    batch = batch_rows.find(connection, batch_id, store.place)
    first = batch.last_number - len(made) + 1
    if batch.last_number >= ALL_ROWS:
        raise LedgerError(f"append to batch {batch_id}: it is full", hint="Begin another batch.")
    columns = [_columns(store, batch, make(number)) for number, make in enumerate(made, first)]
    _ADD.run(connection, columns)
    counts.add(connection, counts.Deltas((batch_id, one["state"], one["reason"]) for one in columns))
    return [one["id"] for one in columns]


def _check_order(part: list[RowPlan], last: int) -> None:
    for plan in part:
        if not last < plan.row_number < ALL_ROWS:
            raise LedgerError(
                f"add row {plan.row_number} after row {last}: row numbers must rise and stay below {ALL_ROWS}",
                hint="Give the rows in the order of the source, each once.",
            )
        last = plan.row_number


def _insert(store: Store, batch_id: int, last: int, made: list[dict[str, Any]]) -> None:
    """Record a part of a load once, also when the connection breaks while it is being kept."""
    try:
        _insert_once(store, batch_id, last, made)
    except LedgerUnreachableError as error:
        if not error.is_uncertain:
            raise
        if _last_number(store, batch_id) == last:
            _insert_once(store, batch_id, last, made)


@retried()
def _last_number(store: Store, batch_id: int) -> int:
    """Return the last row recorded, once a broken transaction that holds the batch is kept or undone."""
    with store.write("learn what was loaded", durable=False) as connection:
        return batch_rows.find(connection, batch_id, store.place, for_update=True).last_number


@retried()
def _insert_once(store: Store, batch_id: int, last: int, made: list[dict[str, Any]]) -> None:
    deltas = counts.Deltas((batch_id, one["state"], one["reason"]) for one in made)
    with store.write("add rows", durable=False) as connection:
        refuse_moved(connection, store.place)
        done = connection.execute(
            update(batches)
            .where(batches.c.id == batch_id, batches.c.last_number == last)
            .values(last_number=made[-1]["number"])
        )
        if done.rowcount != 1:
            raise LedgerError(f"add rows to batch {batch_id}: another process is adding rows to it")
        if connection.dialect.name == "postgresql":
            copy_into(connection, rows.name, _ADDED, map(itemgetter(*_ADDED), made))
        else:
            _ADD.run(connection, made)
        counts.add(connection, deltas)


def _columns(store: Store, batch: Batch, plan: RowPlan) -> dict[str, Any]:
    """Return the row of a plan; what privacy forbids is left out from the start."""
    decision, prepared = plan.decision, plan.prepared
    state = STATE_BY_KIND[decision.kind]
    not_before_us = decision.not_before_us or (prepared.not_before_us if prepared else None)
    not_after_us = decision.not_after_us or (prepared.not_after_us if prepared else None)
    columns: dict[str, Any] = {
        "id": row_id_of(batch.batch_id, plan.row_number),
        "batch_id": batch.batch_id,
        "number": plan.row_number,
        "line": plan.line,
        "state": state.value,
        "reason": "" if decision.reason == "ready" else decision.reason,
        "epoch": 0,
        "attempts": 0,
        "not_before_us": not_before_us or 0,
        "not_after_us": not_after_us,
        "closes_us": decision.closes_us,
        "calendars": msgspec.json.encode(decision.calendars).decode() if decision.calendars else None,
        "correlation_id": "",
        "error_code": "",
        "message": "" if state is RowState.PENDING else decision.message,
        "token": prepared.token if prepared else "",
        "key": prepared.key if prepared else f"row-{plan.row_number}",
        "contact": prepared.contact if prepared else None,
        "name": prepared.name if prepared else None,
        "payload": msgspec.json.encode(prepared.input_data) if prepared else None,
    }
    return columns if batch.spec.payloads == "keep" else _discreet(store, batch, state, columns)


def _discreet(store: Store, batch: Batch, state: RowState, columns: dict[str, Any]) -> dict[str, Any]:
    """Replace key and contact by stand-ins, and what the row will not need."""
    of = store.keyed_hash.of
    columns |= {
        "key": of(columns["key"]),
        "contact": of(columns["contact"]) if columns["contact"] is not None else None,
        "message": "",
    }
    if state not in {RowState.PENDING, RowState.HELD}:
        columns |= {"name": None, "payload": let_go(store, batch.spec.payloads, columns["payload"])}
    return columns


def let_go(store: Store, payloads: str, payload: bytes | None) -> bytes | None:
    """Return what stays of a payload that is needed no more."""
    if payloads == "keep" or payload is None:
        return payload
    if payloads == "drop" or payload.startswith(HASHED_PAYLOAD):
        return payload if payload.startswith(HASHED_PAYLOAD) else None
    return HASHED_PAYLOAD + store.keyed_hash.digest(payload).encode()


def refill(store: Store, batch_id: int, plans: Iterable[RowPlan]) -> int:
    """Put payload and name back into pending rows that lack them; rows that have theirs are left alone."""
    lacking = or_(rows.c.payload.is_(None), func.substr(rows.c.payload, 1, len(HASHED_PAYLOAD)) == HASHED_PAYLOAD)
    put_back = (
        update(rows)
        .where(rows.c.id == bindparam("row_id"), rows.c.state == RowState.PENDING.value, lacking)
        .values(payload=bindparam("with_payload"), name=bindparam("with_name"))
    )
    ready = (plan.prepared for plan in plans if plan.prepared is not None)
    filled = 0
    while part := list(islice(ready, ROWS_PER_TRANSACTION)):
        given = [
            {
                "row_id": row_id_of(batch_id, one.row_number),
                "with_payload": msgspec.json.encode(one.input_data),
                "with_name": one.name,
            }
            for one in part
        ]
        with store.write("refill rows") as connection:
            filled += connection.execute(put_back, given).rowcount
    return filled


def missing_payloads(store: Store, batch_id: int) -> int:
    """Return how many pending rows lack their payload."""
    lacking = or_(rows.c.payload.is_(None), func.substr(rows.c.payload, 1, len(HASHED_PAYLOAD)) == HASHED_PAYLOAD)
    first, last = row_id_of(batch_id, 0), row_id_of(batch_id + 1, 0)
    wanted = select(func.count()).where(
        rows.c.id >= first, rows.c.id < last, rows.c.state == RowState.PENDING.value, lacking
    )
    with store.read("count missing payloads") as connection:
        return int(connection.execute(wanted).scalar_one())


_OF_RESULT: Final = {
    "status": results.c.status,
    "completion_reason": results.c.completion_reason,
    "result_error_code": results.c.error_code,
    "result_error_message": results.c.error_message,
    "outputs": results.c.outputs,
    "result_started_us": results.c.started_us,
    "result_ended_us": results.c.ended_us,
}
_FIELDS: Final = RowRecord.__struct_fields__
_READ_COLUMNS: Final = [
    _OF_RESULT[name] if name in _OF_RESULT else rows.c["id" if name == "row_id" else name] for name in _FIELDS
]


_ITS_RESULT: Final = and_(
    results.c.row_id == rows.c.id,
    results.c.execution_id + "" == rows.c.execution_id,  # not by this index: its order is random, a page for each row
)


def read(store: Store, batch_id: int, where: RowFilter | None, *, after: int, limit: int | None) -> Iterator[RowRecord]:
    """Yield rows in order, a few thousand a read, so that no read lasts and memory stays flat."""
    joined = rows.outerjoin(results, _ITS_RESULT)
    wanted = select(*_READ_COLUMNS).select_from(joined).order_by(rows.c.id)
    left = limit
    while left is None or left > 0:
        size = ROWS_PER_READ if left is None else min(left, ROWS_PER_READ)
        page = wanted.where(matching(store, batch_id, where, after=after)).limit(size)
        with store.read("read rows") as connection:
            found = connection.execute(page).all()
        yield from map(_record, found)
        if len(found) < size:
            return
        after = found[-1].number
        left = None if left is None else left - size


def matching(store: Store, batch_id: int, where: RowFilter | None, *, after: int = 0) -> ColumnElement[bool]:
    """Return the condition for a batch's rows beyond number `after` that a filter names.

    It has one lower bound: of two, SQLite begins at the one of its choice and passes over the rows up to the other.
    """
    parts: list[ColumnElement[bool]] = [rows.c.id < row_id_of(batch_id + 1, 0), rows.c.id > row_id_of(batch_id, after)]
    where = where or RowFilter()
    if where.states:
        parts.append(in_states(batch_id, where.states))
    if where.reasons:
        parts.append(rows.c.reason.in_(where.reasons))
    if where.row_ids:
        parts.append(rows.c.id.in_(where.row_ids))
    if where.numbers:
        parts.append(rows.c.id.in_([row_id_of(batch_id, number) for number in where.numbers]))
    if where.keys:
        parts.append(rows.c.key.in_([form for key in where.keys for form in store.keyed_hash.forms_of(key)]))
    return and_(*parts)


def in_states(batch_id: int, states: tuple[RowState, ...]) -> ColumnElement[bool]:
    """Return the condition for states, spelt so that the index of rows in attention serves when it can."""
    if len(states) == 1 and states[0] in IN_ATTENTION:
        literal: ColumnElement[str] = literal_column(f"'{states[0].value}'")
        return and_(rows.c.batch_id == batch_id, rows.c.state == literal)
    return rows.c.state.in_([state.value for state in states])


def _record(one: Row[*tuple[Any, ...]]) -> RowRecord:
    fields = {name: value for name, value in zip(_FIELDS, one, strict=True) if value is not None}
    fields["state"] = RowState(fields["state"])
    if not fields["not_before_us"]:
        del fields["not_before_us"]
    if fields.get("payload", b"").startswith(HASHED_PAYLOAD):
        del fields["payload"]
    return RowRecord(**fields)
