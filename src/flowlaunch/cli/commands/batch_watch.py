"""`batch status` and `batch watch`: how a batch stands, once or live."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from flowlaunch.cli.exits import Exit
from flowlaunch.cli.ledgers import batch_id_in, opened, spelt, target_options
from flowlaunch.cli.session import Session, command_options
from flowlaunch.cli.terminal import is_terminal, may_colour

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.cli.batch_standing import Latest, Pulse, Standing

__all__ = ["status_command", "watch_command"]

_LIVE_STEP_S: Final = 0.5


@click.command("status")
@target_options
@command_options(settings=False)
@click.pass_context
def status_command(ctx: click.Context, /, session: Session, target: str, batch_id: int | None) -> None:
    """Tell how a batch stands.

    Works while it runs, from any terminal. Ends with 0 while the batch is under way; for one that has ended as
    `batch run` does: 5 in doubt, 8 rows not launched, 3 flows failed.
    """
    from flowlaunch.batch.report.words import next_steps, numbers_text  # noqa: PLC0415 - loads the JSON library
    from flowlaunch.cli.batch_standing import exit_for_states, standing_of  # noqa: PLC0415

    with opened(target) as ledger:
        standing = standing_of(ledger, batch_id_in(ledger, batch_id))
    session.emit(_short(standing) if session.output == "table" else standing)
    session.talk(numbers_text(standing.states))
    if standing.is_running:
        ctx.exit(Exit.OK)
    for sentence, command in next_steps(standing.states, spelt(target, batch_id, chosen=standing.batch_id)):
        session.talk(f"- {sentence}\n    {command}")
    ctx.exit(exit_for_states(standing.states))


def _short(standing: Standing) -> dict[str, Any]:
    """Leave out of the table what is empty or the talk says."""
    shown = {name: value for name, value in msgspec.structs.asdict(standing).items() if value not in ((), "", False)}
    for name in ("causes", "waits"):
        if name in shown:
            shown[name] = {f"{one.state} {one.reason}": one.rows for one in shown[name]}
    return shown


@click.command("watch")
@target_options
@click.option(
    "--interval", "interval_s", type=click.FloatRange(0.2, 3_600), default=10.0, show_default=True, metavar="S",
    help="Seconds between two lines off a terminal, and between two records of -o jsonl.",
)  # fmt: skip
@command_options(settings=False)
@click.pass_context
def watch_command(
    ctx: click.Context, /, session: Session, target: str, batch_id: int | None, interval_s: float
) -> None:
    """Watch a batch from another terminal until it ends.

    Shows progress, rate against budget, when it will be through, outcomes, and the errors by cause. Ctrl-C ends the
    watching, not the batch. Ends as `batch status` does.
    """
    from flowlaunch.cli.batch_standing import Latest, Pulse, exit_for_states  # noqa: PLC0415 - loads the JSON library

    with opened(target) as ledger:
        chosen = batch_id_in(ledger, batch_id)
        pulse, latest = Pulse(), Latest()
        with _shown(session, interval_s, latest) as (show, step_s):

            def look(now: Standing) -> None:
                latest.read(ledger, chosen)
                show(now, pulse)

            standing = _watch(ledger, chosen, pulse, look, step_s)
    session.talk("the batch has ended" if standing.is_over else "nobody runs the batch now")
    ctx.exit(exit_for_states(standing.states))


def _watch(ledger: Ledger, batch_id: int, pulse: Pulse, show: Callable[[Standing], None], step_s: float) -> Standing:
    """Look at the batch until nobody runs it and nothing is left, or nobody has run it for a while."""
    from flowlaunch.cli.batch_standing import standing_of  # noqa: PLC0415

    while True:
        standing = standing_of(ledger, batch_id)
        pulse.add(time.monotonic(), standing.sent)
        show(standing)
        if not standing.is_running:
            return standing
        time.sleep(step_s)


@contextmanager
def _shown(
    session: Session, interval_s: float, latest: Latest
) -> Iterator[tuple[Callable[[Standing, Pulse], None], float]]:
    """Give what shows a standing, and how often it wants one."""
    if session.output != "table" or session.query:
        yield (lambda standing, pulse: _emit(session, standing, pulse)), interval_s
    elif is_terminal(sys.stdout):
        with _live(latest) as show:
            yield show, _LIVE_STEP_S
    else:
        yield (lambda standing, pulse: click.echo(_line(standing, pulse))), interval_s


def _emit(session: Session, standing: Standing, pulse: Pulse) -> None:
    speed = pulse.per_minute()
    session.emit(msgspec.structs.asdict(standing) | {"sent_per_minute": speed, "eta_s": _eta_s(standing, pulse)})


def _eta_s(standing: Standing, pulse: Pulse) -> float | None:
    return pulse.eta_s(standing.to_launch - standing.sent)


def _line(standing: Standing, pulse: Pulse) -> str:
    from flowlaunch.cli.batch_progress import progress_text  # noqa: PLC0415

    return progress_text(_fields(standing, pulse))


def _fields(standing: Standing, pulse: Pulse) -> dict[str, Any]:
    """Tell a standing in the fields of a progress event."""
    return {
        "counts": standing.states,
        "launched_per_minute": pulse.per_minute(),
        "budget_per_minute": standing.rate_per_minute or standing.budget_per_minute,
        "eta_s": _eta_s(standing, pulse),
        "waiting_for": "pause" if standing.paused else "",
    }


@contextmanager
def _live(latest: Latest) -> Iterator[Callable[[Standing, Pulse], None]]:
    from rich.console import Console  # noqa: PLC0415 - 30 ms that only a terminal pays
    from rich.live import Live  # noqa: PLC0415

    from flowlaunch.cli.batch_panel import panel_of  # noqa: PLC0415

    console = Console(file=sys.stdout, no_color=not may_colour(sys.stdout), highlight=False)
    with Live(console=console, refresh_per_second=4, auto_refresh=False) as live:

        def show(standing: Standing, pulse: Pulse) -> None:
            live.update(panel_of(standing, pulse.per_minute(), _eta_s(standing, pulse), latest.lines), refresh=True)

        yield show
