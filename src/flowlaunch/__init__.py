"""Launch Genesys Cloud Architect flows from outside: once, and know what happened.

::

    from flowlaunch import Client

    with Client() as client:  # settings come from the environment
        execution = client.run("Order follow-up", {"customerName": "Ada", "orderId": "4711"})
        print(execution.output_data)

Importing this package does no work: what a name needs is loaded when the name is first used.
"""

from __future__ import annotations

from importlib import import_module

from flowlaunch._version import __version__

TYPE_CHECKING = False  # type checkers take it for true; importing `typing` would double the time of --version
if TYPE_CHECKING:
    from typing import Any

    from flowlaunch.aclient import AsyncClient
    from flowlaunch.batch import (
        BatchHandle,
        BatchJob,
        BatchOutcome,
        BatchStatus,
        Erasure,
        MappingSpec,
        PlanReport,
        ReadOptions,
        ReconcileReport,
        RowEvidence,
        RunEvent,
        Stop,
        forget_contact,
        plan_batch,
        plan_batch_sync,
        reconcile_batch,
        reconcile_sync,
        resume_batch,
        resume_batch_sync,
        run_batch,
        run_batch_sync,
    )
    from flowlaunch.client import Client
    from flowlaunch.credentials import (
        AccessToken,
        AuthorizationCode,
        ClientCredentials,
        Credentials,
        Pkce,
        RefreshToken,
        Saml2Bearer,
    )
    from flowlaunch.errors import (
        ApiError,
        AuthenticationError,
        ConflictError,
        DeadlineError,
        DecodeError,
        ExecutionFailedError,
        FlowError,
        FlowlaunchError,
        FlowLookupError,
        InputError,
        InvalidRequestError,
        LaunchInDoubtError,
        LedgerBusyError,
        LedgerError,
        LedgerFencedError,
        LedgerFullError,
        LedgerMismatchError,
        LedgerMovedError,
        LedgerTooNewError,
        LedgerUnreachableError,
        NotFoundError,
        NotSentError,
        PermissionDeniedError,
        PreflightError,
        RateLimitedError,
        ReplyLostError,
        ServerError,
        SettingsError,
        TransportError,
    )
    from flowlaunch.hooks import Event
    from flowlaunch.models import (
        CheckReport,
        Division,
        Execution,
        ExecutionError,
        Flow,
        FlowInput,
        FlowInputs,
        FlowVersion,
        Identity,
        Launch,
        Limit,
        Preview,
        Problem,
    )
    from flowlaunch.regions import REGIONS, resolve_region
    from flowlaunch.settings import Settings, load_settings
    from flowlaunch.sign_in import authorize

_HOMES = {
    "aclient": ("AsyncClient",),
    "batch": (
        "BatchHandle",
        "BatchJob",
        "BatchOutcome",
        "BatchStatus",
        "Erasure",
        "MappingSpec",
        "PlanReport",
        "ReadOptions",
        "ReconcileReport",
        "RowEvidence",
        "RunEvent",
        "Stop",
        "forget_contact",
        "plan_batch",
        "plan_batch_sync",
        "reconcile_batch",
        "reconcile_sync",
        "resume_batch",
        "resume_batch_sync",
        "run_batch",
        "run_batch_sync",
    ),
    "client": ("Client",),
    "credentials": (
        "AccessToken",
        "AuthorizationCode",
        "ClientCredentials",
        "Credentials",
        "Pkce",
        "RefreshToken",
        "Saml2Bearer",
    ),
    "errors": (
        "ApiError",
        "AuthenticationError",
        "ConflictError",
        "DeadlineError",
        "DecodeError",
        "ExecutionFailedError",
        "FlowError",
        "FlowLookupError",
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
        "ServerError",
        "SettingsError",
        "TransportError",
    ),
    "hooks": ("Event",),
    "models": (
        "CheckReport",
        "Division",
        "Execution",
        "ExecutionError",
        "Flow",
        "FlowInput",
        "FlowInputs",
        "FlowVersion",
        "Identity",
        "Launch",
        "Limit",
        "Preview",
        "Problem",
    ),
    "regions": ("REGIONS", "resolve_region"),
    "settings": ("Settings", "load_settings"),
    "sign_in": ("authorize",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "REGIONS",
    "AccessToken",
    "ApiError",
    "AsyncClient",
    "AuthenticationError",
    "AuthorizationCode",
    "BatchHandle",
    "BatchJob",
    "BatchOutcome",
    "BatchStatus",
    "CheckReport",
    "Client",
    "ClientCredentials",
    "ConflictError",
    "Credentials",
    "DeadlineError",
    "DecodeError",
    "Division",
    "Erasure",
    "Event",
    "Execution",
    "ExecutionError",
    "ExecutionFailedError",
    "Flow",
    "FlowError",
    "FlowInput",
    "FlowInputs",
    "FlowLookupError",
    "FlowVersion",
    "FlowlaunchError",
    "Identity",
    "InputError",
    "InvalidRequestError",
    "Launch",
    "LaunchInDoubtError",
    "LedgerBusyError",
    "LedgerError",
    "LedgerFencedError",
    "LedgerFullError",
    "LedgerMismatchError",
    "LedgerMovedError",
    "LedgerTooNewError",
    "LedgerUnreachableError",
    "Limit",
    "MappingSpec",
    "NotFoundError",
    "NotSentError",
    "PermissionDeniedError",
    "Pkce",
    "PlanReport",
    "PreflightError",
    "Preview",
    "Problem",
    "RateLimitedError",
    "ReadOptions",
    "ReconcileReport",
    "RefreshToken",
    "ReplyLostError",
    "RowEvidence",
    "RunEvent",
    "Saml2Bearer",
    "ServerError",
    "Settings",
    "SettingsError",
    "Stop",
    "TransportError",
    "__version__",
    "authorize",
    "forget_contact",
    "load_settings",
    "plan_batch",
    "plan_batch_sync",
    "reconcile_batch",
    "reconcile_sync",
    "resolve_region",
    "resume_batch",
    "resume_batch_sync",
    "run_batch",
    "run_batch_sync",
]


def __getattr__(name: str) -> Any:
    """Load a public name from the module that has it, once."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'flowlaunch' has no attribute {name!r}")
    value = getattr(import_module(f"flowlaunch.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
