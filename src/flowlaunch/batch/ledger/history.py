"""What earlier batches did, over all ledgers of a folder: asked of the ledgers themselves.

There is no index beside them that could disagree with them: a ledger's attempts are in its own transactions,
and the ledgers of the folder are opened to read. A copy of a ledger (same ledger id) counts once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sqlalchemy import bindparam, literal_column, select

from flowlaunch.batch.ledger import sqlite
from flowlaunch.batch.ledger.faults import translated
from flowlaunch.batch.ledger.schema import HEAD, attempts, facts, rows
from flowlaunch.batch.ledger.versions import version_of
from flowlaunch.batch.states import SENT_STATES, Event
from flowlaunch.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from sqlalchemy import Connection, Engine

    from flowlaunch.batch.ledger.keyed_hash import KeyedHash
    from flowlaunch.batch.ledger.store import Store

__all__ = ["FolderHistory", "folder_history", "ledgers_beside"]

NOT_MADE = (Event.NOT_SENT.value, Event.REFUSED.value, Event.SETTLED_ABSENT.value)
"""Outcomes of attempts that reached nobody."""

_SEEN = (
    select(rows.c.batch_id)
    .where(
        rows.c.key.in_(bindparam("forms", expanding=True)),
        rows.c.state.in_([state.value for state in SENT_STATES]),
        rows.c.batch_id != bindparam("but_batch"),
    )
    .order_by(rows.c.id)
    .limit(1)
)
_ATTEMPTS = select(attempts.c.intent_us).where(
    attempts.c.contact.in_(bindparam("forms", expanding=True)),
    attempts.c.intent_us >= bindparam("since_us"),
    attempts.c.outcome.not_in(NOT_MADE),
)
_IN_FLIGHT = select(rows.c.contact, rows.c.intent_us).where(
    rows.c.chunk_id.is_not(None), rows.c.state == literal_column("'launching'"), rows.c.contact.is_not(None)
)


class _Source:
    """One ledger of the folder, open to read."""

    def __init__(self, engine: Engine, place: str, *, own: bool) -> None:
        self._engine = engine
        self._own = own
        self.place = place
        with translated("read the history", place):
            self.connection: Connection = engine.connect()
            self.version = version_of(self.connection)
            self.connection.rollback()

    def ledger_id(self) -> str:
        """Return the ledger's own id; a copy has the same."""
        with translated("read the history", self.place):
            found = self.connection.execute(select(facts.c.value).where(facts.c.name == "ledger_id")).scalar()
            self.connection.rollback()
        return str(found)

    def close(self) -> None:
        """Let the file go."""
        self.connection.close()
        if not self._own:
            self._engine.dispose()


class FolderHistory:
    """Implements `flowlaunch.batch.decisions.History` over the ledgers of a folder; close it after planning.

    Attempts are what may have reached the contact: accepted, in doubt, in flight. Refused, not sent and settled
    as absent are not counted.
    """

    def __init__(self, sources: Sequence[_Source], keyed_hash: KeyedHash, *, but_batch: int | None) -> None:
        self._sources = tuple(sources)
        self._keyed_hash = keyed_hash
        self._but_batch = but_batch or 0
        self._in_flight: dict[str, list[int]] = {}
        for source in self._sources:
            self._note_in_flight(source)

    def _note_in_flight(self, source: _Source) -> None:
        """Rows launching now are few, and have no attempt written yet: read once."""
        with translated("read the history", source.place):
            for contact, intent_us in source.connection.execute(_IN_FLIGHT):
                self._in_flight.setdefault(contact, []).append(intent_us)
            source.connection.rollback()

    def seen(self, key: str) -> str | None:
        """Return the batch that launched `key` or may have, as `7` or, of another ledger, `other.db:7`."""
        forms = self._keyed_hash.forms_of(key)
        for place, source in enumerate(self._sources):
            but = self._but_batch if place == 0 else 0
            with translated("read the history", source.place):
                found = source.connection.execute(_SEEN, {"forms": forms, "but_batch": but}).scalar()
                source.connection.rollback()
            if found is not None:
                return str(found) if place == 0 else f"{source.place}:{found}"
        return None

    def attempts(self, contact: str, since_us: int) -> Sequence[int]:
        """Return when `contact` was launched, or may have been, at or after `since_us`, oldest first."""
        forms = self._keyed_hash.forms_of(contact)
        found: list[int] = []
        for source in self._sources:
            with translated("read the history", source.place):
                found += source.connection.execute(_ATTEMPTS, {"forms": forms, "since_us": since_us}).scalars()
                source.connection.rollback()
        for form in forms:
            found += [at_us for at_us in self._in_flight.get(form, ()) if at_us >= since_us]
        return tuple(sorted(found))

    def close(self) -> None:
        """Let the ledgers go."""
        for source in self._sources:
            source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def folder_history(store: Store, *, but_batch: int | None) -> FolderHistory:
    """Open every ledger of the folder to read; one that this program cannot read is an error, not an omission."""
    sources = [_Source(store.engine, store.place, own=True)]
    known = {sources[0].ledger_id()}
    try:
        for path in _ledgers_beside(store.path):
            source = _Source(sqlite.file_engine(path), path.name, own=False)
            sources.append(source)
            _check(source)
            ledger_id = source.ledger_id()
            if ledger_id in known:
                sources.pop().close()
            known.add(ledger_id)
    except BaseException:
        for source in sources:
            source.close()
        raise
    return FolderHistory(sources, store.keyed_hash, but_batch=but_batch)


def _check(source: _Source) -> None:
    if source.version != HEAD:
        raise LedgerError(
            f"read the history of the ledger {source.place}: it has schema version {source.version}, not {HEAD}",
            hint="Open it once with this program, update the program, or move that ledger to another folder.",
        )


def ledgers_beside(store: Store) -> tuple[tuple[Path, bool], ...]:
    """Return the other ledgers of the folder, and whether each has this program's schema: opening upgrades it."""
    found = []
    for path in _ledgers_beside(store.path):
        source = _Source(sqlite.file_engine(path), path.name, own=False)
        found.append((path, source.version == HEAD))
        source.close()
    return tuple(found)


def _ledgers_beside(path: Path | None) -> list[Path]:
    if path is None:
        return []
    return sorted(
        other
        for other in path.parent.iterdir()
        if other != path and other.is_file() and sqlite.application_id(other) == sqlite.APPLICATION_ID
    )
