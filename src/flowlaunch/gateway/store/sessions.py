"""Sessions of the page and one-time sign-in links: of each only the hash is kept."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from flowlaunch.batch.ledger.schema_edges import links, sessions

__all__ = [
    "LinkRecord",
    "SessionRecord",
    "delete_ended",
    "end",
    "end_oldest",
    "end_oldest_links",
    "find",
    "insert_link",
    "insert_session",
    "seen",
    "use",
]


class SessionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A session as kept; `key_id` is the key it was opened with, or `page` for a link."""

    id_hash: str
    key_id: str
    name: str
    scopes: tuple[str, ...]
    created_us: int
    seen_us: int
    expires_us: int


class LinkRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in link as kept."""

    token_hash: str
    name: str
    scopes: tuple[str, ...]
    created_us: int
    expires_us: int


def insert_session(connection: Connection, record: SessionRecord) -> None:
    """Keep a new session."""
    values = msgspec.structs.asdict(record) | {"scopes": " ".join(record.scopes)}
    connection.execute(insert(sessions).values(**values))


def find(connection: Connection, id_hash: str) -> SessionRecord | None:
    """Return a session, however old."""
    row = connection.execute(select(sessions).where(sessions.c.id_hash == id_hash)).mappings().first()
    return None if row is None else SessionRecord(**dict(row) | {"scopes": tuple(row["scopes"].split())})


def seen(connection: Connection, id_hash: str, now_us: int) -> None:
    """Write that a session was used."""
    connection.execute(
        update(sessions).where(sessions.c.id_hash == id_hash, sessions.c.seen_us < now_us).values(seen_us=now_us)
    )


def end(connection: Connection, id_hash: str) -> bool:
    """Delete a session; return whether there was one."""
    return connection.execute(delete(sessions).where(sessions.c.id_hash == id_hash)).rowcount == 1


def insert_link(connection: Connection, record: LinkRecord) -> None:
    """Keep a new link."""
    values = msgspec.structs.asdict(record) | {"scopes": " ".join(record.scopes)}
    connection.execute(insert(links).values(**values, used_us=None))


def use(connection: Connection, token_hash: str, now_us: int) -> LinkRecord | None:
    """Use a link up and return it; None when there is none, or it was used, or its time is over."""
    is_good = (links.c.token_hash == token_hash, links.c.used_us.is_(None), links.c.expires_us > now_us)
    if connection.execute(update(links).where(*is_good).values(used_us=now_us)).rowcount != 1:
        return None
    row = connection.execute(select(links).where(links.c.token_hash == token_hash)).one()
    return LinkRecord(
        token_hash=token_hash,
        name=row.name,
        scopes=tuple(row.scopes.split()),
        created_us=row.created_us,
        expires_us=row.expires_us,
    )


def end_oldest(connection: Connection, key_id: str, most: int) -> None:
    """Delete the sessions of a key that are older than its newest `most`."""
    beyond = select(sessions.c.id_hash).where(sessions.c.key_id == key_id).order_by(sessions.c.created_us.desc())
    old = list(connection.execute(beyond.offset(most).limit(most)).scalars())
    if old:
        connection.execute(delete(sessions).where(sessions.c.id_hash.in_(old)))


def end_oldest_links(connection: Connection, most: int) -> None:
    """Delete the links that are older than the newest `most`."""
    old = list(
        connection.execute(select(links.c.token_hash).order_by(links.c.created_us.desc()).offset(most).limit(most))
        .scalars()
    )  # fmt: skip
    if old:
        connection.execute(delete(links).where(links.c.token_hash.in_(old)))


def delete_ended(connection: Connection, now_us: int) -> int:
    """Delete sessions and links whose time is over; return how many."""
    gone = connection.execute(delete(sessions).where(sessions.c.expires_us <= now_us)).rowcount
    return gone + connection.execute(delete(links).where(links.c.expires_us <= now_us)).rowcount
