"""Every error of flowlaunch, in one tree.

::

    FlowlaunchError             .code (stable) .hint (one action) .details; never holds a secret
      SettingsError             before any I/O: a setting is missing, wrong or contradicts another
      InputError                what was given cannot be launched; nothing was sent
        PreflightError          .problems: every problem of the input data at once
        FlowLookupError         the flow is unknown, ambiguous or not published; .candidates
      TransportError            the network, before or after the request left
        NotSentError            nothing reached the service: safe to repeat
        ReplyLostError          a read was sent and its answer lost: safe to repeat
      DeadlineError             the call's time was spent; nothing is in doubt
      ApiError                  the service answered with an error
        InvalidRequestError     400 and other refusals: final
        AuthenticationError     the credentials or the token were refused
        PermissionDeniedError   403: the client's role lacks a permission
        NotFoundError           404
        ConflictError           409
        RateLimitedError        429: refused, nothing was done; .retry_after_s
        ServerError             5xx on a read: safe to repeat
      LaunchInDoubtError        a launch was sent and its outcome is unknown: never repeat it blindly
      ExecutionFailedError      the flow ran and did not complete; .execution
      DecodeError               an answer lacks the promised shape: JSON path, expected, found
      FlowError                 the flow language; .span
        FlowSyntaxError         text that cannot be parsed
        FlowNameError           an unknown variable, function, action or field
        FlowTypeError           operands or arguments of the wrong type
        FlowRuntimeError        a run went wrong: NOT_SET where disallowed, a limit reached
        FlowUnsupportedError    valid in Architect, not emulated here
        FlowStubError           an offline run was asked for something that no stub answers; or a stub is wrong
        FlowCaseError           a case file is wrong
      SandboxError              the sandbox cannot do what it was asked to

Callers branch on the class, never on the text. A message says what was attempted, on what and what came
back; the hint says what to do next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

__all__ = [
    "ApiError",
    "AuthenticationError",
    "ConflictError",
    "DeadlineError",
    "DecodeError",
    "ExecutionFailedError",
    "FlowCaseError",
    "FlowError",
    "FlowLookupError",
    "FlowNameError",
    "FlowRuntimeError",
    "FlowStubError",
    "FlowSyntaxError",
    "FlowTypeError",
    "FlowUnsupportedError",
    "FlowlaunchError",
    "InputError",
    "InvalidRequestError",
    "LaunchInDoubtError",
    "NotFoundError",
    "NotSentError",
    "PermissionDeniedError",
    "PreflightError",
    "RateLimitedError",
    "ReplyLostError",
    "SandboxError",
    "ServerError",
    "SettingsError",
    "TransportError",
]


class FlowlaunchError(Exception):
    """Base of every error that flowlaunch raises.

    Attributes:
        code: stable slug of this kind of error, for scripts and the documentation.
        hint: one action that is likely to help.
        details: facts for logs, by name; never a secret.

    """

    default_code: ClassVar[str] = "error"
    default_hint: ClassVar[str] = ""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = self.default_hint if hint is None else hint
        self.details: dict[str, Any] = dict(details or {})

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class SettingsError(FlowlaunchError):
    """A setting is missing, wrong or contradicts another; nothing was sent."""

    default_code = "settings"
    default_hint = "Run `flowlaunch config` to see each setting and where its value came from."


class InputError(FlowlaunchError):
    """What was given cannot be launched; nothing was sent."""

    default_code = "input"


class PreflightError(InputError):
    """The input data does not fit the flow; nothing was sent.

    Attributes:
        problems: every problem found (`flowlaunch.models.Problem`), each with its cure.

    """

    default_code = "input-rejected"

    def __init__(self, message: str, *, problems: Sequence[Any], hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)


class FlowLookupError(InputError):
    """The flow is unknown, ambiguous, of the wrong type or not published; nothing was launched.

    Attributes:
        candidates: names or ids that may have been meant.

    """

    default_code = "flow-lookup"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        candidates: Sequence[str] = (),
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self.candidates = tuple(candidates)


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
        hint: str | None = None,
    ) -> None:
        facts = {
            "flow_id": flow_id,
            "key": key,
            "started_at": started_at.isoformat(),
            "correlation_id": correlation_id,
            "status": status,
        }
        super().__init__(message, hint=hint, details=facts)
        self.flow_id = flow_id
        self.key = key
        self.started_at = started_at
        self.correlation_id = correlation_id
        self.status = status


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


class FlowError(FlowlaunchError):
    """Something is wrong in a flow or an expression.

    Attributes:
        span: where (`flowlaunch.architect.source.Span`), or None when the place is not known.

    """

    default_code = "flow"

    def __init__(self, message: str, *, span: Any = None, hint: str | None = None, code: str | None = None) -> None:
        super().__init__(message, hint=hint, code=code)
        self.span = span

    def __str__(self) -> str:
        place = self.span.render() if self.span is not None else ""
        return "\n".join(part for part in (self.message, place, f"  hint: {self.hint}" if self.hint else "") if part)


class FlowSyntaxError(FlowError):
    """The text cannot be parsed."""

    default_code = "flow-syntax"


class FlowNameError(FlowError):
    """A variable, function, action or field is unknown."""

    default_code = "flow-name"


class FlowTypeError(FlowError):
    """Operands, arguments or a slot got a value of the wrong type."""

    default_code = "flow-type"


class FlowRuntimeError(FlowError):
    """A run went wrong; the flow's own error handling takes over.

    Attributes:
        server_code: the platform's code for it where one is known (`error.workflow.expression.unexpectedNull`).

    """

    default_code = "flow-runtime"

    def __init__(self, message: str, *, span: Any = None, hint: str | None = None, server_code: str = "") -> None:
        super().__init__(message, span=span, hint=hint)
        self.server_code = server_code


class FlowUnsupportedError(FlowError):
    """The flow uses something that Architect knows and that is not emulated here; it is named in the message."""

    default_code = "flow-unsupported"


class FlowStubError(FlowError):
    """An offline run asked for something that no stub answers, or a stub is wrong; the hint shows what to write.

    Attributes:
        trace: what the run did until then (`flowlaunch.architect.trace.Trace`), or None when nothing ran.

    """

    default_code = "flow-stub"

    def __init__(self, message: str, *, span: Any = None, hint: str | None = None, trace: Any = None) -> None:
        super().__init__(message, span=span, hint=hint)
        self.trace = trace


class FlowCaseError(FlowError):
    """A case file is wrong: a field it does not have, a flow or table that cannot be read, no cases."""

    default_code = "flow-case"


class SandboxError(FlowlaunchError):
    """The sandbox cannot do what it was asked to."""

    default_code = "sandbox"
