"""The jobs of workers, on Procrastinate: a chunk of a batch is a job, following its executions is another.

A job is a permission, not a list of rows: to launch up to so many rows that are due. Delivering it twice is therefore
harmless, and the epochs of the ledger make a late worker harmless.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from procrastinate import App, PsycopgConnector, exceptions, jobs
from psycopg import AsyncConnection, OperationalError
from psycopg_pool import PoolTimeout

from flowlaunch.batch.ledger.crew import STALE_S
from flowlaunch.batch.ledger.jobs_schema import JOBS_SCHEMA, conninfo_of, prepare_jobs
from flowlaunch.errors import LedgerUnreachableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator

    from flowlaunch.batch.ledger import Ledger

__all__ = ["STALE_S", "ChunkOrder", "JobQueue", "JobStanding", "opened_queue"]

GRACE_S: Final = 1.0
"""Jobs go a little later than rows, so that whoever gets the job finds the rows free."""
POLL_S: Final = 1.0
"""How often a worker looks for jobs whose time has come; new ones are notified at once."""
RECONNECT_S: Final = 2.0
"""How long the pool tries to replace a lost connection: were it for long, and ever more seldom, a database that is back
would be noticed late. It tries anew whenever somebody asks for a connection."""
LAUNCH, FOLLOW = "launch", "follow"
AT_ONCE: Final = datetime.fromtimestamp(0, UTC)
"""Due by whatever clock: the engine's own default is this machine's, which may be ahead of the server's."""
OF_WORKER: Final = "worker-"
log = logging.getLogger("flowlaunch.workers")


class ChunkOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One chunk to be worked on.

    Attributes:
        chunk: its name within the batch: of one name, one job waits at most.
        worker: the worker that it is meant for; "" is any that has the OAuth client.
        rows: how many due rows it may launch.
        until_left: launch only until so many rows of the batch have left: a stage of its ramp.
        at_us: not before this instant: a calling window opens.

    """

    batch_id: int
    client_key: str
    chunk: str = "any"
    worker: str = ""
    rows: int = 0
    until_left: int | None = None
    priority: int = 10
    at_us: int | None = None


class JobStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A job that waits or is being done.

    Attributes:
        worker: whose turn it waits for; "" when anybody may do it.
        at_us: before when it is not done; None is at once.

    """

    job_id: int
    task: str
    worker: str
    batch_id: int
    chunk: str
    is_running: bool
    at_us: int | None = None


class JobQueue:
    """The jobs in one ledger's database. Errors of the connection are LedgerUnreachableError."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._unacknowledged = asyncio.Event()

    def on(self, task: str, do: Callable[..., Awaitable[None]]) -> None:
        """Have `do` called with a job's arguments."""
        self._app.task(name=task)(do)

    async def offer_chunk(self, order: ChunkOrder) -> bool:
        """Enqueue a chunk; False when it is waiting already."""
        arguments = {"rows": order.rows, "until_left": order.until_left, "worker": order.worker}
        return await self._offer(LAUNCH, order, arguments)

    async def offer_following(self, order: ChunkOrder) -> bool:
        """Enqueue the following of a batch's executions; False when it is waiting already."""
        return await self._offer(FOLLOW, order, {})

    async def _offer(self, task: str, order: ChunkOrder, more: dict[str, Any]) -> bool:
        chunk = order.chunk if task == LAUNCH else FOLLOW
        configured = self._app.configure_task(
            task,
            queue=queue_of_worker(order.worker) if order.worker else queue_of(order.client_key),
            queueing_lock=f"{order.batch_id}/{chunk}",
            priority=order.priority,
            schedule_at=None if order.at_us is None else datetime.fromtimestamp(order.at_us / 1e6, UTC),
        )
        try:
            with _reachable("enqueue a job"):
                await configured.defer_async(batch_id=order.batch_id, chunk=chunk, client_key=order.client_key, **more)
        except exceptions.AlreadyEnqueued:
            return False
        return True

    async def standing(self) -> tuple[JobStanding, ...]:
        """Return the jobs that wait or are being done, by anybody."""
        with _reachable("list the jobs"):
            found = await self._app.job_manager.list_jobs_async()
        return tuple(
            JobStanding(
                job_id=one.id or 0,
                task=one.task_name,
                worker=one.queue.removeprefix(OF_WORKER) if one.queue.startswith(OF_WORKER) else "",
                batch_id=int(str(one.task_kwargs["batch_id"])),
                chunk=str(one.task_kwargs["chunk"]),
                is_running=one.status == jobs.Status.DOING.value,
                at_us=None if one.scheduled_at is None else round(one.scheduled_at.timestamp() * 1e6),
            )
            for one in found
            if "batch_id" in one.task_kwargs
        )

    async def reclaim(self, stale_after_s: float = STALE_S) -> int:
        """Give the jobs of dead workers to others; return how many."""
        manager = self._app.job_manager
        with _reachable("look for jobs of dead workers"):
            stalled = tuple(await manager.get_stalled_jobs(seconds_since_heartbeat=stale_after_s + GRACE_S))
        for job in stalled:
            try:
                await manager.retry_job(job, retry_at=AT_ONCE, queue=queue_of(str(job.task_kwargs["client_key"])))
            except exceptions.UniqueViolation:  # the next job of that chunk waits already
                await self._drop(job)
            except exceptions.ConnectorException as error:  # it ended, or somebody else was first
                log.info("job %s was not given to another worker: %s", job.id, error.__cause__)
        return len(stalled)

    async def withdraw(self, job: JobStanding) -> None:
        """Take a waiting job back: the worker that it was meant for is gone, and its rows are nobody's."""
        with _reachable("take a job back"):
            await self._app.job_manager.cancel_job_by_id_async(job.job_id, delete_job=True)

    async def _drop(self, job: jobs.Job) -> None:
        try:
            await self._app.job_manager.finish_job(job, jobs.Status.FAILED, delete_job=True)
        except exceptions.ConnectorException as error:
            log.info("job %s was not dropped: %s", job.id, error.__cause__)

    async def work(
        self, worker: str, client_keys: Iterable[str], *, at_once: int, stale_after_s: float = STALE_S
    ) -> None:
        """Do a worker's own jobs and those of its OAuth clients until cancelled or told to begin anew.

        What has begun then is finished.

        Raises:
            LedgerUnreachableError: the database does not answer, or took this worker for dead: begin again.

        """
        self._unacknowledged.clear()
        working = asyncio.get_running_loop().create_task(
            self._app.run_worker_async(
                queues=[queue_of_worker(worker), *(queue_of(key) for key in client_keys)],
                concurrency=at_once,
                fetch_job_polling_interval=POLL_S,
                update_heartbeat_interval=stale_after_s / 5,
                stalled_worker_timeout=stale_after_s + GRACE_S,
                delete_jobs="always",
                install_signal_handlers=False,
            )
        )
        noticing = asyncio.get_running_loop().create_task(self._unacknowledged.wait())
        try:
            await asyncio.wait((working, noticing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            noticing.cancel()
            if not working.done():
                working.cancel()
            with _reachable("do jobs"), suppress(asyncio.CancelledError):
                await working

    def begin_anew(self) -> None:
        """Have `work` end: the end of a job could not be recorded, and it counts as being done while this worker lives.

        A worker that begins anew has another number in the queue: what is still recorded for the old one is given to
        others.
        """
        self._unacknowledged.set()


def queue_of(client_key: str) -> str:
    """Return the name of an OAuth client's jobs: workers listen only to those whose client they have."""
    return f"client-{client_key}"


def queue_of_worker(worker: str) -> str:
    """Return the name of the jobs that are meant for one worker."""
    return OF_WORKER + worker


@asynccontextmanager
async def opened_queue(ledger: Ledger, place: str) -> AsyncIterator[JobQueue]:
    """Open the jobs in a ledger's database, making their tables when there are none.

    Its connections are broken with the ledger's: a server that hangs answers on none of them.
    """
    await asyncio.to_thread(prepare_jobs, ledger.store)

    async def configure(connection: AsyncConnection[Any]) -> None:
        ledger.store.take_in(connection)
        await connection.set_autocommit(True)
        await connection.execute(f"SET search_path TO {JOBS_SCHEMA}")

    connector = PsycopgConnector(
        conninfo=conninfo_of(place), min_size=1, max_size=4, timeout=10.0, configure=configure,
        reconnect_timeout=RECONNECT_S,
        kwargs={"application_name": "flowlaunch jobs", "connect_timeout": 10},
    )  # fmt: skip
    app = App(connector=connector)
    try:
        with _reachable("open the job queue"):
            await app.open_async()
        yield JobQueue(app)
    finally:
        await app.close_async()


@contextmanager
def _reachable(doing: str) -> Iterator[None]:
    """Raise LedgerUnreachableError in place of the queue's own errors."""
    try:
        yield
    except (exceptions.ConnectorException, OperationalError, PoolTimeout) as error:
        said = str(error.__cause__ or error).strip().partition("\n")[0]
        raise LedgerUnreachableError(f"{doing}: {said}") from error
