"""The routes in force: read again when the file changes, kept when the new text is wrong."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from flowlaunch.errors import FlowlaunchError
from flowlaunch.gateway.routing.routes import Routes, changes, read_routes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from flowlaunch._io.clock_async import AsyncClock

__all__ = ["RouteBook"]

LOOK_S: Final = 1.0
log = logging.getLogger("flowlaunch.gateway.routes")

Stamp = tuple[int, int, int]


class RouteBook:
    """Holds the routes.

    Attributes:
        current: the last routes that were right.
        unfit: route -> why the platform's flow does not go with it, as far as is known; see `Fitting`.
        trouble: why the file as it is now is not in force, or not all that goes with it; "" when it is.

    Raises:
        SettingsError: the file is wrong at the start.

    """

    def __init__(self, path: Path | None, clock: AsyncClock) -> None:
        self._path, self._clock = path, clock
        self._stamp = _stamp(path)
        self._listeners: list[Callable[[Routes], Callable[[], None]]] = []
        self._steps: list[Callable[[], None]] = []
        self.current = Routes() if path is None else read_routes(path, self._now_us())
        self.trouble = ""
        self.unfit: Mapping[str, str] = {}

    def on_change(self, prepare: Callable[[Routes], Callable[[], None]]) -> None:
        """Ask `prepare` about other routes: it refuses them with SettingsError or returns what puts them into force.

        Nothing is put into force before everybody has agreed. What fails then is tried again until it is done.
        """
        self._listeners.append(prepare)

    def reload(self) -> bool:
        """Read the file again; tell whether it is in force. Launches under way keep the route that they began with."""
        if self._path is None:
            return True
        self._stamp = _stamp(self._path)
        try:
            routes = read_routes(self._path, self._now_us())
            steps = [prepare(routes) for prepare in self._listeners]
        except FlowlaunchError as error:
            self._tell(error.message)
            return False
        except Exception:
            log.exception("reading the routes file failed")
            self._tell("the routes file could not be read; the log has the details")
            return False
        told = "; ".join(f"{what} {', '.join(names)}" for what, names in changes(self.current, routes).items())
        log.info("the routes file was taken: %s", told or "no route is another")
        self.current = routes
        self._steps += steps
        return self._follow_up()

    def _follow_up(self) -> bool:
        """Take the steps that are left to have everything follow the routes in force; tell whether none is."""
        left, trouble = [], ""
        for step in self._steps:
            try:
                step()
            except FlowlaunchError as error:
                left.append(step)
                trouble = f"the routes are in force, but not all that goes with them yet: {error.message}"
            except Exception:
                log.exception("following the routes file failed")
                left.append(step)
                trouble = "the routes are in force, but not all that goes with them yet; the log has the details"
        self._steps = left
        self._tell(trouble)
        return not left

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            log.warning("the routes file: %s", trouble)
        self.trouble = trouble

    async def watch(self) -> None:
        """Reload whenever the file has changed, until cancelled; a change is taken once it is a look old."""
        seen = self._stamp
        while self._path is not None:
            await self._clock.sleep(LOOK_S)
            stamp = await asyncio.to_thread(_stamp, self._path)
            if stamp == seen and stamp != self._stamp:
                await asyncio.to_thread(self.reload)
            elif self._steps:
                await asyncio.to_thread(self._follow_up)
            seen = stamp

    def _now_us(self) -> int:
        return round(self._clock.now().unix_s * 1e6)


def _stamp(path: Path | None) -> Stamp | None:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found is not None else None
