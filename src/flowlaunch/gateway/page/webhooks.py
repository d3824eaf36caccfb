"""Webhooks: who sends what, what became of each message, and taking in again one that was refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from flowlaunch.gateway.api.resources import moment
from flowlaunch.gateway.page.entry import caller_of
from flowlaunch.gateway.store import messages
from flowlaunch.pages.answers import Done, Page
from flowlaunch.pages.slices import Query, Slice

if TYPE_CHECKING:
    from starlette.requests import Request

    from flowlaunch.gateway.state import GatewayState
    from flowlaunch.gateway.store.messages import MessageRecord
    from flowlaunch.pages.answers import Form

__all__ = ["WebhookPages"]

SIZE: Final = 50
ONLY: Final = (("refused", "Refused"),)


class WebhookPages:
    """The page about webhooks."""

    def __init__(self, state: GatewayState) -> None:
        self._state = state

    async def index(self, request: Request) -> Page:
        """List the webhooks in force and the messages that came, newest first."""
        query = Query.of(request, "hook", "state")
        before = int(query.after) if query.after.isdecimal() and len(query.after) < 16 else None
        found = await asyncio.to_thread(
            messages.read, self._state.ledger.store, hook=query["hook"], refused_only=query["state"] == "refused",
            before=before, limit=SIZE + 1,
        )  # fmt: skip
        following = str(found[SIZE - 1].id) if len(found) > SIZE else None
        hooks = sorted(self._state.hooks.by_name.values(), key=lambda one: one.name)
        names = sorted({*(one.name for one in hooks), query["hook"]} - {""})
        values = {
            "query": query, "slice": Slice(found[:SIZE], following), "hooks": hooks, "only": ONLY,
            "names": [(one, one) for one in names], "outcome": outcome, "moment": moment,
            "base_url": self._state.base_url,
        }  # fmt: skip
        return Page("webhooks.html", values)

    async def replay(self, request: Request, form: Form) -> Done:
        """Take in a refused message again, from its kept body."""
        hook = self._state.hooks.named(request.path_params["hook"])
        got = await self._state.hooks.replay(hook, form.text("message")[:500], caller_of(request))
        return Done("message-launched" if got.launch_id else "message-passed-over")


def outcome(one: MessageRecord) -> tuple[str, str]:
    """Return the tone and the word for what became of a message."""
    if one.launch_id is not None:
        return "completed", "accepted"
    return ("refused", "refused") if one.problem else ("skipped", "passed over")
