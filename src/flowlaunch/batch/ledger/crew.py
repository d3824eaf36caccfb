"""The crew: worker processes that are there, and the duties that one at a time of them has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import delete, insert, select, update

from flowlaunch.batch.ledger.faults import CONFLICT, retried
from flowlaunch.batch.ledger.schema_workers import duties, processes
from flowlaunch.errors import LedgerError

if TYPE_CHECKING:
    from flowlaunch.batch.ledger.store import Store

__all__ = [
    "STALE_S",
    "Client",
    "HandStanding",
    "Process",
    "ask_to_drain",
    "beat",
    "hold_duty",
    "join",
    "leave",
    "present",
]

STALE_S: Final = 20.0
"""Silence after which a worker is held for dead: a pause of the database must not look like death."""
FORGOTTEN_US: Final = 24 * 3_600 * 1_000_000
"""How long a process that gave no sign of life any more is still listed."""


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """An OAuth client that a process can launch with: the profile's name, and whose budget it spends."""

    profile: str
    client_key: str


class HandStanding(msgspec.Struct, frozen=True, kw_only=True):
    """What a process does for one batch now.

    Attributes:
        job: `launch` or `follow`.
        in_hand: rows taken and not ended yet, those in flight among them; executions being read, when following.
        launched: rows that left since the job was begun.

    """

    batch_id: int
    job: str
    in_hand: int = 0
    per_minute: float = 0.0
    launched: int = 0


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One `flowlaunch worker run`, on whatever machine.

    Attributes:
        launched: rows that it launched since it started.
        memory_bytes: its resident memory.
        trouble: why it cannot work on something, for people; "" when all is well.

    """

    process_id: str
    host: str
    pid: int
    started_us: int
    heartbeat_us: int
    is_draining: bool = False
    clients: tuple[Client, ...] = ()
    hands: tuple[HandStanding, ...] = ()
    launched: int = 0
    memory_bytes: int = 0
    trouble: str = ""


class _Standing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    hands: tuple[HandStanding, ...] = ()
    launched: int = 0
    memory_bytes: int = 0
    trouble: str = ""


@retried(even_if_kept=True)
def join(store: Store, me: Process) -> None:
    """Put a process on the list, and take off those that were last heard of long ago."""
    with store.write("join the workers") as connection:
        connection.execute(delete(processes).where(processes.c.heartbeat_us < store.now_us() - FORGOTTEN_US))
        connection.execute(delete(processes).where(processes.c.id == me.process_id))
        connection.execute(
            insert(processes).values(
                id=me.process_id, host=me.host, pid=me.pid, started_us=me.started_us, heartbeat_us=store.now_us(),
                is_draining=int(me.is_draining), clients=msgspec.json.encode(me.clients).decode(),
                standing=_standing(me),
            )
        )  # fmt: skip


def beat(store: Store, me: Process) -> bool:
    """Give a sign of life and tell how it stands; return whether somebody wants this process to drain.

    A process that was taken off the list, after a long sleep, is put on it again.
    """
    with store.write("heartbeat of a worker", durable=False) as connection:
        asked = connection.execute(select(processes.c.is_draining).where(processes.c.id == me.process_id)).scalar()
        changed = {"heartbeat_us": store.now_us(), "standing": _standing(me)}
        if me.is_draining:
            changed["is_draining"] = 1
        connection.execute(update(processes).where(processes.c.id == me.process_id).values(**changed))
    if asked is None:
        join(store, me)
    return bool(asked)


def _standing(me: Process) -> str:
    now = _Standing(hands=me.hands, launched=me.launched, memory_bytes=me.memory_bytes, trouble=me.trouble)
    return msgspec.json.encode(now).decode()


def leave(store: Store, process_id: str) -> None:
    """Take a process off the list."""
    with store.write("leave the workers") as connection:
        connection.execute(delete(processes).where(processes.c.id == process_id))
        connection.execute(delete(duties).where(duties.c.holder == process_id))


def present(store: Store) -> tuple[Process, ...]:
    """Return every process on the list, oldest first; one may be dead: judge by its heartbeat."""
    with store.read("list the workers") as connection:
        found = connection.execute(select(processes).order_by(processes.c.started_us, processes.c.id)).all()
    made = []
    for one in found:
        standing = msgspec.json.decode(one.standing, type=_Standing)
        made.append(
            Process(
                process_id=one.id, host=one.host, pid=one.pid, started_us=one.started_us,
                heartbeat_us=one.heartbeat_us, is_draining=bool(one.is_draining),
                clients=msgspec.json.decode(one.clients, type=tuple[Client, ...]), hands=standing.hands,
                launched=standing.launched, memory_bytes=standing.memory_bytes, trouble=standing.trouble,
            )
        )  # fmt: skip
    return tuple(made)


@retried(even_if_kept=True)
def ask_to_drain(store: Store, process_ids: tuple[str, ...]) -> int:
    """Ask processes to finish what is in flight and leave; return how many were there to ask."""
    with store.write("ask workers to drain") as connection:
        return connection.execute(
            update(processes).where(processes.c.id.in_(process_ids)).values(is_draining=1)
        ).rowcount


def hold_duty(store: Store, name: str, holder: str, for_s: float) -> bool:
    """Take or keep a duty for a while; False when another process has it."""
    try:
        return _hold(store, name, holder, for_s)
    except LedgerError as error:
        if error.code == CONFLICT:  # two were the first to take it
            return False
        raise


def _hold(store: Store, name: str, holder: str, for_s: float) -> bool:
    now_us = store.now_us()
    until_us = now_us + round(for_s * 1e6)
    with store.write("hold a duty", durable=False) as connection:
        found = connection.execute(select(duties).where(duties.c.name == name).with_for_update()).first()
        if found is None:
            connection.execute(insert(duties).values(name=name, holder=holder, until_us=until_us))
            return True
        # a duty held far into the future was taken by a clock that has been set back since
        is_free = found.until_us <= now_us or found.until_us > now_us + 10 * round(for_s * 1e6)
        if found.holder != holder and not is_free:
            return False
        connection.execute(update(duties).where(duties.c.name == name).values(holder=holder, until_us=until_us))
    return True
