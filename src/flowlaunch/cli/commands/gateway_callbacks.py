"""`gateway callbacks`: look at callbacks, send them again, tell the secret that verifies them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import click

from flowlaunch.cli.confirm import confirmed
from flowlaunch.cli.gateway_ledger import instant, ledger_option, store_at
from flowlaunch.cli.ledgers import who
from flowlaunch.cli.session import Session, command_options, early_options
from flowlaunch.errors import InputError

if TYPE_CHECKING:
    from flowlaunch.gateway.store.delivery_views import DeliveryRecord

__all__ = ["callbacks_command"]

_COLUMNS: Final = {
    "id": "id",
    "event": "event",
    "state": "state",
    "attempts": "attempts",
    "origin": "to",
    "next_at": "next",
    "problem": "problem",
}


@click.group("callbacks")
@early_options
def callbacks_command() -> None:
    """Look at callbacks and send them again.

    A callback tells an app how its launch ended, at the address that it named.
    """


@callbacks_command.command("list", epilog="Example: flowlaunch gateway callbacks list --state dead")
@click.option("--state", type=click.Choice(("waiting", "delivered", "dead")), help="Only callbacks in this state.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@ledger_option
@command_options(settings=False)
def list_command(session: Session, ledger: str | None, state: str | None, limit: int) -> None:
    """List callbacks, newest first; `dead` ones were given up after a day."""
    from flowlaunch.gateway.store import delivery_views  # noqa: PLC0415 - loads the database library

    with store_at(ledger) as store:
        found = delivery_views.read(store, state=state or "", limit=limit)
        counts = delivery_views.count_by_state(store)
    session.emit([_shown(one) for one in found], _COLUMNS)
    session.talk(", ".join(f"{n:,} {name}" for name, n in counts.items()))


@callbacks_command.command("replay", epilog="Example: flowlaunch gateway callbacks replay --dead --yes")
@click.argument("callback_ids", metavar="ID...", nargs=-1)
@click.option("--dead", "is_dead", is_flag=True, help="All that were given up.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@ledger_option
@command_options(settings=False)
def replay_command(
    session: Session, ledger: str | None, callback_ids: tuple[str, ...], *, is_dead: bool, yes: bool
) -> None:
    """Send callbacks again, from the start of their schedule.

    Messages keep their ids, so that a receiver that has one knows it again. They leave when the gateway is served.
    """
    from flowlaunch.gateway.store import delivery_views  # noqa: PLC0415 - as above

    if bool(callback_ids) == is_dead:
        raise click.UsageError("give either ids or --dead")
    with store_at(ledger) as store:
        ids = callback_ids or tuple(one.id for one in delivery_views.read(store, state="dead", limit=100_000))
        confirmed(f"Send {len(ids):,} callbacks again?", yes=yes or len(ids) <= 1)
        done = [(one, delivery_views.replay(store, one, who=who())) for one in ids]
    missing = [one for one, found in done if found is None]
    session.emit([_shown(found) for _, found in done if found is not None], _COLUMNS)
    if missing:
        raise InputError(
            f"there is no callback {', '.join(missing)}",
            code="callback-unknown",
            hint="List them: flowlaunch gateway callbacks list.",
        )


@callbacks_command.command("secret", epilog="Example: flowlaunch gateway callbacks secret crm")
@click.argument("key", metavar="KEY")
@click.option(
    "--callback-secret",
    "references",
    multiple=True,
    metavar="REF",
    help="Where the gateway's own secret is, as given to `gateway serve`. Repeatable.",
)
@ledger_option
@command_options(settings=False)
def secret_command(session: Session, ledger: str | None, key: str, references: tuple[str, ...]) -> None:
    """Print the secret by which the app of a key (its id or name) verifies its callbacks.

    For a webhook's launches KEY is `hook:NAME`. The secret stays the same when the key is rotated.
    """
    from flowlaunch.gateway.access.keys import Keys  # noqa: PLC0415 - loads the database library
    from flowlaunch.gateway.callbacks.masters import read_masters  # noqa: PLC0415
    from flowlaunch.gateway.store import audit  # noqa: PLC0415

    with store_at(ledger) as store:
        key_id = key if key.startswith("hook:") else Keys(store).named(key).key_id
        masters = read_masters(references, os.environ, store.path)
        if masters is None:
            raise InputError(
                "there is no callback secret",
                code="callbacks-off",
                hint="Set FLOWLAUNCH_CALLBACK_SECRET as where the gateway is served.",
            )
        audit.record(store, who(), "callback.secret", key_id)
        secrets = masters.secrets_of(key_id)
    for secret in secrets:
        session.emit(secret)
    session.talk("verify with any Standard Webhooks library; keep it where the app keeps its secrets")


def _shown(one: DeliveryRecord) -> dict[str, Any]:
    return {
        "id": one.id,
        "launch_id": one.launch_id,
        "route": one.route,
        "event": one.event,
        "state": one.state,
        "attempts": one.tries_before + one.tries,
        "origin": one.origin,
        "created_at": instant(one.created_us),
        "next_at": instant(one.due_us),
        "done_at": instant(one.done_us),
        "http_status": one.http_status,
        "problem": one.problem,
    }
