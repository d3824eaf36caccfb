"""What goes into the ledger and comes out of it: frozen structs, with no database in sight.

Instants are integer microseconds since 1970 (UTC), as everywhere below the public API.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from flowlaunch.batch.states import Event, RowState  # noqa: TC001 - msgspec reads the annotations at run time

__all__ = [
    "Batch",
    "BatchSpec",
    "Change",
    "Chunk",
    "ChunkRow",
    "Controls",
    "Count",
    "EventRecord",
    "Evidence",
    "Forgotten",
    "LaunchedRow",
    "Outcome",
    "Payloads",
    "Result",
    "RowFilter",
    "RowRecord",
    "SlotGrant",
    "Verdict",
    "Worker",
    "WorkerStanding",
    "place_of",
    "row_id_of",
]

Payloads = Literal["keep", "hash", "drop"]
"""What becomes of a row's payload once it is needed no more: kept, replaced by its keyed hash, or removed."""


Verdict = Literal["launched", "absent"]
"""How a doubt ended: the platform has the launch, or never had it."""


class BatchSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch is about, fixed when it is created.

    Attributes:
        source: the rows' origin for people: a path, `-`, a URL without its password.
        source_sha256: hash of the source's bytes; empty when it cannot be read twice.
        flow_id: the flow that every row launches; `flow_version` is the version pinned for the whole batch.
        mapping_hash: hash of mapping and rules; a resume with another one is refused.
        settings: everything else the caller wants to find again: JSON values, never a secret.
        payloads: what becomes of input data, execution name, key and contact; see the reference page.
        outputs: whether the outputs of executions are archived.

    """

    source: str
    flow_id: str
    name: str = ""
    source_sha256: str = ""
    source_size_bytes: int = 0
    flow_name: str = ""
    flow_version: str = ""
    mapping_hash: str = ""
    settings: dict[str, Any] = {}
    payloads: Payloads = "keep"
    outputs: Literal["keep", "drop"] = "keep"


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch as recorded.

    Attributes:
        last_number: the highest row number recorded; a load that was cut short goes on after it.
        loaded_us: when the last row was recorded; None while rows are still missing.
        epoch: raised each time a chunk is taken or an abandoned one is cleared.
        worker_id: the worker that holds the batch, or None.

    """

    batch_id: int
    spec: BatchSpec
    created_us: int
    last_number: int = 0
    loaded_us: int | None = None
    started_us: int | None = None
    epoch: int = 0
    worker_id: str | None = None


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """One process at work on one batch; `is_shared`: beside others.

    `stale_after_s` is how old the heartbeat of another one may grow before this one takes its rows over.
    """

    worker_id: str
    batch_id: int
    pid: int
    host: str
    started_us: int
    heartbeat_us: int
    is_shared: bool = False
    stale_after_s: float = 30.0


class WorkerStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A live worker, and how many rows it has in hand: taken, and without an outcome."""

    worker: Worker
    rows_in_hand: int


class ChunkRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row handed to a worker, still pending; commit its intent before its request leaves.

    Attributes:
        payload: the input data as JSON bytes; None when it was hashed or dropped (`refill` puts it back).
        reason: why it was put off, when it was: a decision's slug, or `not_sent`, `retried` …
        attempts: intents so far, this one not counted.
        closes_us: end of the calling window the row was scheduled for; after it, decide again by `calendars`.

    """

    row_id: int
    number: int
    line: int
    epoch: int
    key: str
    payload: bytes | None
    name: str | None = None
    contact: str | None = None
    token: str = ""
    reason: str = ""
    attempts: int = 0
    not_before_us: int | None = None
    not_after_us: int | None = None
    closes_us: int | None = None
    calendars: tuple[str, ...] = ()

    def outcome(
        self,
        event: Event,
        *,
        reason: str = "",
        message: str = "",
        error_code: str = "",
        http_status: int | None = None,
        execution_id: str | None = None,
        correlation_id: str = "",
        not_before_us: int | None = None,
        not_after_us: int | None = None,
        closes_us: int | None = None,
        look_at_us: int | None = None,
    ) -> Outcome:
        """Return what came of this row, for `Ledger.commit`."""
        return Outcome(
            row=self,
            event=event,
            reason=reason,
            message=message,
            error_code=error_code,
            http_status=http_status,
            execution_id=execution_id,
            correlation_id=correlation_id,
            not_before_us=not_before_us,
            not_after_us=not_after_us,
            closes_us=closes_us,
            look_at_us=look_at_us,
        )


class Outcome(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What came of one intent: make it with `ChunkRow.outcome`.

    Attributes:
        event: ACCEPTED (with `execution_id`), REFUSED, NOT_SENT or LOST of a row that was intended; POSTPONED,
            HELD or SKIPPED of one that was only taken.
        reason: stable slug for counting, e.g. the error's code.
        message: the reason for people, with secrets taken out by the caller.
        not_before_us: for NOT_SENT and POSTPONED: do not try before. None keeps what the row had, as for the
            other two instants.
        look_at_us: for ACCEPTED: when to look at the execution first; None is never.

    """

    row: ChunkRow
    event: Event
    reason: str = ""
    message: str = ""
    error_code: str = ""
    http_status: int | None = None
    execution_id: str | None = None
    correlation_id: str = ""
    not_before_us: int | None = None
    not_after_us: int | None = None
    closes_us: int | None = None
    look_at_us: int | None = None

    @property
    def row_id(self) -> int:
        """The row's id."""
        return self.row.row_id


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """Rows taken by one worker at once, in the order in which they are due.

    `abandoned` counts rows that a dead worker left launching and that this very transaction put in doubt.
    """

    chunk_id: int
    batch_id: int
    epoch: int
    rows: tuple[ChunkRow, ...]
    abandoned: int = 0


class LaunchedRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A launched row whose end is not known yet."""

    row_id: int
    number: int
    key: str
    execution_id: str
    launched_us: int
    look_at_us: int


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How an execution ended, or that its end cannot be learnt (`event` None: it is not looked at again).

    Attributes:
        event: COMPLETED or FAILED, or None when the platform no longer knows the execution.
        status: the platform's status, verbatim.
        reason: slug for counting, e.g. the error's code; empty for completed rows.
        outputs: the execution's outputs as JSON bytes, or None.

    """

    row_id: int
    execution_id: str
    event: Event | None
    status: str = ""
    reason: str = ""
    completion_reason: str = ""
    error_code: str = ""
    error_message: str = ""
    outputs: bytes | None = None
    started_us: int | None = None
    ended_us: int | None = None


class RowRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Everything the ledger knows of one row, joined to its result."""

    row_id: int
    batch_id: int
    number: int
    line: int
    key: str
    state: RowState
    reason: str = ""
    message: str = ""
    contact: str | None = None
    name: str | None = None
    token: str = ""
    payload: bytes | None = None
    attempts: int = 0
    execution_id: str | None = None
    correlation_id: str = ""
    error_code: str = ""
    http_status: int | None = None
    not_before_us: int | None = None
    not_after_us: int | None = None
    closes_us: int | None = None
    intent_us: int | None = None
    launched_us: int | None = None
    ended_us: int | None = None
    status: str = ""
    completion_reason: str = ""
    result_error_code: str = ""
    result_error_message: str = ""
    outputs: bytes | None = None
    result_started_us: int | None = None
    result_ended_us: int | None = None


class RowFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows are meant: every condition given must hold."""

    states: tuple[RowState, ...] = ()
    reasons: tuple[str, ...] = ()
    row_ids: tuple[int, ...] = ()
    numbers: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()


class Count(msgspec.Struct, frozen=True, gc=False):
    """How many rows of a batch are in `state` for `reason` (empty when the state says it all)."""

    state: RowState
    reason: str
    rows: int


class Controls(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked of a batch's runner from any terminal; `version` rises with each change.

    `rate_per_minute` and `concurrency` are None while nobody set them: the runner's own settings count. While several
    batches want slots of one OAuth client, each gets its share of them by `priority`: 20 gets twice what 10 gets.
    """

    paused: bool = False
    pause_reason: str = ""
    paused_by: str = ""
    cancelled: bool = False
    rate_per_minute: float | None = None
    concurrency: int | None = None
    priority: int = 10
    version: int = 0
    changed_us: int | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change of controls: what is UNSET stays as it is; None takes a rate or a concurrency back."""

    paused: bool | msgspec.UnsetType = msgspec.UNSET
    pause_reason: str | msgspec.UnsetType = msgspec.UNSET
    cancelled: bool | msgspec.UnsetType = msgspec.UNSET
    rate_per_minute: float | msgspec.UnsetType | None = msgspec.UNSET
    concurrency: int | msgspec.UnsetType | None = msgspec.UNSET
    priority: int | msgspec.UnsetType = msgspec.UNSET


class EventRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the batch's history; `event_id` is the cursor to read on from."""

    event_id: int
    batch_id: int
    at_us: int
    kind: str
    row_id: int | None = None
    facts: dict[str, Any] = {}


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Who settled a doubt, and on what grounds.

    `execution_id` is the one found, when one was; without it a row settled as launched is not followed.
    """

    by: str
    grounds: str = ""
    execution_id: str | None = None
    correlation_id: str = ""


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """How much of one contact was erased."""

    rows: int
    attempts: int
    results: int
    events: int


class SlotGrant(msgspec.Struct, frozen=True, kw_only=True):
    """Instants at which requests may leave, soonest first.

    Attributes:
        at_us: the slots; use each from its instant on and at most `late_us` after it, or give it back.
        next_us: when fewer than asked were granted: when it is worth asking again.

    """

    at_us: tuple[int, ...]
    next_us: int | None = None
    late_us: int = 0


def row_id_of(batch_id: int, number: int) -> int:
    """Return the id of a batch's row: ids rise with the rows of a batch, and the batches."""
    return (batch_id << 32) | number


def place_of(row_id: int) -> tuple[int, int]:
    """Return (batch id, row number) of a row id."""
    return row_id >> 32, row_id & 0xFFFFFFFF
