"""API keys in the ledger's database: what is kept of each, and which of its secrets opens the door."""

from __future__ import annotations

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, insert, or_, select, tuple_, update

from flowlaunch.batch.ledger.schema_edges import keys

__all__ = [
    "KeyRecord",
    "find",
    "find_live_name",
    "insert_key",
    "note_uses",
    "read_after",
    "read_all",
    "revoke",
    "rotate",
]


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a key; instants are microseconds since 1970.

    Attributes:
        old_hash: of the secret before the last rotation, good until `old_until_us`.
        per_minute: launches it may ask for in a minute, `per_day` in a day (UTC); None: as many as it likes.

    """

    key_id: str
    name: str
    secret_hash: str
    scopes: tuple[str, ...]
    created_us: int
    created_by: str
    old_hash: str | None = None
    old_until_us: int | None = None
    per_minute: int | None = None
    per_day: int | None = None
    rotated_us: int | None = None
    expires_us: int | None = None
    revoked_us: int | None = None
    last_used_us: int | None = None

    def state(self, now_us: int) -> str:
        """Tell whether the key is `live`, `expired` or `revoked`."""
        if self.revoked_us is not None:
            return "revoked"
        return "expired" if self.expires_us is not None and self.expires_us <= now_us else "live"


def insert_key(connection: Connection, record: KeyRecord) -> None:
    """Keep a new key; an expired one of its name ends for good, a live one makes this fail by the unique index."""
    expired = (keys.c.name == record.name, keys.c.revoked_us.is_(None), keys.c.expires_us <= record.created_us)
    connection.execute(update(keys).where(*expired).values(revoked_us=record.created_us, old_hash=None))
    values = msgspec.structs.asdict(record)
    values["id"] = values.pop("key_id")
    values["scopes"] = " ".join(record.scopes)
    connection.execute(insert(keys).values(**values))


def find(connection: Connection, key_id: str) -> KeyRecord | None:
    """Return a key by its public part."""
    row = connection.execute(select(keys).where(keys.c.id == key_id)).first()
    return None if row is None else _made(row)


def find_live_name(connection: Connection, name: str, now_us: int) -> KeyRecord | None:
    """Return the live key of that name; names of revoked and expired keys may be given again."""
    row = connection.execute(select(keys).where(keys.c.name == name, _live(now_us))).first()
    return None if row is None else _made(row)


def read_all(connection: Connection) -> tuple[KeyRecord, ...]:
    """Return every key, oldest first."""
    return tuple(_made(row) for row in connection.execute(select(keys).order_by(keys.c.created_us, keys.c.id)))


def read_after(connection: Connection, after: KeyRecord | None, limit: int) -> tuple[KeyRecord, ...]:
    """Return up to `limit` keys that were made after one, or the first ones; oldest first."""
    wanted = select(keys).order_by(keys.c.created_us, keys.c.id).limit(limit)
    if after is not None:
        wanted = wanted.where(tuple_(keys.c.created_us, keys.c.id) > tuple_(after.created_us, after.key_id))
    return tuple(_made(row) for row in connection.execute(wanted))


def rotate(connection: Connection, key_id: str, secret_hash: str, *, old_until_us: int, now_us: int) -> None:
    """Give a key a new secret; the present one stays good until `old_until_us`, an older one ends now."""
    connection.execute(
        update(keys)
        .where(keys.c.id == key_id)
        .values(old_hash=keys.c.secret_hash, old_until_us=old_until_us, secret_hash=secret_hash, rotated_us=now_us)
    )


def revoke(connection: Connection, key_id: str, now_us: int) -> bool:
    """End a key for good; return whether it was live until now."""
    done = connection.execute(
        update(keys).where(keys.c.id == key_id, keys.c.revoked_us.is_(None)).values(revoked_us=now_us, old_hash=None)
    )
    return done.rowcount == 1


def note_uses(connection: Connection, uses: dict[str, int]) -> None:
    """Write when keys were last used, never going back."""
    for key_id, at_us in uses.items():
        later = or_(keys.c.last_used_us.is_(None), keys.c.last_used_us < at_us)
        connection.execute(update(keys).where(keys.c.id == key_id, later).values(last_used_us=at_us))


def _live(now_us: int) -> ColumnElement[bool]:
    return keys.c.revoked_us.is_(None) & or_(keys.c.expires_us.is_(None), keys.c.expires_us > now_us)


def _made(row: Row[*tuple[object, ...]]) -> KeyRecord:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented name
    values["key_id"] = values.pop("id")
    values["scopes"] = tuple(str(values["scopes"]).split())
    return KeyRecord(**values)
