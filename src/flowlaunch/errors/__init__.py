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
      LedgerError               the ledger of a batch cannot do what it was asked to
        LedgerBusyError         another process works on the batch; .pid .host .heartbeat_at
          LedgerUnreachableError  the database server does not answer: try again; .is_uncertain
        LedgerFencedError       another process took the batch over: stop, send nothing more
        LedgerFullError         the disk is full: no intent was written; .saved
        LedgerMismatchError     the file, the mapping or the flow has changed since the batch began; .changed
        LedgerMovedError        the ledger was moved and goes on there; .place
        LedgerTooNewError       a newer flowlaunch wrote the ledger
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

from flowlaunch.errors.base import (
    FlowlaunchError,
    FlowLookupError,
    InputError,
    PreflightError,
    SandboxError,
    SettingsError,
)
from flowlaunch.errors.language import (
    FlowCaseError,
    FlowError,
    FlowNameError,
    FlowRuntimeError,
    FlowStubError,
    FlowSyntaxError,
    FlowTypeError,
    FlowUnsupportedError,
)
from flowlaunch.errors.ledger import (
    LedgerBusyError,
    LedgerError,
    LedgerFencedError,
    LedgerFullError,
    LedgerMismatchError,
    LedgerMovedError,
    LedgerTooNewError,
    LedgerUnreachableError,
)
from flowlaunch.errors.service import (
    ApiError,
    AuthenticationError,
    ConflictError,
    DeadlineError,
    DecodeError,
    ExecutionFailedError,
    InvalidRequestError,
    LaunchInDoubtError,
    NotFoundError,
    NotSentError,
    PermissionDeniedError,
    RateLimitedError,
    ReplyLostError,
    ServerError,
    TransportError,
)

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
    "LedgerBusyError",
    "LedgerError",
    "LedgerFencedError",
    "LedgerFullError",
    "LedgerMismatchError",
    "LedgerMovedError",
    "LedgerTooNewError",
    "LedgerUnreachableError",
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
