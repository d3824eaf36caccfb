"""`gateway serve`: the gateway, against an org or a sandbox of its own."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from flowlaunch.cli.gateway_callback_options import callback_options, callback_settings
from flowlaunch.cli.gateway_ops_options import operated, ops_options
from flowlaunch.cli.ledgers import server_ledger
from flowlaunch.cli.session import Session, command_options
from flowlaunch.cli.terminal import stderr_is_terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.aclient import AsyncClient
    from flowlaunch.gateway.options import GatewayOptions
    from flowlaunch.gateway.state import GatewayState
    from flowlaunch.sandbox import Sandbox

__all__ = ["default_ledger", "serve_command"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FIRST_KEY: Final = "sandbox"
"""Name of the key that is made for trying things out in a sandbox."""


def default_ledger() -> Path:
    """Tell where the gateway's ledger lies unless --ledger says otherwise: in the user's data folder."""
    import platformdirs  # noqa: PLC0415 - help need not pay

    return Path(platformdirs.user_data_dir("flowlaunch", appauthor=False)) / "gateway.ledger"


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8086, show_default=True, help="Port; 0 picks one.")
@click.option(
    "--ledger",
    metavar="PATH",
    envvar="FLOWLAUNCH_LEDGER",
    help="File that records every launch; in the user's data folder by default.",
)
@click.option("--routes", "routes_file", type=_FILE, help="TOML file of routes and hooks, reloaded when it changes.")
@click.option("--sandbox", "is_sandbox", is_flag=True, help="Launch in a sandbox of its own, started beside it.")
@click.option("--base-url", default="", metavar="URL", help="How apps reach the gateway, for the URLs in its answers.")
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Host name that requests may be for, beside those of --host and --base-url. Repeatable.",
)
@click.option(
    "--rate",
    metavar="PER_MINUTE",
    help="Requests a minute of this OAuth client, or off; the setting pace_per_minute by default.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1_000),
    default=32,
    show_default=True,
    metavar="N",
    help="Launches in flight at once, for each route.",
)
@click.option(
    "--max-waiting",
    type=click.IntRange(min=1),
    default=100_000,
    show_default=True,
    metavar="N",
    help="Launches that may wait to be sent, for each route.",
)
@click.option(
    "--max-upload",
    "max_upload_mb",
    type=click.IntRange(0, 10_000),
    default=256,
    show_default=True,
    metavar="MB",
    help="Size of the file of a batch; 0 takes no files.",
)
@click.option(
    "--uploads-room",
    "uploads_room_mb",
    type=click.IntRange(min=1),
    default=2_000,
    show_default=True,
    metavar="MB",
    help="Room for the files of batches that are not in the ledger yet.",
)
@callback_options
@ops_options
@click.option("--accept-only", is_flag=True, help="Record launches and leave sending them to another process.")
@click.option("--workers", "hands_over", is_flag=True, help="Have the workers of the ledger launch, see worker run.")
@command_options()
def serve_command(session: Session, ledger: str | None, is_sandbox: bool, **wanted: Any) -> None:  # fmt: skip
    """Serve the gateway until Ctrl-C.

    Prints its URL on standard output. The first Ctrl-C finishes what is under way, the second one ends at once.
    With --sandbox it needs no account and no network, and prints an API key to try things with.
    """
    from flowlaunch.gateway.ops.logs import configure  # noqa: PLC0415 - loads the server and the database library
    from flowlaunch.gateway.serve import new_loop, serve  # noqa: PLC0415

    if wanted["hands_over"]:
        server_ledger(ledger or "a file")
    if session.quiet:
        wanted |= {"log_level": "WARNING", "access_log": False}
    place: Path | str = ledger if ledger and "://" in ledger else Path(ledger) if ledger else default_ledger()
    if isinstance(place, Path):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as stack:
        sandbox = stack.enter_context(_sandbox(place)) if is_sandbox else None
        options = _options(session, place, wanted, sandbox)

        def make_client() -> AsyncClient:
            return session.async_client() if sandbox is None else _sandbox_client(sandbox)

        def announce(state: GatewayState) -> None:
            _announce(session, state, sandbox)

        def join(state: GatewayState) -> None:
            state.drawings = sandbox.drawings if sandbox is not None else None

        stack.callback(configure(options.ops))
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(serve(options, make_client, announce, extra=join))
    if options.ops.log_format != "json":  # whose log has told it
        session.talk("the gateway has stopped")


def _options(session: Session, ledger: Path | str, wanted: dict[str, Any], sandbox: Sandbox | None) -> GatewayOptions:
    from flowlaunch.cli.batch_options import rate_of  # noqa: PLC0415 - as above
    from flowlaunch.gateway.options import GatewayOptions  # noqa: PLC0415

    takes_files = wanted["max_upload_mb"] > 0 and isinstance(ledger, Path)
    by_settings = session.settings.pace_per_minute if sandbox is None else 300.0
    return GatewayOptions(
        ledger=ledger,
        uploads=Path(f"{ledger}.uploads") if takes_files else None,
        routes_file=wanted["routes_file"],
        host=wanted["host"],
        port=wanted["port"],
        base_url=wanted["base_url"],
        allowed_hosts=wanted["allowed_hosts"],
        pace_per_minute=rate_of(wanted["rate"], by_settings),
        concurrency=wanted["concurrency"],
        max_waiting_rows=wanted["max_waiting"],
        max_upload_bytes=wanted["max_upload_mb"] * 1_000_000,
        max_unread_upload_bytes=wanted["uploads_room_mb"] * 1_000_000,
        works=not wanted["accept_only"],
        hands_over=wanted["hands_over"],
        **callback_settings(wanted),
        ops=operated(wanted, is_quiet=session.quiet),
    )


def _sandbox(ledger: Path | str) -> Sandbox:
    """Make a sandbox that keeps its state beside the ledger, so that a restart finds its executions again."""
    from flowlaunch.sandbox import Sandbox  # noqa: PLC0415 - loads the flow language

    return Sandbox(db=Path(f"{ledger}.sandbox") if isinstance(ledger, Path) else None, rate_per_minute=None)


def _sandbox_client(sandbox: Sandbox) -> AsyncClient:
    from flowlaunch.aclient import AsyncClient  # noqa: PLC0415 - loads the HTTP library
    from flowlaunch.settings import Settings  # noqa: PLC0415

    # Settings made here, not loaded: a sandbox never meets the user's own org.
    settings = Settings(region=sandbox.url, client_id="demo", client_secret="demo-secret")  # noqa: S106 - the sandbox's own
    return AsyncClient.from_settings(settings, pace_per_minute=None)


def _announce(session: Session, state: GatewayState, sandbox: Sandbox | None) -> None:
    from flowlaunch.gateway.access.keys import Keys  # noqa: PLC0415 - loads the database library

    keys = Keys(state.ledger.store)
    talk = _voice(session, state.options.ops.log_format)
    session.emit(state.base_url)
    sys.stdout.flush()  # whoever started this waits for the line
    if sandbox is not None:
        talk(f"launching in a sandbox at {sandbox.url}")
        talk(f"an API key to try things with: {_first_key(keys)}")
    elif not keys.all():
        talk("no app can launch yet: create a key with `flowlaunch gateway keys create NAME --scope launch`")
    if sandbox is not None or stderr_is_terminal():
        scope = "operate" if sandbox is None else "admin"
        link = f"{state.base_url}/sign-in#{state.sessions.link('serve', 'operator', [scope])}"
        talk(f"its page, for the next 10 minutes and once: {link}")
    else:  # what is written to a log signs nobody in
        talk(f"to sign in to its page: flowlaunch gateway link --url {state.base_url}")
    talk(f"its API: {state.base_url}/v1/openapi.json. Ctrl-C ends it.")


def _voice(session: Session, log_format: str) -> Callable[[str], None]:
    """Return what says something to the person at the keyboard, or, among lines of JSON, as one of them."""
    if log_format != "json":
        return session.talk
    from flowlaunch.gateway.ops.logs import line_of  # noqa: PLC0415 - loads the server

    return lambda text: session.talk(line_of(text))


def _first_key(keys: Any) -> str:
    """Make the key that a sandbox is tried with; an earlier one ends, its secret is known to nobody any more."""
    held = [one for one in keys.all() if one.name == FIRST_KEY and one.revoked_us is None]
    if held:
        return str(keys.rotate(held[0].key_id, who="serve --sandbox", overlap_s=0).key)
    return str(keys.create(FIRST_KEY, ["admin"], who="serve --sandbox").key)
