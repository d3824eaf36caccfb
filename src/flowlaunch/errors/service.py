"""Errors of calling the service: the network, its refusals, and what a launch or a run came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowlaunch.errors.base import FlowlaunchError

if TYPE_CHECKING:
    from datetime import datetime


class TransportError(FlowlaunchError):
    """The network failed."""

    default_code = "transport"


class NotSentError(TransportError):
    """Nothing reached the service, so repeating is safe."""

    default_code = "not-sent"
    default_hint = "Check the host name, the network, the proxy and the CA bundle; `flowlaunch doctor` tests each."


class ReplyLostError(TransportError):
    """A read was sent and its answer was lost; reads are safe to repeat."""

    default_code = "reply-lost"
    default_hint = "Reads are safe to repeat: try again."


class DeadlineError(FlowlaunchError):
    """The time given for the call was spent; nothing is in doubt.

    Attributes:
        timeout_s: the time that was given, in seconds.

    """

    default_code = "deadline"
    default_hint = "Give the call more time, or try again when the service answers faster."

    def __init__(self, message: str, *, timeout_s: float, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, details={"timeout_s": timeout_s})
        self.timeout_s = timeout_s


class ApiError(FlowlaunchError):
    """The service answered with an error.

    Attributes:
        operation: what was attempted, e.g. `launch flow`.
        status: HTTP status.
        server_code: the service's own code, verbatim (`""` when it sent none).
        correlation_id: value to give to Genesys support (`""` when the answer had none).
        body: the answer's body as text, shortened and with secrets taken out.

    """

    default_code = "api"

    def __init__(
        self,
        message: str,
        *,
        operation: str,
        status: int,
        server_code: str = "",
        correlation_id: str = "",
        body: str = "",
        hint: str | None = None,
        code: str | None = None,
    ) -> None:
        facts = {
            "operation": operation,
            "status": status,
            "server_code": server_code,
            "correlation_id": correlation_id,
        }
        super().__init__(message, hint=hint, code=code, details=facts)
        self.operation = operation
        self.status = status
        self.server_code = server_code
        self.correlation_id = correlation_id
        self.body = body


class InvalidRequestError(ApiError):
    """The service refused the request for good; nothing was done and repeating will not help."""

    default_code = "invalid-request"


class AuthenticationError(ApiError):
    """The credentials or the token were refused; nothing was done."""

    default_code = "authentication"
    default_hint = "Check client id, secret and region: the right credentials on the wrong region look the same."


class PermissionDeniedError(ApiError):
    """The client may not do this; nothing was done."""

    default_code = "permission-denied"
    default_hint = "Give the OAuth client a role that holds the permission named above, in the flow's division."


class NotFoundError(ApiError):
    """The thing asked for does not exist, or this client may not see it."""

    default_code = "not-found"


class ConflictError(ApiError):
    """The request contradicts the present state; nothing was done."""

    default_code = "conflict"


class RateLimitedError(ApiError):
    """The service refused the request because too many were sent; nothing was done.

    Attributes:
        retry_after_s: seconds after which repeating makes sense, as the service said; None when it did not say.

    """

    default_code = "rate-limited"

    def __init__(
        self, message: str, *, retry_after_s: float | None, operation: str, status: int = 429, **facts: Any
    ) -> None:
        super().__init__(message, operation=operation, status=status, **facts)
        self.retry_after_s = retry_after_s
        self.details["retry_after_s"] = retry_after_s


class ServerError(ApiError):
    """The service failed while answering a read; reads are safe to repeat."""

    default_code = "server"
    default_hint = "Reads are safe to repeat: try again, and give the correlation id to support if it stays."


class LaunchInDoubtError(FlowlaunchError):
    """A launch left this machine and its outcome is unknown: it may be running.

    flowlaunch never repeats such a launch by itself. Look for the execution first, then decide.

    Attributes:
        flow_id: the flow that was to be launched.
        key: the caller's key for this launch, if one was given.
        started_at: when the request was sent (UTC).
        correlation_id: what the answer named, if there was one.
        status: HTTP status of the answer, or None when no answer came.
        server_code: the service's own code, verbatim (`""` when it sent none).
        body: the answer's body as text, shortened and with secrets taken out.

    """

    default_code = "launch-in-doubt"
    default_hint = "Do not launch again before you know: look for an execution of this flow started at this time."

    def __init__(
        self,
        message: str,
        *,
        flow_id: str,
        key: str | None,
        started_at: datetime,
        correlation_id: str = "",
        status: int | None = None,
        server_code: str = "",
        body: str = "",
        hint: str | None = None,
    ) -> None:
        facts = {
            "flow_id": flow_id,
            "key": key,
            "started_at": started_at.isoformat(),
            "correlation_id": correlation_id,
            "status": status,
            "server_code": server_code,
        }
        super().__init__(message, hint=hint, details=facts)
        self.flow_id = flow_id
        self.key = key
        self.started_at = started_at
        self.correlation_id = correlation_id
        self.status = status
        self.server_code = server_code
        self.body = body


class ExecutionFailedError(FlowlaunchError):
    """The flow ran and did not complete.

    Attributes:
        execution: the final `flowlaunch.models.Execution`, with `status`, `completion_reason` and `error`.

    """

    default_code = "execution-failed"
    default_hint = "Mend the flow or its input data; launching again with the same data is likely to fail again."

    def __init__(self, message: str, *, execution: Any, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.execution = execution


class DecodeError(FlowlaunchError):
    """An answer lacks the promised shape: the message names the JSON path, what was expected and what was found."""

    default_code = "decode"
    default_hint = "Check that the base URL names a Genesys Cloud API host and not a proxy or a web page."
