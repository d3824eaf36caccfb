"""The sandbox's live page: executions, requests, flows, clock and faults, under `/sandbox/page/`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from flowlaunch.pages.guard import AsgiApp
    from flowlaunch.pages.site import Site
    from flowlaunch.sandbox.guards import Hosts
    from flowlaunch.sandbox.service import Service

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Scope = MutableMapping[str, Any]

__all__ = ["BASE", "Front", "asks_for_page"]

BASE: Final = "/sandbox/page"
ENTRANCES: Final = frozenset({"/", "/sandbox", "/sandbox/", BASE})


def asks_for_page(scope: Scope) -> bool:
    """Tell whether a browser asks: someone who opens the sandbox's bare address wants to see something."""
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


class Front:
    """Sends requests under `/sandbox` to the page or to the control plane; the page is built when it is first asked."""

    def __init__(self, service: Service, hosts: Hosts, control: AsgiApp) -> None:
        self._service = service
        self._hosts = hosts
        self._control = control
        self._site: Site | None = None
        self._app: AsgiApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path: str = scope["path"]
        if path in ENTRANCES and scope["method"] in {"GET", "HEAD"}:
            headers = [(b"location", f"{BASE}/".encode()), (b"content-length", b"0"), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": 303, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
        elif path.startswith(f"{BASE}/"):
            await self._page()(scope, receive, send)
        else:
            await self._control(scope, receive, send)

    def _page(self) -> AsgiApp:
        if self._app is None:
            from flowlaunch.sandbox.page.site import sandbox_site  # noqa: PLC0415 - templates are for who looks

            self._site = sandbox_site(self._service, self._hosts)
            self._app = self._site.app()
        return self._app

    def stop(self) -> None:
        """End the event streams of open pages."""
        if self._site is not None:
            self._site.stop()
