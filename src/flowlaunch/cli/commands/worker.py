"""`worker`: the group of commands for workers on many machines; each is imported when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from flowlaunch.cli.lazy import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SUBCOMMANDS", "worker_command"]

SUBCOMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "run": ("worker_run", "Work on the batches of a ledger in PostgreSQL, beside any number of other workers."),
    "list": ("worker_view", "Tell which workers there are and what each does."),
    "watch": ("worker_view", "Watch the workers until interrupted."),
    "reserve": ("worker_reserve", "Keep back a share of an OAuth client's pace for other apps."),
    "drain": ("worker_view", "Ask workers to finish what is in flight and leave."),
}
"""Command -> its module in `flowlaunch.cli.commands` and its line in the list of commands."""


@click.group("worker", cls=LazyGroup, table=SUBCOMMANDS)
def worker_command() -> None:
    """Run batches on many machines, over one ledger in PostgreSQL.

    Start `worker run` on any machine, any number of times; then `batch run --ledger postgresql://…` hands its rows to
    them. Workers may join and leave at any time, in order or not: no row is launched twice and none is lost.
    """
