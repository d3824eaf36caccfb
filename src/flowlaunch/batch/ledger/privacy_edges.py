"""Forget one contact in the gateway's tables: raw webhook messages, ids that name it, lines of the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, or_, select, update

from flowlaunch.batch.ledger.schema_edges import audit, messages
from flowlaunch.batch.ledger.schema_gateway import launches

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection

    from flowlaunch.batch.ledger.keyed_hash import KeyedHash

__all__ = ["ERASED", "erase"]

ERASED: Final = ""
"""Stands for the fingerprint of what was asked for: a hash of a number can be undone by trying all numbers."""
BLANK_MESSAGE: Final = {"body": None, "problem": "", "body_sha256": ERASED}
IDS_PER_STATEMENT: Final = 500
WORD_LENGTH: Final = 4
"""Shorter names are looked for as whole values only."""
BLANK_FACTS: Final = '{"forgotten":true}'


def erase(connection: Connection, row_ids: Sequence[int], names: Collection[str], keyed_hash: KeyedHash) -> int:
    """Erase what the gateway holds of a contact within the present transaction; return how many entries changed.

    Keys and message ids that name it become their stand-ins, so that they stay different from all others and are
    known again when they are repeated.
    """
    changed = 0
    for at in range(0, len(row_ids), IDS_PER_STATEMENT):
        some = row_ids[at : at + IDS_PER_STATEMENT]
        changed += _erase_messages(connection, some)
        connection.execute(update(launches).where(launches.c.row_id.in_(some)).values(fingerprint=ERASED))
    return (
        changed
        + _erase_refused(connection, names)
        + _hide_ids(connection, names, keyed_hash)
        + _erase_lines(connection, names)
    )


def _erase_messages(connection: Connection, row_ids: Sequence[int]) -> int:
    """Drop the bodies of the messages that became these rows."""
    of_rows = select(launches.c.id).where(launches.c.row_id.in_(row_ids))
    blank = update(messages).where(messages.c.launch_id.in_(of_rows)).values(**BLANK_MESSAGE)
    return connection.execute(blank).rowcount


def _erase_refused(connection: Connection, names: Collection[str]) -> int:
    """Drop the bodies of messages that became no launch and mention a name."""
    looked_for = [name.encode() for name in names if len(name) >= WORD_LENGTH]
    kept = select(messages.c.id, messages.c.body).where(messages.c.launch_id.is_(None), messages.c.body.is_not(None))
    found = [{"of_id": one.id} for one in connection.execute(kept) if any(name in one.body for name in looked_for)]
    if found:
        blank = update(messages).where(messages.c.id == bindparam("of_id")).values(**BLANK_MESSAGE)
        connection.execute(blank, found)
    return len(found)


def _hide_ids(connection: Connection, names: Collection[str], keyed_hash: KeyedHash) -> int:
    changed = 0
    for column, also in ((launches.c.idempotency_key, {"fingerprint": ERASED}), (messages.c.message_id, {})):
        held = connection.execute(select(column).distinct().where(column.in_(names))).scalars().all()
        for name in held:  # none, most of the time: then no key is made to hash with
            hide = update(column.table).where(column == name).values({column.name: keyed_hash.of(name), **also})
            changed += connection.execute(hide).rowcount
    return changed


def _erase_lines(connection: Connection, names: Collection[str]) -> int:
    """Blank the facts of audit lines that mention a name; who did what, and when, stays."""
    looked_for = [name for name in names if len(name) >= WORD_LENGTH]
    if not looked_for:
        return 0
    mentions = or_(*(audit.c.facts.contains(name, autoescape=True) for name in looked_for))
    return connection.execute(update(audit).where(mentions).values(facts=BLANK_FACTS)).rowcount
