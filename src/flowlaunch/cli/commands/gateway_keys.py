"""`gateway keys`: create, list, rotate and revoke the API keys of a gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from flowlaunch.cli.confirm import confirmed
from flowlaunch.cli.gateway_ledger import duration_option, instant, ledger_option, store_at
from flowlaunch.cli.ledgers import who
from flowlaunch.cli.session import Session, command_options, early_options

if TYPE_CHECKING:
    from flowlaunch.gateway.access.keys import Issued
    from flowlaunch.gateway.store.keys import KeyRecord

__all__ = ["keys_command"]

_COLUMNS: Final = {
    "id": "id",
    "name": "name",
    "state": "state",
    "scopes": "scopes",
    "per_minute": "a minute",
    "per_day": "a day",
    "expires_at": "expires",
    "last_used_at": "last used",
}
_SCOPES: Final = ("launch", "read", "operate", "admin")


@click.group("keys")
@early_options
def keys_command() -> None:
    """Manage the API keys by which apps come in.

    A key is shown once, when it is made or rotated: the ledger keeps a hash. Who may write to the ledger may manage
    its keys, also while the gateway is served.
    """


@keys_command.command("create", epilog="Example: flowlaunch gateway keys create crm --scope launch --per-minute 60")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(_SCOPES),
    multiple=True,
    default=("launch",),
    show_default=True,
    help="What it may do: launch (and read its own launches), read, operate (includes read), admin (all). Repeatable.",
)
@click.option("--per-minute", type=click.IntRange(min=1), metavar="N", help="Launches that it may ask for in a minute.")
@click.option("--per-day", type=click.IntRange(min=1), metavar="N", help="Launches that it may ask for in a day (UTC).")
@duration_option("--expires", "lasts_s", help="End it after a time, such as 90d.")
@ledger_option
@command_options(settings=False)
def create_command(
    session: Session, ledger: str | None, name: str, scopes: tuple[str, ...], lasts_s: int | None, **quotas: Any
) -> None:
    """Make a key for an app, and print it: it cannot be shown again."""
    from flowlaunch.gateway.access.keys import Keys  # noqa: PLC0415 - loads the database library

    with store_at(ledger, create=True) as store:
        expires_us = None if lasts_s is None else store.now_us() + lasts_s * 1_000_000
        issued = Keys(store).create(name, scopes, who=who(), expires_us=expires_us, **quotas)
        _hand_out(session, issued, store.now_us())
    session.talk("keep it where the app keeps its secrets; send it as `Authorization: Bearer KEY`")


@keys_command.command("list")
@click.option("--all", "is_all", is_flag=True, help="Also keys that were revoked or have expired.")
@ledger_option
@command_options(settings=False)
def list_command(session: Session, ledger: str | None, *, is_all: bool) -> None:
    """List the keys."""
    from flowlaunch.gateway.access.keys import Keys  # noqa: PLC0415 - as above

    with store_at(ledger) as store:
        now_us = store.now_us()
        found = [_shown(one, now_us) for one in Keys(store).all() if is_all or one.state(now_us) == "live"]
    session.emit(found, _COLUMNS)
    if not found:
        session.talk("no keys; make one: flowlaunch gateway keys create NAME")


@keys_command.command("rotate", epilog="Example: flowlaunch gateway keys rotate crm --overlap 2h")
@click.argument("key", metavar="KEY")
@duration_option(
    "--overlap",
    "overlap_s",
    default="1d",
    show_default=True,
    help="How long the present secret is still taken; 0s ends it at once.",
)
@ledger_option
@command_options(settings=False)
def rotate_command(session: Session, ledger: str | None, key: str, overlap_s: int) -> None:
    """Give a key (its id or name) a new secret, and print it: it cannot be shown again.

    Quotas, scopes and callback secret stay. Both secrets are taken until the overlap has ended.
    """
    from flowlaunch.gateway.access.keys import Keys  # noqa: PLC0415 - as above

    with store_at(ledger) as store:
        issued = Keys(store).rotate(key, who=who(), overlap_s=overlap_s)
        _hand_out(session, issued, store.now_us())
    until = instant(issued.record.old_until_us)
    session.talk(f"the old secret is taken until {until}" if overlap_s else "the old secret is taken no more")


@keys_command.command("revoke")
@click.argument("key", metavar="KEY")
@click.option("--yes", is_flag=True, help="Do not ask.")
@ledger_option
@command_options(settings=False)
def revoke_command(session: Session, ledger: str | None, key: str, *, yes: bool) -> None:
    """End a key (its id or name), with its sessions, for good.

    A gateway that is being served refuses it within a second. Launches that it made stay.
    """
    from flowlaunch.gateway.access.keys import Keys  # noqa: PLC0415 - as above

    with store_at(ledger) as store:
        keys = Keys(store)
        found = keys.named(key)
        confirmed(f"Revoke the key {found.name} ({found.key_id}) for good?", yes=yes)
        session.emit(_shown(keys.revoke(found.key_id, who=who()), store.now_us()))


def _hand_out(session: Session, issued: Issued, now_us: int) -> None:
    """Print a key: alone as text, so that a script can take it; with its record where a structure was asked for."""
    if session.output == "table" and session.query is None:
        session.emit(issued.key)
    else:
        session.emit({"key": issued.key, **_shown(issued.record, now_us)})


def _shown(record: KeyRecord, now_us: int) -> dict[str, Any]:
    return {
        "id": record.key_id,
        "name": record.name,
        "state": record.state(now_us),
        "scopes": " ".join(record.scopes),
        "per_minute": record.per_minute,
        "per_day": record.per_day,
        "created_at": instant(record.created_us),
        "created_by": record.created_by,
        "rotated_at": instant(record.rotated_us),
        "expires_at": instant(record.expires_us),
        "revoked_at": instant(record.revoked_us),
        "last_used_at": instant(record.last_used_us),
    }
