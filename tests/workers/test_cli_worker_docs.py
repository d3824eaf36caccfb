"""The reference page of the worker commands equals what the program says.

Run this file to write docs/reference/cli-workers.md anew.
"""

from pathlib import Path

import click

from flowlaunch.cli.app import cli
from flowlaunch.cli.commands.worker import SUBCOMMANDS, worker_command

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli-workers.md"
HEAD = """# Commands of workers

Every command takes the ledger that machines share by `--ledger`, or reads it from `FLOWLAUNCH_LEDGER`.
[Run batches on many machines](../how-to/run-on-many-machines.md) shows them in use.
"""


def page():
    """The whole page: the help of the group and of every command in it, 80 columns wide."""
    settings = {**cli.context_settings, "terminal_width": 80, "max_content_width": 80}
    top = click.Context(cli, info_name="flowlaunch", **settings)
    group = click.Context(worker_command, info_name="worker", parent=top)
    parts = [HEAD, f"## `{group.command_path}`\n\n```text\n{worker_command.get_help(group)}\n```\n"]
    for name in SUBCOMMANDS:
        command = worker_command.get_command(group, name)
        inner = click.Context(command, info_name=name, parent=group)
        parts.append(f"## `{inner.command_path}`\n\n```text\n{command.get_help(inner)}\n```\n")
    return "\n".join(parts)


def test_the_reference_of_the_worker_commands_is_what_they_say():
    """docs/reference/cli-workers.md has exactly what --help prints."""
    assert PAGE.read_text("utf-8") == page(), "run: python tests/workers/test_cli_worker_docs.py"


def test_the_list_of_worker_commands_says_what_each_command_says():
    """The line of a command in `flowlaunch worker --help` is the first of its own help."""
    context = click.Context(worker_command)
    for name, (_, about) in SUBCOMMANDS.items():
        said = (worker_command.get_command(context, name).help or "").strip().splitlines()[0]
        assert said.startswith(about.partition(",")[0].rstrip("."))


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
