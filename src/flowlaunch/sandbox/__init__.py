"""A local Genesys Cloud: sign-in, flows, launches and executions, with faults to order.

`Sandbox` runs in this process; `flowlaunch.sandbox.server.serve` blocks. Names load on first use, so that
`import flowlaunch.sandbox` stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowlaunch.sandbox.faults import (
        ConnectionsRefused,
        Delay,
        DripBody,
        DropAfterProcessing,
        DropBeforeReading,
        Hang,
        HtmlBadGateway,
        NotFoundAfterLaunch,
        ResetMidBody,
        Status,
        Status504AfterProcessing,
        TokenRefused,
        TokenRevoked,
        TruncatedJson,
    )
    from flowlaunch.sandbox.in_process import Sandbox
    from flowlaunch.sandbox.journal import JournalEntry
    from flowlaunch.sandbox.options import Options
    from flowlaunch.sandbox.service import Launch

__all__ = [
    "ConnectionsRefused",
    "Delay",
    "DripBody",
    "DropAfterProcessing",
    "DropBeforeReading",
    "Hang",
    "HtmlBadGateway",
    "JournalEntry",
    "Launch",
    "NotFoundAfterLaunch",
    "Options",
    "ResetMidBody",
    "Sandbox",
    "Status",
    "Status504AfterProcessing",
    "TokenRefused",
    "TokenRevoked",
    "TruncatedJson",
]

_PLACES = {
    "Sandbox": "in_process",
    "JournalEntry": "journal",
    "Options": "options",
    "Launch": "service",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_PLACES.get(name, 'faults')}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return list(__all__)
