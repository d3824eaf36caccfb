"""What one running gateway consists of; the app and the page hold it as `state`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.aclient import AsyncClient
    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.gateway.access.gatekeeper import Gatekeeper
    from flowlaunch.gateway.access.sessions import Sessions
    from flowlaunch.gateway.callbacks.outbox import Callbacks
    from flowlaunch.gateway.hooks.receiving import Hooks
    from flowlaunch.gateway.launches.accepting import Accepter
    from flowlaunch.gateway.launches.actions import Actions
    from flowlaunch.gateway.launches.batches import RouteBatches
    from flowlaunch.gateway.launches.engine import Engine
    from flowlaunch.gateway.launches.exports import Exports
    from flowlaunch.gateway.launches.flows import FlowBook
    from flowlaunch.gateway.launches.handing import HandingEngine
    from flowlaunch.gateway.launches.launching import Launcher
    from flowlaunch.gateway.launches.reading import LaunchReader
    from flowlaunch.gateway.launches.uploads import Uploads
    from flowlaunch.gateway.launches.waiting import Endings, Waiters
    from flowlaunch.gateway.ops.operating import Ops
    from flowlaunch.gateway.options import GatewayOptions
    from flowlaunch.gateway.routing.book import RouteBook

__all__ = ["GatewayState"]


@dataclass(slots=True, kw_only=True)
class GatewayState:
    """The parts, made by `serve.assembled`.

    Attributes:
        options: how it behaves; `base_url` is filled in once it listens.
        client: the way to the platform, on the ledger's pace.
        routes: the routes in force.
        reader: launches as they stand. `actions` change them, with who did it.
        launcher: takes launches from the API and from webhooks alike.
        callbacks: tells apps of ends; `hooks` take webhooks in; `sessions`: who is signed in to the page.
        drawings: drawings of runs, for the page; None without a sandbox.
        ops: health, metrics and upkeep; None until it is served.
        is_stopping: whether a graceful stop has begun.

    """

    options: GatewayOptions
    clock: AsyncClock
    ledger: Ledger
    client: AsyncClient
    routes: RouteBook
    flows: FlowBook
    batches: RouteBatches
    gatekeeper: Gatekeeper
    engine: Engine | HandingEngine
    endings: Endings
    accepter: Accepter
    waiters: Waiters
    launcher: Launcher
    reader: LaunchReader
    actions: Actions
    uploads: Uploads
    exports: Exports
    callbacks: Callbacks
    hooks: Hooks
    sessions: Sessions
    drawings: Any = None
    ops: Ops | None = None
    is_stopping: bool = False

    @property
    def base_url(self) -> str:
        """How apps reach the gateway, without a slash at the end; "" gives paths."""
        return self.options.base_url.rstrip("/")

    def now_us(self) -> int:
        """Return the present instant."""
        return round(self.clock.now().unix_s * 1e6)
