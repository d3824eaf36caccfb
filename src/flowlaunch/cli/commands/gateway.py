"""`gateway`: the group of commands for the gateway; each is imported when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from flowlaunch.cli.lazy import LazyGroup
from flowlaunch.cli.session import early_options

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SUBCOMMANDS", "gateway_command"]

SUBCOMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "serve": ("gateway_serve", "Serve the gateway until Ctrl-C."),
    "keys": ("gateway_keys", "Manage the API keys by which apps come in."),
    "link": ("gateway_access", "Print a link that signs in to the page, once."),
    "callbacks": ("gateway_callbacks", "Look at callbacks and send them again."),
    "webhooks": ("gateway_access", "List the webhook messages that came."),
    "audit": ("gateway_access", "Read who did what."),
    "backup": ("gateway_upkeep", "Copy the ledger while it is served."),
    "prune": ("gateway_upkeep", "Remove what is older than is kept."),
    "vacuum": ("gateway_upkeep", "Make the ledger's file as small as what it holds."),
}
"""Command -> its module in `flowlaunch.cli.commands` and its line in the list of commands."""


@click.group("gateway", cls=LazyGroup, table=SUBCOMMANDS)
@early_options
def gateway_command() -> None:
    """Give many apps one guarded door to flow launches, with a page to look at.

    `serve` takes launches over HTTP, records them, and sends them on the pace that all share. Everything is in one
    ledger; the other commands work on that ledger, also while it is served.
    """
