"""The demo's small batch: a list with slips, a stop half-way, and no row launched twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from flowlaunch.batch import BatchJob, MappingSpec, Stop, plan_batch_sync, run_batch_sync
from flowlaunch.batch.mapping import RowColumns
from flowlaunch.batch.report.words import numbers_text
from flowlaunch.batch.rules import Rules
from flowlaunch.settings import Settings

if TYPE_CHECKING:
    from flowlaunch.batch import RunEvent
    from flowlaunch.cli.session import Session
    from flowlaunch.sandbox import Sandbox

__all__ = ["show_batch"]

_ROWS: Final = 12
_PACE: Final = 300.0
_STOP_AFTER: Final = 5


def show_batch(session: Session, sandbox: Sandbox, flow: str) -> None:
    """Plan a list, stop half-way through launching it, go on, and let the sandbox's journal judge."""
    session.talk("\n4. Launch it once per row of a list. The list repeats an order and has a line with a cell too few;")
    session.talk("   the plan, which sends nothing, says so:\n")
    with TemporaryDirectory() as folder:
        job = _job(sandbox.url, _list(Path(folder)), flow)
        for (kind, reason), rows in plan_batch_sync(job).reasons.items():
            session.talk(f"     {rows:>3}  {kind:<6}  {reason}")
        before = len(sandbox.launches())
        session.talk(f"\n   Run it at {_PACE:g} requests a minute, and stop half-way:")
        stop = Stop()
        first = run_batch_sync(job, stop=stop, on_event=_Stopping(stop), handle_signals=False)
        session.talk(f"     {numbers_text(first.counts)}")
        session.talk("   Run the same again. Its ledger knows what was launched:")
        second = run_batch_sync(job, handle_signals=False)
        session.talk(f"     {numbers_text(second.counts)}")
    orders = Counter(str(one.inputs["Flow.orderId"]) for one in sandbox.launches()[before:])
    twice = sum(count > 1 for count in orders.values())
    judged = f"{orders.total()} launches of {len(orders)} orders, {twice or 'none'} of them twice"
    session.talk(f"   The sandbox's journal: {judged}")


class _Stopping:
    """Asks a run to stop once some rows have been launched."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop

    def __call__(self, event: RunEvent) -> None:
        counts = event.fields.get("counts", {}) if event.kind == "progress" else {}
        sent = sum(counts.get(state, 0) for state in ("launched", "completed"))
        if sent >= _STOP_AFTER and not self._stop.level:
            self._stop.request("half-way")


def _list(folder: Path) -> Path:
    lines = ["orderId,customerName", *(f"B-{number},Customer {number}" for number in range(1, _ROWS + 1))]
    file = folder / "orders.csv"
    file.write_text("\n".join([*lines, "B-3,Customer 3", "B-99"]) + "\n", encoding="utf-8")
    return file


def _job(url: str, source: Path, flow: str) -> BatchJob:
    # Settings made here, not loaded: the demo never meets the user's own org.
    settings = Settings(region=url, client_id="demo", client_secret="demo-secret")  # noqa: S106 - the sandbox's own
    return BatchJob(
        source=source,
        flow=flow,
        mapping=MappingSpec(row=RowColumns(key="orderId")),
        rules=Rules(),
        pace_per_minute=_PACE,
        ramp=(),
        settings=settings,
    )
