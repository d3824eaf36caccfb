"""Forget one contact: erase what names it everywhere in the ledger, and its bytes from the file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import bindparam, or_, select, update

from flowlaunch.batch.ledger import counts, events as event_rows, privacy_edges
from flowlaunch.batch.ledger.schema import attempts, events, results, rows
from flowlaunch.batch.ledger.shapes import Forgotten
from flowlaunch.batch.states import MOVES, Event, RowState, move
from flowlaunch.errors import LedgerBusyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from flowlaunch.batch.ledger.store import Store

__all__ = ["forget", "names_of"]

FORGOTTEN: Final = "forgotten"
BLANK_FACTS: Final = '{"forgotten":true}'
WORD_LENGTH: Final = 4
NOTHING: Final = Forgotten(rows=0, attempts=0, results=0, events=0)


def forget(store: Store, key: str, *, by: str) -> Forgotten:
    """Erase a contact by row key or by contact, overwriting what is freed."""
    forms = store.keyed_hash.forms_of(key)
    with store.wiping("forget a contact"), store.write("forget a contact") as connection:
        found = _rows_of(connection, forms)
        names = frozenset(forms) | {name for one in found for name in (one.key, one.contact) if name is not None}
        told = _erase_mentions(connection, names - {FORGOTTEN})
        told += privacy_edges.erase(connection, [one.id for one in found], names - {FORGOTTEN}, store.keyed_hash)
        done = _erase(connection, found, store.now_us(), by) if found else NOTHING
        done = msgspec.structs.replace(done, events=done.events + told)
    if done != NOTHING:
        _reclaim(store)
    return done


def names_of(store: Store, key: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the row keys and the contacts of the rows that `key`, a row key or a contact, reaches."""
    forms = store.keyed_hash.forms_of(key)
    named = or_(rows.c.key.in_(forms), rows.c.contact.in_(forms))
    wanted = select(rows.c.key, rows.c.contact)
    with store.read("look for a contact") as connection:
        found = connection.execute(wanted.where(named)).all()
        contacts = frozenset(one.contact for one in found if one.contact is not None)
        found = [*found, *connection.execute(wanted.where(rows.c.contact.in_(contacts)))]
    return frozenset(one.key for one in found) - {FORGOTTEN}, contacts


def _reclaim(store: Store) -> None:
    if not store.reclaim("reclaim pages"):
        raise LedgerBusyError(
            f"forget a contact in {store.place}: it is erased, but a process that reads keeps the write-ahead log"
            " from being emptied, where its bytes still lie",
            hint="Ask again when nothing else reads the ledger.",
        )


def _rows_of(connection: Connection, forms: Sequence[str]) -> Sequence[Row[*tuple[Any, ...]]]:
    """Return the rows of a key or contact, and those of the contacts that these rows name."""
    columns = (rows.c.id, rows.c.batch_id, rows.c.state, rows.c.reason, rows.c.key, rows.c.contact, rows.c.chunk_id)
    named = or_(rows.c.key.in_(forms), rows.c.contact.in_(forms))
    contacts = [one.contact for one in connection.execute(select(*columns).where(named)) if one.contact is not None]
    reached = select(*columns).where(or_(named, rows.c.contact.in_(contacts))).order_by(rows.c.id)
    found = connection.execute(reached.with_for_update()).all()
    busy = [one for one in found if one.chunk_id is not None]
    if busy:
        raise LedgerBusyError(
            f"forget a contact: {len(busy)} of its rows are being launched now",
            hint="Pause or stop the batch, then ask again.",
        )
    return found


def _erase(connection: Connection, found: Sequence[Row[*tuple[Any, ...]]], now_us: int, by: str) -> Forgotten:
    ids = [{"of_row": one.id} for one in found]
    blank = {"key": FORGOTTEN, "contact": None, "name": None, "payload": None, "message": ""}
    connection.execute(update(rows).where(rows.c.id == bindparam("of_row")).values(**blank), ids)
    _cancel_unsent(connection, found, now_us)
    tried = connection.execute(
        update(attempts).where(attempts.c.row_id == bindparam("of_row")).values(contact=None, message=""), ids
    ).rowcount
    ended = connection.execute(
        update(results).where(results.c.row_id == bindparam("of_row")).values(outputs=None, error_message=""), ids
    ).rowcount
    told = connection.execute(
        update(events).where(events.c.row_id == bindparam("of_row")).values(facts=BLANK_FACTS), ids
    ).rowcount
    for batch_id in sorted({one.batch_id for one in found}):
        facts = {"by": by, "rows": sum(one.batch_id == batch_id for one in found)}
        event_rows.write(connection, batch_id, "contact-forgotten", now_us, facts=facts)
    return Forgotten(rows=len(found), attempts=tried, results=ended, events=told)


def _cancel_unsent(connection: Connection, found: Sequence[Row[*tuple[Any, ...]]], now_us: int) -> None:
    """Cancel the rows that might still be sent: there is nothing left to send."""
    unsent = [one for one in found if (RowState(one.state), Event.CANCELLED) in MOVES]
    if not unsent:
        return
    deltas = counts.Deltas()
    for one in unsent:
        deltas[one.batch_id, one.state, one.reason] -= 1
        deltas[one.batch_id, move(RowState(one.state), Event.CANCELLED).value, FORGOTTEN] += 1
    cancelled = {"state": RowState.CANCELLED.value, "reason": FORGOTTEN, "ended_us": now_us, "epoch": 0}
    connection.execute(
        update(rows).where(rows.c.id == bindparam("of_row")).values(**cancelled), [{"of_row": one.id} for one in unsent]
    )
    counts.add(connection, deltas)


def _erase_mentions(connection: Connection, names: frozenset[str]) -> int:
    """Blank events that mention one of the names in a text of their facts."""
    written = [msgspec.json.encode(name).decode()[1:-1] for name in names]
    maybe = or_(*(events.c.facts.contains(text, autoescape=True) for text in written))
    found = connection.execute(select(events.c.id, events.c.facts).where(maybe)).all()
    named = [{"of_event": one.id} for one in found if _mentions(msgspec.json.decode(one.facts), names)]
    if named:
        blank = update(events).where(events.c.id == bindparam("of_event")).values(facts=BLANK_FACTS)
        connection.execute(blank, named)
    return len(named)


def _mentions(value: Any, names: frozenset[str]) -> bool:
    """Whether any text within is one of the names or has it as a word; short names must be the whole text."""
    match value:
        case str():
            return value in names or any(
                re.search(rf"(?<!\w){re.escape(name)}(?!\w)", value) for name in names if len(name) >= WORD_LENGTH
            )
        case dict():
            return any(_mentions(one, names) for one in value.values())
        case list():
            return any(_mentions(one, names) for one in value)
        case _:
            return False
