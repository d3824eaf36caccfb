"""`doctor`: from the settings to the flow, and what to fix on the way."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from flowlaunch.cli.exits import Exit, exit_for
from flowlaunch.cli.session import Session, command_options
from flowlaunch.cli.terminal import may_colour, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flowlaunch.doctor import Step

__all__ = ["doctor_command"]

_MARKS = {"ok": "green", "warning": "yellow", "failed": "red", "skipped": "blue", "unknown": "blue"}
_WIDTH = 17


@click.command("doctor")
@click.argument("flow", required=False)
@command_options()
@click.pass_context
def doctor_command(ctx: click.Context, session: Session, flow: str | None) -> None:
    """Walk from the settings to the flow and say what to fix.

    Looks at settings, name lookup, connection and TLS, clock, sign-in, permissions, limits, and FLOW with its
    inputs. Launches nothing. Ends as the first step that failed would end a launch.
    """
    from flowlaunch.doctor import Patient, examine  # noqa: PLC0415 - loads sockets and TLS

    patient = Patient(load=lambda: session.settings, connect=lambda _settings: session.client(), flow=flow)
    try:
        steps = _told(session, examine(patient))
    finally:
        if patient.client is not None:
            patient.client.close()
    failed = next((step for step in steps if step.state == "failed"), None)
    if failed is not None:
        session.talk(f"{failed.name} failed: {failed.cure or failed.found}")
        ctx.exit(exit_for(failed.error) if failed.error else Exit.ERROR)


def _told(session: Session, steps: Iterable[Step]) -> list[Step]:
    """Print the steps, in a table each as soon as it was taken, and tell them."""
    if session.output == "table" and not session.query:
        return [_show(step) for step in steps]
    taken = list(steps)
    session.emit([{"step": one.name, "state": one.state, "found": one.found, "cure": one.cure} for one in taken])
    return taken


def _show(step: Step) -> Step:
    state = step.state.ljust(8)
    shown = click.style(state, fg=_MARKS[step.state]) if may_colour(sys.stdout) else state
    click.echo(f"{shown} {step.name.ljust(_WIDTH)} {printable(step.found)}".rstrip())
    if step.cure:
        click.echo(f"{' ' * (10 + _WIDTH)}-> {printable(step.cure)}")
    return step
