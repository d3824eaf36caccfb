"""`launch`, `status` and `wait`: one execution from its start to its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
import msgspec

from flowlaunch.cli.exits import Exit
from flowlaunch.cli.inputs import input_options, read_inputs, typed_hint
from flowlaunch.cli.outcome import follow
from flowlaunch.cli.session import Session, command_options
from flowlaunch.errors import LaunchInDoubtError, PreflightError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowlaunch.client import Client
    from flowlaunch.models import Launch, Preview, Problem

__all__ = ["launch_command", "status_command", "wait_command"]

_SECONDS = click.FloatRange(min=0, min_open=True)


@click.command(
    "launch",
    epilog="Examples: flowlaunch launch 'Order follow-up' -i customerName='Jane Doe' -i amount:=12.5 --wait; "
    'echo \'{"Flow.orderId": "7"}\' | flowlaunch launch 5f0c... --input - --key order-7',
)
@click.argument("flow", required=False)
@input_options
@click.option("--version", "version", metavar="V", help="Flow version to launch; the published one by default.")
@click.option("--name", metavar="TEXT", help="Label of the execution; it comes back with its status.")
@click.option("--key", metavar="TEXT", help="Your own key of this launch, named in every message about it.")
@click.option("--preflight", type=click.Choice(("strict", "warn", "off")), help="Check of the input data first.")
@click.option("--wait", "is_waiting", is_flag=True, help="Wait until the execution has ended; show its result.")
@click.option(
    "--timeout",
    "timeout_s",
    type=_SECONDS,
    metavar="S",
    help="Seconds to wait for the end (default 300); without --wait, seconds for the launch itself.",
)
@click.option("--dry-run", is_flag=True, help="Show the request that would be sent, and send nothing.")
@command_options()
@click.pass_context
def launch_command(
    ctx: click.Context,
    session: Session,
    flow: str | None,
    *,
    pairs: Sequence[str],
    document: str | None,
    version: str | None,
    name: str | None,
    key: str | None,
    is_waiting: bool,
    timeout_s: float | None,
    dry_run: bool,
) -> None:
    """Launch FLOW, an id or an exact name, once.

    Prints the execution's id as soon as the platform has accepted it. A launch whose answer was lost is never
    repeated: it ends with exit code 5 and what is known about it.
    """
    reference = session.flow_or_setting(flow)
    input_data = read_inputs(pairs, document)
    label = _Label(version, name, key)
    with session.client() as client:
        try:
            if dry_run:
                preview = client.preview(reference, input_data, version=version, name=name, key=key)
                ctx.exit(_show_request(session, preview))
            launched = _launch(client, reference, input_data, label, None if is_waiting else timeout_s)
        except PreflightError as error:
            raise _with_typed_hints(error, pairs) from error
        if not is_waiting:
            session.emit(launched)
            session.talk(f"wait for its end: flowlaunch wait {launched.id}")
            return
        ctx.exit(follow(session, client, launched, timeout_s))


@dataclass(frozen=True, slots=True)
class _Label:
    version: str | None
    name: str | None
    key: str | None


def _launch(client: Client, flow: str, input_data: dict[str, Any], label: _Label, timeout_s: float | None) -> Launch:
    started_at = datetime.now(UTC)
    try:
        return client.launch(
            flow, input_data, version=label.version, name=label.name, key=label.key, timeout_s=timeout_s
        )
    except KeyboardInterrupt as interrupt:
        raise LaunchInDoubtError(
            f"launch flow {flow}: interrupted, and the request may have left already",
            flow_id=flow,
            key=label.key,
            started_at=started_at,
        ) from interrupt


def _show_request(session: Session, preview: Preview) -> Exit:
    problems = [str(problem) for problem in preview.problems]
    if session.output == "table" and not session.query:
        headers = [f"{name}: {value}" for name, value in preview.headers.items()]
        click.echo("\n".join([f"{preview.method} {preview.url}", *headers, "", preview.body]))
    else:
        body = msgspec.json.decode(preview.body)
        shown = {"method": preview.method, "url": preview.url, "headers": preview.headers, "body": body}
        session.emit({**shown, "problems": problems})
    for problem in problems:
        session.talk(f"problem: {problem}")
    session.talk("nothing was sent")
    return Exit.INPUT_REJECTED if problems and session.settings.preflight == "strict" else Exit.OK


def _with_typed_hints(error: PreflightError, pairs: Sequence[str]) -> PreflightError:
    """Say how to write a number on the command line where text was given for one."""
    summary = error.message.partition("\n")[0]  # the problems are told one by one, below
    return PreflightError(summary, problems=[_typed(problem, pairs) for problem in error.problems], hint=error.hint)


def _typed(problem: Problem, pairs: Sequence[str]) -> Problem:
    hint = typed_hint(pairs, problem.key) if problem.kind == "wrong-type" else ""
    return msgspec.structs.replace(problem, cure=hint) if hint else problem


@click.command("status")
@click.argument("execution_id", metavar="ID")
@command_options()
def status_command(session: Session, execution_id: str) -> None:
    """Tell how an execution stands.

    ID is what launch printed. The platform keeps executions for some days.
    """
    with session.client() as client:
        session.emit(client.status(execution_id))


@click.command("wait")
@click.argument("execution_id", metavar="ID")
@click.option("--timeout", "timeout_s", type=_SECONDS, metavar="S", help="Seconds to wait (default 300).")
@command_options()
@click.pass_context
def wait_command(ctx: click.Context, session: Session, execution_id: str, timeout_s: float | None) -> None:
    """Wait until an execution has ended and show its result.

    Exit code 3 says that it did not complete, 6 that it still runs.
    """
    with session.client() as client:
        ctx.exit(follow(session, client, execution_id, timeout_s))
