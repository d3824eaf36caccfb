"""The gateway as one ASGI app: the API, and whatever else is mounted, behind one check of host and origin."""

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
API: Final = "/v1/"
READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES: Final = frozenset({"same-origin", "none"})
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
    """Refuses requests for other hosts, and writes to the API that a web page of another site sends.

    So no web page can reach the gateway under a name of its own; our own page checks its forms itself.
    """

    def __init__(self, app: ASGIApp, state: GatewayState) -> None:
        self._app = app
        listens_on = state.options.host
        named = {host.lower() for host in state.options.allowed_hosts}
        self._hosts = named | (LOOPBACK if listens_on in LOOPBACK | WILDCARDS else {listens_on.lower()})
        self._is_open = "*" in named

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 421 or 403."""
        problem = self._problem(scope) if scope["type"] == "http" else None
        await (self._app if problem is None else problem.response())(scope, receive, send)

    def _problem(self, scope: Scope) -> Problem | None:
        if not self._is_open and _host_of(scope) not in self._hosts:
            return Problem(
                421, "host", "The request is for another host",
                "The gateway does not answer for this host name; name it with --allowed-host.",
            )  # fmt: skip
        if scope["path"].startswith(API) and scope["method"] not in READS and _is_from_elsewhere(scope):
            return Problem(
                403, "cross-site", "The request comes from another site",
                "A web page of another origin had a browser send it. Call the API from a program, not from a page.",
            )  # fmt: skip
        return None


def _is_from_elsewhere(scope: Scope) -> bool:
    """Tell whether a page of another origin sends this; programs that are no browser send neither header.

    Source: https://www.w3.org/TR/fetch-metadata/, "The Sec-Fetch-Site HTTP Request Header".
    """
    site, origin = _header(scope, b"sec-fetch-site"), _header(scope, b"origin")
    if site:
        return site not in OWN_SITES
    return origin != "" and origin.partition("://")[2] != _header(scope, b"host")


def _header(scope: Scope, wanted: bytes) -> str:
    """Return a header's value in lower case; empty when there is none."""
    raw = next((value for name, value in scope["headers"] if name == wanted), b"")
    return str(raw.decode("latin-1")).strip().lower()


def _host_of(scope: Scope) -> str:
    """Return the host of a request without its port, in lower case."""
    text = _header(scope, b"host")
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]
