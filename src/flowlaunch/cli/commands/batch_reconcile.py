"""`batch reconcile`: settle the rows of which nobody knows whether they were launched."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click

from flowlaunch.cli.exits import Exit
from flowlaunch.cli.ledgers import batch_id_in, opened, spelt, target_options, who
from flowlaunch.cli.session import Session, command_options
from flowlaunch.cli.terminal import is_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from flowlaunch.batch.ledger import Ledger
    from flowlaunch.batch.reconcile import ReconcileReport, RowEvidence

__all__ = ["reconcile_command"]

_COLUMNS: Final = {
    "number": "row",
    "key": "key",
    "sent_at": "sent",
    "verdict": "verdict",
    "candidates": "runs that may be it",
    "why": "evidence",
}
_ALL: Final = "all"


@click.command(
    "reconcile",
    epilog="Examples: flowlaunch batch reconcile people.csv; flowlaunch batch reconcile people.csv --absent all "
    "--because 'no call in the log'; flowlaunch batch reconcile people.csv --launched 17=5f0c...",
)
@target_options
@click.option(
    "--launched",
    "launched",
    multiple=True,
    metavar="ROW[=EXEC]",
    help="Row number or key that was launched, with its execution id if known. Repeatable.",
)
@click.option(
    "--absent",
    "absent",
    multiple=True,
    metavar="ROW|all",
    help="Row number or key that was not launched; it is launched when the batch runs again. Repeatable.",
)
@click.option("--because", default="", metavar="TEXT", help="Grounds of your decision, for the record.")
@click.option(
    "--only-here",
    is_flag=True,
    help="Nobody else launches this flow: let a large enough number of runs prove that all rows in doubt ran.",
)
@click.option("--offline", is_flag=True, help="Do not ask the platform for evidence.")
@click.option("--dry-run", is_flag=True, help="Show the evidence and settle nothing.")
@command_options()
@click.pass_context
def reconcile_command(
    ctx: click.Context, /, session: Session, target: str, batch_id: int | None, **wanted: Any
) -> None:
    """Settle the rows of which nobody knows whether they were launched.

    Asks the platform for runs of the flow at the time in question, and settles each row that is proved: launched
    (and followed from now on) or absent. Where the platform keeps no execution data, the number of runs at that time
    may still prove that none was launched. What is left is shown with its evidence for you to decide, with --launched
    and --absent or at the prompt. Each decision is recorded with who took it and when. Ends with 5 while rows are
    left in doubt.
    """
    from flowlaunch.cli.batch_standing import running_by  # noqa: PLC0415 - loads the JSON library

    if wanted["dry_run"] and (wanted["launched"] or wanted["absent"]):
        raise click.UsageError("--dry-run settles nothing: leave out --launched and --absent")
    with opened(target) as ledger:
        chosen = batch_id_in(ledger, batch_id)
        report = _evidence(session, ledger, chosen, wanted)
        left = [row for row in report.rows if wanted["dry_run"] or row.verdict == "unknown"]
        decided = _decisions(left, wanted) if left else {}
        session.emit([_shown(row, decided) for row in report.rows], _COLUMNS)
        _tell(session, report)
        if left and not decided and not wanted["dry_run"]:
            decided = _asked(session, left)
        settled = _settle(ledger, chosen, decided, wanted["because"])
        at_work = running_by(ledger, chosen, goes_on=True)
    if settled:
        session.talk(f"settled by you: {settled:,}")
    still = len(left) - settled
    if still:
        session.talk(f"{still:,} rows are left in doubt; they are not sent again until they are settled")
    going_on = (
        f"{at_work} will" if at_work else f"flowlaunch batch resume {spelt(target, batch_id, chosen=chosen)} --run"
    )
    _tell_next(session, report, {how for how, _ in decided.values()}, going_on)
    ctx.exit(Exit.IN_DOUBT if still else Exit.OK)


def _evidence(session: Session, ledger: Ledger, batch_id: int, wanted: Mapping[str, Any]) -> ReconcileReport:
    from flowlaunch.batch.reconcile import reconcile_sync  # noqa: PLC0415 - loads the HTTP library

    if wanted["offline"]:
        return _without_platform(ledger, batch_id)
    return reconcile_sync(
        ledger, batch_id, client=session.async_client(), settle=not wanted["dry_run"], is_sole=wanted["only_here"]
    )


def _without_platform(ledger: Ledger, batch_id: int) -> ReconcileReport:
    from flowlaunch.batch.ledger import RowFilter  # noqa: PLC0415 - loads the database library
    from flowlaunch.batch.reconcile import ReconcileReport, RowEvidence  # noqa: PLC0415
    from flowlaunch.batch.states import RowState  # noqa: PLC0415

    rows = tuple(
        RowEvidence(row_id=row.row_id, number=row.number, key=row.key, sent_from_us=row.intent_us or 0,
                    sent_until_us=row.intent_us or 0, why=row.message or row.reason)
        for row in ledger.rows(batch_id, RowFilter(states=(RowState.IN_DOUBT,)))
    )  # fmt: skip
    return ReconcileReport(rows=rows, left=len(rows))


def _shown(row: RowEvidence, decided: Mapping[int, tuple[str, str]]) -> dict[str, Any]:
    from flowlaunch.batch.results.summary import instant  # noqa: PLC0415

    sent_at = instant(row.sent_from_us) if row.sent_from_us else None
    how, _ = decided.get(row.row_id, ("", ""))
    return {
        "number": row.number,
        "key": row.key,
        "sent_at": f"{sent_at:%Y-%m-%d %H:%M:%S}Z" if sent_at else None,
        "verdict": f"{how} (by you)" if how else row.verdict,
        "candidates": [one.execution_id for one in row.candidates],
        "why": row.why,
    }


def _tell(session: Session, report: ReconcileReport) -> None:
    for note in report.notes:
        session.talk(f"note: {note}")
    if not report.rows:
        session.talk("no row is in doubt")
    elif report.settled_launched or report.settled_absent:
        session.talk(f"proved: {report.settled_launched:,} launched, {report.settled_absent:,} absent")


def _tell_next(session: Session, report: ReconcileReport, decided: set[str], going_on: str) -> None:
    """Tell what sends the absent rows and follows the launched ones."""
    done = [
        words
        for verdict, settled, words in (
            ("absent", report.settled_absent, "launch the rows that were absent"),
            ("launched", report.settled_launched, "follow the rows that were launched"),
        )
        if settled or verdict in decided
    ]
    if done:
        session.talk(f"{' and '.join(done)}: {going_on}")


def _decisions(left: Sequence[RowEvidence], wanted: Mapping[str, Any]) -> dict[int, tuple[str, str]]:
    """Read the decisions on the command line: row id -> (launched or absent, execution id)."""
    named = {str(row.number): row for row in left} | {row.key: row for row in left}
    found: dict[int, tuple[str, str]] = {}
    if _ALL in wanted["absent"]:
        found = {row.row_id: ("absent", "") for row in left}
    for how, texts in (("absent", wanted["absent"]), ("launched", wanted["launched"])):
        for text in texts:
            if text == _ALL and how == "absent":
                continue
            name, _, execution_id = text.rpartition("=") if "=" in text else (text, "", "")
            row = named.get(name) or named.get(text)
            if row is None:
                raise click.UsageError(f"--{how} {text}: no row in doubt has that number or key")
            found[row.row_id] = (how, execution_id if name in named else "")
    return found


def _asked(session: Session, left: Iterable[RowEvidence]) -> dict[int, tuple[str, str]]:
    """Ask for each row at a terminal; nothing is decided for those who just press return."""
    if session.output != "table" or not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        return {}
    found: dict[int, tuple[str, str]] = {}
    for row in left:
        text = click.prompt(
            f"row {row.number} ({row.key}): was it launched? [y]es, [n]o, [return] leave it",
            default="",
            show_default=False,
            type=click.Choice(("y", "n", "")),
            show_choices=False,
            err=True,
        )
        if text:
            found[row.row_id] = ("launched" if text == "y" else "absent", "")
    return found


def _settle(ledger: Ledger, batch_id: int, decided: Mapping[int, tuple[str, str]], because: str) -> int:
    from flowlaunch.batch.ledger import Evidence  # noqa: PLC0415 - loads the database library

    by, settled = who(), 0
    for row_id, (how, execution_id) in decided.items():
        grounds = because or "decided by a person"
        evidence = Evidence(by=by, grounds=grounds, execution_id=execution_id or None)
        settled += ledger.settle(batch_id, [row_id], "launched" if how == "launched" else "absent", evidence)
    return settled
