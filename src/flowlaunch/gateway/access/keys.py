"""Make, rotate and end API keys; each of it is in the audit log with who did it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.ledger.faults import CONFLICT
from flowlaunch.errors import InputError, LedgerError
from flowlaunch.gateway.access import tokens
from flowlaunch.gateway.access.caller import Caller, expanded, scopes_named
from flowlaunch.gateway.instants import is_kept
from flowlaunch.gateway.store import audit, keys as key_rows
from flowlaunch.gateway.store.keys import KeyRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from flowlaunch.batch.ledger.store import Store

__all__ = ["OVERLAP_S", "Issued", "Keys"]

OVERLAP_S: Final = 86_400
"""How long a key's old secret stays good after a rotation, unless said otherwise: time to change it in every app."""

LONGEST_NAME: Final = 100
SECOND_US: Final = 1_000_000
KEY_ID: Final = re.compile(r"[0-9a-f]{12}")
NOT_NAMES: Final = re.compile(rf"hook:.*|page|{KEY_ID.pattern}")
"""What stands for a webhook, for the page and for a key's id where callers are named."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A key just made or rotated: the only time its secret can be seen."""

    record: KeyRecord
    key: str = field(repr=False)


class Keys:
    """The gateway's API keys."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> tuple[KeyRecord, ...]:
        """Return every key, oldest first."""
        with self._store.read("list keys") as connection:
            return key_rows.read_all(connection)

    def page(self, *, after_id: str | None = None, limit: int) -> tuple[KeyRecord, ...]:
        """Return up to `limit` keys, oldest first, from behind the key of that id on; InputError when it is none."""
        with self._store.read("list keys") as connection:
            after = None if after_id is None else self._find(connection, after_id)
            return key_rows.read_after(connection, after, limit)

    def named(self, name_or_id: str) -> KeyRecord:
        """Return the key of that public part or, among live keys, of that name; InputError when there is none."""
        with self._store.read("find a key") as connection:
            return self._find(connection, name_or_id)

    def create(
        self,
        name: str,
        scopes: Iterable[str],
        *,
        who: Caller | str,
        per_minute: int | None = None,
        per_day: int | None = None,
        expires_us: int | None = None,
    ) -> Issued:
        """Make a key; a caller can give away no scope that it lacks.

        Raises:
            InputError: the name is taken or empty, a scope is unknown or beyond the caller's own, the end is not ahead.

        """
        wanted = scopes_named(scopes)
        _check_reach(who, wanted)
        name = _checked_name(name)
        secret, now_us = tokens.new_secret(), self._store.now_us()
        record = KeyRecord(
            key_id=tokens.new_key_id(),
            name=name,
            secret_hash=tokens.hash_of(secret),
            scopes=wanted,
            created_us=now_us,
            created_by=who.name if isinstance(who, Caller) else who,
            per_minute=_checked_quota("per_minute", per_minute),
            per_day=_checked_quota("per_day", per_day),
            expires_us=_checked_end(expires_us, now_us),
        )
        facts = {"name": name, "scopes": wanted, "per_minute": per_minute, "per_day": per_day}
        try:
            with self._store.write("create a key") as connection:
                key_rows.insert_key(connection, record)
                audit.record(self._store, who, "key.create", record.key_id, facts, connection=connection)
        except LedgerError as error:
            if error.code != CONFLICT:
                raise
            raise InputError(
                f"create the key {name}: a live key has this name",
                code="key-name-taken",
                hint="Give it another name, or rotate the one there is.",
            ) from error
        return Issued(record, tokens.spelled(record.key_id, secret))

    def rotate(self, name_or_id: str, *, who: Caller | str, overlap_s: float = OVERLAP_S) -> Issued:
        """Give a key a new secret; the old one stays good for `overlap_s` (0: it ends now)."""
        secret, now_us = tokens.new_secret(), self._store.now_us()
        with self._store.write("rotate a key") as connection:
            record = self._find(connection, name_or_id)
            _check_reach(who, record.scopes)
            if record.state(now_us) != "live":
                raise InputError(
                    f"rotate the key {record.name}: it is {record.state(now_us)}",
                    code="key-ended",
                    hint="Create a new key.",
                )
            until_us = now_us + round(max(0.0, overlap_s) * SECOND_US)
            key_rows.rotate(connection, record.key_id, tokens.hash_of(secret), old_until_us=until_us, now_us=now_us)
            facts = {"name": record.name, "overlap_s": overlap_s}
            audit.record(self._store, who, "key.rotate", record.key_id, facts, connection=connection)
            fresh = self._find(connection, record.key_id)
        return Issued(fresh, tokens.spelled(record.key_id, secret))

    def revoke(self, name_or_id: str, *, who: Caller | str) -> KeyRecord:
        """End a key, with its sessions, for good."""
        with self._store.write("revoke a key") as connection:
            record = self._find(connection, name_or_id)
            _check_reach(who, record.scopes)
            if key_rows.revoke(connection, record.key_id, self._store.now_us()):
                facts = {"name": record.name}
                audit.record(self._store, who, "key.revoke", record.key_id, facts, connection=connection)
            return self._find(connection, record.key_id)

    def _find(self, connection: Connection, name_or_id: str) -> KeyRecord:
        found = key_rows.find(connection, name_or_id) or key_rows.find_live_name(
            connection, name_or_id, self._store.now_us()
        )
        if found is None:
            raise InputError(
                f"there is no key {name_or_id}", code="key-unknown", hint="List them: flowlaunch gateway keys list."
            )
        return found


def _check_reach(who: Caller | str, scopes: Iterable[str]) -> None:
    """Refuse to let a caller make or change a key that can do more than itself; the command line may do all."""
    beyond = expanded(scopes) - who.scopes if isinstance(who, Caller) else frozenset()
    if beyond:
        raise InputError(
            f"{', '.join(sorted(beyond))}: the key would allow what {who.name if isinstance(who, Caller) else who}"
            " may not do",
            code="key-reach",
            hint="Ask someone whose key has these scopes.",
        )


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or tokens.key_parts(name):
        raise InputError(
            f"a key's name is a text of 1 to {LONGEST_NAME} printable characters",
            code="key-name",
            hint="Name it after the app that will hold it.",
        )
    if NOT_NAMES.fullmatch(name):
        raise InputError(
            f"a key cannot be named {name}: that stands for a webhook, the page or a key's id",
            code="key-name",
            hint="Name it after the app that will hold it.",
        )
    return name


def _checked_quota(what: str, value: int | None) -> int | None:
    if value is not None and value < 1:
        raise InputError(f"{what} {value}: a quota is 1 or more", code="key-quota", hint="Revoke a key to stop it.")
    return value


def _checked_end(expires_us: int | None, now_us: int) -> int | None:
    if expires_us is not None and (expires_us <= now_us or not is_kept(expires_us)):
        raise InputError(
            "a key ends in the future, before the year 2200",
            code="key-end",
            hint="Give a later end, or none: a key without one lasts until it is revoked.",
        )
    return expires_us
