"""Errors as text on standard error: `error[code] message`, what is known, what to do next."""

from __future__ import annotations

import os
import re
import sys
import traceback
from typing import TYPE_CHECKING, Any, Final

import click

from flowlaunch import errors
from flowlaunch.cli.exits import Exit, exit_for
from flowlaunch.cli.terminal import may_colour, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["tell", "tell_unexpected", "tell_usage", "text_of"]

_LABELS: Final = {
    "flow_id": "flow",
    "server_code": "code",
    "timeout_s": "time given (s)",
    "retry_after_s": "retry after (s)",
}
_IN_DOUBT_STEPS: Final = (
    "What to do: look for an execution of this flow that started at that time (the platform's execution data, if",
    "it is switched on), or look at what the flow changes. Launch again only when there is none.",
)


def tell(error: errors.FlowlaunchError) -> Exit:
    """Write `error` to standard error and tell the exit code."""
    head, *rest = text_of(error).splitlines()
    if may_colour(sys.stderr):
        label, _, message = head.partition("] ")
        head = f"{click.style(label + ']', fg='red', bold=True)} {message}"
    click.echo("\n".join([head, *rest]), err=True)
    return exit_for(error)


def text_of(error: errors.FlowlaunchError) -> str:
    """Spell an error out: code and message, details, every problem, the hint."""
    lines = [f"error[{error.code}] {error.message}", *(f"  {line}" for line in _detail_lines(error))]
    if error.hint:
        lines.append(f"  hint: {error.hint}")
    return printable("\n".join(lines))


def _detail_lines(error: errors.FlowlaunchError) -> Iterator[str]:
    for name, value in error.details.items():
        if value not in (None, "") and not _says(error.message, str(value)):
            yield f"{_LABELS.get(name, name.replace('_', ' '))}: {value}"
    if isinstance(error, errors.ApiError) and error.body and not error.server_code:
        yield f"answer: {_first_line(error.body)}"
    if isinstance(error, errors.PreflightError):
        yield from (f"- {problem}" for problem in error.problems if str(problem) not in error.message)
    if isinstance(error, errors.FlowLookupError):
        yield from (f"candidate: {candidate}" for candidate in error.candidates)
    if isinstance(error, errors.FlowError) and error.span is not None:
        yield from str(error.span.render()).splitlines()
    if isinstance(error, errors.LaunchInDoubtError):
        yield from _IN_DOUBT_STEPS


def _says(message: str, value: str) -> bool:
    """Tell whether `message` holds `value` as a word of its own: 42 is not told by "HTTP 429"."""
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", message) is not None


def _first_line(text: str, limit: int = 200) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= limit else f"{line[:limit]}..."


def tell_usage(error: click.ClickException) -> Exit:
    """Write a mistake in the command line to standard error and tell the exit code."""
    context: Any = getattr(error, "ctx", None)
    click.echo(f"error[usage] {printable(error.format_message())}", err=True)
    if context is not None:
        click.echo(f"  hint: {context.command_path} --help", err=True)
    return Exit.USAGE


def tell_unexpected(error: Exception) -> Exit:
    """Write a defect of ours to standard error; its text may hold anything, so only its place is told."""
    if os.environ.get("FLOWLAUNCH_DEBUG"):
        traceback.print_exception(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {frames[-1].name} (line {frames[-1].lineno} of {frames[-1].filename})" if frames else ""
    click.echo(f"error[internal] {type(error).__name__}{place}: this is a defect of flowlaunch", err=True)
    click.echo("  hint: run again with FLOWLAUNCH_DEBUG=1 and report what it prints", err=True)
    return Exit.ERROR
