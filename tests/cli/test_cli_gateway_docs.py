"""The reference page of the gateway's commands: complete, and equal to what the program says.

Run this file to write the --help blocks of docs/reference/cli-gateway.md anew; commands that it lacks come at its end.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from flowlaunch.cli.app import cli
from flowlaunch.cli.commands.gateway import SUBCOMMANDS, gateway_command

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli-gateway.md"
_BLOCK = re.compile(r"^#+ `(flowlaunch gateway[^`]*)`\n(.*?)```text\n(.*?)```", re.MULTILINE | re.DOTALL)


def helps() -> dict[str, str]:
    """Tell the help of the group and of every command in it, 80 columns wide."""
    settings = {**cli.context_settings, "terminal_width": 80, "max_content_width": 80}
    top = click.Context(cli, info_name="flowlaunch", **settings)
    return dict(_helps(click.Context(gateway_command, info_name="gateway", parent=top)))


def _helps(context: click.Context) -> Iterator[tuple[str, str]]:
    yield context.command_path, context.command.get_help(context) + "\n"
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            inner = context.command.get_command(context, name)
            assert inner is not None
            yield from _helps(click.Context(inner, info_name=name, parent=context))


@pytest.mark.parametrize("path", list(helps()))
def test_every_gateway_command_is_in_the_reference_with_its_help(path):
    """docs/reference/cli-gateway.md has a section for the command with exactly what --help prints."""
    blocks = {match[1]: match[3] for match in _BLOCK.finditer(PAGE.read_text(encoding="utf-8"))}
    assert path in blocks, "run: python tests/cli/test_cli_gateway_docs.py"
    assert blocks[path] == helps()[path], "run: python tests/cli/test_cli_gateway_docs.py"


def test_the_page_names_no_command_that_does_not_exist():
    """Every section of the page is a command of today."""
    assert {match[1] for match in _BLOCK.finditer(PAGE.read_text(encoding="utf-8"))} == set(helps())


def test_the_list_of_gateway_commands_says_what_each_command_says():
    """The line of a command in `flowlaunch gateway --help` is the beginning of its own help."""
    context = click.Context(gateway_command)
    for name, (_, about) in SUBCOMMANDS.items():
        command = gateway_command.get_command(context, name)
        assert command is not None
        assert (command.help or "").strip().startswith(about.removesuffix(".")), name


def _write() -> None:
    text, known = PAGE.read_text(encoding="utf-8"), helps()

    def fresh(match: re.Match[str]) -> str:
        return f"{match[0][: match.start(3) - match.start()]}{known[match[1]]}```"

    present = {match[1] for match in _BLOCK.finditer(text)}
    missing = [f"\n## `{path}`\n\n```text\n{known[path]}```\n" for path in known if path not in present]
    PAGE.write_text(_BLOCK.sub(fresh, text) + "".join(missing), encoding="utf-8")


if __name__ == "__main__":
    _write()
