"""Get a batch into its ledger: begin it or find it again, read its source, ask before a large one leaves."""

from __future__ import annotations

import uuid
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from flowlaunch.batch.events import event_at
from flowlaunch.batch.ledger import BatchSpec
from flowlaunch.batch.mapping import RowMapper
from flowlaunch.batch.prepare import decided_rows, mapped_rows
from flowlaunch.batch.rows import file_sha256, open_rows
from flowlaunch.batch.states import RowState
from flowlaunch.errors import InputError, LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch._io.clock_async import AsyncClock
    from flowlaunch.batch.batch_job import BatchJob
    from flowlaunch.batch.events import RunEvent
    from flowlaunch.batch.ledger import Batch, Ledger
    from flowlaunch.batch.rows import RowSource
    from flowlaunch.batch.stop import Stop
    from flowlaunch.models import Flow, FlowInputs

__all__ = ["batch_for", "confirm", "load_rows", "refill_payloads", "row_mapper"]


def batch_for(job: BatchJob, ledger: Ledger, flow: Flow, inputs: FlowInputs) -> Batch:
    """Return the batch to go on with, its source compared, or a new one."""
    sha = _source_hash(job)
    published = inputs.version.id if inputs.version is not None else ""
    held = [one for one in ledger.batches() if one.spec.flow_id == flow.id and _reads_the_same(one, job)]
    if held and job.resume is not False:
        ledger.check_resume(
            held[-1].batch_id,
            source_sha256=sha or None,
            mapping_hash=job.mapping_hash(),
            flow_id=flow.id,
            flow_version=job.version or published or None,
            accept=job.accept_changes,
        )
        return held[-1]
    if job.resume:
        raise LedgerError(
            f"the ledger holds no batch of {job.source_name} with flow {flow.name!r}",
            code="no-batch",
            hint="Leave out --resume to begin it.",
        )
    _check_token_input(job, inputs)
    spec = BatchSpec(
        source=job.source_name,
        source_sha256=sha,
        source_size_bytes=_source_size(job),
        name=job.name or Path(job.source_name).name,
        flow_id=flow.id,
        flow_name=flow.name,
        flow_version=job.version or published,
        mapping_hash=job.mapping_hash(),
        settings={**job.recorded_settings(), "uid": uuid.uuid4().hex},
        payloads=job.payloads,
        outputs=job.outputs,
    )
    return ledger.batch(ledger.create_batch(spec))


def _reads_the_same(batch: Batch, job: BatchJob) -> bool:
    """Whether a batch's rows come from where the job's come from: another query on one database is another source."""
    query = batch.spec.settings.get("read", {}).get("query")
    return batch.spec.source == job.source_name and query == job.read.query


def _check_token_input(job: BatchJob, inputs: FlowInputs) -> None:
    wanted = job.launch_token_input
    names = [one.name for one in inputs.inputs]
    if wanted is not None and wanted not in names:
        raise InputError(
            f"the flow has no input {wanted!r} for the launch token",
            code="token-input",
            hint=f"Its inputs are {', '.join(names)}.",
        )


def load_rows(
    job: BatchJob,
    ledger: Ledger,
    batch: Batch,
    inputs: FlowInputs,
    time: AsyncClock,
    on_event: Callable[[RunEvent], None] | None,
    stop: Stop,
) -> bool:
    """Read the source into the ledger, passing over rows that are there; tell whether it was read to its end."""

    def now_us() -> int:
        return round(time.now().unix_s * 1e6)

    if on_event is not None:
        on_event(event_at("created", now_us(), f"batch {batch.batch_id} in {ledger.store.place}"))
    history = ledger.history(but_batch=batch.batch_id)
    with open_rows(job.source, job.read) as source:
        mapper = row_mapper(job, source, inputs, str(batch.spec.settings["uid"]))
        plans = decided_rows(source, mapper, job.rules, history, now_us())
        rows = ledger.add_rows(batch.batch_id, takewhile(lambda _plan: not stop.level, plans))
    if stop.level:
        return False
    ledger.finish_loading(batch.batch_id)
    if on_event is not None:
        on_event(event_at("loaded", now_us(), f"{rows} rows were recorded", rows=rows))
    return True


def row_mapper(job: BatchJob, source: RowSource, inputs: FlowInputs, uid: str) -> RowMapper:
    """Return what makes launches of the source's rows."""
    is_open_ended = source.format.format in {"ndjson", "json"}
    left_out = job.launch_token_input
    if left_out is not None:
        kept = tuple(one for one in inputs.inputs if one.name != left_out)
        inputs = msgspec.structs.replace(inputs, inputs=kept)
    return RowMapper(job.mapping, source.columns, inputs, batch_id=uid, is_open_ended=is_open_ended)


def refill_payloads(job: BatchJob, ledger: Ledger, batch: Batch, inputs: FlowInputs) -> None:
    """Put back the payloads of pending rows whose own were let go, by reading the source again."""
    is_whole = batch.spec.payloads == "keep" or batch.loaded_us is None or str(job.source) == "-"
    if is_whole or not ledger.missing_payloads(batch.batch_id):
        return
    with open_rows(job.source, job.read) as source:
        mapper = row_mapper(job, source, inputs, str(batch.spec.settings["uid"]))
        ledger.refill(batch.batch_id, mapped_rows(source, mapper))


def confirm(job: BatchJob, ledger: Ledger, batch_id: int) -> None:
    """Refuse to go on when more rows would leave than may without `yes`."""
    if job.confirm_above is None or job.yes:
        return
    rows = sum(count.rows for count in ledger.counts(batch_id) if count.state is RowState.PENDING)
    if rows > job.confirm_above:
        raise InputError(
            f"{rows:,} rows would be launched, more than {job.confirm_above:,}; nothing was sent",
            code="needs-confirmation",
            hint="Look at the plan, then run it with --yes.",
        )


def _source_hash(job: BatchJob) -> str:
    path = Path(str(job.source))
    if str(job.source) == "-" or not path.is_file():
        return ""
    return file_sha256(path)


def _source_size(job: BatchJob) -> int:
    path = Path(str(job.source))
    return path.stat().st_size if str(job.source) != "-" and path.is_file() else 0
