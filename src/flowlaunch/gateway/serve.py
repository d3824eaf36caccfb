"""Serve a gateway: start everything in order, and stop so that nothing under way is cut."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import uvicorn

from flowlaunch._io.clock_async import SystemAsyncClock
from flowlaunch.batch.ledger import open_ledger
from flowlaunch.batch.ledger.vigil import Vigil
from flowlaunch.batch.stop import Stop
from flowlaunch.errors import SettingsError
from flowlaunch.gateway.app import gateway_app
from flowlaunch.gateway.assembly import assembled
from flowlaunch.gateway.ops.connections import bounded_protocol
from flowlaunch.gateway.ops.instruments import Instruments
from flowlaunch.gateway.ops.operating import Ops
from flowlaunch.gateway.ops.tracing import Tracing
from flowlaunch.gateway.page import PageApp
from flowlaunch.gateway.routing.fitting import Fitting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.types import ASGIApp

    from flowlaunch.aclient import AsyncClient
    from flowlaunch.gateway.options import GatewayOptions
    from flowlaunch.gateway.state import GatewayState

__all__ = ["new_loop", "running", "serve"]

BACKLOG: Final = 2_048
WILDCARDS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - read, not bound
log = logging.getLogger("flowlaunch.gateway")


@asynccontextmanager
async def running(state: GatewayState) -> AsyncIterator[None]:
    """Start the parts that work by themselves, and stop them in order at the end."""
    ended = asyncio.Event()
    state.endings.listen(state.callbacks.ended)
    fitting = Fitting(state.routes, state.flows, state.clock)
    alone = (state.routes.watch(), fitting.run(), state.gatekeeper.run(ended), state.callbacks.run(ended))
    tasks = [asyncio.create_task(one) for one in alone]
    for task in tasks:
        task.add_done_callback(_tell_failure)
    if state.options.works:
        state.engine.start()
    state.uploads.start()
    try:
        yield
    finally:
        state.is_stopping = True
        state.waiters.close()
        await state.uploads.stop()
        await state.accepter.close()
        await state.engine.stop(state.options.stop_wait_s)
        ended.set()
        for endless in tasks[:2]:
            endless.cancel()
        await asyncio.wait(tasks, timeout=state.options.stop_wait_s)


def _tell_failure(task: asyncio.Task[None]) -> None:
    """Log what ended a task that is to run until the gateway stops."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a part of the gateway that works by itself ended", exc_info=error)


class Server(uvicorn.Server):
    """Leaves signals to `serve`, and tells when it stops."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], Any]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell, then let requests under way end."""
        self._on_stop()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


async def serve(
    options: GatewayOptions,
    make_client: Callable[[], AsyncClient],
    announce: Callable[[GatewayState], Any],
    *,
    extra: Callable[[GatewayState], None] | None = None,
    handle_signals: bool = True,
) -> None:
    """Serve until SIGINT or SIGTERM; the first one finishes what is under way, the second one ends at once.

    Args:
        options: how the gateway behaves.
        make_client: makes the client, in the event loop.
        announce: called, in a thread, with the gateway once it listens; its options have the base URL then.
        extra: called with the gateway before it starts, to hand it what only the command line can.
        handle_signals: whether SIGINT and SIGTERM end it.

    Raises:
        SettingsError: it cannot listen there, or the routes file is wrong.
        LedgerError: the ledger cannot be opened.
        LedgerUnreachableError: its database took the connection and said nothing.

    """
    listener = bound(options.host, options.port)
    clock = SystemAsyncClock()
    stop = Stop()
    if handle_signals:
        _on_signals(stop)
    async with AsyncExitStack() as stack:
        stack.callback(listener.close)
        vigil = stack.enter_context(Vigil())
        stop.on_request(vigil.leave)
        options = addressed(options, listener)
        instruments = Instruments()
        opening = asyncio.to_thread(
            open_ledger, options.ledger, clock=clock, boundary=instruments.boundary, on_store=vigil.watch
        )
        ledger = stack.enter_context(await opening)
        client = await stack.enter_async_context(make_client())
        state = assembled(options, client=client, ledger=ledger, clock=clock)
        if extra is not None:
            extra(state)
        page = PageApp(state)
        tracing = Tracing.configured() if options.ops.traces else None
        ops = state.ops = Ops(state, instruments, tracing=tracing)
        app = ops.wrap(gateway_app(state, [*ops.routes, page.route]))
        server = Server(_config(options, app), page.stop)
        stop.on_request(partial(_hear, stop, server, state))
        ops.start()
        stack.push_async_callback(ops.stop)
        await stack.enter_async_context(running(state))
        await stack.enter_async_context(page.running())
        await asyncio.to_thread(announce, state)
        stack.callback(vigil.leave)
        vigil.go_on()
        if not stop.level:
            await _serve_until_stopped(server, listener)


def _config(options: GatewayOptions, app: ASGIApp) -> uvicorn.Config:
    limits = options.ops.connections
    return uvicorn.Config(
        app, http=bounded_protocol(limits), log_config=None, access_log=False, lifespan="off", ws="none",
        server_header=False, date_header=False, proxy_headers=False, backlog=BACKLOG,
        timeout_keep_alive=round(limits.idle_s), timeout_graceful_shutdown=round(options.stop_wait_s),
    )  # fmt: skip


async def _serve_until_stopped(server: Server, listener: socket.socket) -> None:
    """Serve; when this is cancelled instead of asked to stop, cut what is open and leave no connection behind."""
    try:
        await server.serve(sockets=[listener])
    except asyncio.CancelledError:
        server.force_exit = True
        await server.shutdown()
        raise


def new_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop: uvloop's where it is installed (the extra `fast`)."""
    try:
        import uvloop  # noqa: PLC0415 - an extra
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def _on_signals(stop: Stop) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stop.request, "a signal")


def _hear(stop: Stop, server: Server, state: GatewayState) -> None:
    """End in order at the first request, at once at the second one."""
    if stop.level > 1:
        server.force_exit = True
        state.engine.hurry()
        return
    state.is_stopping = True
    state.waiters.close()
    server.should_exit = True


def bound(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 picks a free one.

    Raises:
        SettingsError: the address cannot be listened on.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets NODELAY only if so named
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            code="listen",
            hint="Choose another --port, or 0 for any free one." if port else "Choose another --host.",
        ) from error
    listener.setblocking(False)
    return listener


def addressed(options: GatewayOptions, listener: socket.socket) -> GatewayOptions:
    """Return the options with the base URL, as it listens unless one was given, whose host requests may be for.

    Raises:
        SettingsError: the base URL is none.

    """
    if not options.base_url:
        return replace(options, base_url=_url(listener))
    try:
        parts = urlsplit(options.base_url)
        host = parts.hostname if parts.scheme in {"http", "https"} else None
    except ValueError:
        host = None
    if not host:
        raise SettingsError(
            f"the base URL {options.base_url!r} is no address of a server", code="base-url",
            hint="Give it with its scheme, like https://launch.example.com.",
        )  # fmt: skip
    return replace(options, allowed_hosts=(*options.allowed_hosts, host))


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = WILDCARDS.get(host, host)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"
