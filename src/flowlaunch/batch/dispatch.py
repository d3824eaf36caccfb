"""Send one row, and say what came of it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

import msgspec

from flowlaunch._core.redact import redact_text
from flowlaunch.batch.permits import launch_ready
from flowlaunch.batch.states import Event
from flowlaunch.errors import (
    ApiError,
    AuthenticationError,
    DeadlineError,
    DecodeError,
    FlowlaunchError,
    InputError,
    LaunchInDoubtError,
    NotSentError,
    PermissionDeniedError,
    RateLimitedError,
    ReplyLostError,
    ServerError,
    SettingsError,
)

if TYPE_CHECKING:
    from flowlaunch.aclient import AsyncClient
    from flowlaunch.batch.ledger import ChunkRow, Outcome
    from flowlaunch.batch.permits import Permits

__all__ = ["Dispatcher", "Sent", "Sign"]

MESSAGE_CHARS: Final = 500
MOST_RENEWALS: Final = 20
"""Renewals in a row after which a launch may ask twice, so that a token that is never taken shows as such: more than
are in flight when a token dies."""
PAYLOAD_GONE: Final = "its data was let go for privacy: run the batch with its source, which puts it back"


class Sign(Enum):
    """What an answer says about the service, beside what it says about the row."""

    WELL = "well"
    AGAIN = "again"
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    DOUBTFUL = "doubtful"
    FATAL = "fatal"


VERDICTS: Final[tuple[tuple[type[BaseException], Event, Sign], ...]] = (
    (LaunchInDoubtError, Event.LOST, Sign.DOUBTFUL),
    (NotSentError, Event.NOT_SENT, Sign.UNREACHABLE),
    (DeadlineError, Event.NOT_SENT, Sign.UNREACHABLE),
    (ReplyLostError, Event.NOT_SENT, Sign.UNREACHABLE),  # of the sign-in: a lost launch is in doubt
    (ServerError, Event.NOT_SENT, Sign.UNREACHABLE),  # likewise
    (DecodeError, Event.NOT_SENT, Sign.UNREACHABLE),  # likewise
    (RateLimitedError, Event.NOT_SENT, Sign.THROTTLED),
    (AuthenticationError, Event.NOT_SENT, Sign.FATAL),
    (PermissionDeniedError, Event.NOT_SENT, Sign.FATAL),
    (SettingsError, Event.NOT_SENT, Sign.FATAL),
    (ApiError, Event.REFUSED, Sign.WELL),
    (InputError, Event.REFUSED, Sign.WELL),
    (Exception, Event.LOST, Sign.DOUBTFUL),  # a mistake of ours: nobody knows how far it came
)
"""First class that fits -> what becomes of the row, and what it says about the service."""


class Sent(msgspec.Struct, frozen=True):
    """What came of one row: `outcome` for the ledger, `sign` for the runner, `error` when there was one."""

    outcome: Outcome
    sign: Sign
    error: Exception | None = None


class Dispatcher:
    """Launches rows of one flow, its version pinned."""

    def __init__(
        self,
        client: AsyncClient,
        permits: Permits,
        *,
        flow_id: str,
        version: str | None,
        timeout_s: float,
        token_input: str | None = None,
    ) -> None:
        self._client = client
        self._permits = permits
        self._flow_id = flow_id
        self._version = version or None
        self._timeout_s = timeout_s
        self._token_input = token_input
        self._renewals = 0

    async def send(self, row: ChunkRow) -> Sent:
        """Launch `row`, whose intent is on disk, and return what came of it; no error leaves but a cancellation."""
        if row.payload is None:
            return Sent(row.outcome(Event.REFUSED, reason="payload-gone", message=PAYLOAD_GONE), Sign.AGAIN)
        permit = self._permits.grant(2 if self._renewals > MOST_RENEWALS else 1)
        try:
            launched = await launch_ready(
                self._client,
                self._flow_id,
                row.payload if self._token_input is None else self._with_token(row.payload, row.token),
                version=self._version,
                name=row.name,
                key=row.key,
                timeout_s=self._timeout_s,
            )
        except Exception as error:  # noqa: BLE001 - the table's last line is for all of them
            is_renewal = permit.is_short and isinstance(error, DeadlineError)
            self._renewals = self._renewals + 1 if is_renewal else 0
            return judged(row, error, is_renewal=is_renewal)
        self._renewals = 0
        accepted = row.outcome(Event.ACCEPTED, execution_id=launched.id, correlation_id=launched.correlation_id)
        return Sent(accepted, Sign.WELL)

    def _with_token(self, payload: bytes, token: str) -> bytes:
        given: dict[str, object] = msgspec.json.decode(payload)
        return msgspec.json.encode({**given, self._token_input: token})


def judged(row: ChunkRow, error: Exception, *, is_renewal: bool = False) -> Sent:
    """Return what `error` means for `row`; `is_renewal`: a 401 renewed the token, and the row needs another slot."""
    event, sign = next((event, sign) for kind, event, sign in VERDICTS if isinstance(error, kind))
    if is_renewal:
        sign = Sign.AGAIN
    code = error.code if isinstance(error, FlowlaunchError) else type(error).__name__
    message = error.message if isinstance(error, FlowlaunchError) else f"unexpected {type(error).__name__}"
    server_code = getattr(error, "server_code", "") or ""
    outcome = row.outcome(
        event,
        reason=server_code or code,
        message=redact_text(message)[:MESSAGE_CHARS],
        error_code=code,
        http_status=getattr(error, "status", None),
        correlation_id=getattr(error, "correlation_id", "") or "",
    )
    return Sent(outcome, sign, error)
