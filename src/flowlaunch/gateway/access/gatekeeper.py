"""The gatekeeper: who sends a request, and whether that one may ask for more."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from flowlaunch.errors import LedgerError
from flowlaunch.gateway.access import tokens
from flowlaunch.gateway.access.caller import Caller, expanded
from flowlaunch.gateway.access.lookups import Lookups
from flowlaunch.gateway.access.quotas import Charge, Limit, Quotas
from flowlaunch.gateway.api.problems import Problem
from flowlaunch.gateway.store import keys as key_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flowlaunch.batch.ledger.store import Store
    from flowlaunch.gateway.store.keys import KeyRecord

__all__ = ["FRESH_S", "Gatekeeper", "Limit"]

FRESH_S: Final = 1.0
"""How long a key is known without asking the database: a revoked one works at most this long."""

MOST_KNOWN: Final = 4096
USES_EVERY_S: Final = 15.0
SECOND_US: Final = 1_000_000
logger = logging.getLogger("flowlaunch.gateway.access")


class Gatekeeper:
    """Knows keys and counts quotas. What is no coroutine may wait for the database: call it in a thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._quotas = Quotas(store)
        self._lookups = Lookups(self._read)
        self._known: OrderedDict[str, tuple[int, KeyRecord | None]] = OrderedDict()
        self._uses: dict[str, int] = {}
        self._turn = threading.Lock()

    async def authenticate(self, headers: Mapping[str, str]) -> Caller:
        """Return who sent a request, by its header `Authorization: Bearer flk_…`.

        Headers are by lower-case name. A key in the address is not looked for: addresses end up in logs.

        Raises:
            Problem: 401, the same for a wrong, an expired, a revoked and an unknown key; 503 while keys cannot be read.

        """
        scheme, _, key = headers.get("authorization", "").strip().partition(" ")
        if scheme.casefold() != "bearer" or not key.strip():
            raise _unauthenticated("Send an API key: `Authorization: Bearer flk_…`.")
        parts = tokens.key_parts(key.strip())
        caller = None if parts is None else self._caller(*parts, await self._record(parts[0]))
        if caller is None:
            raise _unauthenticated("The API key is unknown, expired or revoked.", told="invalid_token")
        return caller

    def caller_of(self, key: str) -> Caller | None:
        """Return whose key it is, waiting for the database; None when it opens nothing."""
        parts = tokens.key_parts(key)
        if parts is None:
            return None
        known = self._remembered(parts[0])
        return self._caller(*parts, self._read(parts[0]) if known is None else known[0])

    def _caller(self, key_id: str, secret: str, record: KeyRecord | None) -> Caller | None:
        now_us = self._store.now_us()
        if not _opens(record, tokens.hash_of(secret), now_us) or record is None:
            return None
        self._uses[key_id] = now_us
        return Caller(key_id, record.name, expanded(record.scopes))

    async def check_quota(self, caller: Caller, route: str, limits: Iterable[Limit] = (), n: int = 1) -> Charge:
        """Count `n` launches against the quotas of the caller's key and the given ones (of the route).

        What is returned undoes one of them: see `give_back`.

        Raises:
            Problem: 429 with Retry-After; 503 while keys cannot be read. Nothing was counted.

        """
        record = await self._record(caller.key_id)
        own = () if record is None else (Limit(f"key:{caller.key_id}", record.per_minute, record.per_day),)
        asked = tuple(limit for limit in (*own, *limits) if limit.windows())
        charge = Charge(asked, self._store.now_us())
        spent = await asyncio.to_thread(self._quotas.spend, asked, n) if asked else None
        if spent is not None:
            unit = "minute" if spent.length_s == 60 else "day"
            raise Problem(
                429, "quota-spent", "The quota is spent",
                f"{caller.name} asked route {route} for more than the {spent.limit} launches a {unit}"
                f" that {spent.subject} may. Nothing was launched; ask again later.",
                retry_after_s=spent.retry_after_s, subject=spent.subject, limit=spent.limit,
            )  # fmt: skip
        return charge

    def give_back(self, charge: Charge) -> None:
        """Take a launch off the quotas again: none came of it."""
        self._quotas.give_back(charge)

    async def run(self, stop: asyncio.Event) -> None:
        """Write from time to time when keys were last used, until `stop`, and once more then."""
        is_last = False
        while not is_last:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), USES_EVERY_S)
            is_last = stop.is_set()
            await asyncio.to_thread(self.write_uses)
        self._lookups.close()

    def write_uses(self) -> None:
        """Write when keys were last used; a ledger that cannot be written now gets it next time."""
        uses, self._uses = self._uses, {}
        if not uses:
            return
        try:
            with self._store.write("note the use of keys", durable=False) as connection:
                key_rows.note_uses(connection, uses)
        except LedgerError as error:
            logger.warning("cannot note when keys were used: %s", error.message)
            self._uses = uses | self._uses

    def forget(self, key_id: str = "") -> None:
        """Ask the database again about one key, or all, at its next use."""
        with self._turn:
            if key_id:
                self._known.pop(key_id, None)
            else:
                self._known.clear()

    async def _record(self, key_id: str) -> KeyRecord | None:
        """Return a key as it was within the last second, without keeping the event loop."""
        known = self._remembered(key_id)
        return await self._lookups.find(key_id) if known is None else known[0]

    def _remembered(self, key_id: str) -> tuple[KeyRecord | None] | None:
        with self._turn:
            known = self._known.get(key_id)
        is_fresh = known is not None and 0 <= self._store.now_us() - known[0] < FRESH_S * SECOND_US
        return (known[1],) if known is not None and is_fresh else None

    def _read(self, key_id: str) -> KeyRecord | None:
        now_us = self._store.now_us()
        with self._store.read("find a key") as connection:
            record = key_rows.find(connection, key_id)
        with self._turn:
            self._known[key_id] = (now_us, record)
            self._known.move_to_end(key_id)
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)
        return record


def _opens(record: KeyRecord | None, secret_hash: str, now_us: int) -> bool:
    if record is None or record.state(now_us) != "live":
        return False
    if tokens.is_hash_of(record.secret_hash, secret_hash):
        return True
    is_old_good = record.old_until_us is not None and now_us < record.old_until_us
    return is_old_good and tokens.is_hash_of(record.old_hash, secret_hash)


def _unauthenticated(detail: str, *, told: str = "") -> Problem:
    challenge = 'Bearer realm="flowlaunch gateway"' + (f', error="{told}"' if told else "")
    return Problem(401, "unauthenticated", "Who is asking?", detail, headers={"www-authenticate": challenge})
