"""Put a gateway together from its options, a client and a ledger."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from flowlaunch.batch.ledger import Change
from flowlaunch.batch.rules import Reopener
from flowlaunch.batch.work import WorkOptions
from flowlaunch.gateway.access.gatekeeper import Gatekeeper
from flowlaunch.gateway.edges import edges_of
from flowlaunch.gateway.launches.accepting import Accepter
from flowlaunch.gateway.launches.actions import Actions
from flowlaunch.gateway.launches.batches import RouteBatches, route_name_of
from flowlaunch.gateway.launches.engine import Engine
from flowlaunch.gateway.launches.exports import Exports
from flowlaunch.gateway.launches.flows import FlowBook
from flowlaunch.gateway.launches.launching import Launcher
from flowlaunch.gateway.launches.ordering import Orders
from flowlaunch.gateway.launches.pacing import PacedReads
from flowlaunch.gateway.launches.reading import LaunchReader
from flowlaunch.gateway.launches.uploads import Uploads
from flowlaunch.gateway.launches.waiting import Endings, Waiters
from flowlaunch.gateway.routing.book import RouteBook
from flowlaunch.gateway.routing.routes import changes
from flowlaunch.gateway.state import GatewayState
from flowlaunch.gateway.store import audit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.aclient import AsyncClient
    from flowlaunch.batch.ledger import Batch, Ledger
    from flowlaunch.gateway.launches.handing import HandingEngine
    from flowlaunch.gateway.options import GatewayOptions
    from flowlaunch.gateway.routing.routes import Route, Routes

__all__ = ["assembled"]


def assembled(options: GatewayOptions, *, client: AsyncClient, ledger: Ledger, clock: AsyncClock) -> GatewayState:
    """Return a gateway, not started yet.

    Raises:
        SettingsError: the routes file is wrong, or a rule or secret of callbacks and webhooks.

    """
    routes = RouteBook(options.routes_file, clock)
    reads = PacedReads(client, ledger, options.pace_per_minute, clock)
    flows = FlowBook(client, reads, clock)
    batches, gatekeeper, endings = RouteBatches(ledger), Gatekeeper(ledger.store), Endings()
    uploads = Uploads(ledger, flows, options, clock, lambda: routes.current)
    waiters = Waiters(ledger, endings, most=options.max_waiters)
    plan = Plan(options, ledger, routes, batches, uploads, waiters)
    routes.on_change(lambda changed: partial(plan.prioritise, changed))
    routes.on_change(lambda changed: partial(_tell_reload, ledger, changes(routes.current, changed)))
    engine: Engine | HandingEngine
    if options.hands_over:
        engine = _handing(options, ledger, client, clock, plan)
        batches.on_made = engine.hand_over
    else:
        engine = Engine(
            ledger, client, clock,
            options_of=plan.options_of, batch_ids=plan.batch_ids, watch=endings, idle_s=options.idle_s,
        )  # fmt: skip
    uploads.on_loaded = engine.wake
    orders = Orders(ledger, flows, batches, options, lambda: routes.current)
    accepter = Accepter(ledger, engine.wake)
    launcher = Launcher(orders, accepter, gatekeeper, options, clock)
    edges = edges_of(options, ledger.store, launcher, routes, os.environ)
    return GatewayState(
        options=options,
        clock=clock,
        ledger=ledger,
        client=client,
        routes=routes,
        flows=flows,
        batches=batches,
        gatekeeper=gatekeeper,
        engine=engine,
        endings=endings,
        accepter=accepter,
        waiters=waiters,
        launcher=launcher,
        reader=LaunchReader(ledger),
        actions=Actions(ledger, engine, reads, endings.tell, uploads.give_up),
        uploads=uploads,
        exports=Exports(ledger, options.max_exports),
        callbacks=edges.callbacks,
        hooks=edges.hooks,
        sessions=edges.sessions,
    )


def _handing(
    options: GatewayOptions, ledger: Ledger, client: AsyncClient, clock: AsyncClock, plan: Plan
) -> HandingEngine:
    from flowlaunch.batch.permits import client_key, govern  # noqa: PLC0415 - only with workers
    from flowlaunch.gateway.launches.handing import HandingEngine  # noqa: PLC0415 - loads the job queue

    govern(client)
    return HandingEngine(
        ledger, str(options.ledger), client_key(client), clock, options_of=plan.options_of, batch_ids=plan.batch_ids
    )


def _tell_reload(ledger: Ledger, told: Mapping[str, list[str]]) -> None:
    """Write in the audit log that the routes file was taken anew, with the names of what is another."""
    audit.record(ledger.store, ROUTES, "routes.reload", ROUTES, told)


WEIGHT: Final = 2
"""From a route's priority, 5 by default, to its batch's, 10 by default."""
ROUTES: Final = "the routes file"
"""Who set a priority, in the record."""


class Plan:
    """Which batches of the ledger this gateway works on, and how; it waits for the ledger: ask it in a thread."""

    def __init__(
        self,
        options: GatewayOptions,
        ledger: Ledger,
        routes: RouteBook,
        batches: RouteBatches,
        uploads: Uploads,
        waiters: Waiters,
    ) -> None:
        self._options, self._ledger, self._routes = options, ledger, routes
        self._batches, self._uploads, self._waiters = batches, uploads, waiters

    def batch_ids(self) -> tuple[int, ...]:
        """Return the batches of routes, and the uploaded ones; batches of the command line are left alone."""
        return tuple(batch.batch_id for batch in self._ledger.batches() if self._is_ours(batch))

    def options_of(self, batch_id: int) -> WorkOptions | None:
        """Return how to work on a batch."""
        batch = self._ledger.batch(batch_id)
        self._batches.names[batch_id] = route_name_of(batch)
        if not self._options.works or not self._is_ours(batch):
            return None
        route = self._routes.current.by_name.get(self._route_of(batch) or "")
        if route_name_of(batch) is None:
            if route is not None:
                self._prioritise(batch_id, route)
            return self._uploads.work_options(batch)
        options = WorkOptions(
            pace_per_minute=self._options.pace_per_minute,
            concurrency=self._options.concurrency,
            ramp=(),
            max_failed=None,
            max_in_doubt=None,
            timeout_s=self._options.timeout_s,
            token_input=None,  # the token is in the recorded input already
            ends_when="never",
            is_awaited=self._waiters.is_awaited,
        )
        if route is None:
            return options
        self._prioritise(batch_id, route)
        return replace(
            options,
            concurrency=route.spec.concurrency or self._options.concurrency,
            reopen=Reopener(None) if route.rules is None else route.rules.reopener(),
        )

    def prioritise(self, routes: Routes) -> None:
        """Give the batches of routes, uploaded ones too, the priorities that a new text of the routes file gives."""
        for batch in self._ledger.batches():
            route = routes.by_name.get(self._route_of(batch) or "")
            if route is not None and batch.loaded_us is not None:
                self._prioritise(batch.batch_id, route)

    def _prioritise(self, batch_id: int, route: Route) -> None:
        weight = route.spec.priority * WEIGHT
        if self._ledger.controls(batch_id).priority != weight:
            self._ledger.control(batch_id, by=ROUTES, change=Change(priority=weight))

    def _route_of(self, batch: Batch) -> str | None:
        return route_name_of(batch) or (self._uploads.route_of(batch) if self._uploads.holds(batch) else None)

    def _is_ours(self, batch: Batch) -> bool:
        return route_name_of(batch) is not None or self._uploads.holds(batch)
