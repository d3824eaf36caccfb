"""Wait for executions, on threads: whoever waits reads for all, one due execution at a time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from flowlaunch._core.board import Board, Watch, wait_ended
from flowlaunch._io.forks import renew_after_fork
from flowlaunch.errors import FlowlaunchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowlaunch._io.clock import Clock
    from flowlaunch.models import Execution

READ_S = 10.0
"""Longest time for one reading."""
READERS = 4
"""How many waiting threads may read at once; the rest rest."""


class SyncWaiter:
    """The waiting room of one client."""

    def __init__(self, board: Board, clock: Clock, read: Callable[[str, float], Execution]) -> None:
        self._board, self._clock, self._read = board, clock, read
        self._begin()
        renew_after_fork(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._bells: dict[threading.Event, Watch] = {}
        self._readers = 0
        self._sentinel: threading.Event | None = None

    def begin_process(self) -> None:
        """Forget the waiters of the parent process: their threads are not here to read for anybody."""
        self._begin()
        self._board.clear()

    def wait(self, execution_id: str, wait_s: float, on_status: Callable[[Execution], None] | None = None) -> Execution:
        """Return the execution once it has ended; raise DeadlineError after `wait_s`."""
        ends_s = self._clock.now().mono_s + wait_s
        bell = threading.Event()
        with self._lock:
            watch = self._board.join(execution_id, self._clock.now().mono_s)
            self._bells[bell] = watch
            if self._sentinel is not None:
                self._sentinel.set()  # it may have to be up earlier now
        try:
            return self._watch(watch, bell, ends_s, wait_s, on_status)
        finally:
            with self._lock:
                del self._bells[bell]
                self._board.leave(watch)
                self._ring_one()

    def _watch(
        self,
        watch: Watch,
        bell: threading.Event,
        ends_s: float,
        wait_s: float,
        on_status: Callable[[Execution], None] | None,
    ) -> Execution:
        told = None
        while True:
            latest = watch.latest
            if latest is not None and on_status is not None and latest.status != told:
                told = latest.status
                on_status(latest)
            if watch.error is not None:
                raise watch.error
            if latest is not None and latest.is_final:
                return latest
            now_s = self._clock.now().mono_s
            if now_s >= ends_s:
                raise wait_ended(watch, wait_s)
            self._take_turn(watch, bell, now_s, ends_s)

    def _take_turn(self, watch: Watch, bell: threading.Event, now_s: float, ends_s: float) -> None:
        """Read what is due, or rest: one thread, the sentinel, until something is due, the others until rung for."""
        with self._lock:
            bell.clear()
            if watch.is_settled:  # since this thread last looked: its ring was just silenced
                return
            due = self._board.next_due() if self._readers < READERS else None
            due_s = self._board.due_s(due) if due is not None else ends_s
            if due is not None and due_s <= now_s:
                self._readers += 1
                self._board.begin(due, now_s)
                self._ring_one()
            elif due is not None and self._sentinel is None:
                self._sentinel = bell
                due = None
            else:
                due, due_s = None, ends_s
        if due is not None:
            self._read_one(due, min(READ_S, ends_s - now_s))
            return
        try:
            self._clock.wait(bell, max(0.0, min(ends_s, due_s) - now_s))
        finally:
            with self._lock:
                if self._sentinel is bell:
                    self._sentinel = None

    def _read_one(self, watch: Watch, timeout_s: float) -> None:
        read: Execution | FlowlaunchError | None = None
        try:
            read = self._read(watch.execution_id, timeout_s)
        except FlowlaunchError as error:
            read = error
        finally:
            with self._lock:
                self._readers -= 1
                if read is None:  # an interrupt: the next waiter reads it again
                    watch.is_being_read = False
                else:
                    self._board.record(watch, read, self._clock.now().mono_s)
                for bell, watched in self._bells.items():
                    if watched is watch:
                        bell.set()
                self._ring_one()

    def _ring_one(self) -> None:
        """Wake one resting thread to look at the schedule, unless the sentinel does."""
        if self._sentinel is not None:
            self._sentinel.set()
            return
        bell = next((bell for bell in self._bells if not bell.is_set()), None)
        if bell is not None:
            bell.set()
