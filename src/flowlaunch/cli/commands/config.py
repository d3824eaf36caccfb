"""`config`: settings with their sources, profiles, and secrets without argv."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from flowlaunch.cli.session import Session, command_options, early_options
from flowlaunch.cli.terminal import is_terminal

__all__ = ["config_command"]


@click.group("config", invoke_without_command=True)
@early_options
@click.pass_context
def config_command(ctx: click.Context) -> None:
    """Show and change settings.

    Without a command it shows every setting and where its value came from.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(show_command)


@config_command.command("show")
@command_options()
def show_command(session: Session) -> None:
    """Show every setting, its value and where the value came from.

    Secrets are masked.
    """
    from flowlaunch.settings.fields import FIELDS  # noqa: PLC0415

    settings = session.settings
    rows = [
        {"setting": one.name, "value": settings.shown(one.name), "source": settings.sources[one.name]} for one in FIELDS
    ]
    rows.append({"setting": "profile", "value": settings.profile or "", "source": settings.sources["profile"]})
    session.emit(rows)


@config_command.command("path")
@command_options(settings=False)
def path_command(session: Session) -> None:
    """Tell which file holds the profiles."""
    session.emit(str(_config_file()))


def _config_file() -> Path:
    import os  # noqa: PLC0415

    from flowlaunch.settings.files import config_path  # noqa: PLC0415

    named = os.environ.get("FLOWLAUNCH_CONFIG")
    return Path(named).expanduser() if named else config_path()


@config_command.command("set")
@click.argument("name")
@click.argument("value")
@click.option("--profile", default="default", show_default=True, help="Profile to change; it is made when needed.")
@click.option("--use", is_flag=True, help="Make this the profile that is used when none is named.")
@command_options(settings=False, profile=False)
def set_command(session: Session, name: str, value: str, profile: str, use: bool) -> None:
    """Set the setting NAME to VALUE in a profile.

    Secrets are refused here: see `flowlaunch config set-secret`.
    """
    from flowlaunch.settings.edit import set_value, use_profile  # noqa: PLC0415

    path = _config_file()
    set_value(path, profile, name, value)
    if use:
        use_profile(path, profile)
    session.talk(f"{name} is set in profile {profile} of {path}")


@config_command.command("unset")
@click.argument("name")
@click.option("--profile", default="default", show_default=True, help="Profile to change.")
@command_options(settings=False, profile=False)
def unset_command(session: Session, name: str, profile: str) -> None:
    """Remove the setting NAME from a profile."""
    from flowlaunch.settings.edit import unset_value  # noqa: PLC0415

    path = _config_file()
    unset_value(path, profile, name)
    session.talk(f"{name} is no longer set in profile {profile} of {path}")


@config_command.command("use")
@click.argument("profile")
@command_options(settings=False)
def use_command(session: Session, profile: str) -> None:
    """Use PROFILE whenever none is named."""
    from flowlaunch.settings.edit import use_profile  # noqa: PLC0415

    use_profile(_config_file(), profile)
    session.talk(f"profile {profile} is used when none is named")


@config_command.command("profiles")
@command_options(settings=False)
def profiles_command(session: Session) -> None:
    """List the profiles of flowlaunch and of the gc CLI."""
    from flowlaunch.settings.files import gc_config_path, read_gc_config, read_profiles  # noqa: PLC0415

    ours, theirs = read_profiles(_config_file()), read_gc_config(gc_config_path())
    session.emit(
        [
            {
                "profile": name,
                "region": str(values.get("region", "")),
                "client_id": str(values.get("client_id", "")),
                "default": file is ours and name == (ours.default_profile or "default"),
                "file": str(file.path),
            }
            for file in (ours, theirs)
            for name, values in file.profiles.items()
        ]
    )


@config_command.command("set-secret")
@click.option("--client-id", metavar="ID", help="OAuth client the secret belongs to; the one in force by default.")
@click.option("--profile", metavar="NAME", help="Profile whose OAuth client the secret belongs to.")
@click.option("--file", "in_file", is_flag=True, help="Keep it in a file of mode 0600 instead of the keyring.")
@command_options(settings=False, profile=False)
def set_secret_command(session: Session, client_id: str | None, profile: str | None, in_file: bool) -> None:
    """Store an OAuth client's secret in the system's keyring.

    Asks for the secret on a terminal; otherwise reads one line from standard input. Without a keyring it goes
    to a file that only you can read, and a warning says so.
    """
    from flowlaunch.settings import load_settings  # noqa: PLC0415
    from flowlaunch.settings.secrets import (  # noqa: PLC0415
        FILE_NAME,
        note_in_keyring,
        store_in_file,
        store_in_keyring,
    )

    owner = client_id or load_settings(profile=profile, keyring=lambda _id: None).client_id
    if not owner:
        raise click.UsageError("no OAuth client id is set: give --client-id")
    secret = _read_secret(owner)
    path = _config_file().with_name(FILE_NAME)
    if not in_file and store_in_keyring(owner, secret):
        note_in_keyring(path, owner)
        session.talk(f"the secret of client {owner} is in the keyring")
        return
    store_in_file(path, owner, secret)
    session.talk(f"the secret of client {owner} is in {path} (mode 0600)")
    cure = "" if in_file else ": no keyring works here; pip install 'flowlaunch[keyring]' on a desktop"
    session.talk(f"warning: it is kept as plain text{cure}")


def _read_secret(client_id: str) -> str:
    if is_terminal(sys.stdin):
        secret = click.prompt(f"Secret of client {client_id}", hide_input=True, err=True)
    else:
        secret = sys.stdin.readline()
    secret = str(secret).strip()
    if not secret:
        raise click.UsageError("the secret is empty; nothing was stored")
    return secret
