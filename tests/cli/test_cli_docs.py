"""The reference pages of the command line: complete, and equal to what the program says.

Run this file to write the --help blocks of docs/reference/cli.md anew.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from flowlaunch.cli.app import cli
from flowlaunch.explain import EVIDENCE, RULES
from flowlaunch.settings.fields import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "reference" / "cli.md"
ELSEWHERE = {"flow", "batch", "gateway", "worker"}
"""Groups whose commands have a page and a test of their own."""
_BLOCK = re.compile(r"^#+ `(flowlaunch[^`]*)`\n(.*?)```text\n(.*?)```", re.MULTILINE | re.DOTALL)


def helps() -> dict[str, str]:
    """Tell the help of every command, 80 columns wide."""
    settings = {**cli.context_settings, "terminal_width": 80, "max_content_width": 80}  # as a shell shows it
    return dict(_helps(click.Context(cli, info_name="flowlaunch", **settings)))


def _helps(context: click.Context) -> Iterator[tuple[str, str]]:
    yield context.command_path, context.command.get_help(context) + "\n"
    if isinstance(context.command, click.Group) and context.info_name not in ELSEWHERE:
        for name in context.command.list_commands(context):
            inner = context.command.get_command(context, name)
            assert inner is not None
            yield from _helps(click.Context(inner, info_name=name, parent=context, terminal_width=80))


@pytest.mark.parametrize("path", list(helps()))
def test_every_command_is_in_the_reference_with_its_help(path):
    """docs/reference/cli.md has a section for the command with exactly what --help prints."""
    blocks = {match[1]: match[3] for match in _BLOCK.finditer(PAGE.read_text(encoding="utf-8"))}
    assert path in blocks, f"docs/reference/cli.md lacks a section for {path}"
    assert blocks[path] == helps()[path], "run: python tests/cli/test_cli_docs.py"


def test_the_reference_names_no_command_that_does_not_exist():
    """Every section of the reference is a command of today."""
    documented = {match[1] for match in _BLOCK.finditer(PAGE.read_text(encoding="utf-8"))}
    elsewhere = tuple(f"flowlaunch {name} " for name in ELSEWHERE)
    assert {path for path in documented if not path.startswith(elsewhere)} == set(helps())


def test_every_setting_is_in_the_reference():
    """docs/reference/settings.md has a line for each setting with its variables and its meaning."""
    text = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    for field in FIELDS:
        line = next((line for line in text.splitlines() if line.startswith(f"| `{field.name}` |")), "")
        assert field.about in line, field.name
        assert all(f"`{variable}`" in line for variable in field.environment), field.name


def test_the_how_to_names_every_evidence_class_and_known_rule():
    """The page about explain lists the evidence classes and each rule."""
    text = (DOCS / "how-to" / "read-an-error.md").read_text(encoding="utf-8")
    for name, meaning in EVIDENCE.items():
        assert f"**{name}**: {meaning}" in text
    for rule in RULES:
        assert f"`{rule.id}`" in text, rule.id


def test_the_how_to_shows_what_explain_says(shell):
    """The output shown in the page about explain is part of what the command prints for its example."""
    text = (DOCS / "how-to" / "read-an-error.md").read_text(encoding="utf-8")
    body = re.search(r"echo '(.*)' \| flowlaunch explain\n", text)
    shown = re.search(r"```text\n(.*?)```", text, re.DOTALL)
    assert body is not None
    assert shown is not None
    assert shown[1] in shell("explain", stdin=body[1] + "\n").out


def _write() -> None:
    text, known = PAGE.read_text(encoding="utf-8"), helps()

    def fresh(match: re.Match[str]) -> str:
        head = match[0][: match.start(3) - match.start()]
        return f"{head}{known[match[1]]}```"

    PAGE.write_text(_BLOCK.sub(fresh, text), encoding="utf-8")


if __name__ == "__main__":
    _write()
