"""Batches that came in as a file through the API: kept, read into the ledger, and worked on once they are started."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import tomllib
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from flowlaunch.batch.job import BatchJob, recorded_options
from flowlaunch.batch.ledger import Change
from flowlaunch.batch.loading import batch_for, load_rows, row_mapper
from flowlaunch.batch.mapping import MappingSpec
from flowlaunch.batch.mapping.spec import read_mapping
from flowlaunch.batch.rows import ReadOptions, open_rows
from flowlaunch.batch.rules import Rules
from flowlaunch.batch.stop import Stop
from flowlaunch.errors import FlowlaunchError, InputError, LedgerError, LedgerMismatchError
from flowlaunch.gateway.api.problems import Problem
from flowlaunch.gateway.launches.upload_folder import Upload, UploadFolder, UploadLimits
from flowlaunch.gateway.store import audit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.batch.ledger import Batch, Ledger
    from flowlaunch.batch.work import WorkOptions
    from flowlaunch.gateway.access import Caller
    from flowlaunch.gateway.launches.flows import FlowBook
    from flowlaunch.gateway.options import GatewayOptions
    from flowlaunch.gateway.routing.routes import Route, Routes
    from flowlaunch.models import Flow, FlowInputs

__all__ = ["NOT_STARTED", "Upload", "Uploads"]

NOT_STARTED: Final = "not started"
"""Why a batch is paused that nobody has started yet."""
READERS: Final = 2
"""Files that are read into the ledger at the same time; the others wait on the disk."""
AGAIN_S: Final = 30.0
"""How soon a file is read again that could not be for a trouble that passes."""
log = logging.getLogger("flowlaunch.gateway")


@dataclass(slots=True)
class Reading:
    """A file that is being read into the ledger."""

    stop: Stop
    task: asyncio.Task[None]


class Uploads:
    """The uploaded batches.

    Attributes:
        on_loaded: called with a batch whose rows are all in the ledger.
        troubles: batch id -> why its file was not read to the end.

    """

    def __init__(
        self, ledger: Ledger, flows: FlowBook, options: GatewayOptions, clock: AsyncClock, routes: Callable[[], Routes]
    ) -> None:
        self._ledger, self._flows, self._options, self._clock, self._routes = ledger, flows, options, clock, routes
        self._folder = folder_of(options)
        self._reading: dict[int, Reading] = {}
        self._readers = asyncio.Semaphore(READERS)
        self._turn = asyncio.Lock()
        self._is_stopping = False
        self.troubles: dict[int, str] = {}
        self.on_loaded: Callable[[int], None] = _nothing

    async def take(
        self,
        content: AsyncIterator[bytes],
        upload: Upload,
        caller: Caller,
        idempotency_key: str | None,
        told_bytes: int = 0,
    ) -> tuple[int, bool]:
        """Keep a file, begin to read it into the ledger, and return its batch and whether it was there before.

        Args:
            content: the file.
            upload: what was said with it.
            caller: who sends it.
            idempotency_key: the caller's name for it.
            told_bytes: how long it is, if the sender says so.

        Raises:
            Problem: uploads are off, there is no room for it, it is too large, or the key is another file's.
            FlowlaunchError: the flow is unknown, or the file's columns do not fit.

        """
        folder = self._folder
        if folder is None:
            raise Problem(403, "uploads-off", "This gateway takes no files", "It was started without uploads.")
        flow = await self._flows.flow(upload.flow)
        inputs = await self._flows.inputs(flow)
        path = folder.path / f"{_file_name(caller, idempotency_key)}.{upload.format}"
        async with folder.receiving(content, told_bytes) as received:
            upload = msgspec.structs.replace(upload, sha256=received.sha256)
            async with self._turn:  # two requests with one key are one after the other
                batch = await asyncio.to_thread(self._known, folder, path, upload)
                was_there = batch is not None
                if batch is None:
                    await asyncio.to_thread(folder.keep, received, path, upload)
                    batch = await self._recorded(folder, path, upload, flow, inputs)
                    await asyncio.to_thread(self._hold, batch, caller.name)
                    self._read(folder, batch, upload)
                    facts = {"name": upload.name, "route": upload.route or "", "flow": upload.flow}
                    what = (caller, "batch.upload", f"batch:{batch.batch_id}", facts)
                    await asyncio.to_thread(audit.record, self._ledger.store, *what)
        return batch.batch_id, was_there

    def _known(self, folder: UploadFolder, path: Path, upload: Upload) -> Batch | None:
        """Return the batch of a file that was taken before; Problem when the key was used with another one."""
        told = folder.told(path)
        batch = next((one for one in self._ledger.batches() if one.spec.source == str(path)), None)
        if told is None or batch is None:  # new, or a crash came between the file and its batch
            return None
        if not told.is_same(upload):
            raise Problem(
                409, "key-reused", "The idempotency key belongs to another file",
                "The key was used with another file, flow or route. Use a new key for a new batch.",
            )  # fmt: skip
        return batch

    async def _recorded(
        self, folder: UploadFolder, path: Path, upload: Upload, flow: Flow, inputs: FlowInputs
    ) -> Batch:
        """Record the batch of a file; a file that does not fit its flow is not kept."""
        job = self._job(path, upload)
        try:
            await asyncio.to_thread(_check, job, inputs)
            return await asyncio.to_thread(batch_for, job, self._ledger, flow, inputs)
        except LedgerMismatchError as error:
            raise Problem(409, "key-reused", "The batch is another one", error.message) from error
        except InputError:
            await asyncio.to_thread(folder.forget, path)
            raise

    def start(self) -> None:
        """Go on with files that an earlier process did not read to the end, and remove what it left over."""
        folder = self._folder
        if folder is None:
            return
        batches = self.all()
        for batch in batches:
            path = Path(batch.spec.source)
            if batch.loaded_us is not None:
                folder.remove(path)
            elif (found := folder.told(path)) is not None:
                self._hold(batch, found.by)
                self._read(folder, batch, found)
        if left := folder.sweep({batch.spec.source for batch in batches}):
            log.info("%d files that nobody finished sending were removed", left)

    async def stop(self) -> None:
        """Stop reading files; the next start goes on."""
        self._is_stopping = True
        for reading in self._reading.values():
            reading.stop.request("the gateway stops")
        if self._reading:
            await asyncio.wait([reading.task for reading in self._reading.values()])

    async def give_up(self, batch_id: int) -> None:
        """Let go of the file of a batch that is cancelled: what is not in the ledger yet never will be."""
        batch = await asyncio.to_thread(self._ledger.batch, batch_id)
        if self._folder is None or batch.loaded_us is not None or not self.holds(batch):
            return
        reading = self._reading.get(batch_id)
        if reading is not None:
            reading.stop.request("the batch is cancelled")
            await asyncio.wait([reading.task])
        await asyncio.to_thread(self._ledger.finish_loading, batch_id)
        self.troubles.pop(batch_id, None)
        await asyncio.to_thread(self._folder.remove, Path(batch.spec.source))

    @property
    def reading(self) -> frozenset[int]:
        """Give the batches whose files are being read into the ledger now."""
        return frozenset(self._reading)

    def all(self) -> tuple[Batch, ...]:
        """Return the uploaded batches, oldest first."""
        return tuple(batch for batch in self._ledger.batches() if self.holds(batch))

    def holds(self, batch: Batch) -> bool:
        """Tell whether a batch was uploaded here."""
        return self._folder is not None and Path(batch.spec.source).parent == self._folder.path

    def route_of(self, batch: Batch) -> str | None:
        """Return the name of the route that an uploaded batch goes by, if it was sent for one."""
        upload = self._upload_of(batch)
        return upload.route if upload is not None else None

    def work_options(self, batch: Batch) -> WorkOptions | None:
        """Return how to work on an uploaded batch; None while its file is being read."""
        if batch.loaded_us is None:
            return None
        upload = self._upload_of(batch)
        rules = self._rules(upload) if upload is not None else None
        return recorded_options(batch, rules, {"waits_when_paused": True})

    # parts ---------------------------------------------------------------------------------------------------

    def _job(self, path: Path, upload: Upload) -> BatchJob:
        route = self._route(upload)
        mapping = route.mapping if route is not None and route.mapping is not None else MappingSpec()
        if upload.mapping:
            mapping = read_mapping(tomllib.loads(upload.mapping), "the mapping")
        if upload.key is not None:
            mapping = msgspec.structs.replace(mapping, row=msgspec.structs.replace(mapping.row, key=upload.key))
        spec = route.spec if route is not None else None
        return BatchJob(
            source=path,
            flow=upload.flow,
            ledger=self._options.ledger,
            read=ReadOptions(format=upload.format),
            mapping=mapping,
            rules=self._rules(upload),
            rules_text=msgspec.json.encode(spec.rules).decode() if spec is not None else "",
            name=upload.name,
            pace_per_minute=self._options.pace_per_minute,
            concurrency=(spec.concurrency if spec is not None else None) or self._options.concurrency,
            launch_token_input=spec.token_input if spec is not None else None,
            payloads=spec.payloads if spec is not None else "keep",
            outputs=spec.outputs if spec is not None else "keep",
            timeout_s=self._options.timeout_s,
        )

    def _rules(self, upload: Upload) -> Rules:
        route = self._route(upload)
        now_us = round(self._clock.now().unix_s * 1e6)
        return route.rules.for_file(now_us) if route is not None and route.rules is not None else Rules()

    def _route(self, upload: Upload) -> Route | None:
        return self._routes().by_name.get(upload.route) if upload.route is not None else None

    def _upload_of(self, batch: Batch) -> Upload | None:
        return self._folder.told(Path(batch.spec.source)) if self._folder is not None else None

    def _hold(self, batch: Batch, by: str) -> None:
        """Pause a batch to which nobody has said anything yet."""
        if self._ledger.controls(batch.batch_id).version == 0:
            change = Change(paused=True, pause_reason=NOT_STARTED)
            self._ledger.control(batch.batch_id, by=by, change=change)

    def _read(self, folder: UploadFolder, batch: Batch, upload: Upload) -> None:
        """Read a file into the ledger in the background; once the gateway stops, the next one does."""
        if self._is_stopping:
            return
        stop = Stop()
        work = self._read_all(folder, batch, upload, stop)
        self._reading[batch.batch_id] = Reading(stop, asyncio.get_running_loop().create_task(work))

    async def _read_all(self, folder: UploadFolder, batch: Batch, upload: Upload, stop: Stop) -> None:
        """Read until the file is in the ledger, or cannot be read at all; while the platform is away, wait for it."""
        asked = asyncio.Event()
        stop.on_request(asked.set)
        try:
            while not stop.level:
                try:
                    async with self._readers:
                        is_read = await self._read_once(batch, upload, stop)
                except FlowlaunchError as error:
                    await self._note_failure(batch.batch_id, error)
                    if isinstance(error, InputError):
                        return
                    await self._clock.wait(asked, AGAIN_S)
                    continue
                if is_read:
                    self.troubles.pop(batch.batch_id, None)
                    await asyncio.to_thread(folder.remove, Path(batch.spec.source))
                    self.on_loaded(batch.batch_id)
                return
        finally:
            self._reading.pop(batch.batch_id, None)

    async def _read_once(self, batch: Batch, upload: Upload, stop: Stop) -> bool:
        """Read a file to its end, unless it is to stop; tell which."""
        job = self._job(Path(batch.spec.source), upload)
        inputs = await self._flows.inputs(await self._flows.flow(batch.spec.flow_id))
        return await asyncio.to_thread(load_rows, job, self._ledger, batch, inputs, self._clock, None, stop)

    async def _note_failure(self, batch_id: int, error: FlowlaunchError) -> None:
        if self.troubles.get(batch_id) != error.message:
            self.troubles[batch_id] = error.message
            log.warning("batch %d: its file was not read: %s", batch_id, error.message)
            with suppress(LedgerError):
                await asyncio.to_thread(
                    self._ledger.add_event, batch_id, "loading-failed", message=error.message, code=error.code
                )


def _check(job: BatchJob, inputs: FlowInputs) -> None:
    """Raise InputError when the file's columns do not fit the flow, before anything is recorded."""
    with open_rows(job.source, job.read) as source:
        row_mapper(job, source, inputs, "")


def _nothing(_batch_id: int) -> None:
    """Take no notice."""


def _file_name(caller: Caller, idempotency_key: str | None) -> str:
    if idempotency_key is None:
        return uuid.uuid4().hex
    return hashlib.sha256(f"{caller.key_id}\0{idempotency_key}".encode()).hexdigest()[:32]


def folder_of(options: GatewayOptions) -> UploadFolder | None:
    """Return the folder of uploaded files with its bounds; None when no files are taken."""
    if options.uploads is None:
        return None
    limits = UploadLimits(
        file_bytes=options.max_upload_bytes, at_once=options.max_uploads_at_once,
        unread=options.max_unread_uploads, unread_bytes=options.max_unread_upload_bytes,
    )  # fmt: skip
    return UploadFolder(options.uploads, limits)
