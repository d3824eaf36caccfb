"""Settings and health: how the gateway was started, and whether its parts work."""

from __future__ import annotations

import asyncio
import platform
import time
from collections import defaultdict
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from flowlaunch._version import __version__
from flowlaunch.batch.workers.standing import workers_standing
from flowlaunch.errors import FlowlaunchError
from flowlaunch.gateway.store.gauges import probe
from flowlaunch.pages.answers import Page
from flowlaunch.pages.formats import span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from flowlaunch.gateway.state import GatewayState

__all__ = ["Check", "SystemPages"]

UNITS: Final = {
    "_bytes_per_s": "bytes a second", "_per_minute": "a minute", "_bytes": "bytes", "_hours": "h", "_s": "s",
}  # fmt: skip
"""End of a setting's name -> its unit; the first that fits counts."""
GROUPS: Final = {"": "Gateway", "ops": "Operation"}
GROUP_UNITS: Final = {"retention": "days"}


@dataclass(frozen=True, slots=True)
class Check:
    """One part that was looked at."""

    name: str
    is_good: bool
    about: str


class SystemPages:
    """The page about the gateway itself."""

    def __init__(self, state: GatewayState) -> None:
        self._state = state
        self._began_s = time.monotonic()

    async def show(self, request: Request) -> Page:
        """Show settings and health."""
        del request
        values = {
            "checks": await asyncio.to_thread(self._checks),
            "settings": _grouped(self._state.options),
            "version": __version__,
            "python": platform.python_version(),
            "up": span(time.monotonic() - self._began_s),
            "holders": await asyncio.to_thread(self._holders),
            "crew": await asyncio.to_thread(workers_standing, self._state.ledger),
        }
        return Page("settings.html", values)

    def _holders(self) -> list[tuple[str, list[int]]]:
        """Give (process, batches it works on)."""
        found: defaultdict[str, list[int]] = defaultdict(list)
        for one in self._state.ledger.workers():
            found[f"{one.worker.host}, process {one.worker.pid}"].append(one.worker.batch_id)
        return sorted(found.items())

    def _checks(self) -> list[Check]:
        state = self._state
        found = [self._ledger()]
        found.append(Check("Routes file", not state.routes.trouble, state.routes.trouble or "in force"))
        troubles = [one.message for one in state.engine.troubles.values()]
        found.append(Check("Launching", not troubles, "; ".join(troubles) or "nothing stands in its way"))
        if not state.options.works:
            found.append(Check("This process", True, "only accepts; another process launches"))
        found.append(Check("Stopping", not state.is_stopping, "under way" if state.is_stopping else "not asked for"))
        return found

    def _ledger(self) -> Check:
        begun_s = time.perf_counter()
        try:
            probe(self._state.ledger.store)
        except FlowlaunchError as error:
            return Check("Ledger", False, error.message)
        return Check("Ledger", True, f"written in {span(time.perf_counter() - begun_s)}")


def _grouped(options: Any) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return (group, its settings as (name, value)), in the order of the options."""
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for group, name, value in _settings(options):
        found[GROUPS.get(group, group.capitalize())].append((name, value))
    return list(found.items())


def _settings(options: Any, group: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield (group, name, value) of every setting."""
    for field in fields(options):
        value = getattr(options, field.name)
        if is_dataclass(value):
            yield from _settings(value, field.name)
        else:
            ending = next((one for one in UNITS if field.name.endswith(one)), "")
            name = field.name.removesuffix(ending).replace("_", " ")
            yield group, name, _told(field.name, value, UNITS.get(ending, GROUP_UNITS.get(group, "")))


def _told(name: str, value: Any, unit: str) -> str:
    """Write a setting: what is secret only as being there, the address of a database without its password."""
    if value is None and unit == GROUP_UNITS["retention"]:
        return "forever"
    if value in {None, "", ()}:
        return "\N{EN DASH}"
    if "secret" in name:
        return "given"
    match value:
        case bool():
            text = "yes" if value else "no"
        case int():
            text = f"{value:,}"
        case float():
            text = f"{value:,g}"
        case tuple():
            text = ", ".join(map(str, value))
        case _:
            text = _without_password(str(value))
    return f"{text} {unit}".strip()


def _without_password(text: str) -> str:
    if "://" not in text:
        return text
    parts = urlsplit(text)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
