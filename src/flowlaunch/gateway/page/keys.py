"""API keys and the audit log."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from flowlaunch.gateway.access.caller import SCOPES
from flowlaunch.gateway.access.keys import OVERLAP_S, Keys
from flowlaunch.gateway.api.resources import instant, moment
from flowlaunch.gateway.page.entry import caller_of
from flowlaunch.gateway.store import audit
from flowlaunch.pages.answers import Done, Page
from flowlaunch.pages.slices import Query, Slice

if TYPE_CHECKING:
    from starlette.requests import Request

    from flowlaunch.gateway.access.keys import Issued
    from flowlaunch.gateway.state import GatewayState
    from flowlaunch.pages.answers import Form

__all__ = ["KeyPages"]

SIZE: Final = 100
MOST_LAUNCHES: Final = 100_000_000
ORDER: Final = {"live": 0, "expired": 1, "revoked": 2}


class KeyPages:
    """The pages for those who may administer the gateway."""

    def __init__(self, state: GatewayState) -> None:
        self._state = state
        self._keys = Keys(state.ledger.store)

    async def index(self, request: Request) -> Page:
        """List the keys."""
        del request
        return await self._page(None)

    async def create(self, request: Request, form: Form) -> Page:
        """Make a key and show it, this once."""
        issued = await asyncio.to_thread(
            self._keys.create,
            form.text("name"),
            [scope for scope in SCOPES if form.text(f"scope-{scope}")],
            who=caller_of(request),
            per_minute=_quota(form, "per_minute"),
            per_day=_quota(form, "per_day"),
        )
        return await self._page(issued)

    async def rotate(self, request: Request, form: Form) -> Page:
        """Give a key a new secret and show it, this once."""
        key_id, at_once = request.path_params["key_id"], bool(form.text("at_once"))
        issued = await asyncio.to_thread(
            self._keys.rotate, key_id, who=caller_of(request), overlap_s=0 if at_once else OVERLAP_S
        )
        return await self._page(issued)

    async def revoke(self, request: Request, form: Form) -> Done:
        """End a key for good."""
        del form
        await asyncio.to_thread(self._keys.revoke, request.path_params["key_id"], who=caller_of(request))
        return Done("revoked")

    async def audit(self, request: Request) -> Page:
        """List who did what."""
        query = Query.of(request, "q", "what", "key")
        before = int(query.after) if query.after.isdecimal() and len(query.after) < 16 else None
        lines = await asyncio.to_thread(
            audit.read, self._state.ledger.store, before=before, limit=SIZE + 1,
            target=query["q"], what=query["what"], key_id=query["key"],
        )  # fmt: skip
        following = str(lines[SIZE - 1].audit_id) if len(lines) > SIZE else None
        return Page("audit.html", {"query": query, "slice": Slice(lines[:SIZE], following), "moment": moment})

    async def _page(self, issued: Issued | None) -> Page:
        now_us = self._state.now_us()
        listed = [(one, one.state(now_us)) for one in await asyncio.to_thread(self._keys.all)]
        listed.sort(key=lambda one: (ORDER[one[1]], one[0].name))
        values = {"keys": listed, "issued": issued, "scopes": SCOPES, "instant": instant, "now_us": now_us}
        return Page("keys.html", values, address="/keys" if issued is not None else "")


def _quota(form: Form, name: str) -> int | None:
    return form.whole(name, least=1, most=MOST_LAUNCHES) if form.text(name) else None
