"""`batch pause`, `resume`, `rate`, `concurrency`, `cancel`: a running batch, steered from any terminal."""

from __future__ import annotations

from typing import Any, Final

import click

from flowlaunch.cli.confirm import confirmed
from flowlaunch.cli.ledgers import batch_id_in, opened, spelt, target_options, who
from flowlaunch.cli.session import Session, command_options

__all__ = [
    "cancel_command",
    "concurrency_command",
    "pause_command",
    "priority_command",
    "rate_command",
    "resume_command",
]

_SHOWN: Final = (
    "batch_id",
    "is_running",
    "paused",
    "pause_reason",
    "cancelled",
    "rate_per_minute",
    "concurrency",
    "states",
)


@click.command("pause", epilog="Example: flowlaunch batch pause people.csv --reason 'the data action is down'")
@target_options
@click.option("--reason", default="", metavar="TEXT", help="Why, for whoever looks at the batch.")
@command_options(settings=False)
def pause_command(session: Session, target: str, batch_id: int | None, reason: str) -> None:
    """Launch nothing more until the batch is resumed.

    Works from any terminal, within about a second. What is in flight is finished, and executions are followed on.
    """
    standing = _change(session, target, batch_id, "paused", paused=True, pause_reason=reason)
    session.talk(f"go on with: flowlaunch batch resume {spelt(target, batch_id, chosen=standing['batch_id'])}")


@click.command("resume")
@target_options
@click.option("--run", "is_running", is_flag=True, help="Also run it in this terminal, if no other runs it.")
@click.option("--no-track", is_flag=True, help="With --run: do not follow executions to their end.")
@command_options()
@click.pass_context
def resume_command(
    ctx: click.Context, /, session: Session, target: str, batch_id: int | None, *, is_running: bool, no_track: bool
) -> None:
    """Let a paused batch go on.

    A batch whose runner has ended (stopped, killed, rebooted) needs a new one: `--run` starts it here with the
    settings of the ledger. Rows that were in flight when the last runner died are in doubt and not sent again.
    """
    standing = _change(session, target, batch_id, "" if is_running else "resumed", paused=False, pause_reason="")
    if is_running:
        from flowlaunch.cli.batch_going import go_on  # noqa: PLC0415 - loads the HTTP library

        ctx.exit(go_on(session, target, standing["batch_id"], follows=not no_track))
    if not standing["is_running"]:
        place = spelt(target, batch_id, chosen=standing["batch_id"])
        session.talk(f"nobody runs it now; go on with: flowlaunch batch resume {place} --run")


@click.command("rate", epilog="Example: flowlaunch batch rate people.csv 120")
@target_options
@click.argument("per_minute", metavar="PER_MINUTE")
@command_options(settings=False)
def rate_command(session: Session, target: str, batch_id: int | None, per_minute: str) -> None:
    """Change how many requests a minute a batch may send.

    PER_MINUTE is a number, or `default` for what the batch began with. The new rate holds within about a second; the
    budget of the OAuth client stays the upper bound.
    """
    rate = None if per_minute == "default" else _positive(per_minute)
    _change(session, target, batch_id, "rate changed", rate_per_minute=rate)


@click.command("concurrency", epilog="Example: flowlaunch batch concurrency people.csv 8")
@target_options
@click.argument("launches", type=click.IntRange(1, 1_000), metavar="LAUNCHES")
@command_options(settings=False)
def concurrency_command(session: Session, target: str, batch_id: int | None, launches: int) -> None:
    """Change how many launches of a batch may be in flight.

    The number is for the whole batch: workers that share it divide it among them, each having one at least.
    """
    _change(session, target, batch_id, "concurrency changed", concurrency=launches)


@click.command("priority", epilog="Example: flowlaunch batch priority $FLOWLAUNCH_LEDGER 30 --batch 7")
@target_options
@click.argument("priority", type=click.IntRange(1, 1_000), metavar="PRIORITY")
@command_options(settings=False)
def priority_command(session: Session, target: str, batch_id: int | None, priority: int) -> None:
    """Change which share of the pace a batch gets.

    While several batches want slots of one OAuth client each gets its share of them by priority: 20 gets twice what 10
    gets, which is what every batch begins with.
    """
    _change(session, target, batch_id, "priority changed", priority=priority)


@click.command("cancel")
@target_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@command_options(settings=False)
def cancel_command(session: Session, target: str, batch_id: int | None, *, yes: bool) -> None:
    """Cancel the rows that were not sent yet.

    Rows that were launched stay launched and are followed to their end. A cancelled row is not launched any more. A
    paused batch ends, too.
    """
    from flowlaunch.cli.batch_standing import standing_of  # noqa: PLC0415 - loads the JSON library

    with opened(target) as ledger:
        chosen = batch_id_in(ledger, batch_id)
        states = standing_of(ledger, chosen).states
        waiting = states.get("pending", 0) + states.get("held", 0)
        confirmed(f"Cancel {waiting:,} rows that were not sent yet?", yes=yes or not waiting)
        rows = 0 if standing_of(ledger, chosen).is_running else ledger.cancel_rows(chosen, by=who())
    _change(session, target, chosen, "the runner cancels what is left" if not rows else f"{rows:,} rows cancelled",
            cancelled=True, paused=False)  # fmt: skip


def _positive(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise click.BadParameter(f"{text!r} is no rate: give a number above 0, or `default`", param_hint="PER_MINUTE")
    return rate


def _change(session: Session, target: str, batch_id: int | None, what: str, **wanted: Any) -> dict[str, Any]:
    """Write a change of controls, show how the batch stands then, and say what was done."""
    import msgspec  # noqa: PLC0415 - commands that are not used need not pay

    from flowlaunch.batch.ledger import Change  # noqa: PLC0415
    from flowlaunch.cli.batch_standing import standing_of  # noqa: PLC0415

    with opened(target) as ledger:
        chosen = batch_id_in(ledger, batch_id)
        ledger.control(chosen, by=who(), change=Change(**wanted))
        standing = msgspec.structs.asdict(standing_of(ledger, chosen))
    if what:
        session.emit({name: standing[name] for name in _SHOWN})
        session.talk(f"batch {chosen}: {what}")
    return standing
