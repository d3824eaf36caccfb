"""Intents and outcomes: the two writes around every launch, grouped in one transaction that is on the disk.

An intent is committed before its request leaves. An outcome may wait for the next intents; if the process dies
before, the row is in doubt, which is the truth: nobody knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, insert, select, update

from flowlaunch.batch.ledger import batches, counts, spare, workers
from flowlaunch.batch.ledger.rows import let_go
from flowlaunch.batch.ledger.schema import attempts, rows
from flowlaunch.batch.ledger.shapes import ChunkRow, Outcome, Worker
from flowlaunch.batch.states import Event, IllegalMoveError, RowState, move
from flowlaunch.errors import LedgerError, LedgerFencedError, LedgerFullError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Row

    from flowlaunch.batch.ledger.store import Store

__all__ = ["commit"]

OF_INTENDED: Final = frozenset({Event.ACCEPTED, Event.REFUSED, Event.NOT_SENT, Event.LOST})
OF_TAKEN: Final = frozenset({Event.POSTPONED, Event.HELD, Event.SKIPPED})
NEEDED_STATES: Final = frozenset({RowState.PENDING, RowState.LAUNCHING, RowState.HELD, RowState.IN_DOUBT})
"""States in which a row may still be sent, or looked for: its payload stays."""
REASON_LENGTH: Final = 100

_FIND = select(
    rows.c.id, rows.c.batch_id, rows.c.state, rows.c.reason, rows.c.epoch, rows.c.attempts, rows.c.intent_us,
    rows.c.contact, rows.c.not_before_us, rows.c.not_after_us, rows.c.closes_us, rows.c.launched_us,
).where(rows.c.id.in_(bindparam("row_ids", expanding=True)))  # fmt: skip
_GUARD = (
    rows.c.id == bindparam("row_id"),
    rows.c.state == bindparam("old_state"),
    rows.c.epoch == bindparam("old_epoch"),
)
_INTEND = (
    update(rows)
    .where(*_GUARD)
    .values(state=RowState.LAUNCHING.value, reason="", attempts=rows.c.attempts + 1, intent_us=bindparam("at_us"))
)
_CONCLUDE = (
    update(rows)
    .where(*_GUARD)
    .values(
        {
            name: bindparam(f"new_{name}")
            for name in (
                "state", "reason", "message", "error_code", "http_status", "execution_id", "correlation_id",
                "launched_us", "look_at_us", "not_before_us", "not_after_us", "closes_us",
            )
        }
        | {"chunk_id": None, "epoch": 0}  # nobody's row any more: what is written for it later is refused
    )
)  # fmt: skip
_ATTEMPT = insert(attempts)


def commit(store: Store, worker: Worker, intents: Sequence[ChunkRow], results: Sequence[Outcome]) -> None:
    """Write intents and outcomes in one transaction; on a full disk save the outcomes with the space kept for it."""
    try:
        _commit(store, worker, intents, results)
    except LedgerFullError as error:
        if not results or not spare.release(store):
            raise
        try:
            _commit(store, worker, (), results)
        except LedgerFullError:
            raise error from None
        raise LedgerFullError(error.message, saved=True) from error


def _commit(store: Store, worker: Worker, intents: Sequence[ChunkRow], results: Sequence[Outcome]) -> None:
    if not intents and not results:
        return
    now_us = store.now_us()
    row_ids = [one.row_id for one in intents] + [one.row_id for one in results]
    if len(set(row_ids)) != len(row_ids):
        raise LedgerError("write intents and outcomes: a row is named twice", hint="Write its outcome first.")
    deltas = counts.Deltas()
    with store.write("commit") as connection:
        workers.mark_alive(connection, worker, now_us)
        found = {one.id: one for one in connection.execute(_FIND, {"row_ids": row_ids})}
        if intents:
            _intend(connection, intents, found, now_us, deltas)
        if results:
            _conclude(connection, results, found, now_us, deltas)
            _let_payloads_go(store, connection, worker.batch_id, results)
        counts.add(connection, deltas)


def _checked(one: ChunkRow | Outcome, event: Event, found: Mapping[int, Row[*tuple[Any, ...]]]) -> tuple[Row[*tuple[Any, ...]], str]:
    """Return the row as it is and its state after the event; raise when it is no longer the caller's."""
    row = found.get(one.row_id)
    if row is None or row.epoch != one.epoch:
        raise LedgerFencedError(f"write row {one.row_id & 0xFFFFFFFF}: it was taken over by another process")
    try:
        return row, move(RowState(row.state), event).value
    except IllegalMoveError as error:
        raise LedgerError(
            f"write row {one.row_id & 0xFFFFFFFF}: {error}", hint="Nothing was written; this is a defect, report it."
        ) from error


def _guarded(connection: Connection, statement: Any, values: list[dict[str, Any]]) -> None:
    if connection.execute(statement, values).rowcount != len(values):
        raise LedgerFencedError("write rows: some were taken over by another process meanwhile")


def _intend(
    connection: Connection,
    intents: Sequence[ChunkRow],
    found: Mapping[int, Row[*tuple[Any, ...]]],
    now_us: int,
    deltas: counts.Deltas,
) -> None:
    values = []
    for one in intents:
        row, after = _checked(one, Event.INTENDED, found)
        deltas[row.batch_id, row.state, row.reason] -= 1
        deltas[row.batch_id, after, ""] += 1
        values.append({"row_id": one.row_id, "old_state": row.state, "old_epoch": row.epoch, "at_us": now_us})
    _guarded(connection, _INTEND, values)


def _conclude(
    connection: Connection,
    results: Sequence[Outcome],
    found: Mapping[int, Row[*tuple[Any, ...]]],
    now_us: int,
    deltas: counts.Deltas,
) -> None:
    values, tries = [], []
    repeated = _repeated_executions(connection, results)
    for given in results:
        one = given if given.row_id not in repeated else _doubtful(given)
        row, after = _checked(one, one.event, found)
        _check_event(one, row)
        reason = one.reason[:REASON_LENGTH]
        deltas[row.batch_id, row.state, row.reason] -= 1
        deltas[row.batch_id, after, reason] += 1
        values.append(_new_columns(one, row, after, reason, now_us))
        if one.event in OF_INTENDED:
            tries.append(_attempt(one, row, reason, now_us))
    _guarded(connection, _CONCLUDE, values)
    if tries:
        connection.execute(_ATTEMPT, tries)


def _check_event(one: Outcome, row: Row[*tuple[Any, ...]]) -> None:
    allowed = OF_INTENDED if row.state == RowState.LAUNCHING.value else OF_TAKEN
    if one.event not in allowed or (one.event is Event.ACCEPTED and not one.execution_id):
        raise LedgerError(
            f"write row {one.row_id & 0xFFFFFFFF}: {one.event.value} is no outcome of a row that is {row.state},"
            " or lacks its execution id",
            hint="Nothing was written; this is a defect, report it.",
        )


_KNOWN_EXECUTIONS = select(attempts.c.execution_id).where(
    attempts.c.execution_id.in_(bindparam("executions", expanding=True))
)


def _repeated_executions(connection: Connection, results: Sequence[Outcome]) -> frozenset[int]:
    """Return the rows whose execution id another launch has already: two launches cannot both be that one."""
    given = [one for one in results if one.execution_id is not None]
    if not given:
        return frozenset()
    known = set(connection.execute(_KNOWN_EXECUTIONS, {"executions": [one.execution_id for one in given]}).scalars())
    repeated = []
    for one in given:
        if one.execution_id in known:
            repeated.append(one.row_id)
        known.add(one.execution_id)
    return frozenset(repeated)


def _doubtful(one: Outcome) -> Outcome:
    return Outcome(
        row_id=one.row_id,
        epoch=one.epoch,
        event=Event.LOST,
        reason="execution-id-repeated",
        message=f"the platform answered with execution {one.execution_id}, which another launch has",
        http_status=one.http_status,
        correlation_id=one.correlation_id,
    )


def _new_columns(one: Outcome, row: Row[*tuple[Any, ...]], after: str, reason: str, now_us: int) -> dict[str, Any]:
    accepted = one.event is Event.ACCEPTED
    return {
        "row_id": one.row_id,
        "old_state": row.state,
        "old_epoch": row.epoch,
        "new_state": after,
        "new_reason": reason,
        "new_message": one.message,
        "new_error_code": one.error_code,
        "new_http_status": one.http_status,
        "new_execution_id": one.execution_id if accepted else None,
        "new_correlation_id": one.correlation_id,
        "new_launched_us": now_us if accepted else row.launched_us,
        "new_look_at_us": one.look_at_us if accepted else None,
        "new_not_before_us": row.not_before_us if one.not_before_us is None else one.not_before_us,
        "new_not_after_us": row.not_after_us if one.not_after_us is None else one.not_after_us,
        "new_closes_us": row.closes_us if one.closes_us is None else one.closes_us,
    }


def _attempt(one: Outcome, row: Row[*tuple[Any, ...]], reason: str, now_us: int) -> dict[str, Any]:
    return {
        "row_id": one.row_id,
        "number": row.attempts,
        "intent_us": row.intent_us,
        "ended_us": now_us,
        "outcome": one.event.value,
        "reason": reason,
        "http_status": one.http_status,
        "execution_id": one.execution_id if one.event is Event.ACCEPTED else None,
        "correlation_id": one.correlation_id,
        "contact": row.contact,
        "error_code": one.error_code,
        "message": one.message,
    }


def _let_payloads_go(store: Store, connection: Connection, batch_id: int, results: Sequence[Outcome]) -> None:
    """Hash or drop the payloads of rows that need theirs no more, where the batch's privacy says so."""
    payloads = store.payloads_of(batch_id, lambda: batches.find(connection, batch_id).spec.payloads)
    if payloads == "keep":
        return
    ids = [one.row_id for one in results]
    ended = connection.execute(select(rows.c.id, rows.c.state, rows.c.payload).where(rows.c.id.in_(ids))).all()
    values = [
        {"row_id": one.id, "what_stays": let_go(store, payloads, one.payload)}
        for one in ended
        if RowState(one.state) not in NEEDED_STATES
    ]
    if values:
        erase = update(rows).where(rows.c.id == bindparam("row_id"))
        connection.execute(erase.values(payload=bindparam("what_stays"), name=None), values)
