"""Launch a flow once per row of a file: read, map, decide, record, send, follow to the end.

::

    from flowlaunch.batch import BatchJob, run_batch_sync

    outcome = run_batch_sync(BatchJob(source="people.csv", flow="Payment reminder"))

Importing this package does no work: what a name needs is loaded when the name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowlaunch.batch.events import RunEvent
    from flowlaunch.batch.forgetting import Erasure, forget_contact
    from flowlaunch.batch.handle import BatchHandle, BatchStatus
    from flowlaunch.batch.job import BatchJob, resume_batch, resume_batch_sync, run_batch, run_batch_sync
    from flowlaunch.batch.mapping import MappingSpec
    from flowlaunch.batch.plan import PlanReport, plan_batch, plan_batch_sync
    from flowlaunch.batch.reconcile import ReconcileReport, RowEvidence, reconcile_batch, reconcile_sync
    from flowlaunch.batch.rows import ReadOptions
    from flowlaunch.batch.stop import Stop
    from flowlaunch.batch.work import BatchOutcome

_HOMES = {
    "events": ("RunEvent",),
    "forgetting": ("Erasure", "forget_contact"),
    "handle": ("BatchHandle", "BatchStatus"),
    "job": ("BatchJob", "resume_batch", "resume_batch_sync", "run_batch", "run_batch_sync"),
    "mapping": ("MappingSpec",),
    "plan": ("PlanReport", "plan_batch", "plan_batch_sync"),
    "reconcile": ("ReconcileReport", "RowEvidence", "reconcile_batch", "reconcile_sync"),
    "rows": ("ReadOptions",),
    "stop": ("Stop",),
    "work": ("BatchOutcome",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
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
]


def __getattr__(name: str) -> Any:
    """Load a public name from the module that has it, once."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'flowlaunch.batch' has no attribute {name!r}")
    value = getattr(import_module(f"flowlaunch.batch.{home}"), name)
    globals()[name] = value
    return value
