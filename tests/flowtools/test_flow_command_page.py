"""The reference page of the flow commands is equal to what the program says.

Run this file to write the --help blocks of docs/reference/flow-commands.md anew.
"""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from flowlaunch.cli.app import cli
from flowlaunch.cli.commands.flow import SUBCOMMANDS, flow_command

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "flow-commands.md"
_BLOCK = re.compile(r"^## `(flowlaunch[^`]*)`\n(.*?)```text\n(.*?)```", re.MULTILINE | re.DOTALL)


def help_of(name: str) -> str:
    """Give the help of a flow command, 80 columns wide."""
    settings = {"help_option_names": ["-h", "--help"], "terminal_width": 80, "max_content_width": 80}
    top = click.Context(cli, info_name="flowlaunch", **settings)
    group = click.Context(flow_command, info_name="flow", parent=top, terminal_width=80)
    command = flow_command.get_command(group, name)
    context = click.Context(command, info_name=name, parent=group, terminal_width=80)
    return command.get_help(context) + "\n"


@pytest.mark.parametrize("name", list(SUBCOMMANDS))
def test_every_flow_command_is_in_the_reference_with_its_help(name):
    """docs/reference/flow-commands.md has a section for the command with exactly what --help prints."""
    blocks = {match[1]: match[3] for match in _BLOCK.finditer(PAGE.read_text(encoding="utf-8"))}
    assert blocks.get(f"flowlaunch flow {name}") == help_of(name), (
        "run: python tests/flowtools/test_flow_command_page.py"
    )


def test_the_page_names_no_command_that_does_not_exist():
    """Every section of the page is a command of today."""
    found = [match[1] for match in _BLOCK.finditer(PAGE.read_text(encoding="utf-8"))]
    assert found == [f"flowlaunch flow {name}" for name in SUBCOMMANDS]


def write() -> None:
    """Write the page anew, keeping what stands between a heading and its block."""
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    between = {match[1]: match[2] for match in _BLOCK.finditer(old)}
    head = old.partition("\n## ")[0].rstrip("\n")
    parts = [head]
    for name in SUBCOMMANDS:
        path = f"flowlaunch flow {name}"
        parts.append(f"\n\n## `{path}`\n{between.get(path) or chr(10)}```text\n{help_of(name)}```")
    PAGE.write_text("".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
