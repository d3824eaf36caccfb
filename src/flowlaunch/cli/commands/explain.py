"""`explain`: what is wrong with an error, a log line or a piece of code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, BinaryIO

import click
import msgspec

from flowlaunch.cli.session import Session, command_options
from flowlaunch.cli.terminal import is_terminal, may_colour, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flowlaunch.explain import Explanation, Finding

__all__ = ["explain_command"]

_LIMIT_BYTES = 200_000
_COLOURS = {"wrong": "red", "risk": "yellow", "note": "blue"}


@click.command("explain")
@click.argument("file", type=click.File("rb"), default="-")
@command_options(settings=False)
def explain_command(session: Session, file: BinaryIO) -> None:
    """Explain an error, a log line or a code snippet.

    Reads FILE or standard input: an error body, a failed execution, a log line, an HTML page, Python, curl
    or a JSON request body. Says place by place what is wrong against the real API, the right form, and how
    that is known.
    """
    from flowlaunch.explain import explain  # noqa: PLC0415

    if file is sys.stdin.buffer and is_terminal(sys.stdin):
        session.talk("Paste the error or the code, then press Ctrl-D.")
    text = file.read(_LIMIT_BYTES).decode("utf-8", errors="replace")
    if not text.strip():
        raise click.UsageError("there is nothing to explain: give a FILE, or text on standard input")
    explanation = explain(text)
    if session.output == "table" and not session.query:
        _show(explanation)
    else:
        session.emit([msgspec.to_builtins(one) for one in explanation.findings])
    if not explanation.findings:
        session.talk("Nothing here is known to be wrong.")


def _show(explanation: Explanation) -> None:
    click.echo(f"This looks like: {explanation.kind}")
    for group in _grouped(explanation.findings):
        click.echo("\n".join(["", *_lines(group)]))


def _grouped(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Put the places of one mistake together, in the order of their first."""
    groups: dict[tuple[Any, ...], list[Finding]] = {}
    for one in findings:
        groups.setdefault((one.rule, one.cure, one.finding), []).append(one)
    return list(groups.values())


def _lines(group: list[Finding]) -> Iterable[str]:
    first, *others = group
    label = f"{first.weight}[{first.rule}]"
    if may_colour(sys.stdout):
        label = click.style(label, fg=_COLOURS[first.weight], bold=True)
    also = ", ".join(dict.fromkeys(str(one.line) for one in others if one.line != first.line))
    place = f"line {first.line}: " if first.line else ""
    yield f"{label} {place}{printable(first.excerpt)[:160]}{f'  (also line {also})' if also else ''}"
    yield f"  {first.finding}"
    yield f"  instead: {first.cure}"
    yield f"  {first.evidence}: {first.source}"
