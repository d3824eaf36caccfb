"""Launches as they stand: what was asked for joined to its row, for the API and for the page. Nothing here waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.ledger import RowFilter, place_of
from flowlaunch.gateway.launches.batches import route_name_of
from flowlaunch.gateway.store import launches as store
from flowlaunch.gateway.store.listing import Cursor, LaunchFilter, page

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

    def search(self, text: str, *, limit: int = 50) -> list[LaunchView]:
        """Return launches that `text` names: launch id, idempotency key, row key or execution id; newest first."""
        return self.views(store.find_any(self._ledger.store, text, limit=limit))

    def page(
        self, where: LaunchFilter, *, route: str | None = None, cursor: Cursor | None = None, limit: int = 50
    ) -> tuple[list[LaunchView], Cursor | None]:
        """Return a page of launches, newest first, and where the next one begins."""
        held = {batch.batch_id: route_name_of(batch) for batch in self._ledger.batches() if route_name_of(batch)}
        if route is not None:
            named = tuple(batch_id for batch_id, name in held.items() if name == route)
            if not named:
                return [], None
            where = LaunchFilter(
                states=where.states, batch_ids=named, caller=where.caller,
                created_from_us=where.created_from_us, created_until_us=where.created_until_us,
            )  # fmt: skip
        found = page(self._ledger.store, where, cursor=cursor, limit=limit, batch_ids=tuple(held))
        return self.views(found.launches), found.next

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
