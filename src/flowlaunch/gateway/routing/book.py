"""The routes in force: read again when the file changes, kept when the new text is wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from flowlaunch.errors import SettingsError
from flowlaunch.gateway.routing.routes import Routes, read_routes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flowlaunch._io.clock_async import AsyncClock

__all__ = ["RouteBook"]

LOOK_S: Final = 1.0

Stamp = tuple[int, int, int]


class RouteBook:
    """Holds the routes.

    Attributes:
        current: the last routes that were right.
        trouble: why the file as it is now is not in force; "" when it is.

    Raises:
        SettingsError: the file is wrong at the start.

    """

    def __init__(self, path: Path | None, clock: AsyncClock) -> None:
        self._path, self._clock = path, clock
        self._stamp = _stamp(path)
        self._listeners: list[Callable[[Routes], None]] = []
        self.current = Routes() if path is None else read_routes(path, self._now_us())
        self.trouble = ""

    def on_change(self, hear: Callable[[Routes], None]) -> None:
        """Call `hear` with the routes whenever others come into force; SettingsError from it keeps those before."""
        self._listeners.append(hear)

    def reload(self) -> bool:
        """Read the file again; tell whether it is in force. Launches under way keep the route that they began with."""
        if self._path is None:
            return True
        self._stamp = _stamp(self._path)
        try:
            routes = read_routes(self._path, self._now_us())
            for hear in self._listeners:
                hear(routes)
        except SettingsError as error:
            self.trouble = error.message
            return False
        self.current, self.trouble = routes, ""
        return True

    async def watch(self) -> None:
        """Reload whenever the file has changed, until cancelled; a change is taken once it is a look old."""
        seen = self._stamp
        while self._path is not None:
            await self._clock.sleep(LOOK_S)
            stamp = await asyncio.to_thread(_stamp, self._path)
            if stamp == seen and stamp != self._stamp:
                await asyncio.to_thread(self.reload)
            seen = stamp

    def _now_us(self) -> int:
        return round(self._clock.now().unix_s * 1e6)


def _stamp(path: Path | None) -> Stamp | None:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found is not None else None
