"""`batch run`: launch the flow once per row, and go on where it stopped."""

from __future__ import annotations

from typing import Any

import click

from flowlaunch.cli.batch_going import INTERVAL_S, go
from flowlaunch.cli.batch_options import job_of, job_options, run_options
from flowlaunch.cli.confirm import confirmed
from flowlaunch.cli.ledgers import shown
from flowlaunch.cli.session import Session, command_options
from flowlaunch.errors import InputError

__all__ = ["run_command"]


@click.command(
    "run",
    epilog="Examples: flowlaunch batch run people.csv --flow 'Payment reminder' --key customer_id; "
    "flowlaunch batch run people.csv --flow 'Payment reminder' --rate 120 --max-failed 2% --yes -o jsonl",
)
@job_options
@run_options
@click.option("--yes", is_flag=True, help="Launch without asking, however many rows there are.")
@click.option("--here", is_flag=True, help="Launch from this process, even if workers of the ledger are there.")
@click.option("--new", "is_new", is_flag=True, help="Begin another batch of this file, even if the ledger holds one.")
@click.option(
    "--accept", "accepted", type=click.Choice(("source", "mapping", "flow-version")), multiple=True,
    help="Go on although this has changed since the batch began. Repeatable.",
)  # fmt: skip
@click.option(
    "--interval", "interval_s", type=click.FloatRange(0.2, 3_600), default=INTERVAL_S, show_default=True, metavar="S",
    help="Seconds between two lines of progress off a terminal.",
)  # fmt: skip
@command_options()
@click.pass_context
def run_command(ctx: click.Context, /, session: Session, source: str, interval_s: float, **wanted: Any) -> None:
    """Launch the flow once per row; run it again to go on after a stop.

    Every row is recorded in the ledger, FILE.ledger unless --ledger names another, before its launch is sent: no row
    is sent twice, whatever happens to this process. Ctrl-C finishes what is in flight and stops; a second one stops at
    once. `batch watch`, `pause`, `rate` and the others work from any other terminal meanwhile.

    With a ledger in PostgreSQL the rows are handed to its workers (`flowlaunch worker run`), if there are any with this
    OAuth client; the command then looks on until the batch ends, and Ctrl-C ends the looking on only.

    -o jsonl prints every event as a line of JSON. Ends with 5 when rows are in doubt, 8 when rows were not launched,
    3 when flows failed, in this order.
    """
    job = job_of(session, source, wanted)
    target = str(job.ledger_place)
    session.talk(f"every row is recorded in {shown(target)}")
    try:
        ended = go(session, job, target, interval_s=interval_s)
    except InputError as error:
        if error.code != "needs-confirmation":
            raise
        pace = f" at up to {job.pace_per_minute:g} requests a minute" if job.pace_per_minute else " without a pace"
        confirmed(f"{error.message.partition(';')[0]}{pace}. Launch them now?", yes=False)
        ended = go(session, job_of(session, source, wanted | {"yes": True}), target, interval_s=interval_s)
    ctx.exit(ended)
