"""The live view of a batch: what `watch` draws on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from flowlaunch.batch.report.scales import span_text
from flowlaunch.cli.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import RenderableType

    from flowlaunch.cli.batch_standing import CauseCount, Standing

__all__ = ["panel_of"]

_STYLES: Final[Mapping[str, str]] = {
    "completed": "green",
    "launched": "blue",
    "launching": "blue",
    "failed": "red",
    "refused": "yellow",
    "in_doubt": "magenta",
    "held": "yellow",
}
_MOST_CAUSES: Final = 8
_BAR_WIDTH: Final = 48


def panel_of(
    standing: Standing, per_minute: float | None, eta_s: float | None, latest: Iterable[str] = ()
) -> RenderableType:
    """Draw how a batch stands."""
    parts: list[RenderableType] = [
        Text.assemble((standing.name, "bold"), f"  {standing.flow}", (f"  batch {standing.batch_id}", "dim")),
        Text(""),
        _bar(standing),
        Text(f"{standing.sent:,} of {standing.to_launch:,} rows have left" + _eta(eta_s)),
        _speed(standing, per_minute),
    ]
    if standing.paused:
        by = f" by {standing.paused_by}" if standing.paused_by else ""
        parts.append(Text(f"PAUSED{by}: {standing.pause_reason or 'no reason given'}", style="bold yellow"))
    if not standing.is_running:
        parts.append(Text("nobody runs it now", style="bold"))
    parts += [Text(""), _states(standing)]
    if standing.causes:
        parts += [Text(""), Text("errors by cause", style="bold"), _causes(standing.causes)]
    if standing.waits:
        parts += [Text(""), Text("waiting, held or skipped", style="bold"), _causes(standing.waits)]
    lines = [Text(printable(line, keep=""), no_wrap=True, overflow="ellipsis") for line in latest]
    if lines:
        parts += [Text(""), Text("latest", style="bold"), *lines]
    return Group(*parts)


def _bar(standing: Standing) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    total = max(standing.to_launch, 1)
    grid.add_row(
        ProgressBar(total=total, completed=standing.sent, width=_BAR_WIDTH), f"{100 * standing.sent / total:.1f} %"
    )
    return grid


def _eta(eta_s: float | None) -> str:
    return f", {span_text(eta_s)} to go at this speed" if eta_s else ""


def _speed(standing: Standing, per_minute: float | None) -> Text:
    budget = standing.rate_per_minute or standing.budget_per_minute
    speed = "measuring the speed" if per_minute is None else f"{per_minute:,.0f} a minute"
    if budget is None:
        return Text(f"{speed}, no budget")
    share = f" ({100 * per_minute / budget:.0f} % of it)" if per_minute else ""
    return Text(f"{speed}, budget {budget:,.0f}{share}")


def _states(standing: Standing) -> Table:
    grid = Table.grid(padding=(0, 2))
    for state, rows in standing.states.items():
        grid.add_row(Text(state.replace("_", " "), style=_STYLES.get(state, "")), Text(f"{rows:,}", justify="right"))
    return grid


def _causes(causes: Iterable[CauseCount]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for cause in list(causes)[:_MOST_CAUSES]:
        state = Text(cause.state.replace("_", " "), style=_STYLES.get(cause.state, ""))
        grid.add_row(Text(f"{cause.rows:,}", justify="right"), state, Text(printable(cause.reason, keep="")))
    return grid
