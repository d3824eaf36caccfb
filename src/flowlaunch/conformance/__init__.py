"""Score any launch client, in any language, against the sandbox's faults.

The client is a command: it gets its task in environment variables, says one JSON line for each launch, and is
judged by the sandbox's journal. Names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowlaunch.conformance.checks import CHECKS, Check
    from flowlaunch.conformance.page import scorecard_page
    from flowlaunch.conformance.scorecard import Card, Result, Ruling, read_card
    from flowlaunch.conformance.task import VARIABLES, Statement, Task
    from flowlaunch.conformance.trials import TRIALS, Trial
    from flowlaunch.conformance.tryout import run_conformance

__all__ = [
    "CHECKS",
    "TRIALS",
    "VARIABLES",
    "Card",
    "Check",
    "Result",
    "Ruling",
    "Statement",
    "Task",
    "Trial",
    "read_card",
    "run_conformance",
    "scorecard_page",
]

_PLACES = {
    "CHECKS": "checks",
    "Check": "checks",
    "TRIALS": "trials",
    "Trial": "trials",
    "VARIABLES": "task",
    "Statement": "task",
    "Task": "task",
    "Card": "scorecard",
    "Result": "scorecard",
    "Ruling": "scorecard",
    "read_card": "scorecard",
    "run_conformance": "tryout",
    "scorecard_page": "page",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
