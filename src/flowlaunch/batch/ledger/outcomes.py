"""Intents and outcomes: the two writes around every launch, grouped in one transaction that is on the disk.

An intent is committed before its request leaves. An outcome may wait for the next intents; if the process dies
before, the row is in doubt, which is the truth: nobody knows.

Rows are not read before they are written: every update names the state and the epoch that the row must have,
and one that finds another undoes the whole transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, insert, literal_column, select, update

from flowlaunch.batch.ledger import batches, counts, hands, spare, workers
from flowlaunch.batch.ledger.faults import CONFLICT, retried
from flowlaunch.batch.ledger.rows import let_go
from flowlaunch.batch.ledger.schema import attempts, rows
from flowlaunch.batch.ledger.set_based import SetStatement
from flowlaunch.batch.states import Event, RowState, move
from flowlaunch.errors import LedgerError, LedgerFencedError, LedgerFullError, LedgerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from flowlaunch.batch.ledger.shapes import ChunkRow, Outcome, Worker
    from flowlaunch.batch.ledger.store import Store

__all__ = ["REASON_LENGTH", "commit"]

PENDING: Final = RowState.PENDING.value
LAUNCHING: Final = RowState.LAUNCHING.value
FROM_STATES: Final[Mapping[Event, str]] = {
    Event.ACCEPTED: LAUNCHING,
    Event.REFUSED: LAUNCHING,
    Event.NOT_SENT: LAUNCHING,
    Event.LOST: LAUNCHING,
    Event.POSTPONED: PENDING,
    Event.HELD: PENDING,
    Event.SKIPPED: PENDING,
}
"""What a worker may say of a row, and the state in which it may say so."""
TO_STATES: Final = {event: move(RowState(state), event).value for event, state in FROM_STATES.items()}
NEEDED_STATES: Final = frozenset({RowState.PENDING, RowState.LAUNCHING, RowState.HELD, RowState.IN_DOUBT})
"""States in which a row may still be sent, or looked for: its payload stays."""
REASON_LENGTH: Final = 100

_GUARD = (
    rows.c.id == bindparam("row_id"),
    rows.c.state == bindparam("old_state"),
    rows.c.epoch == bindparam("old_epoch"),
)
_INTEND = SetStatement(
    update(rows)
    .where(*_GUARD)
    .values(
        state=literal_column("'launching'"),
        reason=literal_column("''"),
        attempts=rows.c.attempts + literal_column("1"),
        intent_us=bindparam("at_us"),
    )
)
_NEW = (
    "state", "reason", "message", "error_code", "http_status", "execution_id", "correlation_id", "launched_us",
    "look_at_us", "not_before_us", "not_after_us", "closes_us",
)  # fmt: skip
_NOBODYS: Final[dict[str, Any]] = {
    "chunk_id": literal_column("NULL"),
    "epoch": literal_column("0"),
}  # what is written for it later is refused
_CONCLUDE = SetStatement(
    update(rows).where(*_GUARD).values({name: bindparam(f"new_{name}") for name in _NEW} | _NOBODYS)
)
_ATTEMPT = SetStatement(
    insert(attempts).values(
        row_id=bindparam("row_id"),
        number=bindparam("number"),
        intent_us=select(rows.c.intent_us).where(rows.c.id == bindparam("row_id")).scalar_subquery(),
        ended_us=bindparam("ended_us"),
        outcome=bindparam("outcome"),
        reason=bindparam("new_reason"),
        http_status=bindparam("new_http_status"),
        execution_id=bindparam("new_execution_id"),
        correlation_id=bindparam("new_correlation_id"),
        contact=bindparam("contact"),
        error_code=bindparam("new_error_code"),
        message=bindparam("new_message"),
    )
)


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
    _check(intents, results)
    try:
        _write(store, worker, intents, results)
    except LedgerError as error:
        if error.code != CONFLICT:
            raise
        # the platform gave one execution id twice: rare enough to look for it only now
        _write(store, worker, intents, _without_repeats(store, results))


@retried()
def _write(store: Store, worker: Worker, intents: Sequence[ChunkRow], results: Sequence[Outcome]) -> None:
    workers.settle_unsure(store, worker)
    hand = hands.hand_of(worker)
    hand.serial += 1
    try:
        _write_once(store, worker, intents, [one for one in results if (one.row_id, one.row.epoch) not in hand.kept])
    except LedgerUnreachableError as error:
        if not error.is_uncertain:
            raise
        hand.unsure, hand.unsure_results = intents, results
        if not workers.learn_whether_kept(store, worker):
            raise LedgerUnreachableError(error.message) from error
    hand.kept -= {(one.row_id, one.row.epoch) for one in results}


def _write_once(store: Store, worker: Worker, intents: Sequence[ChunkRow], results: Sequence[Outcome]) -> None:
    now_us = store.now_us()
    deltas = counts.Deltas()
    with store.write("commit") as connection:
        workers.mark_alive(connection, worker, now_us, serial=hands.hand_of(worker).serial)
        if results:
            _conclude(connection, worker.batch_id, results, now_us, deltas)
            _let_payloads_go(store, connection, worker.batch_id, results)
        if intents:
            _intend(connection, worker.batch_id, intents, now_us, deltas)
        counts.add(connection, deltas)


def _check(intents: Sequence[ChunkRow], results: Sequence[Outcome]) -> None:
    row_ids = {one.row_id for one in intents} | {one.row.row_id for one in results}
    if len(row_ids) != len(intents) + len(results):
        raise LedgerError("write intents and outcomes: a row is named twice", hint="Write its outcome first.")
    for one in results:
        if one.event not in FROM_STATES or (one.event is Event.ACCEPTED and not one.execution_id):
            raise LedgerError(
                f"write row {one.row.number}: {one.event.value} is nothing a worker can say of a row, or its"
                " execution id is missing",
                hint="Nothing was written; this is a defect, report it.",
            )


def _intend(
    connection: Connection, batch_id: int, intents: Sequence[ChunkRow], now_us: int, deltas: counts.Deltas
) -> None:
    values = [{"row_id": one.row_id, "old_state": PENDING, "old_epoch": one.epoch, "at_us": now_us} for one in intents]
    if _INTEND.run(connection, values) != len(values):
        raise _why(connection, intents, dict.fromkeys((one.row_id for one in intents), Event.INTENDED))
    deltas[batch_id, LAUNCHING, ""] += len(intents)
    for one in intents:
        deltas[batch_id, PENDING, one.reason] -= 1


def _conclude(
    connection: Connection, batch_id: int, results: Sequence[Outcome], now_us: int, deltas: counts.Deltas
) -> None:
    values = [_values(one, now_us) for one in results]
    if _CONCLUDE.run(connection, values) != len(values):
        raise _why(connection, [one.row for one in results], {one.row.row_id: one.event for one in results})
    for one, new in zip(results, values, strict=True):
        before = new["old_state"]
        deltas[batch_id, before, one.row.reason if before == PENDING else ""] -= 1
        deltas[batch_id, new["new_state"], new["new_reason"]] += 1
    tried = [new for new in values if new["old_state"] == LAUNCHING]
    if tried:
        _ATTEMPT.run(connection, tried)


def _values(one: Outcome, now_us: int) -> dict[str, Any]:
    """Return what `_CONCLUDE` and `_ATTEMPT` write for one outcome."""
    row, event = one.row, one.event
    accepted = event is Event.ACCEPTED
    return {
        "row_id": row.row_id,
        "old_state": FROM_STATES[event],
        "old_epoch": row.epoch,
        "new_state": TO_STATES[event],
        "new_reason": one.reason[:REASON_LENGTH],
        "new_message": one.message,
        "new_error_code": one.error_code,
        "new_http_status": one.http_status,
        "new_execution_id": one.execution_id if accepted else None,
        "new_correlation_id": one.correlation_id,
        "new_launched_us": now_us if accepted else None,
        "new_look_at_us": one.look_at_us if accepted else None,
        "new_not_before_us": (row.not_before_us if one.not_before_us is None else one.not_before_us) or 0,
        "new_not_after_us": row.not_after_us if one.not_after_us is None else one.not_after_us,
        "new_closes_us": row.closes_us if one.closes_us is None else one.closes_us,
        "number": row.attempts + 1,
        "ended_us": now_us,
        "outcome": event.value,
        "contact": row.contact,
    }


def _why(connection: Connection, given: Sequence[ChunkRow], events: Mapping[int, Event]) -> LedgerError:
    """Return the error for the first row that is not as its worker believed."""
    wanted = select(rows.c.id, rows.c.state, rows.c.epoch).where(rows.c.id.in_(list(events)))
    found = {one.id: one for one in connection.execute(wanted)}
    for one in given:
        row, event = found.get(one.row_id), events[one.row_id]
        after = LAUNCHING if event is Event.INTENDED else TO_STATES[event]
        if row is not None and row.state == after and row.epoch in {one.epoch, 0}:
            continue  # this transaction's own doing, about to be undone
        if row is None or row.epoch != one.epoch:
            return LedgerFencedError(f"write row {one.number}: another process has taken it over, or it was given back")
        return LedgerError(
            f"write row {one.number}: a row that is {row.state} cannot be {event.value}",
            hint="Nothing was written; this is a defect, report it.",
        )
    return LedgerFencedError("write rows: a row has moved on since it was taken")


def _without_repeats(store: Store, results: Sequence[Outcome]) -> list[Outcome]:
    """Put in doubt rows whose execution id another launch has: two launches cannot both be that one."""
    given = [one.execution_id for one in results if one.execution_id is not None]
    with store.read("look for repeated executions") as connection:
        wanted = select(attempts.c.execution_id).where(attempts.c.execution_id.in_(given))
        known = set(connection.execute(wanted).scalars())
    kept = []
    for one in results:
        kept.append(_doubtful(one) if one.execution_id in known else one)
        if one.execution_id is not None:
            known.add(one.execution_id)
    return kept


def _doubtful(one: Outcome) -> Outcome:
    return one.row.outcome(
        Event.LOST,
        reason="execution-id-repeated",
        message=f"the platform answered with execution {one.execution_id}, which another launch has",
        http_status=one.http_status,
        correlation_id=one.correlation_id,
    )


def _let_payloads_go(store: Store, connection: Connection, batch_id: int, results: Sequence[Outcome]) -> None:
    """Hash or drop the payloads of rows that need theirs no more, where the batch's privacy says so."""
    payloads = store.payloads_of(batch_id, lambda: batches.find(connection, batch_id).spec.payloads)
    if payloads == "keep":
        return
    values = [
        {"of_row": one.row.row_id, "what_stays": let_go(store, payloads, one.row.payload)}
        for one in results
        if TO_STATES[one.event] not in NEEDED_STATES
    ]
    if values:
        erase = update(rows).where(rows.c.id == bindparam("of_row"))
        connection.execute(erase.values(payload=bindparam("what_stays"), name=None), values)
