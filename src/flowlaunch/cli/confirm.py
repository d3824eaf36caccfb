"""Questions before something that cannot be undone: asked on a terminal, refused without --yes elsewhere."""

from __future__ import annotations

import sys

import click

from flowlaunch.cli.terminal import is_terminal
from flowlaunch.errors import SettingsError

__all__ = ["confirmed"]


def confirmed(question: str, *, yes: bool) -> None:
    """Return when the answer is yes.

    Raises:
        SettingsError: nobody can be asked.
        click.Abort: the answer is no.

    """
    if yes:
        return
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise SettingsError(f"{question} Nobody is at this terminal to ask", hint="Add --yes when that is meant.")
    click.confirm(question, abort=True, err=True)
