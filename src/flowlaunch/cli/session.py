"""What every command shares: its settings, its client, how it prints and how it talks."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flowlaunch.aclient import AsyncClient
    from flowlaunch.client import Client
    from flowlaunch.hooks import Event
    from flowlaunch.settings import Settings

__all__ = ["Session", "command_options", "early_options"]

_SECRET_FLAGS: Final = (
    "--client-secret",
    "--clientsecret",
    "--secret",
    "--access-token",
    "--accesstoken",
    "--token",
)
TOLD_PAUSE_S: Final = 2.0
"""Pauses from this length on are told, in seconds."""
_FORMAT_NAMES: Final = ("table", "json", "jsonl", "csv")


@dataclass(slots=True)
class Session:
    """One command's run."""

    output: str = "table"
    query: str | None = None
    quiet: bool = False
    profile: str | None = None
    env_file: Path | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    _settings: Settings | None = None

    @property
    def settings(self) -> Settings:
        """The settings in force, read once; their warnings are told once."""
        if self._settings is None:
            from flowlaunch.settings import load_settings  # noqa: PLC0415 - commands without settings need not pay

            self._settings = load_settings(self.given, profile=self.profile, dotenv_file=self.env_file)
            for warning in self._settings.warnings:
                self.talk(f"warning: {warning}")
        return self._settings

    def client(self) -> Client:
        """Make a client of the settings in force."""
        from flowlaunch.client import Client  # noqa: PLC0415 - loads the HTTP library

        return Client.from_settings(self.settings, hooks=self._hear)

    def async_client(self) -> AsyncClient:
        """Make a client for tasks of the settings in force."""
        from flowlaunch.aclient import AsyncClient  # noqa: PLC0415 - loads the HTTP library

        return AsyncClient.from_settings(self.settings, hooks=self._hear)

    def _hear(self, event: Event) -> None:
        """Pass on what a person should know while a call goes on."""
        if event.kind == "warning":
            self.talk(f"warning: {event.outcome}")
        elif event.kind == "pause" and event.elapsed_s >= TOLD_PAUSE_S:
            self.talk(f"waiting {event.elapsed_s:.0f} s before the next attempt")

    def emit(self, value: Any, columns: Mapping[str, str] | None = None) -> None:
        """Write data to standard output in the format that was asked for."""
        from flowlaunch.cli.render import emit  # noqa: PLC0415 - loads the JSON library

        emit(value, self.output, query=self.query, columns=columns or {})

    def talk(self, text: str) -> None:
        """Say something to the person at the keyboard: on standard error, unless --quiet."""
        from flowlaunch.cli.terminal import printable  # noqa: PLC0415

        if not self.quiet:
            sys.stdout.flush()  # keeps the order right where both streams end in one place
            click.echo(printable(text), err=True)

    def flow_or_setting(self, flow: str | None) -> str:
        """Tell the flow to work on: the argument, or the one that the settings name."""
        if flow:
            return flow
        if self.settings.flow:
            self.talk(f"flow {self.settings.flow} (from {self.settings.sources['flow']})")
            return self.settings.flow
        raise click.UsageError("missing argument FLOW: give an id or an exact name, or set GENESYS_FLOW_ID")


def _refuse_secret(_ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise click.UsageError(
            f"there is no option {param.opts[0]}: the process list and the shell's history would show the "
            "secret. Set GENESYSCLOUD_OAUTHCLIENT_SECRET (or GENESYSCLOUD_ACCESS_TOKEN) in the environment, "
            "or store it once with `flowlaunch config set-secret`, which asks for it or reads standard input"
        )


def _secret_traps() -> list[Callable[[Any], Any]]:
    return [
        click.option(flag, hidden=True, is_eager=True, expose_value=False, callback=_refuse_secret)
        for flag in _SECRET_FLAGS
    ]


_OUTPUT_OPTIONS: Final = (
    click.option(
        "-o",
        "--output",
        type=click.Choice(_FORMAT_NAMES),
        default="table",
        show_default=True,
        help="Format of the data on standard output.",
    ),
    click.option("--query", metavar="JMESPATH", help="Show only what this JMESPath expression selects."),
    click.option("-q", "--quiet", is_flag=True, help="Print data and errors only."),
)

_PROFILE_OPTION: Final = click.option("--profile", metavar="NAME", help="Profile to take settings from.")
_UNUSED_PROFILE: Final = click.option("--profile", "unused_profile", hidden=True, expose_value=False)
"""For commands that read no settings, so that a wrapper may add `--profile` to every command."""

_SETTING_OPTIONS: Final = (
    _PROFILE_OPTION,
    click.option("--region", metavar="REGION", help="Region name, domain, host or base URL."),
    click.option("--client-id", metavar="ID", help="OAuth client id; its secret never goes on the command line."),
    click.option("--contract", type=click.Choice(("platform", "guide")), help="Wire contract to speak."),
    click.option(
        "--env-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Read NAME=value lines from this file too, such as .env.",
    ),
)
_GIVEN: Final = ("region", "client_id", "contract", "preflight")


_EVERYWHERE: Final = ("profile", "output", "query", "quiet")
_EARLY: Final = "flowlaunch.early"
"""Where a context keeps what was said before the command."""


def command_options(
    *, settings: bool = True, profile: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options that every command has, and a `Session` as its first argument.

    `settings` False: the command reads no settings. `profile` False: it has a `--profile` of its own.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def command(**values: Any) -> Any:
            values |= {name: value for name, value in _early().items() if name in values and not _is_said(name)}
            shared = {name: values.pop(name) for name in ("output", "query", "quiet")}
            if settings:
                shared |= {name: values.pop(name) for name in ("profile", "env_file")}
                shared["given"] = {name: values.pop(name) for name in _GIVEN if name in values}
            return function(Session(**shared), **values)

        own = _SETTING_OPTIONS if settings else (_UNUSED_PROFILE,) if profile else ()
        return _with_options(command, *own, *_OUTPUT_OPTIONS, *_secret_traps())

    return decorate


def early_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a group take what every command takes, on behalf of the commands that come after it on the line."""

    @functools.wraps(function)
    def group(**values: Any) -> Any:
        early = click.get_current_context().meta.setdefault(_EARLY, {})
        for name in _EVERYWHERE:
            value = values.pop(name)
            if _is_said(name):
                early[name] = value
        return function(**values)

    return _with_options(group, _PROFILE_OPTION, *_OUTPUT_OPTIONS)


def _early() -> dict[str, Any]:
    said: dict[str, Any] = click.get_current_context().meta.get(_EARLY, {})
    return said


def _is_said(name: str) -> bool:
    """Tell whether this option of the command at hand was on the command line."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def _with_options(function: Callable[..., Any], *options: Callable[[Any], Any]) -> Callable[..., Any]:
    for option in reversed(options):
        function = option(function)
    return function
