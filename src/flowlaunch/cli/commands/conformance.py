"""`conformance`: score any launch client, in any language, against the sandbox's faults."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from flowlaunch.cli.exits import Exit
from flowlaunch.cli.session import Session, command_options, early_options
from flowlaunch.cli.terminal import printable
from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flowlaunch.conformance import Card, Result

__all__ = ["conformance_command"]

_COLUMNS: Final = {
    "fault": "fault",
    "points": "points",
    "said": "said",
    "executions": "executions",
    "requests": "requests",
    "seconds": "seconds",
}


@click.group("conformance")
@early_options
def conformance_command() -> None:
    """Score any launch client, in any language, against faults."""


@conformance_command.command("run")
@click.argument("command", nargs=-1, required=True, metavar="-- COMMAND...", type=click.UNPROCESSED)
@click.option("--only", multiple=True, metavar="FAULT", help="Try this fault only; may be given again.")
@click.option(
    "--deadline",
    "deadline_s",
    type=click.FloatRange(2, 600),
    default=5.0,
    show_default=True,
    metavar="S",
    help="Seconds that each launch may take.",
)
@click.option("--min-score", type=click.FloatRange(0, 100), metavar="P", help="Fail when less than P % is earned.")
@click.option("--name", default="", metavar="TEXT", help="Name on the scorecard, instead of what the client tells.")
@command_options(settings=False)
@click.pass_context
def run_command(
    ctx: click.Context,
    /,
    session: Session,
    command: Sequence[str],
    only: Sequence[str],
    deadline_s: float,
    min_score: float | None,
    name: str,
) -> None:
    """Run COMMAND once under each fault and judge it by the sandbox's journal.

    COMMAND gets its task in the environment (CONFORMANCE_API_URL and others), launches, and prints one JSON line for
    each launch. docs/reference/conformance.md has the contract, `conformance list` the faults. COMMAND runs with your
    rights, but does not see the settings of your org. Exit code 1 says that the score is below --min-score.
    """
    from flowlaunch.conformance import run_conformance  # noqa: PLC0415 - loads the sandbox
    from flowlaunch.conformance.trials import chosen_trials  # noqa: PLC0415

    with _ended_in_order():
        card = run_conformance(
            command,
            trials=chosen_trials(only),
            deadline_s=deadline_s,
            client=name,
            on_result=lambda result: session.talk(f"{result.trial}: {result.earned} of {result.possible} points"),
        )
    _show(session, card)
    if min_score is not None and card.score < min_score:
        session.talk(f"error[score] {card.score:g} % is below the {min_score:g} % of --min-score")
        ctx.exit(Exit.ERROR)


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Have a signal that ends this process end its client first: that has a session of its own and would stay."""

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    known = [signal.Signals[name] for name in ("SIGTERM", "SIGHUP") if name in signal.Signals.__members__]
    before = {number: signal.signal(number, leave) for number in known if signal.getsignal(number) == signal.SIG_DFL}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(session: Session, card: Card) -> None:
    if session.output == "json" or session.query:
        session.emit(card.document())
        return
    session.emit([_line(result) for result in card.results], _COLUMNS)
    if session.output != "table":
        return
    lost = list(_lost_lines(card))
    if lost:
        click.echo()
        session.emit(lost)
    click.echo(f"\n{printable(card.client)}: {card.score:g} %")


def _line(result: Result) -> dict[str, Any]:
    return {
        "fault": result.trial,
        "points": f"{result.earned}/{result.possible}",
        "said": ", ".join(result.said) or "nothing",
        "executions": result.executions,
        "requests": result.requests,
        "seconds": result.took_s,
        "lost": "; ".join(f"{one.check} {one.lost}" for one in result.rulings if one.lost),
    }


def _lost_lines(card: Card) -> Iterator[dict[str, Any]]:
    for fault, ruling in card.lost:
        yield {"fault": fault, "check": ruling.check, "lost": ruling.points, "because it": ruling.lost}


@conformance_command.command("list")
@click.option("--checks", is_flag=True, help="List the checks and their points instead.")
@command_options(settings=False)
def list_command(session: Session, *, checks: bool) -> None:
    """List the faults and what a well-behaved client does under each."""
    from flowlaunch.conformance import CHECKS, TRIALS  # noqa: PLC0415 - loads the sandbox

    if checks:
        session.emit(
            [{"check": one.name, "points": one.points, "claim": one.claim, "why": one.why} for one in CHECKS],
            {"check": "check", "points": "points", "claim": "claim"},
        )
    else:
        session.emit(
            [{"fault": one.name, "happens": one.happens, "wanted": one.wanted} for one in TRIALS],
            {"fault": "fault", "happens": "what happens"},
        )


@conformance_command.command("page")
@click.argument(
    "cards", nargs=-1, required=True, metavar="CARD...", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@command_options(settings=False)
def page_command(session: Session, cards: Sequence[Path]) -> None:
    """Print one page of Markdown from scorecards that `run -o json` printed."""
    from flowlaunch.conformance import read_card, scorecard_page  # noqa: PLC0415 - loads the JSON library

    del session
    click.echo(scorecard_page([read_card(_read(path), str(path)) for path in cards]), nl=False)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
