"""The options of `gateway serve` and `worker run` about callbacks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["callback_options", "callback_settings"]

_NAMES: Final = ("callback_allow", "callback_hosts", "callback_secrets", "callback_ca_file")


def callback_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options about callbacks."""
    options = (
        click.option(
            "--allow-callback",
            "callback_allow",
            multiple=True,
            metavar="ORIGIN|NETWORK",
            help="Let callbacks reach this beside public https addresses: http://localhost:9000, 10.1.0.0/16."
            " Repeatable.",
        ),
        click.option(
            "--callback-host",
            "callback_hosts",
            multiple=True,
            metavar="NAME",
            help="Let callbacks reach these hosts alone; .example.com is all below it. Repeatable.",
        ),
        click.option(
            "--callback-secret",
            "callback_secrets",
            multiple=True,
            metavar="REF",
            help="Where the secret is that signs callbacks: env:NAME, file:PATH, keyring:NAME; the newest first."
            " FLOWLAUNCH_CALLBACK_SECRET, or a file beside the ledger, by default. Repeatable.",
        ),
        click.option(
            "--callback-ca",
            "callback_ca_file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="PEM file of certificates that callbacks trust beside the usual ones.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def callback_settings(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the gateway's options about callbacks from a command's values."""
    return {name: wanted[name] for name in _NAMES}
