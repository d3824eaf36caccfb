"""The options of `gateway serve` about how it is operated: log, metrics, traces, what is kept, backups."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.gateway.ops.options import OpsOptions, Retention

__all__ = ["KEPT", "kept_options", "operated", "ops_options", "retention_of"]

KEPT: Final = {
    "launches": ("90", "launches, with their callbacks and idempotency keys,"),
    "batches": ("90", "uploaded batches"),
    "messages": ("30", "webhook messages"),
    "audit": ("730", "lines of the audit log"),
}
"""What is kept -> for how many days unless told otherwise, and what that is."""
_OWN: Final = ("log_format", "log_level", "access_log", "traces", "metrics", "backups", "backup_every", "backup_keep",
               "ready_without_platform", "max_connections")  # fmt: skip


class Days(click.ParamType[float | None]):
    """A number of days, or `forever`."""

    name = "days"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        """Return the number; None for ever."""
        if value == "forever":
            return None
        try:
            days = float(value)
        except ValueError:
            days = -1.0
        if not 0 < days < 100_000:
            self.fail(f"{value!r} is neither a number of days nor `forever`", param, ctx)
        return days


def kept_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say how long things are kept."""
    for name, (days, about) in reversed(KEPT.items()):
        option = click.option(
            f"--keep-{name}", type=Days(), default=days, show_default=True, metavar="DAYS",
            help=f"Days after their end that {about} are kept, or `forever`.",
        )  # fmt: skip
        function = option(function)
    return function


def ops_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options about how the gateway is operated."""
    options = (
        click.option(
            "--log-format", type=click.Choice(("text", "json")), default="text", show_default=True,
            help="Of the log on standard error: for people, or one JSON object a line.",
        ),
        click.option(
            "--log-level", type=click.Choice(("DEBUG", "INFO", "WARNING", "ERROR"), case_sensitive=False),
            default="INFO", show_default=True, help="From which level on records are written.",
        ),
        click.option("--access-log/--no-access-log", default=True, show_default=True, help="Log each request."),
        click.option("--traces", is_flag=True, help="Send OpenTelemetry traces by OTLP (extra `otel`)."),
        click.option(
            "--metrics", type=click.Choice(("loopback", "key", "open", "off")), default="loopback", show_default=True,
            help="Who may read /metrics: this machine or a key that may read, only such a key, anybody, nobody.",
        ),
        click.option(
            "--ready-without-platform", is_flag=True,
            help="Be ready also while the platform cannot be reached: launches wait in the queue.",
        ),
        click.option(
            "--max-connections", type=click.IntRange(1, 100_000), default=2_000, show_default=True, metavar="N",
            help="Connections at once; a further one is answered 503.",
        ),
        click.option(
            "--backups", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
            help="Copy the ledger into this folder while it is served, and check each copy.",
        ),
        click.option(
            "--backup-every", type=click.FloatRange(min=0.01), default=24.0, show_default=True, metavar="HOURS",
            help="Hours between two copies.",
        ),
        click.option(
            "--backup-keep", type=click.IntRange(1, 10_000), default=7, show_default=True, metavar="N",
            help="Copies that are kept.",
        ),
    )  # fmt: skip
    function = kept_options(function)
    for option in reversed(options):
        function = option(function)
    return function


def retention_of(wanted: dict[str, Any]) -> Retention:
    """Return how long things are kept, taking its options out of `wanted`."""
    from flowlaunch.gateway.ops.options import Retention  # noqa: PLC0415 - help need not pay

    return Retention(**{name: wanted.pop(f"keep_{name}") for name in KEPT})


def operated(wanted: dict[str, Any], *, is_quiet: bool = False) -> OpsOptions:
    """Return how the gateway is operated, taking its options out of `wanted`; quiet ones log errors."""
    from flowlaunch.gateway.ops.options import ORG_SILENCE_S, BackupOptions, ConnectionLimits, OpsOptions  # noqa: PLC0415 - as above

    given = {name: wanted.pop(name) for name in _OWN}
    folder = given["backups"]
    backups = None
    if folder is not None:
        backups = BackupOptions(folder=folder, every_hours=given["backup_every"], keep=given["backup_keep"])
    return OpsOptions(
        log_format=given["log_format"],
        log_level="ERROR" if is_quiet else given["log_level"].upper(),
        access_log=given["access_log"],
        traces=given["traces"],
        metrics=given["metrics"],
        org_silence_s=None if given["ready_without_platform"] else ORG_SILENCE_S,
        connections=ConnectionLimits(most=given["max_connections"]),
        retention=retention_of(wanted),
        backups=backups,
    )
