"""Launches as they stand: what was asked for joined to its row, for the API and for the page. Nothing here waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from flowlaunch.batch.ledger import RowFilter, place_of
from flowlaunch.gateway.launches.batches import route_name_of
from flowlaunch.gateway.store import launches as store
from flowlaunch.gateway.store.listing import Cursor, LaunchFilter, page, search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowlaunch.batch.ledger import Batch, Ledger, RowRecord
    from flowlaunch.gateway.store.launches import AttemptRecord, LaunchRecord

__all__ = ["LaunchReader", "LaunchView"]

MOST_BATCHES: Final = 1_000
"""Batches that are known without asking."""


@dataclass(frozen=True, slots=True)
class LaunchView:
    """One launch: as asked for, as it stands, and the batch that it is in."""

    launch: LaunchRecord
    row: RowRecord
    batch: Batch

    @property
    def route(self) -> str:
        """The route that it came by."""
        return route_name_of(self.batch) or self.batch.spec.name


class LaunchReader:
    """Reads launches from the ledger; every method may take a few milliseconds, so call it in a thread."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._batches: dict[int, Batch] = {}

    def find(self, launch_id: str) -> LaunchView | None:
        """Return the launch of that id."""
        found = store.find(self._ledger.store, launch_id)
        return None if found is None else next(iter(self.views([found])), None)

    def search(self, text: str, where: LaunchFilter, *, route: str | None = None, limit: int = 50) -> list[LaunchView]:
        """Return launches that `text` names: launch id, idempotency key, row key or execution id; newest first."""
        if route is not None:
            where = self._by_route(where, route)
            if not where.batch_ids:
                return []
        return self.views(search(self._ledger.store, text, where, limit=limit))

    def page(
        self, where: LaunchFilter, *, route: str | None = None, cursor: Cursor | None = None, limit: int = 50
    ) -> tuple[list[LaunchView], Cursor | None]:
        """Return a page of launches, newest first, and where the next one begins."""
        if route is not None:
            where = self._by_route(where, route)
            if not where.batch_ids:
                return [], None
        held = where.batch_ids or tuple(self._held())
        found = page(self._ledger.store, where, cursor=cursor, limit=limit, batch_ids=held)
        return self.views(found.launches), found.next

    def _by_route(self, where: LaunchFilter, route: str) -> LaunchFilter:
        """Return the filter with the batches of a route alone; it has none when nothing came by that route yet."""
        named = tuple(batch_id for batch_id, name in self._held().items() if name == route)
        return msgspec.structs.replace(where, batch_ids=named)

    def _held(self) -> dict[int, str]:
        """Return the batches that hold launches, with the names of their routes."""
        return {batch.batch_id: name for batch in self._ledger.batches() if (name := route_name_of(batch))}

    def views(self, records: Sequence[LaunchRecord]) -> list[LaunchView]:
        """Return launches with their rows, in the order given."""
        numbers: dict[int, list[int]] = {}
        for one in records:
            batch_id, number = place_of(one.row_id)
            numbers.setdefault(batch_id, []).append(number)
        rows = {
            row.row_id: row
            for batch_id, of_batch in numbers.items()
            for row in self._ledger.rows(batch_id, RowFilter(numbers=tuple(of_batch)))
        }
        return [
            LaunchView(one, rows[one.row_id], self._batch(place_of(one.row_id)[0]))
            for one in records
            if one.row_id in rows
        ]

    def attempts(self, row_id: int) -> tuple[AttemptRecord, ...]:
        """Return the attempts of a launch that have ended, oldest first."""
        return store.attempts_of(self._ledger.store, row_id)

    def _batch(self, batch_id: int) -> Batch:
        """Return a batch; what is asked of it here never changes."""
        held = self._batches.get(batch_id)
        if held is None:
            if len(self._batches) >= MOST_BATCHES:
                self._batches.clear()
            held = self._batches[batch_id] = self._ledger.batch(batch_id)
        return held
