"""Batches and routes: how each stands, and the handles to steer it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.responses import StreamingResponse

from flowlaunch.batch.ledger import Change, RowFilter
from flowlaunch.batch.states import RowState
from flowlaunch.errors import LedgerError
from flowlaunch.gateway.api.batches import exported, pieces, shown
from flowlaunch.gateway.api.routes import shown_routes
from flowlaunch.gateway.launches.batches import route_name_of
from flowlaunch.gateway.page.entry import caller_of
from flowlaunch.gateway.page.plans import is_not_started, plan_of
from flowlaunch.gateway.page.words import STATES, outcome_parts, title_of
from flowlaunch.gateway.routing.spec import RouteSpec
from flowlaunch.gateway.store import audit
from flowlaunch.pages.answers import Done, Page, PageError
from flowlaunch.pages.charts import share
from flowlaunch.pages.slices import Query, Slice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup
    from starlette.requests import Request
    from starlette.responses import Response

    from flowlaunch.batch.ledger import Batch
    from flowlaunch.gateway.api.routes import RouteShown
    from flowlaunch.gateway.state import GatewayState
    from flowlaunch.pages.answers import Form

__all__ = ["BatchPages"]

SIZE: Final = 50
MOST_PER_MINUTE: Final = 1_000_000
MOST_AT_ONCE: Final = 1_000
LONGEST_REASON: Final = 500
MOST_BATCHES: Final = 2**31 - 1


def progress(counts: Mapping[str, int]) -> Markup:
    """Draw how far a batch or route is."""
    parts = outcome_parts(counts)
    said = ", ".join(f"{part.value:,.0f} {part.name.lower()}" for part in parts)
    return share(parts, said or "nothing launched yet")


class BatchPages:
    """The pages about batches and routes; both are steered through the batches that hold their rows."""

    def __init__(self, state: GatewayState) -> None:
        self._state = state

    async def index(self, request: Request) -> Page:
        """List the batches that are not those of routes, newest first."""
        query = Query.of(request)
        found = await asyncio.to_thread(self._listed, query)
        return Page("batches.html", {"query": query, "slice": found, "progress": progress, "is_new": is_not_started})

    def _listed(self, query: Query) -> Slice:
        before = int(query.after) if query.after.isdecimal() and len(query.after) < 10 else MOST_BATCHES
        every = reversed(self._state.ledger.batches())
        held = [one for one in every if one.batch_id < before and route_name_of(one) is None]
        following = str(held[SIZE - 1].batch_id) if len(held) > SIZE else None
        return Slice([shown(self._state, one) for one in held[:SIZE]], following)

    async def show(self, request: Request) -> Page:
        """Show one batch with its rows, and its plan while nobody has started it."""
        return await self._shown(request, reveal=False)

    async def reveal(self, request: Request, form: Form) -> Page:
        """Show the values of the first launches of a plan, and record who looked."""
        del form
        batch_id = (await self._batch(request)).batch_id
        await asyncio.to_thread(
            audit.record, self._state.ledger.store, caller_of(request), "batch.reveal", f"batch:{batch_id}"
        )
        return await self._shown(request, reveal=True)

    async def _shown(self, request: Request, *, reveal: bool) -> Page:
        batch = await self._batch(request)
        query = Query.of(request, "state")
        query = Query(f"/batches/{batch.batch_id}", query.values, query.after)
        values = await asyncio.to_thread(self._values, batch, query, reveal=reveal)
        shared = {"query": query, "states": STATES, "title_of": title_of}
        return Page("batch.html", values | shared, address=query.path if reveal else "")

    def _values(self, batch: Batch, query: Query, *, reveal: bool) -> dict[str, Any]:
        ledger, batch_id = self._state.ledger, batch.batch_id
        standing = shown(self._state, batch)
        states = (RowState(query["state"]),) if query["state"] in dict(STATES) else ()
        after = int(query.after) if query.after.isdecimal() and len(query.after) < 10 else 0
        rows = list(ledger.rows(batch_id, RowFilter(states=states), after=after, limit=SIZE + 1))
        following = str(rows[SIZE - 1].number) if len(rows) > SIZE else None
        return {
            "batch": standing,
            "plan": plan_of(ledger, standing, self._state.options.pace_per_minute, reveal=reveal),
            "is_new": is_not_started(standing),
            "route": route_name_of(batch),
            "progress": progress(standing.counts),
            "parts": outcome_parts(standing.counts),
            "causes": [one for one in ledger.counts(batch_id) if one.reason and one.rows],
            "slice": Slice(rows[:SIZE], following),
        }

    async def results(self, request: Request) -> Response:
        """Give every row with what became of it, as CSV, and record who took it."""
        batch_id = (await self._batch(request)).batch_id
        await asyncio.to_thread(
            audit.record, self._state.ledger.store, caller_of(request), "batch.results", f"batch:{batch_id}"
        )
        file = await exported(self._state, batch_id, "csv")
        name = f'attachment; filename="batch-{batch_id}.csv"'
        headers = {"content-disposition": name, "cache-control": "no-store"}
        return StreamingResponse(pieces(file), media_type="text/csv", headers=headers)

    async def routes(self, request: Request) -> Page:
        """List the routes."""
        del request
        routes = await asyncio.to_thread(shown_routes, self._state)
        book = self._state.routes
        listed = sorted(routes.values(), key=lambda one: (not one.in_file, one.name))
        values = {"routes": listed, "progress": progress, "trouble": book.trouble, "any_flow": book.current.any_flow}
        return Page("routes.html", values)

    async def route(self, request: Request) -> Page:
        """Show one route."""
        route = await self._route(request)
        held = self._state.routes.current.by_name.get(route.name)
        return Page(
            "route.html",
            {
                "route": route,
                "spec": _written(held.spec) if held is not None else None,
                "progress": progress(route.counts),
                "parts": outcome_parts(route.counts),
            },
        )

    # -- steering -------------------------------------------------------------------------------------------

    async def pause(self, request: Request, form: Form) -> Done:
        """Launch nothing more."""
        reason = form.text("reason")[:LONGEST_REASON]
        for batch_id in await self._ids(request):
            await self._state.actions.pause(batch_id, caller_of(request), reason)
        return Done("paused")

    async def resume(self, request: Request, form: Form) -> Done:
        """Let a paused one go on."""
        del form
        for batch_id in await self._ids(request):
            await self._state.actions.resume(batch_id, caller_of(request))
        return Done("resumed")

    async def start(self, request: Request, form: Form) -> Done:
        """Begin to launch the rows of a batch."""
        await self.resume(request, form)
        return Done("started")

    async def pace(self, request: Request, form: Form) -> Done:
        """Change how fast it goes; an empty field takes a limit back."""
        rate = form.number("rate", least=0.01, most=MOST_PER_MINUTE) if form.text("rate") else None
        at_once = form.whole("concurrency", least=1, most=MOST_AT_ONCE) if form.text("concurrency") else None
        for batch_id in await self._ids(request):
            change = Change(rate_per_minute=rate, concurrency=at_once)
            await self._state.actions.set_rate(batch_id, caller_of(request), change)
        return Done("paced")

    async def retry(self, request: Request, form: Form) -> Done:
        """Send failed and refused rows again."""
        del form
        rows = 0
        for batch_id in await self._ids(request):
            rows += await self._state.actions.retry_batch(batch_id, caller_of(request))
        return Done("retried", rows)

    async def reconcile(self, request: Request, form: Form) -> Done:
        """Look for the runs of rows in doubt, and settle what is proved."""
        del form
        settled = 0
        for batch_id in await self._ids(request):
            report = await self._state.actions.reconcile(batch_id, caller_of(request))
            settled += report.settled_launched + report.settled_absent
        return Done("reconciled" if settled else "reconciled-nothing", settled)

    async def cancel(self, request: Request, form: Form) -> Done:
        """Have the rows that wait never sent."""
        del form
        batch = await self._batch(request)
        if route_name_of(batch) is not None:
            raise PageError(409, "A route is not cancelled", "", "Pause it, and cancel launches one by one.")
        await self._state.actions.cancel_batch(batch.batch_id, caller_of(request))
        return Done("batch-cancelled")

    async def _ids(self, request: Request) -> tuple[int, ...]:
        """Return the batches that a form steers: one, or all of a route."""
        if "batch_id" in request.path_params:
            return ((await self._batch(request)).batch_id,)
        route = await self._route(request)
        if not route.batch_ids:
            raise PageError(409, "Nothing was launched by this route yet", "There is nothing to steer.")
        return route.batch_ids

    async def _batch(self, request: Request) -> Batch:
        batch_id = min(request.path_params["batch_id"], MOST_BATCHES)
        try:
            return await asyncio.to_thread(self._state.ledger.batch, batch_id)
        except LedgerError as error:
            raise PageError(404, "There is no such batch", f"Batch {batch_id}") from error

    async def _route(self, request: Request) -> RouteShown:
        name = request.path_params["route"]
        routes = await asyncio.to_thread(shown_routes, self._state)
        if name not in routes:
            raise PageError(404, "There is no such route", name)
        return routes[name]


def _written(spec: RouteSpec) -> dict[str, Any]:
    """Return what a route says, without what it leaves as it is."""
    usual: dict[str, Any] = msgspec.to_builtins(RouteSpec(flow=""))
    return _differing(msgspec.to_builtins(spec), usual)


def _differing(given: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    found = {
        name: _differing(value, usual[name]) if isinstance(value, dict) and isinstance(usual.get(name), dict) else value
        for name, value in given.items()
        if value != usual.get(name)
    }
    return {name: value for name, value in found.items() if value not in (None, {})}
