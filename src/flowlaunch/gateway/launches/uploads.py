"""Batches that came in as a file through the API: kept, read into the ledger, and worked on once they are started."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from flowlaunch.batch.job import BatchJob, recorded_options
from flowlaunch.batch.ledger import Change
from flowlaunch.batch.loading import batch_for, load_rows, row_mapper
from flowlaunch.batch.mapping import MappingSpec
from flowlaunch.batch.rows import ReadOptions, open_rows
from flowlaunch.batch.rules import Rules
from flowlaunch.batch.stop import Stop
from flowlaunch.errors import FlowlaunchError, InputError, LedgerMismatchError
from flowlaunch.gateway.api.problems import Problem

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
log = logging.getLogger("flowlaunch.gateway")


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """What was said with the file; kept beside it, so that reading it can go on after a crash.

    Attributes:
        key: the column that tells rows apart; a repeated one goes out once.

    """

    flow: str
    format: Literal["csv", "ndjson"]
    name: str
    by: str
    route: str | None = None
    key: str | None = None


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
        self._folder = options.uploads.absolute() if options.uploads is not None else None
        self._loading: dict[int, asyncio.Task[None]] = {}
        self._stop = Stop()
        self._turn = asyncio.Lock()
        self.troubles: dict[int, str] = {}
        self.on_loaded: Callable[[int], None] = _nothing

    async def take(
        self, content: AsyncIterator[bytes], upload: Upload, caller: Caller, idempotency_key: str | None
    ) -> tuple[int, bool]:
        """Keep a file, begin to read it into the ledger, and return its batch and whether it was there before.

        Raises:
            Problem: uploads are off, the file is too large, or the key is another file's.
            FlowlaunchError: the flow is unknown, or the file's columns do not fit.

        """
        if self._folder is None:
            raise Problem(403, "uploads-off", "This gateway takes no files", "It was started without uploads.")
        flow = await self._flows.flow(upload.flow)
        inputs = await self._flows.inputs(flow)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{_file_name(caller, idempotency_key)}.{upload.format}"
        part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
        try:
            await self._write(content, part)
            async with self._turn:  # two requests with one key are one after the other
                was_there = path.exists()
                await asyncio.to_thread(_keep, part, path, upload)
                batch = await self._recorded(path, upload, flow, inputs, was_there=was_there)
        finally:
            part.unlink(missing_ok=True)
        if batch.loaded_us is None:
            await asyncio.to_thread(self._hold, batch, caller.name)
            self._load(self._job(path, upload), batch)
        return batch.batch_id, was_there

    async def _recorded(self, path: Path, upload: Upload, flow: Flow, inputs: FlowInputs, *, was_there: bool) -> Batch:
        """Return the batch of a file, recorded now or before; a file that does not fit its flow is not kept."""
        job = self._job(path, upload)
        try:
            await asyncio.to_thread(_check, job, inputs)
            return await asyncio.to_thread(batch_for, job, self._ledger, flow, inputs)
        except LedgerMismatchError as error:
            raise Problem(409, "key-reused", "The batch is another one", error.message) from error
        except InputError:
            if not was_there:
                await asyncio.to_thread(_forget, path)
            raise

    def start(self) -> None:
        """Go on with files that an earlier process did not read to the end."""
        for batch in self.all():
            if batch.loaded_us is None and (found := self._upload_of(batch)) is not None:
                self._hold(batch, found.by)
                self._load(self._job(Path(batch.spec.source), found), batch)

    async def stop(self) -> None:
        """Stop reading files; the next start goes on."""
        self._stop.request("the gateway stops")
        if self._loading:
            await asyncio.wait(self._loading.values())

    def all(self) -> tuple[Batch, ...]:
        """Return the uploaded batches, oldest first."""
        return tuple(batch for batch in self._ledger.batches() if self.holds(batch))

    def holds(self, batch: Batch) -> bool:
        """Tell whether a batch was uploaded here."""
        return self._folder is not None and Path(batch.spec.source).parent == self._folder

    def work_options(self, batch: Batch) -> WorkOptions | None:
        """Return how to work on an uploaded batch; None while its file is being read."""
        if batch.loaded_us is None:
            return None
        upload = self._upload_of(batch)
        rules = self._rules(upload) if upload is not None else None
        return recorded_options(batch, rules, {"waits_when_paused": True})

    # parts ---------------------------------------------------------------------------------------------------

    async def _write(self, content: AsyncIterator[bytes], part: Path) -> None:
        size_bytes = 0
        with part.open("wb") as file:
            async for piece in content:
                size_bytes += len(piece)
                if size_bytes > self._options.max_upload_bytes:
                    most = self._options.max_upload_bytes
                    raise Problem(
                        413, "body-too-large", "The file is too large", f"A file may have {most:,} bytes.",
                        headers={"connection": "close"}, max_bytes=most,
                    )  # fmt: skip
                await asyncio.to_thread(file.write, piece)
        if not size_bytes:
            raise Problem(422, "body-invalid", "The file is empty", "Send the rows as the body of the request.")

    def _job(self, path: Path, upload: Upload) -> BatchJob:
        route = self._route(upload)
        mapping = route.mapping if route is not None and route.mapping is not None else MappingSpec()
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
        with suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode(_told_path(Path(batch.spec.source)).read_bytes(), type=Upload)
        return None

    def _hold(self, batch: Batch, by: str) -> None:
        """Pause a batch to which nobody has said anything yet."""
        if self._ledger.controls(batch.batch_id).version == 0:
            change = Change(paused=True, pause_reason=NOT_STARTED)
            self._ledger.control(batch.batch_id, by=by, change=change)

    def _load(self, job: BatchJob, batch: Batch) -> None:
        if batch.batch_id not in self._loading:
            task = asyncio.get_running_loop().create_task(self._read_in(job, batch))
            self._loading[batch.batch_id] = task
            task.add_done_callback(lambda _done: self._loading.pop(batch.batch_id, None))

    async def _read_in(self, job: BatchJob, batch: Batch) -> None:
        try:
            inputs = await self._flows.inputs(await self._flows.flow(batch.spec.flow_id))
            await asyncio.to_thread(load_rows, job, self._ledger, batch, inputs, self._clock, None, self._stop)
            self.on_loaded(batch.batch_id)
        except FlowlaunchError as error:
            log.warning("batch %d: its file was not read: %s", batch.batch_id, error.message)
            self.troubles[batch.batch_id] = error.message
            await asyncio.to_thread(self._note_failure, batch.batch_id, error)

    def _note_failure(self, batch_id: int, error: FlowlaunchError) -> None:
        self._ledger.add_event(batch_id, "loading-failed", message=error.message, code=error.code)


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


def _told_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _keep(part: Path, path: Path, upload: Upload) -> None:
    """Let a file take its name, or raise Problem when another one has it."""
    if not path.exists():
        _told_path(path).write_bytes(msgspec.json.encode(upload))
        part.replace(path)
    elif not _is_same(path, part):
        raise Problem(
            409, "key-reused", "The idempotency key belongs to another file",
            "The key was used with another file. Use a new key for a new batch.",
        )  # fmt: skip


def _forget(path: Path) -> None:
    """Remove a file that is no batch, with what was told of it."""
    path.unlink(missing_ok=True)
    _told_path(path).unlink(missing_ok=True)


def _is_same(one: Path, other: Path) -> bool:
    def digest(path: Path) -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    return digest(one) == digest(other)
