"""The sandbox's own clock: real, frozen, moved by hand; and whether flows really wait."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import formatdate
from typing import TYPE_CHECKING, Literal

from flowlaunch.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Clock", "iso"]

CLOCK_MODES = ("real", "virtual", "frozen")


def iso(at: float) -> str:
    """Render an instant (seconds since 1970) as the API does: UTC, milliseconds, `Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Clock:
    """Tells the sandbox's time in seconds since 1970, UTC.

    `skips_waits`: a wait of a flow ends at once; the run's own time still moves by its length.
    """

    __slots__ = ("_date", "_date_second", "_frozen_at", "_offset_s", "_source", "skips_waits")

    def __init__(self, mode: str = "real", source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._offset_s = 0.0
        self._frozen_at: float | None = None
        self.skips_waits = False
        self._date_second = -1
        self._date = b""
        self.set_mode(mode)

    @property
    def mode(self) -> Literal["real", "virtual", "frozen"]:
        """Name the mode the clock is in."""
        if self._frozen_at is not None:
            return "frozen"
        return "virtual" if self.skips_waits else "real"

    def now(self) -> float:
        """Give the present instant."""
        return self._source() + self._offset_s if self._frozen_at is None else self._frozen_at

    def set_mode(self, mode: str) -> None:
        """Change to `real`, `virtual` or `frozen` without a jump in time."""
        if mode not in CLOCK_MODES:
            raise SandboxError(f"clock mode {mode!r} is not one of {', '.join(CLOCK_MODES)}")
        if mode == "frozen":
            self.freeze()
        else:
            self.resume()
            self.skips_waits = mode == "virtual"

    def freeze(self, at: float | None = None) -> None:
        """Stand still, now or at the given instant."""
        self._frozen_at = self.now() if at is None else at

    def resume(self) -> None:
        """Go on from the present reading."""
        if self._frozen_at is not None:
            self._offset_s = self._frozen_at - self._source()
            self._frozen_at = None

    def advance(self, seconds: float) -> None:
        """Move forward; time never goes back."""
        if seconds < 0:
            raise SandboxError(f"the clock cannot go back {-seconds} seconds", hint="Restore a snapshot instead.")
        if self._frozen_at is None:
            self._offset_s += seconds
        else:
            self._frozen_at += seconds

    def state(self) -> tuple[float | None, float, bool]:
        """Give what `restore` takes."""
        return self._frozen_at, self._offset_s, self.skips_waits

    def restore(self, state: tuple[float | None, float, bool]) -> None:
        """Go back to an earlier state."""
        self._frozen_at, self._offset_s, self.skips_waits = state

    def http_date(self, now: float) -> bytes:
        """Render a `Date` header, once a second."""
        second = int(now)
        if second != self._date_second:
            self._date_second = second
            self._date = formatdate(second, usegmt=True).encode("ascii")
        return self._date
