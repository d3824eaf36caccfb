"""`batch retry`, `release` and `forget`: rows that somebody decides about afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from flowlaunch.cli.confirm import confirmed
from flowlaunch.cli.exits import Exit
from flowlaunch.cli.ledgers import batch_id_in, ledger_named, opened, spelt, target_options, who
from flowlaunch.cli.session import Session, command_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.batch.ledger import Ledger, RowFilter

__all__ = ["forget_command", "release_command", "retry_command"]


def _filter_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--row", "numbers", type=click.IntRange(min=1), multiple=True, metavar="N", help="This row."),
        click.option("--key", "keys", multiple=True, metavar="TEXT", help="The row with this key."),
        click.option("--reason", "reasons", multiple=True, metavar="SLUG", help="Rows with this reason or error code."),
    ):
        function = option(function)
    return function


def _counted(ledger: Ledger, batch_id: int, where: RowFilter) -> int:
    """Tell how many rows are meant; by state and reason that is one look, else the rows are counted."""
    if where.numbers or where.keys:
        return sum(1 for _ in ledger.rows(batch_id, where))
    return sum(
        count.rows
        for count in ledger.counts(batch_id)
        if count.state in where.states and (not where.reasons or count.reason in where.reasons)
    )


@click.command(
    "retry",
    epilog="Examples: flowlaunch batch retry people.csv --state failed; flowlaunch batch retry people.csv --reason "
    "flow.data.action.failure --run",
)
@target_options
@click.option(
    "--state",
    "states",
    type=click.Choice(("failed", "refused")),
    multiple=True,
    help="Rows in this state; both by default.",
)
@_filter_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--run", "is_running", is_flag=True, help="Also run the batch in this terminal.")
@command_options()
@click.pass_context
def retry_command(
    ctx: click.Context,
    /,
    session: Session,
    target: str,
    batch_id: int | None,
    *,
    yes: bool,
    is_running: bool,
    **wanted: Any,
) -> None:
    """Ask for new attempts of failed or refused rows.

    A failed row was launched before, so its flow runs once more. Rows in doubt are never retried: `reconcile` settles
    them. The rows go out with the batch's pace as soon as it runs.
    """
    from flowlaunch.batch.ledger import RowFilter  # noqa: PLC0415 - loads the database library
    from flowlaunch.batch.states import RowState  # noqa: PLC0415
    from flowlaunch.cli.batch_standing import running_by  # noqa: PLC0415

    states = tuple(RowState(state) for state in wanted["states"] or ("failed", "refused"))
    where = RowFilter(states=states, **{name: tuple(wanted[name]) for name in ("reasons", "numbers", "keys")})
    with opened(target) as ledger:
        chosen = batch_id_in(ledger, batch_id)
        meant = _counted(ledger, chosen, where)
        if meant:
            confirmed(f"Launch {meant:,} rows once more?", yes=yes)
        rows = ledger.retry(chosen, where, by=who()) if meant else 0
        at_work = running_by(ledger, chosen, goes_on=True)
    session.emit({"batch_id": chosen, "rows": rows})
    if not rows:
        session.talk("no failed or refused row is meant")
        return
    if at_work and not (is_running and at_work.endswith(("worker", "workers"))):
        session.talk(f"{rows:,} rows wait for a new attempt, and {at_work} will send them")
        return
    if is_running:
        from flowlaunch.cli.batch_going import go_on  # noqa: PLC0415 - loads the HTTP library

        ctx.exit(go_on(session, target, chosen))
    session.talk(
        f"{rows:,} rows wait for a new attempt: flowlaunch batch resume {spelt(target, batch_id, chosen=chosen)} --run"
    )


@click.command("release", epilog="Example: flowlaunch batch release people.csv --reason unknown-zone --yes")
@target_options
@_filter_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@command_options(settings=False)
def release_command(session: Session, target: str, batch_id: int | None, *, yes: bool, **wanted: Any) -> None:
    """Let held rows be launched.

    A held row waits for a person: its time zone is unknown, say. Whoever releases it vouches that it may be launched
    now; the ledger records who that was.
    """
    from flowlaunch.batch.ledger import RowFilter  # noqa: PLC0415 - loads the database library
    from flowlaunch.batch.states import RowState  # noqa: PLC0415

    where = RowFilter(states=(RowState.HELD,), **{name: tuple(wanted[name]) for name in ("reasons", "numbers", "keys")})
    with opened(target) as ledger:
        chosen = batch_id_in(ledger, batch_id)
        meant = _counted(ledger, chosen, where)
        if meant:
            confirmed(f"Launch {meant:,} held rows without knowing what held them?", yes=yes)
        rows = ledger.release(chosen, where, by=who()) if meant else 0
    session.emit({"batch_id": chosen, "rows": rows})
    session.talk(f"{rows:,} rows are released" if rows else "no held row is meant")


@click.command("forget", epilog="Example: flowlaunch batch forget people.csv --key +4915112345678")
@target_options
@click.option("--key", required=True, metavar="TEXT", help="Row key or contact (number, address) to erase.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@command_options(settings=False)
@click.pass_context
def forget_command(
    ctx: click.Context, /, session: Session, target: str, batch_id: int | None, *, key: str, yes: bool
) -> None:
    """Erase one contact from the ledger's folder.

    Inputs, names, messages and outputs of the contact's rows are erased in every ledger of the folder, backups among
    them, and the contact's records in the exports, rejects, reports and event logs that lie there. Sums, states and
    times stay true. What may still name the contact is told: files of rows, copies of older ledgers. Ends with 1 then.
    """
    from flowlaunch.batch.forgetting import forget_contact  # noqa: PLC0415 - loads the database library

    del batch_id
    confirmed(f"Erase everything about {key} from the folder of {target}? This cannot be undone.", yes=yes)
    done = forget_contact(ledger_named(target), key, by=who())
    shown = [
        *({"file": file, "erased": one.rows, "what": "rows"} for file, one in done.ledgers.items()),
        *({"file": file, "erased": taken, "what": "records or mentions"} for file, taken in done.files.items()),
        *({"file": file, "erased": 0, "what": f"left: {why}"} for file, why in done.left.items()),
    ]
    session.emit(shown, {"file": "file", "erased": "erased", "what": "what"})
    if not (done.ledgers or done.files):
        session.talk("nothing here knows anybody of that key")
    elif done.left:
        session.talk("erased, but for the files marked as left: clean or delete them yourself")
    else:
        session.talk("erased: no file of the folder names the contact")
    ctx.exit(Exit.ERROR if done.left and (done.ledgers or done.files) else Exit.OK)
