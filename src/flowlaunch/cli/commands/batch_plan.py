"""`batch plan`: what a batch would do with every row; nothing is sent."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from flowlaunch.cli.batch_options import job_of, job_options, run_options
from flowlaunch.cli.exits import Exit
from flowlaunch.cli.session import Session, command_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flowlaunch.batch.decisions import RowPlan
    from flowlaunch.batch.plan import PlanReport

__all__ = ["plan_command"]

_FILE = click.Path(dir_okay=False, path_type=Path)
_COLUMNS: Final = {"decision": "decision", "reason": "reason", "rows": "rows", "meaning": "meaning"}
_MOST_TOLD: Final = 5


@click.command(
    "plan",
    epilog="Example: flowlaunch batch plan people.csv --flow 'Payment reminder' --key customer_id --dnc stop.txt "
    "--rejects mend.csv",
)
@job_options
@run_options
@click.option("--first", type=click.IntRange(0, 1_000), default=3, show_default=True, metavar="N",
              help="Launches to show as they would be sent.")  # fmt: skip
@click.option("--rejects", "rejects_file", type=_FILE, metavar="FILE", help="Write rejected and held rows as CSV.")
@click.option("--decisions", "decisions_file", type=_FILE, metavar="FILE",
              help="Write what is decided about every row, and why, as CSV.")  # fmt: skip
@command_options()
@click.pass_context
def plan_command(
    ctx: click.Context,
    /,
    session: Session,
    source: str,
    *,
    first: int,
    rejects_file: Path | None,
    decisions_file: Path | None,
    **wanted: Any,
) -> None:
    """Tell what a batch would do with every row, and send nothing.

    Reads the flow's inputs from the org and every row of FILE, and decides by the very code that `batch run` uses.
    Shows the rows by decision and reason, the first launches, suspicious columns, and when it would be through. Takes
    the options of `batch run`, so a plan becomes a run by its name. Ends with 7 when no row can be launched.
    """
    from flowlaunch.batch.plan import plan_batch_sync  # noqa: PLC0415 - loads the HTTP library
    from flowlaunch.batch.results.export import whole_file  # noqa: PLC0415
    from flowlaunch.batch.results.rejects import Decisions, Rejects  # noqa: PLC0415
    from flowlaunch.cli.batch_foresight import Foresight  # noqa: PLC0415

    job = job_of(session, source, wanted)
    foresight = Foresight(job)
    with ExitStack() as opened:
        rejects = opened.enter_context(Rejects())
        takers = [foresight.add]
        if decisions_file:
            takers.append(Decisions(opened.enter_context(whole_file(decisions_file))).add)

        def take(plan: RowPlan) -> None:
            for taker in takers:
                taker(plan)

        report = plan_batch_sync(job, sample=first, on_reject=rejects.add, on_plan=take)
        if rejects_file:
            with whole_file(rejects_file) as stream:
                rejects.write(stream, report.columns)
        mendable = rejects.rows
    forecast = foresight.forecast()
    if session.output == "table" and not session.query:
        _show(session, report)
    else:
        more = {"forecast": foresight.fields(forecast), "regional_rules": foresight.grounds()}
        session.emit(_record(report) | more)
    for line in (*foresight.grounds(), *foresight.lines(forecast)):
        session.talk(line)
    if rejects_file:
        session.talk(f"wrote {mendable:,} rejected and held rows to {rejects_file}")
    elif mendable:
        session.talk(f"{mendable:,} rows are rejected or held: --rejects FILE writes them with what is wrong")
    if decisions_file:
        session.talk(f"wrote the decision about each of {report.rows:,} rows to {decisions_file}")
    session.talk("nothing was sent")
    ctx.exit(Exit.OK if report.launches else Exit.INPUT_REJECTED)


def _record(report: PlanReport) -> dict[str, Any]:
    """Tell everything of a plan as JSON takes it."""
    import msgspec  # noqa: PLC0415 - help need not pay

    plain = msgspec.structs.asdict(report)
    return plain | {"reasons": list(_reasons(report)), "launches": report.launches}


def _reasons(report: PlanReport) -> Iterator[dict[str, Any]]:
    from flowlaunch.batch.decisions import REASONS  # noqa: PLC0415

    order = {"launch": 0, "hold": 1, "reject": 2, "skip": 3}
    for (kind, reason), rows in sorted(report.reasons.items(), key=lambda one: (order.get(one[0][0], 9), -one[1])):
        yield {"decision": kind, "reason": reason, "rows": rows, "meaning": REASONS.get(reason, "")}


def _show(session: Session, report: PlanReport) -> None:
    """Lay a plan out for reading."""
    import msgspec  # noqa: PLC0415 - help need not pay

    from flowlaunch.cli.terminal import printable  # noqa: PLC0415

    version = f", version {report.flow_version}" if report.flow_version else ""
    session.emit({
        "flow": f"{report.flow_name}{version}",
        "source": f"{report.source} ({report.source_format})",
        "rows": f"{report.rows:,}, of which {report.launches:,} would be launched",
    })  # fmt: skip
    click.echo()
    session.emit(list(_reasons(report)), _COLUMNS)
    if report.previews:
        click.echo("\nThe first launches:")
    for one in report.previews:
        name = f', name "{one.name}"' if one.name else ""
        click.echo(printable(f"  row {one.row_number} (line {one.line}), key {one.key}{name}"))
        click.echo(printable(f"    {msgspec.json.encode(one.input_data).decode()}"))
    _show_problems(report)


def _show_problems(report: PlanReport) -> None:
    from flowlaunch.cli.terminal import printable  # noqa: PLC0415

    bad = [plan for plan in report.rejects if plan.decision.kind in {"reject", "hold"}]
    if bad:
        click.echo("\nThe first rows to mend:")
    for plan in bad[:_MOST_TOLD]:
        place = f"line {plan.line}: "
        said = list(map(str, plan.decision.problems)) or [place + plan.decision.message.removeprefix(place)]
        click.echo(printable("\n".join(f"  {line}" for line in said)))
    if report.warnings:
        click.echo("\nSuspicious:")
    for warning in report.warnings:
        more = f" ({warning.count:,} rows, first on line {warning.line})" if warning.line else ""
        click.echo(
            printable(f"  {warning.column}: {warning.message}{more}" if warning.column else f"  {warning.message}")
        )
