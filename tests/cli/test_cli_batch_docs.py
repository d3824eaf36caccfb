"""The reference page of the batch commands: complete, and equal to what the program says.

Run this file to write the --help blocks of docs/reference/cli-batch.md anew.
"""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from flowlaunch.batch.decisions import REASONS
from flowlaunch.batch.events import EVENT_KINDS
from flowlaunch.batch.results.sinks import RESULT_TYPES
from flowlaunch.batch.states import RowState
from flowlaunch.cli.app import cli
from flowlaunch.cli.commands.batch import SUBCOMMANDS, batch_command

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli-batch.md"
_BLOCK = re.compile(r"^#+ `(flowlaunch batch[^`]*)`\n(.*?)```text\n(.*?)```", re.MULTILINE | re.DOTALL)


def helps() -> dict[str, str]:
    """Tell the help of the group and of every command in it, 80 columns wide."""
    settings = {**cli.context_settings, "terminal_width": 80, "max_content_width": 80}
    top = click.Context(cli, info_name="flowlaunch", **settings)
    group = click.Context(batch_command, info_name="batch", parent=top)
    found = {group.command_path: batch_command.get_help(group) + "\n"}
    for name in SUBCOMMANDS:
        command = batch_command.get_command(group, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=group)
        found[inner.command_path] = command.get_help(inner) + "\n"
    return found


@pytest.mark.parametrize("path", list(helps()))
def test_every_batch_command_is_in_the_reference_with_its_help(path):
    """docs/reference/cli-batch.md has a section for the command with exactly what --help prints."""
    blocks = {match[1]: match[3] for match in _BLOCK.finditer(PAGE.read_text(encoding="utf-8"))}
    assert path in blocks, f"docs/reference/cli-batch.md lacks a section for {path}"
    assert blocks[path] == helps()[path], "run: python tests/cli/test_cli_batch_docs.py"


def test_the_list_of_batch_commands_says_what_each_command_says():
    """The line of a command in `flowlaunch batch --help` is the first of its own help."""
    context = click.Context(batch_command)
    for name, (_, about) in SUBCOMMANDS.items():
        command = batch_command.get_command(context, name)
        assert command is not None
        assert (command.help or "").strip().splitlines()[0] == about


def test_the_page_explains_every_state_reason_event_and_column():
    """Whatever status, plan, -o jsonl and export print has its line on the page."""
    text = PAGE.read_text(encoding="utf-8")
    for state in RowState:
        assert f"| `{state.value}` |" in text, state
    for reason, meaning in REASONS.items():
        assert f"| `{reason}` | {meaning} |" in text, reason
    for kind, meaning in EVENT_KINDS.items():
        assert f"| `{kind}` | {meaning} |" in text, kind
    for name in RESULT_TYPES:
        assert f"`batch_{name}`" in text, name


def _write() -> None:
    text, known = PAGE.read_text(encoding="utf-8"), helps()

    def fresh(match: re.Match[str]) -> str:
        head = match[0][: match.start(3) - match.start()]
        return f"{head}{known[match[1]]}```"

    def table(name: str, rows: dict[str, str], text: str) -> str:
        lines = "".join(f"| `{key}` | {meaning} |\n" for key, meaning in rows.items())
        return re.sub(rf"(<!-- {name} -->\n\|[^\n]*\n\|[^\n]*\n)(?:\|[^\n]*\n)*", lambda m: m[1] + lines, text)

    text = table("events", EVENT_KINDS, table("reasons", dict(REASONS), text))
    PAGE.write_text(_BLOCK.sub(fresh, text), encoding="utf-8")


if __name__ == "__main__":
    _write()
