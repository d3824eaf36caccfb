"""`ledger batches`: which batches a ledger holds, by the numbers that `--batch` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from flowlaunch.cli.ledgers import opened
from flowlaunch.cli.session import Session, command_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowlaunch.cli.batch_standing import Standing

__all__ = ["batches_command"]

_COLUMNS: Final[Mapping[str, str]] = {
    "batch_id": "batch",
    "name": "name",
    "flow": "flow",
    "state": "state",
    "rows": "rows",
    "sent": "sent",
    "to_launch": "to launch",
    "running_by": "run by",
}
"""Field of a record -> heading."""


@click.command("batches", epilog="Example: flowlaunch ledger batches postgresql://me@db.example.com/flowlaunch")
@click.argument("ledger", metavar="LEDGER", envvar="FLOWLAUNCH_LEDGER")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="So many, the newest ones.")
@command_options(settings=False)
def batches_command(session: Session, ledger: str, limit: int) -> None:
    """List the batches of a ledger, the newest first.

    Their numbers are what --batch of the other commands takes. A batch that waits is run by nobody now; of one that is
    launched nothing is left to send, but ends are not known.
    """
    from flowlaunch.cli.batch_standing import standing_of  # noqa: PLC0415 - loads the JSON library

    with opened(ledger) as held:
        known = held.batches()
        found = [_record(standing_of(held, one.batch_id)) for one in known[::-1][:limit]]
    session.emit(found, _COLUMNS)
    if len(known) > limit:
        session.talk(f"{limit:,} of {len(known):,} batches; --limit shows more")


def _record(one: Standing) -> dict[str, Any]:
    """Choose what a list shows of a batch."""
    states = (
        ("loading", not one.is_loaded),
        ("paused", one.paused and not one.is_over),
        ("cancelled", one.cancelled),
        ("ended", one.is_over),
        ("running", one.is_running),
        ("launched", one.sent == one.to_launch),
    )
    state = next((name for name, holds in states if holds), "waiting")
    return {"state": state} | {name: getattr(one, name) for name in _COLUMNS if name != "state"}
