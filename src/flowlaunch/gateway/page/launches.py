"""Launches: the list, one of them with everything known about it, and what can be done to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from flowlaunch.batch.states import RowState
from flowlaunch.errors import InputError
from flowlaunch.gateway.access.keys import Keys
from flowlaunch.gateway.api.resources import launch_of, moment
from flowlaunch.gateway.page.entry import caller_of
from flowlaunch.gateway.page.masking import masked
from flowlaunch.gateway.page.words import STATES, title_of
from flowlaunch.gateway.store import audit, delivery_views
from flowlaunch.gateway.store.listing import Cursor, LaunchFilter
from flowlaunch.pages.answers import Done, Page, PageError
from flowlaunch.pages.slices import Query, Slice

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request

    from flowlaunch.gateway.api.resources import Attempt, Launch
    from flowlaunch.gateway.launches.reading import LaunchView
    from flowlaunch.gateway.state import GatewayState
    from flowlaunch.gateway.store.delivery_views import DeliveryRecord
    from flowlaunch.pages.answers import Form

__all__ = ["LaunchPages", "Moment"]

SIZE: Final = 50
LONGEST_GROUNDS: Final = 500
OUTCOMES: Final = {
    "accepted": ("ok", "Launched"),
    "refused": ("bad", "Refused by the platform"),
    "not_sent": ("wait", "Not sent; it is tried again"),
    "lost": ("doubt", "Sent, and the answer was lost"),
    "abandoned": ("doubt", "Sent by a process that died before the answer"),
    "settled_launched": ("ok", "Settled: it was launched"),
    "settled_absent": ("wait", "Settled: it was not launched"),
}
"""Outcome of an attempt -> tone and words."""
ENDS: Final = {"completed": ("ok", "Completed"), "failed": ("bad", "Failed")}
DELIVERY_TONES: Final = {"delivered": "ok", "dead": "bad"}


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a timeline."""

    at: datetime
    tone: str
    what: str
    about: str = ""
    copy: str = ""


class LaunchPages:
    """The pages about launches."""

    def __init__(self, state: GatewayState) -> None:
        self._state = state
        self._keys = Keys(state.ledger.store)

    async def index(self, request: Request) -> Page:
        """List launches, newest first."""
        query = Query.of(request, "q", "state", "route")
        found = await asyncio.to_thread(self._find, query)
        routes = sorted({*self._state.routes.current.by_name, query["route"]} - {""})
        values = {"query": query, "slice": found, "states": STATES, "routes": [(one, one) for one in routes]}
        return Page("launches.html", values)

    def _find(self, query: Query) -> Slice:
        reader, route = self._state.reader, query["route"] or None
        where = LaunchFilter(states=(RowState(query["state"]),) if query["state"] in dict(STATES) else ())
        if query["q"]:
            return Slice(reader.search(query["q"], where, route=route, limit=SIZE))
        cursor = Cursor.read(query.after) if query.after else None  # a mistyped one shows the list from its start
        views, following = reader.page(where, route=route, cursor=cursor, limit=SIZE)
        is_partial = following is not None and len(views) < SIZE
        return Slice(views, following.text() if following is not None else None, is_partial)

    async def show(self, request: Request) -> Page:
        """Show one launch; its values are described, not shown."""
        return await self._page(request, reveal=False)

    async def reveal(self, request: Request, form: Form) -> Page:
        """Show one launch with its values, and record who looked."""
        del form
        launch_id = request.path_params["launch_id"]
        await asyncio.to_thread(audit.record, self._state.ledger.store, caller_of(request), "launch.reveal", launch_id)
        return await self._page(request, reveal=True)

    async def _page(self, request: Request, *, reveal: bool) -> Page:
        state, view = self._state, await self._view(request)
        history = await asyncio.to_thread(state.reader.attempts, view.row.row_id)
        launch = launch_of(state, view, history)
        told = await asyncio.to_thread(delivery_views.read, state.ledger.store, row_id=view.row.row_id, limit=20)
        caller = await asyncio.to_thread(self._caller_name, launch.caller)
        picture, run_address = await asyncio.to_thread(self._picture, launch.execution_id, reveal)
        return Page(
            "launch.html",
            {
                "launch": launch,
                "title": launch.name if launch.name and launch.name != launch.id else launch.flow_name,
                "timeline": timeline(launch, told, caller),
                "caller_name": caller,
                "input": masked(launch.input, reveal=reveal),
                "outputs": masked(launch.outputs, reveal=reveal),
                "is_revealed": reveal,
                "picture": picture,
                "run_address": run_address,
                "batch_id": view.batch.batch_id,
                "title_of": title_of,
            },
            address=f"/launches/{launch.id}" if reveal else "",
        )

    def _caller_name(self, key_id: str) -> str:
        """Return the name of the key that a launch was made with; its id when the key is gone."""
        try:
            return self._keys.named(key_id).name
        except InputError:
            return key_id

    def _picture(self, execution_id: str | None, reveal: bool) -> tuple[str | None, str]:
        drawings = self._state.drawings
        if drawings is None or execution_id is None:
            return None, ""
        return drawings.svg(execution_id, values=reveal), drawings.address(execution_id)

    async def _view(self, request: Request) -> LaunchView:
        launch_id = request.path_params["launch_id"]
        found = await asyncio.to_thread(self._state.reader.find, launch_id)
        if found is None:
            raise PageError(404, "There is no such launch", launch_id)
        return found

    # -- acting ---------------------------------------------------------------------------------------------

    async def cancel(self, request: Request, form: Form) -> Done:
        """Have it never sent."""
        del form
        await self._state.actions.cancel(await self._view(request), caller_of(request))
        return Done("cancelled")

    async def retry(self, request: Request, form: Form) -> Done:
        """Send it again."""
        del form
        await self._state.actions.retry(await self._view(request), caller_of(request))
        return Done("retried", 1)

    async def release(self, request: Request, form: Form) -> Done:
        """Let it be sent."""
        del form
        await self._state.actions.release(await self._view(request), caller_of(request))
        return Done("released")

    async def settle_launched(self, request: Request, form: Form) -> Done:
        """End the doubt: it was launched."""
        return await self._settle(request, form, "launched")

    async def settle_absent(self, request: Request, form: Form) -> Done:
        """End the doubt: it was not launched, and is sent again."""
        return await self._settle(request, form, "absent")

    async def _settle(self, request: Request, form: Form, verdict: Literal["launched", "absent"]) -> Done:
        await self._state.actions.settle(
            await self._view(request),
            verdict,
            caller_of(request),
            grounds=form.text("grounds")[:LONGEST_GROUNDS],
            execution_id=(form.text("execution_id")[:100] or None) if verdict == "launched" else None,
        )
        return Done(f"settled-{verdict}")

    async def reconcile(self, request: Request, form: Form) -> Done:
        """Look for its run on the platform, with those of its route, and settle what is proved."""
        del form
        view = await self._view(request)
        report = await self._state.actions.reconcile(view.batch.batch_id, caller_of(request))
        settled = report.settled_launched + report.settled_absent
        return Done("reconciled" if settled else "reconciled-nothing", settled)


def timeline(launch: Launch, told: tuple[DeliveryRecord, ...], caller: str) -> list[Moment]:
    """Tell what happened to a launch, in the order in which one thing led to the next.

    The instants are of two clocks, the gateway's and the platform's, so they do not decide the order.
    """
    key = f"with the key {launch.idempotency_key}" if launch.idempotency_key else "without an idempotency key"
    lines = [Moment(launch.accepted_at, "ok", "Accepted", f"by {caller}, {key}")]
    known = launch.error.message if launch.error is not None else ""  # stands above the timeline already
    lines += [_attempted(one, known) for one in launch.history or ()]
    if launch.ended_at is not None and launch.state.value in ENDS:
        tone, what = ENDS[launch.state.value]
        about = ": ".join(
            part for part in (launch.completion_reason, launch.error.message if launch.error else "") if part
        )
        lines.append(Moment(launch.ended_at, tone, what, about))
    return lines + [_told(one) for one in reversed(told)]


def _attempted(one: Attempt, known: str) -> Moment:
    tone, what = OUTCOMES.get(one.outcome, ("idle", one.outcome.replace("_", " ")))
    status = f"HTTP {one.http_status}" if one.http_status else ""
    message = "" if one.message == known else one.message or one.reason
    about = ", ".join(part for part in (f"attempt {one.number}", status, message) if part)
    return Moment(one.ended_at, tone, what, about, one.correlation_id)


def _told(one: DeliveryRecord) -> Moment:
    at_us = one.done_us or one.created_us
    what = {"delivered": "Callback delivered", "dead": "Callback given up"}.get(one.state, "Callback on its way")
    status = f"HTTP {one.http_status}" if one.http_status else ""
    about = ", ".join(part for part in (one.origin, status, one.problem) if part)
    return Moment(moment(at_us), DELIVERY_TONES.get(one.state, "run"), what, about)
