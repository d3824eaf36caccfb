"""The clock that threads wait by; tests put in their own."""

from __future__ import annotations

import threading
import time
from typing import Protocol

from flowlaunch._core.steps import Moment


class Clock(Protocol):
    """Time for threads."""

    def now(self) -> Moment:
        """Read both clocks."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Return when `event` is set, or after `seconds`."""
        ...


class SystemClock:
    """The machine's clocks, for threads."""

    def now(self) -> Moment:
        """Read both clocks."""
        return Moment(time.monotonic(), time.time())

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        time.sleep(seconds)

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Return when `event` is set, or after `seconds`."""
        event.wait(min(seconds, threading.TIMEOUT_MAX))
