"""Whose time the ledger goes by: this machine's, or the database server's where several machines share it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from flowlaunch._io.clock import SystemClock
from flowlaunch._io.clock_async import SystemAsyncClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch.batch.ledger.store import Clock

__all__ = ["OwnTime", "ServerTime", "timeline_of"]

MEASURE_EVERY_S: Final = 30.0
CLOSE_ENOUGH_S: Final = 0.05
TRIES: Final = 4
JUMP_US: Final = 250_000
"""A step of the server's clock that is no slewing."""
REMEMBERED_US: Final = 180_000_000


class OwnTime:
    """Go by this machine's clock, or by one made by hand."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now_us(self) -> int:
        """Return the present instant."""
        return round(self._clock.now().unix_s * 1_000_000)

    def from_own(self, own_us: int) -> int:
        """Return an instant of this machine's wall clock by this time: the same."""
        return own_us


class ServerTime:
    """Go by the server's clock: this machine's monotonic one, and the difference measured between the two.

    Callers wait by their machine's wall clock: slots that they are given are converted to it, and back when they return
    them. What a row says (windows, looks) is kept and judged by the server's clock.
    """

    def __init__(self, clock: Clock, ask: Callable[[], int]) -> None:
        self._clock = clock
        self._ask = ask
        self._turn = threading.Lock()
        self._base_us: int | None = None
        self._measured_s = 0.0
        self._given: dict[int, int] = {}

    def now_us(self) -> int:
        """Return the present instant; asks the server when it did not for a while."""
        tries = TRIES
        while tries and (self._base_us is None or self._clock.now().mono_s - self._measured_s > MEASURE_EVERY_S):
            tries -= 1
            self.asked(self._ask)
        return (self._base_us or 0) + round(self._clock.now().mono_s * 1_000_000)

    def asked(self, ask: Callable[[], int]) -> tuple[int, int]:
        """Ask for the server's time; return it, and by how much it has jumped since it was last asked, 0 mostly.

        What a slow answer leaves open is neither a jump nor a new measurement.
        """
        before_s = self._clock.now().mono_s
        server_us = ask()
        after_s = self._clock.now().mono_s
        error_us = round((after_s - before_s) / 2 * 1_000_000)
        base_us = server_us - round((before_s + after_s) / 2 * 1_000_000)
        with self._turn:
            moved_us = base_us - self._base_us if self._base_us is not None else 0
            has_jumped = abs(moved_us) > JUMP_US + error_us
            if self._base_us is None or has_jumped or after_s - before_s <= CLOSE_ENOUGH_S:
                self._base_us, self._measured_s = base_us, after_s
        return server_us, moved_us if has_jumped else 0

    def to_own(self, at_us: int) -> int:
        """Return an instant of the server by this machine's wall clock."""
        moment = self._clock.now()
        return at_us - (self._base_us or 0) + round((moment.unix_s - moment.mono_s) * 1_000_000)

    def from_own(self, own_us: int) -> int:
        """Return an instant of this machine's wall clock by the server's, as last measured."""
        if self._base_us is None:
            return own_us
        moment = self._clock.now()
        return own_us + self._base_us - round((moment.unix_s - moment.mono_s) * 1_000_000)

    def give(self, at_us: int) -> int:
        """Return an instant of the server by this machine's wall clock, and know it when it comes back."""
        own_us = self.to_own(at_us)
        with self._turn:
            while own_us in self._given:
                own_us += 1
            self._given[own_us] = at_us
        return own_us

    def take_back(self, own_us: int) -> int | None:
        """Return the instant of the server that was given, once; None when it was not, or long ago."""
        with self._turn:
            return self._given.pop(own_us, None)

    def forget_old(self, now_us: int) -> None:
        """Forget instants given that lie so far back that nobody will return them."""
        with self._turn:
            self._given = {own: given for own, given in self._given.items() if given > now_us - REMEMBERED_US}


def timeline_of(clock: Clock, ask: Callable[[], int] | None) -> OwnTime | ServerTime:
    """Return the time to go by: the server's where there is one, unless the clock was made by hand."""
    if ask is None or not isinstance(clock, SystemClock | SystemAsyncClock):
        return OwnTime(clock)
    return ServerTime(clock, ask)
