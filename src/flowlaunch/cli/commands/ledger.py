"""`ledger`: the group of commands for ledgers themselves; each is imported when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from flowlaunch.cli.lazy import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SUBCOMMANDS", "ledger_command"]

SUBCOMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "info": ("ledger_upkeep", "Tell what a ledger is, how large, and who works on it."),
    "batches": ("ledger_batches", "List the batches of a ledger, the newest first."),
    "copy": ("ledger_upkeep", "Move a ledger from a file to PostgreSQL, also in the middle of a batch."),
    "upgrade": ("ledger_upkeep", "Bring a ledger to this program's version, or make it."),
    "role": ("ledger_upkeep", "Print or make a role that may work on batches and nothing else."),
}
"""Command -> its module in `flowlaunch.cli.commands` and its line in the list of commands."""


@click.group("ledger", cls=LazyGroup, table=SUBCOMMANDS)
def ledger_command() -> None:
    """Look after ledgers: files of one machine, or databases that many machines share.

    A ledger is a file (LEDGER, or FILE of rows beside which it lies) or the URL of a PostgreSQL database:
    postgresql://USER:PASSWORD@HOST:PORT/DATABASE.
    """
