"""One worker process: joins, takes jobs, gives signs of life, feeds when it is its turn, and leaves in order."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import uuid
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from flowlaunch._io.clock_async import SystemAsyncClock
from flowlaunch.batch.ledger import crew, open_ledger
from flowlaunch.batch.ledger.crew import Client, Process
from flowlaunch.batch.ledger.outage import break_off_later
from flowlaunch.batch.permits import client_key, govern
from flowlaunch.batch.workers.feeding import Feeder
from flowlaunch.batch.workers.hands import Hands
from flowlaunch.batch.workers.presence import GIVE_UP_AFTER_S, Presence
from flowlaunch.batch.workers.queue import FOLLOW, LAUNCH, STALE_S, opened_queue
from flowlaunch.batch.workers.standing import crew_of
from flowlaunch.batch.workers.starting import Start
from flowlaunch.batch.workers.watching import FlowWatch
from flowlaunch.batch.writer import Writer
from flowlaunch.errors import FlowlaunchError, LedgerError, LedgerUnreachableError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.aclient import AsyncClient
    from flowlaunch.batch.doorbell import Watch
    from flowlaunch.batch.events import RunEvent
    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.batch.stop import Stop
    from flowlaunch.batch.workers.queue import JobQueue

__all__ = ["WorkerOptions", "work"]

AGAIN_S: Final = 1.0
AT_ONCE_S: Final = 5.0
LEAVE_S: Final = 10.0
"""How long a worker that is to leave waits for a database that is away: what it launched would be in doubt."""
BESIDE_S: Final = 30.0
"""How long something else that this process does may take to end."""
log = logging.getLogger("flowlaunch.workers")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """How a worker works.

    Attributes:
        jobs: chunks and followings at once. A batch takes one chunk of a worker at a time.
        stale_after_s: silence after which another worker is held for dead: the same for all workers of a ledger.
        give_up_after_s: how long a database that is away is waited for; None: for ever.
        on_event: called with batch id and event for everything that happens in its chunks.
        on_joined: called with the process as listed, once it is.
        watch: told what its chunks and followings wrote.
        beside: something else to do with the ledger until the event is set.

    """

    jobs: int = 8
    stale_after_s: float = STALE_S
    give_up_after_s: float | None = GIVE_UP_AFTER_S
    on_event: Callable[[int, RunEvent], None] | None = None
    on_joined: Callable[[Process], None] | None = None
    watch: Watch | None = None
    beside: Callable[[Ledger, asyncio.Event], Awaitable[None]] | None = None


async def work(
    place: str,
    clients: Mapping[str, AsyncClient],
    stop: Stop,
    options: WorkerOptions | None = None,
    *,
    clock: AsyncClock | None = None,
) -> Process:
    """Work on the batches that are handed to workers until asked to stop; return how the process stood at its end.

    The first request finishes what is in flight and gives the rest back, the second ends at once.

    Args:
        place: URL of a ledger in PostgreSQL.
        clients: profile name -> client: batches of other OAuth clients are left to other workers.
        stop: asks it to end.
        options: how it works.
        clock: a clock to go by, for tests.

    Raises:
        LedgerError: the ledger cannot be opened, or is a file.
        LedgerUnreachableError: its database was away for too long, or what came of launches could not be written.
        SettingsError: no client was given.

    """
    if not clients:
        raise SettingsError("a worker needs at least one profile to launch with")
    time = clock or SystemAsyncClock()
    async with AsyncExitStack() as stack:
        async with Start(stop, time) as start:
            opening = asyncio.to_thread(open_ledger, place, clock=time, on_store=start.watch)
            ledger = stack.enter_context(await opening)
            queue = await stack.enter_async_context(opened_queue(ledger, place))
            worker = _Worker(ledger, queue, clients, stop, options or WorkerOptions(), time)
            await worker.join()
        await worker.run()
        return worker.me


@dataclass(slots=True)
class _Worker:
    """The process at work."""

    ledger: Ledger
    queue: JobQueue
    clients: Mapping[str, AsyncClient]
    stop: Stop
    options: WorkerOptions
    clock: AsyncClock
    me: Process = field(init=False)
    hands: Hands = field(init=False)
    presence: Presence = field(init=False)
    # signs of life have a thread of their own: all others may wait for the database
    _writer: Writer = field(default_factory=Writer)
    _asked: asyncio.Event = field(default_factory=asyncio.Event)
    _failure: FlowlaunchError | None = None
    _loop: asyncio.AbstractEventLoop = field(init=False)

    def __post_init__(self) -> None:
        by_key = {client_key(client): client for client in self.clients.values()}
        for client in by_key.values():
            govern(client)
        now_us = round(self.clock.now().unix_s * 1e6)
        self.me = Process(
            process_id=uuid.uuid4().hex, host=platform.node(), pid=os.getpid(), started_us=now_us,
            heartbeat_us=now_us,
            clients=tuple(Client(profile=name, client_key=client_key(one)) for name, one in self.clients.items()),
        )  # fmt: skip
        self.hands = Hands(
            self.ledger, self.queue, by_key, self.clock,
            me=self.me.process_id,
            on_event=self.options.on_event,
            stale_after_s=self.options.stale_after_s,
            watch=self.options.watch,
        )  # fmt: skip
        self.presence = Presence(
            lambda: self._writer.call(self._give_sign), self.ledger.store.break_off, self.clock,
            on_return=lambda: self.hands.begin_anew("the database was away"),
            give_up_after_s=self.options.give_up_after_s,
        )  # fmt: skip
        self.queue.on(LAUNCH, self.hands.launch)
        self.queue.on(FOLLOW, self.hands.follow)

    async def join(self) -> None:
        """Get onto the list of workers."""
        await asyncio.to_thread(crew.join, self.ledger.store, self.me)
        if self.options.on_joined is not None:
            self.options.on_joined(self.me)

    async def run(self) -> None:
        """Work until asked to stop, and leave."""
        loop = self._loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._heed)
        self.stop.on_request(self._hear)
        feeder = Feeder(
            self.ledger, self.queue, self.me.process_id, self.clock, stale_after_s=self.options.stale_after_s
        )
        ended = asyncio.Event()
        beating = loop.create_task(self._kept_up("the signs of life", self._be_there))
        at_work = [
            loop.create_task(self._kept_up("feeding", feeder.run)),
            loop.create_task(self._kept_up("the jobs", self._do_jobs)),
        ]
        at_work.append(loop.create_task(self._kept_up("watching flows", self._flow_watch().run)))
        beside = loop.create_task(self._beside(ended))
        try:
            if not self.stop.level:
                await self._asked.wait()
        finally:
            ended.set()
            for task in at_work:
                task.cancel()
            await self._until_ended(at_work)
            await asyncio.wait([beside], timeout=AT_ONCE_S if self.stop.level > 1 else BESIDE_S)
            if not self.presence.there.is_set():
                self.ledger.store.break_off(for_good=True)
            for task in (beside, beating):
                task.cancel()
            await asyncio.gather(beside, beating, return_exceptions=True)
            break_off_later(self.ledger.store.break_off)
            await asyncio.to_thread(self._writer.close)
            self.me = self._now()
            with suppress(LedgerError):
                await asyncio.to_thread(crew.leave, self.ledger.store, self.me.process_id)
        self._tell_failure()

    def _flow_watch(self) -> FlowWatch:
        by_key = {client_key(client): client for client in self.clients.values()}
        return FlowWatch(self.ledger, by_key, self.me.process_id, self.clock, on_event=self.options.on_event)

    def _tell_failure(self) -> None:
        lost = self.hands.unwritten
        said = f"what came of {lost} launches is not in the ledger; they become in doubt when others take over"
        if self._failure is not None and lost and isinstance(self._failure, LedgerUnreachableError):
            raise LedgerUnreachableError(f"{self._failure.message}; {said}", hint=self._failure.hint)
        if self._failure is not None:
            raise self._failure
        if lost:
            raise LedgerUnreachableError(
                f"leave while the database was away: {said}", hint="`flowlaunch batch reconcile` settles them."
            )

    async def _until_ended(self, tasks: list[asyncio.Task[None]]) -> None:
        """Wait until what has begun is finished; once asked to end at once only for as long as a write may take."""
        left_s, patience_s = AT_ONCE_S, LEAVE_S
        while left_s > 0 and not all(task.done() for task in tasks):
            await asyncio.wait(tasks, timeout=AGAIN_S)
            left_s -= AGAIN_S if self.stop.level > 1 else 0.0
            patience_s -= AGAIN_S if not self.presence.there.is_set() else 0.0
            if patience_s <= 0 and self.stop.level < 2:
                self.stop.request("the database is away")

    async def _beside(self, ended: asyncio.Event) -> None:
        if self.options.beside is None:
            return
        try:
            await self.options.beside(self.ledger, ended)
        except FlowlaunchError as error:
            self._failure = error
            self.stop.request(error.message)

    def _hear(self) -> None:
        self.hands.request_stop(self.stop.reason)
        self._asked.set()
        if self.stop.level > 1 and not self.presence.there.is_set():
            self.ledger.store.break_off(for_good=True)

    async def _do_jobs(self) -> None:
        """Take jobs, beginning again when the database was away or took this process for dead."""
        keys = {client_key(client) for client in self.clients.values()}
        while not self.stop.level:  # without a database the engine answers a cancellation by an error of its own
            await self.presence.there.wait()
            try:
                await asyncio.to_thread(self._see_others)
                await self.queue.work(
                    self.me.process_id,
                    sorted(keys),
                    at_once=self.options.jobs,
                    stale_after_s=self.options.stale_after_s,
                )
                log.info("the job queue stopped: beginning again")
            except LedgerUnreachableError as error:
                log.info("%s", error.message)
            except LedgerError as error:
                log.warning("%s", error.message)
            await self.clock.sleep(AGAIN_S)

    async def _kept_up(self, what: str, do: Callable[[], Awaitable[None]]) -> None:
        """Do something until asked to stop, whatever error it meets: a worker that stands still helps nobody."""
        while True:
            try:
                await do()
            except Exception:
                log.exception("%s failed unexpectedly: beginning again", what)
            if self.stop.level:
                return
            await self.clock.sleep(AGAIN_S)

    async def _be_there(self) -> None:
        """Give signs of life; end at once when the database stays away."""
        try:
            await self.presence.run()
        except LedgerUnreachableError as error:
            self._failure = error
            for _ in range(2 - self.stop.level):
                self.stop.request("the database is away")

    def _heed(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """Begin anew with the queue when a job's end could not be recorded; what it did is in the ledger anyway."""
        error = context.get("exception")
        if not type(error).__module__.startswith("procrastinate"):
            loop.default_exception_handler(context)
            return
        log.info("a job was not acknowledged: %s", getattr(error, "__cause__", None) or error)
        self.queue.begin_anew()

    def _give_sign(self) -> None:
        self.me = self._now()
        if crew.beat(self.ledger.store, self.me) and not self.stop.level:
            self._loop.call_soon_threadsafe(self.stop.request, "asked to drain")
        self._see_others()

    def _see_others(self) -> None:
        self.hands.crew = crew_of(self.ledger, self.options.stale_after_s)

    def _now(self) -> Process:
        return msgspec.structs.replace(
            self.me,
            heartbeat_us=round(self.clock.now().unix_s * 1e6),
            is_draining=bool(self.stop.level),
            hands=self.hands.standing(),
            launched=self.hands.launched,
            memory_bytes=_memory_bytes(),
            trouble=self.hands.trouble,
        )


def _memory_bytes() -> int:
    """Return this process's resident memory; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
