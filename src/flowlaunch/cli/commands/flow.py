"""`flow`: the group of commands for flow files; each is imported when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from flowlaunch.cli.lazy import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["flow_command"]

SUBCOMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "lint": ("flow_lint", "Find mistakes in flow files."),
    "run": ("flow_run", "Run a flow file offline and show its result."),
    "test": ("flow_test", "Run case files and tell which expectations fail."),
    "cover": ("flow_test", "Run case files and show which paths of the flows they take."),
    "graph": ("flow_graph", "Draw a flow."),
    "inputs": ("flow_files", "Show the JSON Schema of a flow's inputs and outputs."),
    "eval": ("flow_eval", "Evaluate one expression, or a session of them."),
    "convert": ("flow_files", "Write an Architect export as Archy YAML."),
    "record": ("flow_record", "Write a skeleton of the stubs that a flow needs."),
    "schema": ("flow_files", "Print the JSON Schema of stub files or case files, for editors."),
}
"""Command -> its module in `flowlaunch.cli.commands` and its line in the list of commands."""


@click.group("flow", cls=LazyGroup, table=SUBCOMMANDS)
def flow_command() -> None:
    """Check, run, test and draw flow files offline.

    FILE is Archy YAML or an Architect export (.i3WorkFlow, .i3CommonModuleFlow). Nothing here needs an
    account or a network.
    """
