"""Around every request: an id, a span, how long it took, and a line in the access log."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import ClientDisconnect

from flowlaunch.gateway.ops.correlation import REQUEST_ID, Correlation, enter, request_id_of, valid_traceparent
from flowlaunch.gateway.ops.logs import ACCESS

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from flowlaunch.gateway.ops.instruments import Instruments
    from flowlaunch.gateway.ops.tracing import Span, Tracing

__all__ = ["RequestWatch", "operation_of"]

logger = logging.getLogger(ACCESS)
PLACES: Final = ("hooks", "healthz", "readyz", "metrics", "assets", "events", "v1")
OTHER: Final = "page"
GONE: Final = 499
"""Stands for the answer to a client that went away, or was given up, before it had sent its request."""
QUIET: Final = frozenset({"healthz", "readyz", "metrics"})
"""Asked for by machines every few seconds: in the metrics, and in the access log only when they go wrong."""


def operation_of(scope: Scope) -> str:
    """Name what was asked for: the API's operation, else the place; never more of the address than that."""
    operation = scope.get("state", {}).get("operation")
    if operation:
        return str(operation)
    first = scope["path"].split("/", 2)[1] if "/" in scope["path"] else ""
    return first if first in PLACES else OTHER


class RequestWatch:
    """An ASGI layer, outermost: it sees every request and every answer, refused ones too."""

    def __init__(
        self,
        app: ASGIApp,
        instruments: Instruments,
        *,
        logs: bool,
        tracing: Tracing | None = None,
        now_s: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app, self._instruments, self._logs, self._tracing = app, instruments, logs, tracing
        self._now_s = now_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and watch its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen = _Seen(self._now_s(), scope, self._tracing)
        scope.setdefault("state", {})
        enter(seen.correlation)
        self._instruments.in_flight += 1
        try:
            await self._app(scope, receive, seen.sending(send))
        except ClientDisconnect:  # nobody is left to answer, and nothing is wrong here
            seen.status = GONE
        finally:
            self._instruments.in_flight -= 1
            self._note(scope, seen)
            seen.correlation.is_over = True

    def _note(self, scope: Scope, seen: _Seen) -> None:
        took_s = self._now_s() - seen.began_s
        operation = operation_of(scope)
        self._instruments.requests.add(operation, str(seen.status))
        self._instruments.request_seconds.observe(took_s, operation)
        named = scope["state"]
        launch_id = str(named.get("launch_id") or "")
        if seen.span is not None:
            seen.span.end_request(
                operation, seen.status, flowlaunch__launch_id=launch_id,
                flowlaunch__request_id=seen.correlation.request_id,
            )  # fmt: skip
        if self._logs and (operation not in QUIET or seen.status >= 400):
            caller = named.get("caller") or getattr(named.get("visitor"), "caller", None)
            logger.info(
                "%s %s %d", scope["method"], operation, seen.status,
                extra={
                    "method": scope["method"], "path": scope["path"], "operation": operation, "status": seen.status,
                    "duration_ms": round(took_s * 1000, 2), "size_bytes": seen.size_bytes,
                    "client": (scope.get("client") or ("",))[0], "key_id": getattr(caller, "key_id", ""),
                    "launch_id": launch_id,
                },
            )  # fmt: skip


class _Seen:
    """What is seen of one request."""

    __slots__ = ("began_s", "correlation", "size_bytes", "span", "status")

    def __init__(self, began_s: float, scope: Scope, tracing: Tracing | None) -> None:
        asked, trace = "", ""
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                asked = value.decode("latin-1")
            elif name == b"traceparent":
                trace = valid_traceparent(value.decode("latin-1"))
        self.began_s = began_s
        self.span: Span | None = None if tracing is None else tracing.request(scope["method"], trace)
        own = trace if self.span is None else self.span.traceparent
        self.correlation = Correlation(request_id_of(asked), own)
        self.status = 500  # what the server answers when the app gives no answer
        self.size_bytes = 0

    def sending(self, send: Send) -> Send:
        """Return a `send` that watches."""
        request_id = (REQUEST_ID.encode(), self.correlation.request_id.encode())

        async def watching(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                message["headers"] = [*message.get("headers", ()), request_id]
            elif message["type"] == "http.response.body":
                body: Any = message.get("body", b"")
                self.size_bytes += len(body)
            await send(message)

        return watching
