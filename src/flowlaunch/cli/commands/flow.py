"""`flow`: the group of commands for flow files; each is imported when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

import click

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

_WIDEST: Final = max(map(len, SUBCOMMANDS))


class _FlowGroup(click.Group):
    """A group that imports a command's module only when that command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Tell the commands in the order in which an author needs them."""
        del ctx
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and tell one command."""
        del ctx
        if cmd_name not in SUBCOMMANDS:
            return None
        module = import_module(f"flowlaunch.cli.commands.{SUBCOMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name.ljust(_WIDEST), about) for name, (_, about) in SUBCOMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command to run, and say which one may have been meant."""
        if args and args[0] not in SUBCOMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches  # noqa: PLC0415 - only on the way to an error

            near = get_close_matches(args[0], SUBCOMMANDS, n=1)
            meant = f"; did you mean {near[0]}?" if near else f"; commands are {', '.join(SUBCOMMANDS)}"
            raise click.UsageError(f"there is no command flow {args[0]!r}{meant}", ctx)
        return super().resolve_command(ctx, args)


@click.group("flow", cls=_FlowGroup)
def flow_command() -> None:
    """Check, run, test and draw flow files offline.

    FILE is Archy YAML or an Architect export (.i3WorkFlow, .i3CommonModuleFlow). Nothing here needs an
    account or a network.
    """
