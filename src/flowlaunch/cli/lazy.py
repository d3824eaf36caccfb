"""Groups of commands whose modules are imported when a command is used, not before."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LazyGroup"]


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command is used.

    `table` is command -> its module in `flowlaunch.cli.commands` and its line in the list of commands.
    """

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Tell the commands in the order in which a newcomer needs them."""
        del ctx
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and tell one command."""
        del ctx
        if cmd_name not in self.table:
            return None
        module = import_module(f"flowlaunch.cli.commands.{self.table[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        del ctx
        widest = max(map(len, self.table))
        with formatter.section("Commands"):
            formatter.write_dl([(name.ljust(widest), about) for name, (_, about) in self.table.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command to run, and say which one may have been meant."""
        if args and args[0] not in self.table and not args[0].startswith("-"):
            from difflib import get_close_matches  # noqa: PLC0415 - only on the way to an error

            near = get_close_matches(args[0], self.table, n=1)
            meant = f"; did you mean {near[0]}?" if near else f"; commands are {', '.join(self.table)}"
            name = " ".join([*ctx.command_path.split()[1:], repr(args[0])])
            raise click.UsageError(f"there is no command {name}{meant}", ctx)
        return super().resolve_command(ctx, args)
