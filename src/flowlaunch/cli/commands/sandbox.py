"""`sandbox serve`: a local Genesys Cloud."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flowlaunch.cli.session import Session, command_options, early_options

if TYPE_CHECKING:
    from flowlaunch.sandbox.server import Announcement

__all__ = ["sandbox_command"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group("sandbox")
@early_options
def sandbox_command() -> None:
    """Run a local Genesys Cloud to launch flows in."""


@sandbox_command.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8085, show_default=True, help="Port; 0 picks one.")
@click.option("--flows", type=_FOLDER, help="Folder of Archy YAML and .i3WorkFlow files, reloaded on change.")
@click.option("--world", type=_FILE, help="World file: OAuth clients, roles, divisions, flows, stubs.")
@click.option("--db", type=click.Path(dir_okay=False, path_type=Path), help="File that keeps the state.")
@click.option("--contract", type=click.Choice(("platform", "guide")), default="platform", show_default=True)
@click.option(
    "--clock",
    type=click.Choice(("real", "virtual", "frozen")),
    default="real",
    show_default=True,
    help="virtual skips the waits of flows; frozen stands still until it is advanced.",
)
@click.option(
    "--rate",
    type=click.IntRange(min=0),
    default=300,
    show_default=True,
    help="Requests a minute for one token; 0 for no limit.",
)
@click.option("--tls", is_flag=True, help="Serve HTTPS with a CA of its own (extra `tls`).")
@command_options(settings=False)
def serve_command(session: Session, rate: int, **options: Any) -> None:
    """Serve a local Genesys Cloud until Ctrl-C.

    Prints its URL on standard output. The built-in world has the OAuth client `demo` with the secret `demo-secret`
    and sample workflows; the control plane is under /sandbox/.
    """
    from flowlaunch.sandbox.options import Options  # noqa: PLC0415 - loads the flow language
    from flowlaunch.sandbox.server import serve  # noqa: PLC0415

    serve(Options(rate_per_minute=rate or None, **options), lambda started: _announce(session, started))
    session.talk("the sandbox has stopped")


def _announce(session: Session, started: Announcement) -> None:
    session.emit(started.url)
    exports = [
        f"GENESYSCLOUD_REGION={started.url}",
        f"GENESYSCLOUD_OAUTHCLIENT_ID={started.client_id} GENESYSCLOUD_OAUTHCLIENT_SECRET={started.shown_secret}",
    ]
    if started.contract != "platform":
        exports.append(f"FLOWLAUNCH_CONTRACT={started.contract}")
    if started.ca_file is not None:
        exports.append(f"FLOWLAUNCH_CA_FILE={started.ca_file}")
    session.talk("\n".join(["In another shell:", *(f"  export {one}" for one in exports)]))
    session.talk("  flowlaunch flows list\nCtrl-C stops it.")
