"""`whoami`: who the credentials speak for."""

from __future__ import annotations

import click

from flowlaunch.cli.session import Session, command_options
from flowlaunch.regions import resolve_region

__all__ = ["whoami_command"]


@click.command("whoami")
@command_options()
def whoami_command(session: Session) -> None:
    """Tell who the credentials speak for.

    Signs in and asks the platform about the token; it needs no permission.
    """
    with session.client() as client:
        identity = client.whoami()
    settings = session.settings
    session.emit(
        {
            "organization": identity.organization_name,
            "organization_id": identity.organization_id,
            "client": identity.client_name,
            "client_id": identity.client_id,
            "grant_type": identity.grant_type,
            "scopes": list(identity.scopes),
            "divisions": list(identity.divisions),
            "api_url": resolve_region(settings.region, login_url=settings.login_url).api_url,
        }
    )
