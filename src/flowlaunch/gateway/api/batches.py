"""Operations on batches: upload a file of rows, start it, steer it, read what became of each row."""

from __future__ import annotations

import asyncio
from datetime import datetime  # noqa: TC003 - msgspec reads the annotations at run time
from itertools import islice
from typing import IO, TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from flowlaunch.batch.ledger import RowFilter
from flowlaunch.batch.states import RETRYABLE_STATES, RowState
from flowlaunch.batch.work import row_counts
from flowlaunch.errors import LedgerError
from flowlaunch.gateway.api.launches import idempotency_key
from flowlaunch.gateway.api.operation import Answer, Call, Operation
from flowlaunch.gateway.api.paging import cursor_after, place_of
from flowlaunch.gateway.api.problems import Problem
from flowlaunch.gateway.api.resources import PLAIN, ControlsNow, controls_of, instant, moment
from flowlaunch.gateway.api.routes import Pace, Pause, change_of
from flowlaunch.gateway.launches.batches import route_name_of
from flowlaunch.gateway.launches.upload_folder import Upload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from flowlaunch.batch.ledger import Batch
    from flowlaunch.gateway.state import GatewayState

__all__ = ["OPERATIONS"]

MEDIA_TYPES: Final = {"text/csv": "csv", "application/x-ndjson": "ndjson", "application/jsonl": "ndjson"}
PIECE_BYTES: Final = 65_536


class BatchShown(msgspec.Struct, frozen=True, kw_only=True):
    """A batch.

    Attributes:
        kind: `upload` came in as a file here, `route` holds the launches of a route, `other` is worked on elsewhere.
        phase: `loading` while its file is read, `paused`, `running`, `waiting` (nobody works on it now), `ended`.
        counts: rows by state.
        trouble: why it is not worked on now, or null.

    """

    id: int
    url: str
    name: str
    kind: Literal["upload", "route", "other"]
    phase: Literal["loading", "paused", "running", "waiting", "ended"]
    flow_id: str
    flow_name: str
    flow_version: str
    created_at: datetime
    started_at: datetime | None
    rows: int
    counts: dict[str, int]
    controls: ControlsNow
    trouble: str | None


class Batches(msgspec.Struct, frozen=True, kw_only=True):
    """A page of batches, newest first; `next` is the cursor of the next page, null on the last one."""

    batches: tuple[BatchShown, ...]
    next: str | None


class BatchQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which page of the batches."""

    cursor: Annotated[str | None, Meta(description="`next` of the page before.")] = None
    limit: Annotated[int, Meta(ge=1, le=200, description="Batches a page.")] = 50


class UploadQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file is for."""

    flow: Annotated[str | None, Meta(description="The flow's id or exact name; or give `route`.")] = None
    route: Annotated[str | None, Meta(description="Route whose flow, mapping and rules hold for the rows.")] = None
    name: Annotated[str, Meta(max_length=200, pattern=PLAIN, description="Name of the batch, for people.")] = ""
    key: Annotated[str | None, Meta(description="Column that tells rows apart; a repeated key goes out once.")] = None
    start: Annotated[bool, Meta(description="Start it at once; else it waits for /start.")] = False


class ResultsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rows, and how."""

    format: Annotated[Literal["ndjson", "csv"], Meta(description="Format of the answer.")] = "ndjson"
    state: Annotated[tuple[RowState, ...], Meta(description="Only rows in one of these states.")] = ()


class RetryWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rows to send again: those in these states, failed and refused ones without it."""

    states: tuple[Literal["failed", "refused"], ...] = ()


class Retried(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows are sent again."""

    rows: int


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """What the search for the runs of rows in doubt came to; `left` are for a person to settle."""

    settled_launched: int
    settled_absent: int
    left: int
    notes: tuple[str, ...]


def shown(state: GatewayState, batch: Batch) -> BatchShown:
    """Return a batch as the API tells it."""
    counts = row_counts(state.ledger, batch.batch_id)
    controls = state.ledger.controls(batch.batch_id)
    trouble = state.engine.troubles.get(batch.batch_id)
    is_route = route_name_of(batch) is not None
    is_open = any(counts.get(one.value) for one in (RowState.PENDING, RowState.LAUNCHING, RowState.LAUNCHED))
    phase: Literal["loading", "paused", "running", "waiting", "ended"] = "waiting"
    if batch.loaded_us is None:
        phase = "loading"
    elif controls.cancelled or not (is_open or is_route):
        phase = "ended"
    elif controls.paused:
        phase = "paused"
    elif state.engine.works_on(batch.batch_id) or batch.worker_id is not None:
        phase = "running"
    return BatchShown(
        id=batch.batch_id,
        url=f"{state.base_url}/v1/batches/{batch.batch_id}",
        name=batch.spec.name,
        kind="route" if is_route else "upload" if state.uploads.holds(batch) else "other",
        phase=phase,
        flow_id=batch.spec.flow_id,
        flow_name=batch.spec.flow_name,
        flow_version=batch.spec.flow_version,
        created_at=moment(batch.created_us),
        started_at=instant(batch.started_us),
        rows=batch.last_number,
        counts=counts,
        controls=controls_of(controls),
        trouble=trouble.message if trouble is not None else state.uploads.troubles.get(batch.batch_id),
    )


async def _batch(call: Call) -> Batch:
    text = call.path["batch_id"]
    try:
        return await asyncio.to_thread(call.state.ledger.batch, int(text) if text.isdecimal() and len(text) < 10 else 0)
    except LedgerError as error:
        raise Problem(404, "batch-unknown", "There is no such batch", f"There is no batch {text!r}.") from error


async def _shown(call: Call) -> Answer:
    batch = await _batch(call)
    return Answer(await asyncio.to_thread(shown, call.state, batch))


async def index(call: Call) -> Answer:
    """Return a page of batches."""
    query: BatchQuery = call.query
    before = place_of(query.cursor)

    def page() -> tuple[BatchShown, ...]:
        older = (one for one in reversed(call.state.ledger.batches()) if before is None or one.batch_id < before)
        return tuple(shown(call.state, batch) for batch in islice(older, query.limit))

    listed = await asyncio.to_thread(page)
    return Answer(Batches(batches=listed, next=cursor_after(listed, query.limit, lambda one: one.id)))


async def upload(call: Call) -> Answer:
    """Take a file of rows as a batch."""
    query: UploadQuery = call.query
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in MEDIA_TYPES:
        raise Problem(
            415, "media-type", "The body has another media type", f"Send the rows as {' or '.join(MEDIA_TYPES)}."
        )
    routes = call.state.routes.current
    if (query.flow is None) == (query.route is None):
        raise Problem(422, "route-or-flow", "Name a route or a flow", "Give either `route` or `flow`, and not both.")
    if query.route is not None and query.route not in routes.by_name:
        raise Problem(422, "route-unknown", "There is no such route", f"There is no route {query.route!r}.")
    told = Upload(
        flow=routes.by_name[query.route].spec.flow if query.route is not None else str(query.flow),
        format="csv" if MEDIA_TYPES[kind] == "csv" else "ndjson",
        name=query.name,
        by=call.caller.name,
        route=query.route,
        key=query.key,
    )
    length = call.headers.get("content-length", "0")
    batch_id, was_there = await call.state.uploads.take(
        call.request.stream(), told, call.caller, idempotency_key(call), int(length) if length.isdecimal() else 0
    )
    if query.start and not was_there:
        await call.state.actions.resume(batch_id, call.caller)
    batch = await asyncio.to_thread(call.state.ledger.batch, batch_id)
    answer = await asyncio.to_thread(shown, call.state, batch)
    return Answer(answer, 202, {"location": answer.url} | ({"idempotent-replayed": "true"} if was_there else {}))


async def show(call: Call) -> Answer:
    """Return one batch."""
    return await _shown(call)


async def resume(call: Call) -> Answer:
    """Start a batch, or let a paused one go on."""
    await call.state.actions.resume((await _batch(call)).batch_id, call.caller)
    return await _shown(call)


async def pause(call: Call) -> Answer:
    """Send nothing more of a batch."""
    reason = call.body.reason if call.body is not None else ""
    await call.state.actions.pause((await _batch(call)).batch_id, call.caller, reason)
    return await _shown(call)


async def pace(call: Call) -> Answer:
    """Change how fast a batch goes."""
    await call.state.actions.set_rate((await _batch(call)).batch_id, call.caller, change_of(call.body))
    return await _shown(call)


async def cancel(call: Call) -> Answer:
    """Have the rows that wait never sent."""
    batch = await _batch(call)
    if route_name_of(batch) is not None:
        raise Problem(
            409, "batch-of-route", "A route is not cancelled", "Pause the route, and cancel launches one by one."
        )
    await call.state.actions.cancel_batch(batch.batch_id, call.caller)
    return await _shown(call)


async def retry(call: Call) -> Answer:
    """Send failed and refused rows again."""
    states = tuple(RowState(one) for one in call.body.states) if call.body is not None else ()
    rows = await call.state.actions.retry_batch(
        (await _batch(call)).batch_id, call.caller, states or tuple(RETRYABLE_STATES)
    )
    return Answer(Retried(rows=rows))


async def reconcile(call: Call) -> Answer:
    """Look for the runs of rows in doubt, and settle what is proved."""
    report = await call.state.actions.reconcile((await _batch(call)).batch_id, call.caller)
    found: dict[str, Any] = {name: getattr(report, name) for name in Reconciled.__struct_fields__}
    return Answer(Reconciled(**found))


async def results(call: Call) -> Answer:
    """Return every row with what became of it."""
    query: ResultsQuery = call.query
    batch = await _batch(call)
    where = RowFilter(states=query.state) if query.state else None
    file = await exported(call.state, batch.batch_id, query.format, where)
    kind = "text/csv; charset=utf-8" if query.format == "csv" else "application/x-ndjson"
    name = f'attachment; filename="batch-{batch.batch_id}.{query.format}"'
    return Answer(stream=pieces(file), media_type=kind, headers={"content-disposition": name})


async def exported(
    state: GatewayState, batch_id: int, to: Literal["ndjson", "csv"], where: RowFilter | None = None
) -> IO[bytes]:
    """Return every row with what became of it, in a file that is gone once it is closed."""
    return await state.exports.made(batch_id, to, where)


async def pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    """Yield a file piece by piece, and close it."""
    with file:
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece


_ALL: Final = "/v1/batches"
_ONE: Final = "/v1/batches/{batch_id}"

OPERATIONS: Final = (
    Operation(
        name="uploadBatch", method="POST", path=_ALL, scope="operate", handler=upload, tag="batches",
        summary="Launch one flow per row of a file",
        description="The body is the file: CSV with a header, or one JSON object a line. It is read into the ledger "
        "and waits there, `paused`, until it is started.",
        headers={"Idempotency-Key": "Your own name for this file: sent again, it is the same batch."},
        query=UploadQuery, body_media_types=tuple(MEDIA_TYPES), answers={202: BatchShown},
        problems=(409, 413, 415, 422, 429, 502, 503, 507),
    ),
    Operation(
        name="listBatches", method="GET", path=_ALL, scope="read", handler=index, tag="batches",
        summary="List the batches, newest first", query=BatchQuery, answers={200: Batches},
    ),
    Operation(
        name="showBatch", method="GET", path=_ONE, scope="read", handler=show, tag="batches",
        summary="Tell how a batch stands", answers={200: BatchShown}, problems=(404,),
    ),
    Operation(
        name="startBatch", method="POST", path=f"{_ONE}/start", scope="operate", handler=resume, tag="batches",
        summary="Start a batch, or let a paused one go on", answers={200: BatchShown}, problems=(404,),
    ),
    Operation(
        name="pauseBatch", method="POST", path=f"{_ONE}/pause", scope="operate", handler=pause, tag="batches",
        summary="Send nothing more of a batch until it is started again", body=Pause, is_body_optional=True,
        answers={200: BatchShown}, problems=(404,),
    ),
    Operation(
        name="paceBatch", method="POST", path=f"{_ONE}/pace", scope="operate", handler=pace, tag="batches",
        summary="Change how fast a batch goes", body=Pace, answers={200: BatchShown}, problems=(404,),
    ),
    Operation(
        name="cancelBatch", method="POST", path=f"{_ONE}/cancel", scope="operate", handler=cancel, tag="batches",
        summary="Have the rows that wait never sent", answers={200: BatchShown}, problems=(404, 409),
    ),
    Operation(
        name="retryBatch", method="POST", path=f"{_ONE}/retry", scope="operate", handler=retry, tag="batches",
        summary="Send failed and refused rows again", body=RetryWish, is_body_optional=True,
        answers={200: Retried}, problems=(404,),
    ),
    Operation(
        name="reconcileBatch", method="POST", path=f"{_ONE}/reconcile", scope="operate", handler=reconcile,
        tag="batches", summary="Look for the runs of rows in doubt, and settle what is proved",
        answers={200: Reconciled}, problems=(404, 502, 503),
    ),
    Operation(
        name="batchResults", method="GET", path=f"{_ONE}/results", scope="read", handler=results, tag="batches",
        summary="Return every row with what became of it", query=ResultsQuery,
        stream_media_types=("application/x-ndjson", "text/csv"), problems=(404, 429),
    ),
)  # fmt: skip
