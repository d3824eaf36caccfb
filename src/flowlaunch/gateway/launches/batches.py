"""The open-ended batches of the ledger that launches go into: one for each route, flow and pinned version."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.ledger import BatchSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.batch.ledger import Batch, Ledger
    from flowlaunch.gateway.routing.routes import Route
    from flowlaunch.models import Flow

__all__ = ["PREFIX", "RouteBatches", "route_name_of"]

PREFIX: Final = "gateway:"
SOURCE: Final = "gateway"


def route_name_of(batch: Batch) -> str | None:
    """Return the route whose launches a batch holds; None when it is a batch of its own."""
    is_route = batch.spec.source == SOURCE and batch.spec.name.startswith(PREFIX)
    return batch.spec.name.removeprefix(PREFIX) if is_route else None


class RouteBatches:
    """Finds the batch of a route, making it at its first launch.

    Attributes:
        on_made: called with a new batch before anything is in it, in a thread.
        names: route (None: a batch of its own) of each batch that is or was worked on here.

    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.on_made: Callable[[int], None] = _nothing
        self.names: dict[int, str | None] = {}
        self._making = asyncio.Lock()
        self._ids: dict[tuple[str, ...], int] = {}

    async def of(self, route: Route, flow: Flow) -> int:
        """Return the id of the batch for launches by `route` of `flow`."""
        spec = _spec(route, flow)
        held = self._ids.get(_identity(spec))
        if held is not None:
            return held
        async with self._making:
            return await asyncio.to_thread(self._find_or_make, spec)

    def all(self) -> tuple[Batch, ...]:
        """Return every batch of a route, oldest first."""
        return tuple(batch for batch in self._ledger.batches() if route_name_of(batch) is not None)

    def _find_or_make(self, spec: BatchSpec) -> int:
        for batch in self.all():
            self._ids[_identity(batch.spec)] = batch.batch_id
        wanted = _identity(spec)
        if wanted not in self._ids:
            batch_id = self._ledger.create_batch(spec)
            self._ledger.finish_loading(batch_id)
            self.on_made(batch_id)
            self._ids[wanted] = batch_id
        return self._ids[wanted]


def _spec(route: Route, flow: Flow) -> BatchSpec:
    return BatchSpec(
        source=SOURCE,
        name=f"{PREFIX}{route.name}",
        flow_id=flow.id,
        flow_name=flow.name,
        flow_version=route.spec.version or "",
        settings={"uid": uuid.uuid4().hex, "token_input": route.spec.token_input},
        payloads=route.spec.payloads,
        outputs=route.spec.outputs,
    )


def _nothing(_batch_id: int) -> None:
    """Take no notice."""


def _identity(spec: BatchSpec) -> tuple[str, ...]:
    """Return what makes two launches belong to one batch: whatever the batch fixes for all of its rows."""
    return (spec.name, spec.flow_id, spec.flow_version, spec.payloads, spec.outputs,
            str(spec.settings.get("token_input") or ""))  # fmt: skip
