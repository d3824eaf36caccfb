"""The gateway as one ASGI app: the API, and whatever else is mounted, behind one check of the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from flowlaunch.errors import FlowlaunchError
from flowlaunch.gateway.api import operations
from flowlaunch.gateway.api.problems import Problem, problem_response, unexpected_response
from flowlaunch.gateway.api.routing import api_routes, http_problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

    from flowlaunch.gateway.state import GatewayState

__all__ = ["HostGuard", "gateway_app"]

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
WILDCARDS: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - read, not bound


def gateway_app(state: GatewayState, others: Sequence[BaseRoute] = ()) -> Starlette:
    """Return the app; `others` are routes beside the API: webhooks, health, the page."""
    app = Starlette(
        routes=[*api_routes(operations(), state), *others],
        middleware=[Middleware(HostGuard, state=state)],
        exception_handlers={
            Problem: problem_response,
            FlowlaunchError: problem_response,
            HTTPException: http_problem,
            Exception: unexpected_response,
        },
    )
    app.state.gateway = state
    return app


class HostGuard:
    """Refuses requests for other hosts, so that no web page can reach the gateway under a name of its own."""

    def __init__(self, app: ASGIApp, state: GatewayState) -> None:
        self._app = app
        listens_on = state.options.host
        named = {host.lower() for host in state.options.allowed_hosts}
        self._hosts = named | (LOOPBACK if listens_on in LOOPBACK | WILDCARDS else {listens_on.lower()})
        self._is_open = "*" in named

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 421."""
        if scope["type"] != "http" or self._is_open or _host_of(scope) in self._hosts:
            await self._app(scope, receive, send)
            return
        problem = Problem(
            421, "host", "The request is for another host",
            "The gateway does not answer for this host name; name it with --allowed-host.",
        )  # fmt: skip
        await problem.response()(scope, receive, send)


def _host_of(scope: Scope) -> str:
    """Return the host of a request without its port, in lower case."""
    raw = next((value for name, value in scope["headers"] if name == b"host"), b"")
    text = str(raw.decode("latin-1")).strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]
