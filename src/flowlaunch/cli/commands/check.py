"""`check`: input data against a flow, without a launch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from flowlaunch.cli.exits import Exit
from flowlaunch.cli.inputs import input_options, read_inputs, typed_hint
from flowlaunch.cli.session import Session, command_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flowlaunch.models import CheckReport

__all__ = ["check_command"]


@click.command("check")
@click.argument("flow", required=False)
@input_options
@click.option("--version", "version", metavar="V", help="Flow version; the published one by default.")
@command_options()
@click.pass_context
def check_command(
    ctx: click.Context,
    session: Session,
    flow: str | None,
    *,
    pairs: Sequence[str],
    document: str | None,
    version: str | None,
) -> None:
    """Check input data against a flow without launching it.

    Names every problem at once: unknown keys with the likely one, missing inputs, wrong types, too much data.
    Exit code 7 says that a launch would be refused.
    """
    reference = session.flow_or_setting(flow)
    input_data = read_inputs(pairs, document)
    with session.client() as client:
        report = client.check(reference, input_data, version=version)
    _emit(session, report, pairs)
    ctx.exit(Exit.OK if report.is_ok else Exit.INPUT_REJECTED)


def _emit(session: Session, report: CheckReport, pairs: Sequence[str]) -> None:
    problems = [
        {
            "kind": one.kind,
            "key": one.key,
            "message": one.message,
            "cure": (one.kind == "wrong-type" and typed_hint(pairs, one.key)) or one.cure,
        }
        for one in report.problems
    ]
    if session.output in {"table", "csv"}:
        session.emit(problems)
    else:
        session.emit(
            {
                "flow": {"id": report.flow.id, "name": report.flow.name},
                "is_ok": report.is_ok,
                "problems": problems,
                "input_data": msgspec.to_builtins(report.input_data),
                "size_bytes": report.size_bytes,
            }
        )
    if report.is_ok:
        session.talk(f"{report.flow.name or report.flow.id}: a launch with this input data would be sent")
