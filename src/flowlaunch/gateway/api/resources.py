"""What the API takes and gives, as structs; the OpenAPI document is made from them. Instants are RFC 3339 in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import msgspec
from msgspec import Meta

from flowlaunch.batch.ledger import Controls  # noqa: TC001 - msgspec reads the annotations at run time
from flowlaunch.batch.states import RowState
from flowlaunch.gateway.api.problems import Problem
from flowlaunch.gateway.instants import is_kept, kept, moment

if TYPE_CHECKING:
    from flowlaunch.gateway.launches.reading import LaunchView
    from flowlaunch.gateway.state import GatewayState
    from flowlaunch.gateway.store.launches import AttemptRecord, LaunchRecord

__all__ = [
    "Attempt",
    "Launch",
    "LaunchError",
    "Launches",
    "NewLaunch",
    "Receipt",
    "instant",
    "launch_of",
    "moment",
    "receipt_of",
    "taken_us",
]

PLAIN = r"^[^\x00]*$"
"""Text without a NUL character, which no database takes."""

Instant = datetime
"""A point in time; without an offset it is refused."""


class NewLaunch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A launch to make, by `route` or by `flow`.

    Attributes:
        flow: the flow's id or exact name.
        route: the route's name.
        input: the flow's inputs by name, or what the route's mapping reads.
        name: label of the execution; the launch's id when left out, so that runs can be told apart.
        not_before: launch at this instant at the earliest; of the years 2000 to 2199.
        callback: URL that is told, signed, when the launch has ended.

    """

    flow: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    route: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    input: dict[str, Any] = {}
    name: Annotated[str, Meta(max_length=200, pattern=PLAIN)] | None = None
    not_before: Annotated[datetime, Meta(tz=True)] | None = None
    callback: Annotated[str, Meta(min_length=1, max_length=2000)] | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What was accepted, durably; the same for each repetition of the request. `url` tells how it stands."""

    id: str
    url: str
    accepted_at: Instant
    idempotency_key: str | None = None


class LaunchError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a launch was refused, is in doubt, or failed; `cure` says what to do."""

    code: str
    message: str
    cure: str = ""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to launch: `outcome` is accepted, refused, not_sent, lost or how the doubt about it ended."""

    number: int
    sent_at: Instant
    ended_at: Instant
    outcome: str
    reason: str
    http_status: int | None
    execution_id: str | None
    correlation_id: str
    message: str


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """A launch as it stands.

    Attributes:
        state: `pending` waits to be sent, `launching` is being sent, `launched` runs; `completed` and `failed` are
            how the flow ended; `refused` by the platform; `in_doubt`: it may be running, and is not sent again;
            `held`, `skipped`, `rejected` by a rule; `cancelled`.
        reason: slug of why it is in that state, `message` the same for people.
        input: what is sent to the flow; null once the ledger has let it go.
        outputs: the flow's outputs; null until it has completed.
        status: the platform's own word for how the execution ended.
        attempts: launches tried so far; `history` has them when one launch is asked for.

    """

    id: str
    url: str
    route: str
    flow_id: str
    flow_name: str
    caller: str
    idempotency_key: str | None
    state: RowState
    reason: str
    message: str
    name: str | None
    accepted_at: Instant
    not_before: Instant | None
    not_after: Instant | None
    execution_id: str | None
    correlation_id: str
    launched_at: Instant | None
    ended_at: Instant | None
    attempts: int
    status: str
    completion_reason: str
    error: LaunchError | None
    input: Any
    outputs: Any
    trace: str
    history: tuple[Attempt, ...] | None = None


class Launches(msgspec.Struct, frozen=True, kw_only=True):
    """A page of launches, newest first; `next` is the cursor of the next page, null on the last one.

    A page may hold fewer launches than asked for, even none, while there is a next one.
    """

    launches: tuple[Launch, ...]
    next: str | None


class ControlsNow(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of whoever works on a batch or route."""

    paused: bool
    pause_reason: str
    paused_by: str
    cancelled: bool
    rate_per_minute: float | None
    concurrency: int | None


CURES = {
    RowState.IN_DOUBT: "Reconcile it, or look in Genesys Cloud and settle it: it may have been launched.",
    RowState.REFUSED: "Mend what the message names, then retry it or launch anew.",
    RowState.FAILED: "Look at the flow's error; retry it once the cause is gone.",
    RowState.HELD: "A person has to look at it: release or cancel it.",
}


def instant(at_us: int | None) -> datetime | None:
    """Return an instant as the API tells it."""
    return None if at_us is None else moment(at_us)


def taken_us(at: datetime | None, member: str) -> int | None:
    """Return an instant of a body as it is kept; Problem 422 when nobody can mean it."""
    if at is None:
        return None
    if not is_kept(kept(at)):
        raise Problem(
            422, "body-invalid", "The body does not fit", f"{member}: give an instant of the years 2000 to 2199."
        )
    return kept(at)


def launch_url(state: GatewayState, launch_id: str) -> str:
    """Return where a launch is found."""
    return f"{state.base_url}/v1/launches/{quote(launch_id)}"


def receipt_of(state: GatewayState, launch: LaunchRecord) -> Receipt:
    """Return the receipt of an accepted launch."""
    return Receipt(
        id=launch.id,
        url=launch_url(state, launch.id),
        accepted_at=moment(launch.created_us),
        idempotency_key=launch.idempotency_key,
    )


def launch_of(state: GatewayState, view: LaunchView, history: tuple[AttemptRecord, ...] | None = None) -> Launch:
    """Return a launch as the API tells it."""
    launch, row, spec = view.launch, view.row, view.batch.spec
    return Launch(
        id=launch.id,
        url=launch_url(state, launch.id),
        route=view.route,
        flow_id=spec.flow_id,
        flow_name=spec.flow_name,
        caller=launch.caller,
        idempotency_key=launch.idempotency_key,
        state=row.state,
        reason=row.reason,
        message=row.message,
        name=row.name,
        accepted_at=moment(launch.created_us),
        not_before=instant(row.not_before_us),
        not_after=instant(row.not_after_us),
        execution_id=row.execution_id,
        correlation_id=row.correlation_id,
        launched_at=instant(row.launched_us),
        ended_at=instant(row.ended_us),
        attempts=row.attempts,
        status=row.status,
        completion_reason=row.completion_reason,
        error=_error_of(view),
        input=_json(row.payload),
        outputs=_json(row.outputs),
        trace=launch.trace,
        history=None if history is None else tuple(map(_attempt, history)),
    )


def controls_of(controls: Controls) -> ControlsNow:
    """Return controls as the API tells them."""
    return ControlsNow(**{name: getattr(controls, name) for name in ControlsNow.__struct_fields__})


def _error_of(view: LaunchView) -> LaunchError | None:
    row = view.row
    code = row.result_error_code or row.error_code or (row.reason if row.state in CURES else "")
    message = row.result_error_message or row.message
    if row.state not in CURES:
        return None
    return LaunchError(code=code, message=message, cure=CURES[row.state])


def _attempt(one: AttemptRecord) -> Attempt:
    return Attempt(
        number=one.number,
        sent_at=moment(one.intent_us),
        ended_at=moment(one.ended_us),
        outcome=one.outcome,
        reason=one.reason,
        http_status=one.http_status,
        execution_id=one.execution_id,
        correlation_id=one.correlation_id,
        message=one.message,
    )


def _json(encoded: bytes | None) -> Any:
    if encoded is None:
        return None
    try:
        return msgspec.json.decode(encoded)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
