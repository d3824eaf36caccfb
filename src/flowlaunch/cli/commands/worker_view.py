"""`worker list`, `watch` and `drain`: look at the workers, and have some leave."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from flowlaunch.cli.ledgers import ledger_option, opened, server_ledger
from flowlaunch.cli.session import Session, command_options
from flowlaunch.cli.terminal import is_terminal, may_colour
from flowlaunch.errors import SettingsError

if TYPE_CHECKING:
    from rich.table import Table

    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.batch.workers.standing import WorkersStanding

__all__ = ["drain_command", "list_command", "watch_command"]


@click.command("list", epilog="Example: flowlaunch worker list --ledger postgresql://flowlaunch@db/batches")
@ledger_option
@command_options(settings=False)
def list_command(session: Session, ledger: str) -> None:
    """Tell which workers there are and what each does.

    One that gave no sign of life for 20 seconds is shown as silent: its chunks go to others by themselves.
    """
    from flowlaunch.batch.workers.standing import workers_standing  # noqa: PLC0415 - loads the database library
    from flowlaunch.cli.worker_talk import COLUMNS, records, troubles  # noqa: PLC0415

    with opened(server_ledger(ledger)) as held:
        standing = workers_standing(held)
    session.emit(records(standing), COLUMNS)
    if not standing.workers:
        session.talk("there is no worker; start one: flowlaunch worker run --ledger URL")
    for sentence in troubles(standing):
        session.talk(sentence)


@click.command("watch", epilog="Example: flowlaunch worker watch --ledger postgresql://flowlaunch@db/batches")
@ledger_option
@click.option(
    "--interval", "interval_s", type=click.FloatRange(0.2, 3_600), default=2.0, show_default=True, metavar="S",
    help="Seconds between two looks.",
)  # fmt: skip
@click.option("--times", type=click.IntRange(min=1), metavar="N", help="End after so many looks.")
@command_options(settings=False)
def watch_command(session: Session, ledger: str, interval_s: float, times: int | None) -> None:
    """Watch the workers until interrupted.

    A live table on a terminal; elsewhere, and with -o jsonl, a record per worker and look.
    """
    with opened(server_ledger(ledger)) as held:
        if session.output == "table" and not session.query and is_terminal(sys.stdout):
            _live(held, interval_s, times)
        else:
            _lines(session, held, interval_s, times)


def _lines(session: Session, ledger: Ledger, interval_s: float, times: int | None) -> None:
    from flowlaunch.batch.workers.standing import workers_standing  # noqa: PLC0415
    from flowlaunch.cli.worker_talk import COLUMNS, records  # noqa: PLC0415

    look = 0
    while True:
        look += 1
        session.emit(records(workers_standing(ledger)), COLUMNS)
        sys.stdout.flush()
        if look == times:
            return
        time.sleep(interval_s)


def _live(ledger: Ledger, interval_s: float, times: int | None) -> None:
    from rich.console import Console  # noqa: PLC0415 - 30 ms that only a terminal pays
    from rich.live import Live  # noqa: PLC0415

    from flowlaunch.batch.workers.standing import workers_standing  # noqa: PLC0415

    console = Console(file=sys.stdout, no_color=not may_colour(sys.stdout), highlight=False)
    look = 0
    with Live(console=console, auto_refresh=False) as live:
        while True:
            look += 1
            live.update(_table(workers_standing(ledger)), refresh=True)
            if look == times:
                return
            time.sleep(interval_s)


def _table(standing: WorkersStanding) -> Table:
    from rich.table import Table  # noqa: PLC0415

    from flowlaunch.cli.worker_talk import COLUMNS, records, troubles  # noqa: PLC0415

    table = Table(*COLUMNS.values(), box=None, pad_edge=False, caption="\n".join(troubles(standing)) or None)
    for one in records(standing):
        table.add_row(*(str(one[name]) for name in COLUMNS), style="dim" if one["state"] == "silent" else "")
    return table


@click.command("drain", epilog="Example: flowlaunch worker drain 4f1c2a9b --ledger postgresql://flowlaunch@db/batches")
@click.argument("workers", nargs=-1, metavar="[WORKER]...")
@ledger_option
@click.option("--all", "is_all", is_flag=True, help="Every worker of the ledger.")
@command_options(settings=False)
def drain_command(session: Session, ledger: str, workers: tuple[str, ...], *, is_all: bool) -> None:
    """Ask workers to finish what is in flight and leave.

    WORKER is an id of `worker list`. They give back what they have not begun, so others go on with it at once.
    """
    from flowlaunch.batch.ledger import crew  # noqa: PLC0415 - loads the database library
    from flowlaunch.batch.workers.standing import workers_standing  # noqa: PLC0415
    from flowlaunch.cli.worker_talk import drained_text  # noqa: PLC0415

    if bool(workers) == is_all:
        raise click.UsageError("name the workers to drain, or give --all")
    with opened(server_ledger(ledger)) as held:
        present = {one.process_id: one for one in crew.present(held.store)}
        meant = tuple(name for name in present if is_all or name.startswith(workers))
        unknown = [short for short in workers if not any(name.startswith(short) for name in present)]
        if unknown:
            raise SettingsError(
                f"drain {', '.join(unknown)}: there is no such worker", hint="`flowlaunch worker list` names them."
            )
        crew.ask_to_drain(held.store, meant)
        short = {name[:8] for name in meant}
        silent = sum(one.state == "silent" for one in workers_standing(held).workers if one.worker_id in short)
    session.emit([{"worker": name[:8], "host": present[name].host, "pid": present[name].pid} for name in meant])
    session.talk(drained_text(len(meant) - silent, silent))
