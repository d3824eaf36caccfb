"""Serving a sandbox over HTTP(S): binding, starting, stopping."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.server import ServerState

from flowlaunch.errors import SandboxError
from flowlaunch.sandbox.app import SandboxApp
from flowlaunch.sandbox.connections import SandboxProtocol
from flowlaunch.sandbox.control import control_app
from flowlaunch.sandbox.door import BACKLOG, Door
from flowlaunch.sandbox.guards import Hosts
from flowlaunch.sandbox.operations import operation_names
from flowlaunch.sandbox.page import Front
from flowlaunch.sandbox.service import Service
from flowlaunch.sandbox.store import Store

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from flowlaunch.sandbox.options import Options

__all__ = ["Announcement", "SandboxServer", "bind", "new_loop", "serve"]

KEEP_ALIVE_S = 75
DEMO_SECRET = "demo-secret"  # noqa: S105 - of the built-in world, in its documentation
STOP_WAIT_S = 2.0
GC_THRESHOLDS = (100_000, 50, 100)
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - read, not bound


class Announcement:
    """What is known once the sandbox listens: its URL, and the CA file when it serves HTTPS."""

    def __init__(self, url: str, ca_file: Path | None, service: Service) -> None:
        self.url = url
        self.ca_file = ca_file
        self.service = service
        self.contract = service.options.contract

    @property
    def client_id(self) -> str:
        """The OAuth client to try first: the first of the world."""
        return next(iter(self.service.world.clients), "...")

    @property
    def shown_secret(self) -> str:
        """That client's secret where everybody knows it; the secrets of a world file are not shown."""
        client = self.service.world.clients.get(self.client_id)
        return DEMO_SECRET if client is not None and client.secret == DEMO_SECRET else "..."


def bind(host: str, port: int) -> socket.socket:
    """Bind a listening socket; port 0 picks a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets NODELAY only if so named
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        hint = "Choose another --port, or 0 for any free one." if port else "Choose another --host."
        raise SandboxError(f"cannot listen on {host}:{port}: {error.strerror or error}", hint=hint) from error
    listener.setblocking(False)
    return listener


def new_loop() -> asyncio.AbstractEventLoop:
    """Make an event loop: uvloop's when it is installed."""
    try:
        import uvloop  # noqa: PLC0415 - an extra
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


class SandboxServer:
    """One listening sandbox. `run` serves until `stop`, in whatever thread calls it."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._listener = bind(options.host, options.port)
        self._context: ssl.SSLContext | None = None
        self.ca_file: Path | None = None
        try:
            if options.tls:
                self._identify()
            self.store = Store(options.db) if options.db is not None else None
            self.service = Service(options, operation_names(), self.store)
        except BaseException:
            self.close()
            raise
        self.url = self._url()
        self._stop: asyncio.Event | None = None
        self.loop: asyncio.AbstractEventLoop | None = None

    def _identify(self) -> None:
        from flowlaunch.sandbox.tls import make_identity  # noqa: PLC0415 - needs an extra

        self._folder = tempfile.TemporaryDirectory(prefix="flowlaunch-sandbox-")
        identity = make_identity(Path(self._folder.name), [self._options.host, *self._options.allowed_hosts])
        self._context, self.ca_file = identity.context, identity.ca_file

    def _url(self) -> str:
        host, port = self._listener.getsockname()[:2]
        shown = WILDCARDS.get(host, host)
        scheme = "https" if self._context is not None else "http"
        return f"{scheme}://{f'[{shown}]' if ':' in shown else shown}:{port}"

    async def run(self, started: Callable[[], None]) -> None:
        """Serve until `stop`; calls `started` once connections are accepted."""
        self.loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        hosts = Hosts(self._options.host, self._options.allowed_hosts)
        front = Front(self.service, hosts, control_app(self.service, hosts))
        app = SandboxApp(self.service, hosts, front)
        self.service.on_work = app.schedule_work
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", ws="none", date_header=False, server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S, http=SandboxProtocol, proxy_headers=False,
        )  # fmt: skip
        config.load()
        state = ServerState()

        def protocol() -> asyncio.Protocol:
            return SandboxProtocol(config=config, server_state=state, app_state={})

        door = Door(self._listener, protocol, self._context)
        await door.open()
        self.service.on_refuse = door.refuse
        self.service.refusals = lambda: door.refusals
        try:
            app.schedule_work()
            started()
            await self._stop.wait()
        finally:
            app.stop()
            front.stop()
            self.service.on_work = _nothing
            door.close()
            await _end(state)

    def stop(self) -> None:
        """Ask `run` to end; to be called in its thread."""
        if self._stop is not None:
            self._stop.set()

    def close(self) -> None:
        """Release the socket, the database and the certificate's folder."""
        self._listener.close()
        store: Store | None = getattr(self, "store", None)
        if store is not None:
            store.close()
        if self._folder is not None:
            self._folder.cleanup()


def _nothing() -> None:
    """Stand in for the work loop once the server ended."""


async def _end(state: ServerState) -> None:
    """Close idle connections at once, let answers under way finish, then cut what is left."""
    for connection in list(state.connections):
        connection.shutdown()
    tasks = set(state.tasks)
    if tasks:
        await asyncio.wait(tasks, timeout=STOP_WAIT_S)
    for task in list(state.tasks):
        task.cancel()
    for connection in list(state.connections):
        connection.transport.abort()
    await asyncio.sleep(0)
    await asyncio.sleep(0)


@contextlib.contextmanager
def _tuned_collector() -> Iterator[None]:
    """Keep the garbage collector's pauses short while this process does nothing but serve."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def serve(options: Options, announce: Callable[[Announcement], Any] | None = None) -> None:
    """Serve a sandbox in this process until SIGINT or SIGTERM; blocks.

    Args:
        options: how it behaves.
        announce: called once it listens, e.g. to print the URL.

    Raises:
        SandboxError: an option, the world, a flow of the world or the address cannot be used.

    """
    server = SandboxServer(options)

    def started() -> None:
        if announce is not None:
            announce(Announcement(server.url, server.ca_file, server.service))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, server.stop)
        await server.run(started)

    try:
        with (
            _tuned_collector(),
            asyncio.Runner(loop_factory=new_loop) as runner,
            contextlib.suppress(KeyboardInterrupt),
        ):
            runner.run(main())
    finally:
        server.close()
