"""`worker reserve`: keep back a share of an OAuth client's pace for other apps."""

from __future__ import annotations

import click

from flowlaunch.cli.ledgers import ledger_option, opened, server_ledger
from flowlaunch.cli.session import Session, command_options

__all__ = ["reserve_command"]

MOST: float = 0.95


@click.command("reserve", epilog="Example: flowlaunch worker reserve 20% --profile emea")
@ledger_option
@click.argument("share", metavar="SHARE")
@command_options()
def reserve_command(session: Session, ledger: str, share: str) -> None:
    """Keep back a share of an OAuth client's pace for other apps.

    SHARE is a part such as 20% or 0.2, at most 95%; 0 gives everything back. All batches, workers and gateways of the
    ledger that spend this OAuth client's budget leave it so much from their next request on.
    """
    from flowlaunch.aclient import AsyncClient  # noqa: PLC0415 - loads the HTTP library
    from flowlaunch.batch.permits import client_key  # noqa: PLC0415

    part = _part(share)
    key = client_key(AsyncClient.from_settings(session.settings, pace_per_minute=None))
    with opened(server_ledger(ledger)) as held:
        held.reserve_share(key, part)
    session.emit({"client_id": session.settings.client_id, "kept_back": part})
    session.talk(f"{part:.0%} of this OAuth client's pace is for other apps")


def _part(text: str) -> float:
    try:
        part = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        part = -1.0
    if not 0 <= part <= MOST:
        raise click.BadParameter(f"{text!r} is no share: write 20% or 0.2, at most {MOST:.0%}", param_hint="SHARE")
    return part
