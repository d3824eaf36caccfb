"""The command line: a group whose commands are imported when they are used, and where errors become text."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING, Final

import click

from flowlaunch._version import __version__
from flowlaunch.cli.lazy import LazyGroup
from flowlaunch.cli.session import early_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["COMMANDS", "cli", "run"]

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "demo": ("demo", "Launch a real workflow in a sandbox of its own and show what came of it."),
    "launch": ("launch", "Launch FLOW, an id or an exact name, once."),
    "status": ("launch", "Tell how an execution stands."),
    "wait": ("launch", "Wait until an execution has ended and show its result."),
    "flows": ("flows", "Look at the flows that can be launched."),
    "check": ("check", "Check input data against a flow without launching it."),
    "doctor": ("doctor", "Walk from the settings to the flow and say what to fix."),
    "whoami": ("whoami", "Tell who the credentials speak for."),
    "explain": ("explain", "Explain an error, a log line or a code snippet."),
    "config": ("config", "Show and change settings."),
    "batch": ("batch", "Launch one flow per row of a file, safely, to the end."),
    "worker": ("worker", "Run batches on many machines, over one ledger in PostgreSQL."),
    "ledger": ("ledger", "Look after ledgers: files of one machine, or databases that many machines share."),
    "flow": ("flow", "Check, run, test and draw flow files offline."),
    "parity": ("parity", "Show where a real org differs from the sandbox, without its values."),
    "conformance": ("conformance", "Score any launch client, in any language, against faults."),
    "gateway": ("gateway", "Give many apps one guarded door to flow launches, with a page to look at."),
    "sandbox": ("sandbox", "Run a local Genesys Cloud to launch flows in."),
}
"""Command -> its module in `flowlaunch.cli.commands` and its line in the list of commands."""


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Data goes to standard output, talk to standard error. Exit codes: 0 ok, 1 error, 2 usage, "
    "3 flow failed, 4 auth or permission, 5 in doubt, 6 rate or time budget spent, 7 input rejected, "
    "8 batch ended with rows not launched, 130 interrupted.",
)
@click.version_option(__version__, message="%(prog)s %(version)s", help="Show the version and exit.")
@early_options
def cli() -> None:
    """Launch Genesys Cloud Architect flows: once, and know what happened. Offline too.

    Start with `flowlaunch demo`; it needs no account and no network.
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and tell its exit code; every error becomes text here and nowhere else."""
    _accept_any_text()
    try:
        result = cli.main(
            args=None if arguments is None else list(arguments), prog_name="flowlaunch", standalone_mode=False
        )
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        from flowlaunch.cli.failures import tell_usage  # noqa: PLC0415 - only on the way to an error

        return tell_usage(error)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return 130
    except BrokenPipeError:
        _drop_stdout()
        return 1
    except Exception as error:  # noqa: BLE001 - the last place where an error can become text
        return _tell(error)
    return result if isinstance(result, int) else 0


def _accept_any_text() -> None:
    """Spell out what an output's encoding cannot hold, instead of failing half-way through."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _tell(error: Exception) -> int:
    from flowlaunch.cli import failures  # noqa: PLC0415 - only on the way to an error
    from flowlaunch.errors import FlowlaunchError  # noqa: PLC0415

    return failures.tell(error) if isinstance(error, FlowlaunchError) else failures.tell_unexpected(error)


def _drop_stdout() -> None:
    """Let the interpreter's own flush at exit write to nowhere: the reader has left."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
