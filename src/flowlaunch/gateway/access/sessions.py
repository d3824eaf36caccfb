"""Signing in to the page: by a one-time link or a key, for a working day.

Cookie and link are secrets of 256 bits of which the ledger keeps hashes. The token that guards forms against other
sites is made from the cookie, so it is never kept and ends with the session.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flowlaunch.gateway.access import tokens
from flowlaunch.gateway.access.caller import Caller, expanded, scopes_named
from flowlaunch.gateway.access.gatekeeper import Gatekeeper
from flowlaunch.gateway.store import audit, keys as key_rows, sessions as rows
from flowlaunch.gateway.store.sessions import LinkRecord, SessionRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from flowlaunch.batch.ledger.store import Store

__all__ = ["IDLE_S", "LINK_S", "LONGEST_S", "PAGE", "Opened", "Session", "Sessions"]

LINK_S: Final = 600
"""How long a sign-in link works, once."""
IDLE_S: Final = 2 * 3600
"""A session ends when it was not used for this long."""
LONGEST_S: Final = 12 * 3600
"""A session ends after this long, used or not."""
MOST: Final = 1_000
"""Sessions of one key, and of all links; links that wait. Beyond, the oldest end."""
PAGE: Final = "page"
"""Key id of callers who signed in by a link."""

SEEN_EVERY_US: Final = 60_000_000
SECOND_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in; `csrf` must come with every form that changes something."""

    caller: Caller
    csrf: str = field(repr=False)
    expires_us: int

    def takes(self, csrf: str) -> bool:
        """Tell whether a form's token is this session's."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode())


@dataclass(frozen=True, slots=True)
class Opened:
    """A session just opened, with the cookie that only the browser keeps."""

    session: Session
    cookie: str = field(repr=False)


class Sessions:
    """Who is signed in to the page. Calls take about a millisecond; all may be made from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def link(self, who: Caller | str, name: str, scopes: Iterable[str], *, lasts_s: int = LINK_S) -> str:
        """Make a sign-in link's token: it opens one session in `name` with `scopes`, once, within `lasts_s`.

        Put it behind the `#` of the address: what stands there reaches no server's log.
        """
        wanted, token, now_us = scopes_named(scopes), tokens.new_secret(), self._store.now_us()
        expires_us = now_us + lasts_s * SECOND_US
        made = LinkRecord(
            token_hash=tokens.hash_of(token), name=name, scopes=wanted, created_us=now_us, expires_us=expires_us
        )
        with self._store.write("make a sign-in link") as connection:
            rows.insert_link(connection, made)
            rows.end_oldest_links(connection, MOST)
            audit.record(self._store, who, "link.create", name, {"scopes": wanted}, connection=connection)
        return token

    def open_by_link(self, token: str) -> Opened | None:
        """Sign in by a link's token, using it up; None when it opens nothing."""
        now_us = self._store.now_us()
        with self._store.write("sign in") as connection:
            found = rows.use(connection, tokens.hash_of(token), now_us)
            return None if found is None else self._open(connection, PAGE, found.name, found.scopes, now_us)

    def open_by_key(self, key: str) -> Opened | None:
        """Sign in by an API key; None when it opens nothing. The session ends with the key."""
        caller = Gatekeeper(self._store).caller_of(key)
        if caller is None:
            return None
        with self._store.write("sign in") as connection:
            record = key_rows.find(connection, caller.key_id)
            if record is None:
                return None
            return self._open(connection, record.key_id, record.name, record.scopes, self._store.now_us())

    def find(self, cookie: str) -> Session | None:
        """Return who is signed in by this cookie; None when nobody is, any more."""
        id_hash, now_us = tokens.hash_of(cookie), self._store.now_us()
        with self._store.read("find a session") as connection:
            record = rows.find(connection, id_hash)
            if record is None or not self._is_good(connection, record, now_us):
                return None
        if now_us - record.seen_us > SEEN_EVERY_US:
            with self._store.write("note a session's use", durable=False) as connection:
                rows.seen(connection, id_hash, now_us)
        caller = Caller(record.key_id, record.name, expanded(record.scopes))
        return Session(caller, _csrf(cookie), record.expires_us)

    def end(self, cookie: str) -> None:
        """Sign out."""
        id_hash = tokens.hash_of(cookie)
        with self._store.write("sign out") as connection:
            record = rows.find(connection, id_hash)
            if record is not None and rows.end(connection, id_hash):
                who = Caller(record.key_id, record.name, frozenset())
                audit.record(self._store, who, "session.end", record.name, connection=connection)

    def sweep(self) -> int:
        """Delete sessions and links whose time is over; return how many."""
        with self._store.write("end old sessions", durable=False) as connection:
            return rows.delete_ended(connection, self._store.now_us())

    def _open(self, connection: Connection, key_id: str, name: str, scopes: tuple[str, ...], now_us: int) -> Opened:
        cookie = tokens.new_secret()
        expires_us = now_us + LONGEST_S * SECOND_US
        made = SessionRecord(
            id_hash=tokens.hash_of(cookie),
            key_id=key_id,
            name=name,
            scopes=scopes,
            created_us=now_us,
            seen_us=now_us,
            expires_us=expires_us,
        )
        caller = Caller(key_id, name, expanded(scopes))
        rows.insert_session(connection, made)
        rows.end_oldest(connection, key_id, MOST)
        audit.record(self._store, caller, "session.open", name, {"scopes": scopes}, connection=connection)
        return Opened(Session(caller, _csrf(cookie), expires_us), cookie)

    def _is_good(self, connection: Connection, record: SessionRecord, now_us: int) -> bool:
        if record.expires_us <= now_us or now_us - record.seen_us > IDLE_S * SECOND_US:
            return False
        if record.key_id == PAGE:
            return True
        key = key_rows.find(connection, record.key_id)
        return key is not None and key.state(now_us) == "live"


def _csrf(cookie: str) -> str:
    return hmac.new(cookie.encode(), b"flowlaunch csrf", hashlib.sha256).hexdigest()
