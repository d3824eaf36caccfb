"""A sandbox in this process: `with Sandbox() as sandbox: sandbox.url`."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from flowlaunch.errors import SandboxError
from flowlaunch.sandbox.options import Options
from flowlaunch.sandbox.server import SandboxServer, new_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Self

    from flowlaunch.sandbox.faults import Fault
    from flowlaunch.sandbox.journal import JournalEntry
    from flowlaunch.sandbox.page.drawings import RunDrawings
    from flowlaunch.sandbox.service import Launch, Service

__all__ = ["FaultDesk", "Sandbox"]

T = TypeVar("T")
START_TIMEOUT_S = 30.0
CALL_TIMEOUT_S = 60.0


class FaultDesk:
    """Scripts faults of a running sandbox; operation names are those of the journal."""

    def __init__(self, ask: Callable[[Callable[[Service], Any]], Any]) -> None:
        self._ask = ask

    def script(self, operation: str, call_number: int | Iterable[int] | None, fault: Fault) -> None:
        """Play `fault` at that call (from 1, counted since the start or `clear`), those calls, or (None) every call."""
        numbers = call_number if call_number is None or isinstance(call_number, int) else list(call_number)
        self._ask(lambda service: service.faults.script(operation, numbers, fault))

    def next(self, operation: str, fault: Fault, times: int = 1) -> None:
        """Play `fault` at the next `times` calls."""
        self._ask(lambda service: service.faults.next(operation, fault, times))

    def chance(self, operation: str, fault: Fault, probability: float) -> None:
        """Play `fault` at each call with that probability; the same seed gives the same sequence."""
        self._ask(lambda service: service.faults.chance(operation, fault, probability))

    def clear(self) -> None:
        """Forget every fault and count calls from 1 again."""
        self._ask(lambda service: service.faults.clear())

    def calls(self, operation: str) -> int:
        """Count the calls of an operation since the start or `clear`."""
        count: int = self._ask(lambda service: service.faults.calls[operation])
        return count

    def refusals(self) -> int:
        """Count the outages of `ConnectionsRefused` so far; one that waits for a connection counts when it came."""
        count: int = self._ask(lambda service: service.refusals())
        return count


class Sandbox:
    """A local Genesys Cloud in a thread of its own; usable from any thread while it is open.

    Args:
        flows: folder of flow files.
        world: world file or the same as a mapping; None: the built-in world.
        options: every other field of `flowlaunch.sandbox.options.Options`.

    Attributes:
        faults: what shall go wrong.

    Raises:
        SandboxError: an option, the world, a flow of the world or the address cannot be used.

    """

    def __init__(
        self, flows: Path | str | None = None, world: Path | str | Mapping[str, Any] | None = None, **options: Any
    ) -> None:
        db = options.pop("db", None)
        try:
            self.options = Options(
                flows=Path(flows) if flows is not None else None,
                world=Path(world) if isinstance(world, str) else world,
                db=Path(db) if db is not None else None,
                **options,
            )
        except TypeError as error:
            known = ", ".join(Options.names())
            raise SandboxError(
                f"the sandbox does not know an option given: {error}", hint=f"Known: {known}."
            ) from error
        self._server: SandboxServer | None = None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self.faults = FaultDesk(self._ask)

    def __enter__(self) -> Self:
        """Start serving; returns once connections are accepted."""
        if self._server is not None:
            raise SandboxError("this sandbox is running already", hint="Make one Sandbox for each `with`.")
        self._server = SandboxServer(self.options)
        started = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(started,), name="flowlaunch-sandbox", daemon=True)
        self._thread.start()
        if not started.wait(START_TIMEOUT_S) or self._failure is not None:
            self.close()
            raise SandboxError(f"the sandbox did not start: {self._failure}") from self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving; hanging requests are cut."""
        self.close()

    def _serve(self, started: threading.Event) -> None:
        server = self._running()
        try:
            with asyncio.Runner(loop_factory=new_loop) as runner:
                runner.run(server.run(started.set))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            self._failure = error
        finally:
            started.set()

    def close(self) -> None:
        """Stop serving and release everything; does nothing when it is closed already."""
        server, thread = self._server, self._thread
        if server is None:
            return
        if thread is not None and thread.is_alive() and server.loop is not None:
            server.loop.call_soon_threadsafe(server.stop)
        if thread is not None:
            thread.join(START_TIMEOUT_S)
        server.close()
        self._server = self._thread = None

    def _running(self) -> SandboxServer:
        if self._server is None:
            raise SandboxError("this sandbox is not running", hint="Use it inside `with Sandbox() as sandbox:`.")
        return self._server

    def _ask(self, question: Callable[[Service], T]) -> T:
        """Ask in the serving thread, which alone touches the state."""
        server = self._running()
        if server.loop is None:
            raise SandboxError("this sandbox is not running")

        async def answer() -> T:
            return question(server.service)

        return asyncio.run_coroutine_threadsafe(answer(), server.loop).result(CALL_TIMEOUT_S)

    # -- where ----------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Base URL of API and login alike, e.g. `http://127.0.0.1:8085`."""
        return self._running().url

    @property
    def ca_file(self) -> Path | None:
        """File with the CA to trust; None without TLS."""
        return self._running().ca_file

    @property
    def drawings(self) -> RunDrawings:
        """Pictures of runs with the path they took, for pages beside the sandbox's own."""
        from flowlaunch.sandbox.page import drawings  # noqa: PLC0415 - only who shows pictures loads them

        return drawings.RunDrawings(self.url, self._ask)

    # -- what happened --------------------------------------------------------------------------------------

    def journal(
        self,
        operation: str | None = None,
        *,
        status: int | None = None,
        method: str | None = None,
        fault: str | None = None,
        client_id: str | None = None,
        execution_id: str | None = None,
        correlation_id: str | None = None,
        since: int = 0,
        limit: int | None = None,
    ) -> list[JournalEntry]:
        """Give the requests that match every filter, oldest first, with secrets taken out."""
        return self._ask(
            lambda service: service.journal.read(
                operation, status=status, method=method, fault=fault, client_id=client_id,
                execution_id=execution_id, correlation_id=correlation_id, since=since, limit=limit,
            )
        )  # fmt: skip

    def launches(self) -> list[Launch]:
        """Give the accepted launches in order: the judge of "never launched twice"."""
        return self._ask(lambda service: service.launches())

    # -- time and state -------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock on."""
        self._ask(lambda service: service.advance(seconds))

    def freeze(self) -> None:
        """Let the clock stand still from now on."""
        self._ask(lambda service: service.set_clock("frozen"))

    def skip_waits(self) -> None:
        """Let waits of flows end at once from now on."""
        self._ask(lambda service: service.set_clock("virtual"))

    def reset(self) -> None:
        """Go back to the seed: world, tokens, executions, faults, journal, clock."""
        self._ask(lambda service: service.reset())

    def snapshot(self) -> str:
        """Remember the state; gives an id for `restore`."""
        return self._ask(lambda service: service.snapshot())

    def restore(self, snapshot_id: str) -> None:
        """Go back to a snapshot; journal and faults stay."""
        self._ask(lambda service: service.restore(snapshot_id))

    def upload_flow(self, text: str, name: str = "upload.yaml", division: str | None = None) -> str:
        """Publish a flow (Archy YAML or export) and give its id; raises FlowError with the place of a mistake."""
        return self._ask(lambda service: service.upload_flow(text, name, division).id)

    def revoke_tokens(self) -> int:
        """End every access token; gives how many there were."""
        return self._ask(lambda service: service.revoke_tokens())

    def trace(self, execution_id: str) -> dict[str, Any]:
        """Give the trace of a finished execution."""

        def find(service: Service) -> dict[str, Any]:
            execution = service.execution(execution_id)
            trace = service.runs.trace(execution) if execution is not None else None
            if trace is None:
                raise SandboxError(f"there is no trace of execution {execution_id}", hint="The last 1,000 are kept.")
            return trace.as_json()

        return self._ask(find)
