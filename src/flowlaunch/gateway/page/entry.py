"""Signing in and out: a one-time link or an API key opens a session that lives in an HttpOnly cookie."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from flowlaunch.gateway.access.sessions import LONGEST_S, Sessions
from flowlaunch.pages.answers import Done, Page, PageError, Visitor

if TYPE_CHECKING:
    from starlette.requests import Request

    from flowlaunch.gateway.access import Caller
    from flowlaunch.gateway.access.sessions import Opened
    from flowlaunch.gateway.state import GatewayState
    from flowlaunch.pages.answers import Form

__all__ = ["Entry", "caller_of"]

LONGEST_SECRET: Final = 300
NO_GOOD: Final = "A link works once and for ten minutes; a key until it is revoked."


def caller_of(request: Request) -> Caller:
    """Return who is signed in."""
    caller: Caller = request.state.visitor.caller
    return caller


class Entry:
    """Who may look at the page of one gateway."""

    def __init__(self, state: GatewayState) -> None:
        self._state = state
        self._sessions = state.sessions or Sessions(state.ledger.store)

    async def visitor_of(self, request: Request) -> Visitor | None:
        """Return who is signed in by the request's cookie; None when nobody is."""
        cookie = request.cookies.get(_cookie_name(request, self._state), "")
        if not 0 < len(cookie) <= LONGEST_SECRET:
            return None
        session = await asyncio.to_thread(self._sessions.find, cookie)
        if session is None:
            return None
        caller = session.caller
        return Visitor(caller.name, session.csrf, caller.scopes, caller)

    async def show(self, request: Request) -> Page:
        """Show the form to sign in with."""
        del request
        return Page("sign-in.html", {"problem": ""})

    async def sign_in(self, request: Request, form: Form) -> Done | Page:
        """Open a session by a link's token or a key; a key that may not read gets no page."""
        link, key = form.text("link"), form.text("key")
        if not link and not key:
            return Page("sign-in.html", {"problem": "Give a key, or open a sign-in link."}, 400)
        if len(link) > LONGEST_SECRET or len(key) > LONGEST_SECRET:
            raise PageError(400, "This opens nothing", NO_GOOD)
        opened = await asyncio.to_thread(self._open, link, key)
        if opened is None:
            return Page("sign-in.html", {"problem": f"This {'link' if link else 'key'} opens nothing. {NO_GOOD}"}, 403)
        if not opened.session.caller.may("read"):
            await asyncio.to_thread(self._sessions.end, opened.cookie)
            problem = f"The key {opened.session.caller.name} may launch, but not look: it lacks the scope read."
            return Page("sign-in.html", {"problem": problem}, 403)
        return Done(to="/", cookies=(self._set(request, opened.cookie, LONGEST_S),))

    async def sign_out(self, request: Request, form: Form) -> Done:
        """End the session, here and in the ledger."""
        del form
        cookie = request.cookies.get(_cookie_name(request, self._state), "")
        await asyncio.to_thread(self._sessions.end, cookie)
        return Done(to="/sign-in", cookies=(self._set(request, "", 0),))

    def _open(self, link: str, key: str) -> Opened | None:
        opened: Opened | None = self._sessions.open_by_link(link) if link else self._sessions.open_by_key(key)
        return opened

    def _set(self, request: Request, value: str, lasts_s: int) -> str:
        secure = "; Secure" if _is_secure(request, self._state) else ""
        name = _cookie_name(request, self._state)
        return f"{name}={value}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Strict{secure}"


def _is_secure(request: Request, state: GatewayState) -> bool:
    return request.url.scheme == "https" or state.base_url.startswith("https://")


def _cookie_name(request: Request, state: GatewayState) -> str:
    """Name the cookie so that no other site or port can set it, as far as browsers allow."""
    if _is_secure(request, state):
        return "__Host-flowlaunch"
    return f"flowlaunch-{request.url.port or 80}"
