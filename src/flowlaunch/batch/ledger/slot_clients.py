"""The OAuth clients whose slots are reserved: their lock, their time, and what to do when a clock has jumped."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import case, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from flowlaunch.batch.ledger.schema import pace_clients, pace_lanes, pace_slots
from flowlaunch.batch.ledger.slot_rules import SECOND_US, WINDOW_US
from flowlaunch.batch.ledger.timeline import ServerTime

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from flowlaunch.batch.ledger.shapes import SlotGrant
    from flowlaunch.batch.ledger.store import Store

__all__ = ["Client", "lock", "ready", "taken_back"]

CLOCK_JUMP_US: Final = 250_000
"""A step of the wall clock against the monotonic one that is no slewing: the slots move with it."""
FUTURE_US: Final = 2 * SECOND_US
"""No slot lies further ahead: what does is from before a clock was set back."""
SERVER: Final = "the database"
SERVER_NOW: Final = select(func.extract("epoch", func.clock_timestamp()) * SECOND_US)
_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True, slots=True)
class Client:
    """One OAuth client, locked for this transaction.

    Attributes:
        now_us: the present instant, by the time that slots go by.
        silent_until_us: no request may leave before.
        kept_back: share of the budget that is others'.

    """

    now_us: int
    silent_until_us: int
    kept_back: float
    server_time: ServerTime | None = None

    def handed_out(self, granted: SlotGrant) -> SlotGrant:
        """Return a grant by the clock of whoever asked for it."""
        time = self.server_time
        if time is None:
            return granted
        time.forget_old(self.now_us)
        at_us = tuple(time.give(one) for one in granted.at_us)
        next_us = time.to_own(granted.next_us) if granted.next_us is not None else None
        return msgspec.structs.replace(granted, at_us=at_us, next_us=next_us)


def lock(connection: Connection, client_key: str) -> Row[*tuple[Any, ...]]:
    """Lock a client until the transaction ends, making its row when there is none; return it."""
    wanted = select(pace_clients).where(pace_clients.c.client_key == client_key).with_for_update()
    row = connection.execute(wanted).first()
    if row is None:
        new = _INSERT[connection.dialect.name](pace_clients).values(
            client_key=client_key, silent_until_us=0, clock_base_us=0, clock_host=""
        )
        connection.execute(new.on_conflict_do_nothing())
        row = connection.execute(wanted).one()
    return row


def ready(store: Store, connection: Connection, client_key: str) -> Client:
    """Lock a client; move its slots, or have it wait, when the clock they go by has jumped."""
    row = lock(connection, client_key)
    time = store.timeline
    if isinstance(time, ServerTime):
        now_us, jump_us = time.asked(lambda: int(connection.execute(SERVER_NOW).scalar_one()))
        silent_until_us = row.silent_until_us
        if jump_us:
            silent_until_us = _wait_out(connection, client_key, jump_us, now_us, silent_until_us)
        return Client(now_us, silent_until_us, row.kept_back, time)
    now_us, silent_until_us = _by_own_clock(store, connection, row)
    return Client(now_us, silent_until_us, row.kept_back)


def _by_own_clock(store: Store, connection: Connection, row: Row[*tuple[Any, ...]]) -> tuple[int, int]:
    """Return the time and until when the client must be silent; move its slots when the wall clock has jumped."""
    moment = store.clock.now()
    now_us = round(moment.unix_s * SECOND_US)
    base_us = now_us - round(moment.mono_s * SECOND_US)
    host = platform.node()
    jump_us = base_us - row.clock_base_us
    if row.clock_host == host and abs(jump_us) <= CLOCK_JUMP_US:
        return now_us, row.silent_until_us
    silent_until_us = row.silent_until_us
    if row.clock_host == host:
        silent_until_us += jump_us
        _shift(connection, row.client_key, jump_us, now_us)
    here = update(pace_clients).where(pace_clients.c.client_key == row.client_key)
    connection.execute(here.values(clock_base_us=base_us, clock_host=host, silent_until_us=silent_until_us))
    return now_us, silent_until_us


def _wait_out(connection: Connection, client_key: str, jump_us: int, now_us: int, silent_until_us: int) -> int:
    """Have a client be silent for a minute after the server's clock has jumped; return until when.

    Every worker notices by itself, at its next reservation; so nothing may be moved, or it would be moved by each.
    """
    _shift(connection, client_key, 0, now_us)
    asked_us = silent_until_us + min(jump_us, 0)
    until_us = max(asked_us, now_us + WINDOW_US)
    here = update(pace_clients).where(pace_clients.c.client_key == client_key)
    connection.execute(here.values(silent_until_us=until_us, clock_host=SERVER))
    return until_us


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


def taken_back(store: Store, at_us: Sequence[int]) -> list[int]:
    """Return slots that were handed out by the time that slots go by; what is not known is left out."""
    time = store.timeline
    if not isinstance(time, ServerTime):
        return list(at_us)
    known = [time.take_back(one) for one in at_us]
    return [one for one in known if one is not None]
