"""`gateway audit`, `gateway link`, `gateway webhooks`: who did what, signing in to the page, messages that came."""

from __future__ import annotations

from typing import Any, Final

import click

from flowlaunch.cli.gateway_ledger import duration_option, instant, ledger_option, store_at
from flowlaunch.cli.ledgers import who
from flowlaunch.cli.session import Session, command_options

__all__ = ["audit_command", "link_command", "webhooks_command"]

_LINES: Final = {"at": "at", "name": "who", "what": "did", "target": "on", "facts": "facts"}
_MESSAGES: Final = {
    "received_at": "received",
    "hook": "webhook",
    "message_id": "message",
    "times": "times",
    "launch_id": "launch",
    "problem": "problem",
}
_LIMIT: Final = click.option(
    "--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="At most so many."
)


@click.command("audit", epilog="Example: flowlaunch gateway audit --what key.create -o jsonl")
@click.option("--what", default="", metavar="ACT", help="Only lines of this act, such as key.create.")
@click.option("--on", "target", default="", metavar="ID", help="Only lines about this launch, key, callback or batch.")
@_LIMIT
@ledger_option
@command_options(settings=False)
def audit_command(session: Session, ledger: str | None, what: str, target: str, limit: int) -> None:
    """Read who did what."""
    from flowlaunch.gateway.store import audit  # noqa: PLC0415 - loads the database library

    with store_at(ledger) as store:
        found = audit.read(store, what=what, target=target, limit=limit)
    lines: list[dict[str, Any]] = [
        {
            "at": instant(one.at_us),
            "key_id": one.key_id,
            "name": one.name,
            "what": one.what,
            "target": one.target,
            "facts": one.facts,
        }
        for one in found
    ]
    session.emit(lines, _LINES)


@click.command("link", epilog="Example: flowlaunch gateway link --scope read --name ann")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(("read", "operate", "admin")),
    multiple=True,
    default=("operate",),
    show_default=True,
    help="What whoever signs in may do. Repeatable.",
)
@click.option("--name", metavar="NAME", help="Who signs in, for the audit log; you by default.")
@duration_option("--lasts", "lasts_s", default="10m", show_default=True, help="How long it may be used.")
@click.option("--url", default="http://127.0.0.1:8086", show_default=True, help="Where the gateway is reached.")
@ledger_option
@command_options(settings=False)
def link_command(
    session: Session, ledger: str | None, scopes: tuple[str, ...], name: str | None, lasts_s: int, url: str
) -> None:
    """Print a link that signs in to the page, once.

    Its secret stands behind the `#`, so it reaches no log of a server or proxy. The session ends after two hours
    without use and after twelve in any case.
    """
    from flowlaunch.gateway.access.sessions import Sessions  # noqa: PLC0415 - loads the database library

    with store_at(ledger, create=True) as store:
        token = Sessions(store).link(who(), name or who(), scopes, lasts_s=lasts_s)
    session.emit(f"{url.rstrip('/')}/sign-in#{token}")


@click.command("webhooks", epilog="Example: flowlaunch gateway webhooks --refused")
@click.option("--hook", default="", metavar="NAME", help="Only messages of this webhook.")
@click.option("--refused", "is_refused", is_flag=True, help="Only messages that were refused.")
@_LIMIT
@ledger_option
@command_options(settings=False)
def webhooks_command(session: Session, ledger: str | None, hook: str, limit: int, *, is_refused: bool) -> None:
    """List the webhook messages that came.

    Genuine ones alone, newest first. One that was refused can be replayed over the API when the webhook keeps bodies.
    """
    from flowlaunch.gateway.store import messages  # noqa: PLC0415 - loads the database library

    with store_at(ledger) as store:
        found = messages.read(store, hook=hook, refused_only=is_refused, limit=limit)
    shown: list[dict[str, Any]] = [
        {
            "received_at": instant(one.received_us),
            "hook": one.hook,
            "message_id": one.message_id,
            "times": one.times,
            "launch_id": one.launch_id,
            "problem": one.problem,
        }
        for one in found
    ]
    session.emit(shown, _MESSAGES)
