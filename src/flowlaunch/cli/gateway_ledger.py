"""Which gateway a command is about: its ledger; and how long things last."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from flowlaunch.gateway.instants import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flowlaunch.batch.ledger.store import Store

__all__ = ["duration_option", "instant", "ledger_option", "store_at"]

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION: Final = re.compile(r"(\d{1,6})([smhd])")


def duration_option(*names: str, **how: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make an option that takes a time such as 90d, 12h, 30m or 0s, and gives it in seconds."""
    return click.option(*names, metavar="TIME", callback=_seconds, **how)


def _seconds(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    found = _DURATION.fullmatch(value.strip())
    if found is None:
        raise click.BadParameter(f"{value!r} is no time: write 90d, 12h, 30m or 0s")
    return int(found[1]) * _UNITS[found[2]]


def ledger_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option that names the gateway's ledger."""
    return click.option(
        "--ledger",
        metavar="PATH",
        envvar="FLOWLAUNCH_LEDGER",
        help="Ledger of the gateway, or the URL of its database; the one of `gateway serve` by default.",
    )(function)


@contextmanager
def store_at(ledger: str | None, *, create: bool = False) -> Iterator[Store]:
    """Open the gateway's ledger, also while the gateway is served; a silent server is not waited for without end."""
    from flowlaunch.batch.ledger import open_ledger  # noqa: PLC0415 - loads the database library
    from flowlaunch.batch.ledger.vigil import Vigil  # noqa: PLC0415 - as above
    from flowlaunch.cli.commands.gateway_serve import default_ledger  # noqa: PLC0415

    place: Path | str = ledger if ledger and "://" in ledger else Path(ledger) if ledger else default_ledger()
    if isinstance(place, Path) and create:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with Vigil() as vigil, open_ledger(place, create=create, on_store=vigil.watch) as opened:
        yield opened.store


def instant(at_us: int | None) -> str | None:
    """Spell an instant as RFC 3339, to the second."""
    return None if at_us is None else moment(at_us).replace(microsecond=0).isoformat().replace("+00:00", "Z")
