"""`batch`: the group of commands for batches; each is imported when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from flowlaunch.cli.lazy import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SUBCOMMANDS", "batch_command"]

SUBCOMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "plan": ("batch_plan", "Tell what a batch would do with every row, and send nothing."),
    "run": ("batch_run", "Launch the flow once per row; run it again to go on after a stop."),
    "status": ("batch_watch", "Tell how a batch stands."),
    "watch": ("batch_watch", "Watch a batch from another terminal until it ends."),
    "pause": ("batch_control", "Launch nothing more until the batch is resumed."),
    "resume": ("batch_control", "Let a paused batch go on."),
    "rate": ("batch_control", "Change how many requests a minute a batch may send."),
    "concurrency": ("batch_control", "Change how many launches of a batch may be in flight."),
    "priority": ("batch_control", "Change which share of the pace a batch gets."),
    "cancel": ("batch_control", "Cancel the rows that were not sent yet."),
    "retry": ("batch_again", "Ask for new attempts of failed or refused rows."),
    "release": ("batch_again", "Let held rows be launched."),
    "reconcile": ("batch_reconcile", "Settle the rows of which nobody knows whether they were launched."),
    "report": ("batch_results", "Write a page about the batch that can be forwarded."),
    "export": ("batch_results", "Write the rows joined to what became of them."),
    "forget": ("batch_again", "Erase one contact from the ledger's folder."),
}
"""Command -> its module in `flowlaunch.cli.commands` and its line in the list of commands."""


@click.group("batch", cls=LazyGroup, table=SUBCOMMANDS)
def batch_command() -> None:
    """Launch one flow per row of a file, safely, to the end.

    `plan` shows what would happen, `run` does it and goes on where it stopped, `watch` looks on from another
    terminal. Every row is recorded in a ledger, a file beside the rows: FILE.ledger. The other commands take
    that ledger, or FILE itself.
    """
