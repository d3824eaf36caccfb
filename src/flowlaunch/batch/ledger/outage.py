"""Who tries to reach a database server that is away, and when: one thread of a process at a time, ever more seldom."""

from __future__ import annotations

import math
import os
import socket
import threading
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from flowlaunch._io.chance import CHANCE

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LONGEST_WAIT_S", "Lines", "Outage", "break_off_later"]

FIRST_WAIT_S: Final = 0.05
LONGEST_WAIT_S: Final = 4.0
LEAVE_S: Final = 10.0
"""As long as leaving may take: by then nothing waits for the database that is worth more than the process's end."""


class Outage:
    """Spaces out the attempts of all threads of this process, so that many of them do not storm a server.

    Begun by a failure, ended by a success; while it lasts `may_try` lets one thread through at a time.
    """

    def __init__(
        self,
        *,
        now_s: Callable[[], float] = time.monotonic,
        part: Callable[[], float] = lambda: CHANCE.uniform(0.5, 1.0),  # so that processes do not meet
    ) -> None:
        self._now_s, self._part = now_s, part
        self._changed = threading.Condition()
        self._next_s: float | None = None
        self._wait_s = FIRST_WAIT_S
        self._is_for_good = False
        self._ended_s = -math.inf

    @property
    def over_since_s(self) -> float:
        """How long ago the last one ended; infinite when there was none."""
        return self._now_s() - self._ended_s

    def may_try(self, until_s: float) -> bool:
        """Wait for this thread's turn to try; False when it does not come by `until_s`. Tell then how it went."""
        with self._changed:
            while self._next_s is not None and not self._is_for_good:
                now_s = self._now_s()
                if now_s >= self._next_s:
                    self._next_s = math.inf
                    return True
                if now_s >= until_s:
                    return False
                self._changed.wait(min(self._next_s, until_s) - now_s)
            return not self._is_for_good

    def failed(self, *, longest_s: float = LONGEST_WAIT_S) -> None:
        """Take in that an attempt failed; the next one comes within `longest_s`."""
        with self._changed:
            if self._next_s is None or self._next_s == math.inf:
                self._next_s = self._now_s() + min(longest_s, self._wait_s) * self._part()
                self._wait_s = min(LONGEST_WAIT_S, self._wait_s * 2)
                self._changed.notify_all()

    def over(self) -> None:
        """Take in that the server answered: everybody may go on."""
        if self._next_s is None:
            return
        with self._changed:
            self._next_s, self._wait_s = None, FIRST_WAIT_S
            self._ended_s = self._now_s()
            self._changed.notify_all()

    def give_up(self) -> None:
        """Have nobody wait or try any more."""
        with self._changed:
            self._is_for_good = True
            self._changed.notify_all()


class _Connection(Protocol):
    def fileno(self) -> int: ...


class Lines:
    """The open connections of a process, so that they can be broken: a server that hangs answers on none of them."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._open: weakref.WeakSet[Any] = weakref.WeakSet()
        self._is_for_good = False

    def add(self, connection: _Connection) -> None:
        """Take in a new connection, before anything is asked on it."""
        with self._turn:
            self._open.add(connection)
            is_too_late = self._is_for_good
        if is_too_late:
            _shut(connection)

    def break_off(self, *, for_good: bool = False) -> None:
        """Shut every connection: whoever waits for an answer on it, in whatever thread, gets an error instead.

        `for_good`: those that are still to come as well.
        """
        with self._turn:
            self._is_for_good = self._is_for_good or for_good
            found = list(self._open)
        for one in found:
            _shut(one)


def _shut(connection: _Connection) -> None:
    with suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as line:  # closed ones have no number
        line.shutdown(socket.SHUT_RDWR)


class _BreakOff(Protocol):
    def __call__(self, *, for_good: bool) -> None: ...


def break_off_later(break_off: _BreakOff) -> None:
    """Break what threads still wait for, should that hang, when a process leaves: it would wait for them."""
    timer = threading.Timer(LEAVE_S, break_off, kwargs={"for_good": True})
    timer.daemon = True
    timer.start()
