"""What a callback says: how a launch ended, the same bytes for every attempt."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads it
from typing import TYPE_CHECKING, Any, Final

import msgspec

from flowlaunch.gateway.instants import moment

if TYPE_CHECKING:
    from flowlaunch.gateway.store.deliveries import Ended, Leased

__all__ = ["MOST_BYTES", "CallbackBody", "CallbackError", "EndedLaunch", "body_of"]

MOST_BYTES: Final = 256 * 1024
"""A longer body is sent without the outputs; the launch's own address has them."""


class CallbackError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a launch did not complete."""

    code: str
    message: str


class EndedLaunch(msgspec.Struct, frozen=True, kw_only=True):
    """How a launch ended.

    Attributes:
        launch_id: as the gateway named it when it took the launch.
        state: `completed`, `failed`, `refused`, `rejected`, `skipped`, `cancelled`, or `unknown`: it was launched, and
            its end cannot be learnt any more.
        outputs: what the flow gave back; null when it gave nothing, or outputs are not kept.
        outputs_omitted: they are too long for a callback; ask the API for them.

    """

    launch_id: str
    route: str
    idempotency_key: str | None
    state: str
    execution_id: str | None
    attempt: int
    launched_at: datetime | None
    ended_at: datetime | None
    completion_reason: str | None
    error: CallbackError | None
    outputs: Any = None
    outputs_omitted: bool = False


class CallbackBody(msgspec.Struct, frozen=True, kw_only=True):
    """One message: `type` is `launch.<state>`, `timestamp` when that happened."""

    type: str
    timestamp: datetime
    data: EndedLaunch


def body_of(one: Leased, ended: Ended) -> bytes:
    """Return the message as JSON bytes."""
    error = CallbackError(code=ended.error_code, message=ended.message) if ended.error_code or ended.message else None
    data = EndedLaunch(
        launch_id=one.launch_id,
        route=one.route,
        idempotency_key=ended.idempotency_key,
        state=ended.state,
        execution_id=one.execution_id,
        attempt=one.attempt,
        launched_at=_instant(ended.launched_us),
        ended_at=_instant(one.ended_us),
        completion_reason=ended.completion_reason or None,
        error=error,
        outputs=msgspec.Raw(ended.outputs) if ended.outputs else None,
    )
    message = CallbackBody(type=one.event, timestamp=_instant(one.ended_us) or moment(0), data=data)
    body = msgspec.json.encode(message)
    if len(body) <= MOST_BYTES:
        return body
    short = msgspec.structs.replace(data, outputs=None, outputs_omitted=True)
    return msgspec.json.encode(msgspec.structs.replace(message, data=short))


def _instant(at_us: int | None) -> datetime | None:
    return None if at_us is None else moment(at_us)
