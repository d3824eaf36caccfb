"""Which execution to look at next: one schedule for all who wait on one client.

Polling costs requests, and requests are what an org has few of. So an execution is read once for all its
waiters, later and later as it ages, and all reads together keep to a share of the pace.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flowlaunch.errors import (
    ApiError,
    AuthenticationError,
    DeadlineError,
    FlowlaunchError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    TransportError,
)

if TYPE_CHECKING:
    from flowlaunch.models import Execution

FIRST_S: Final = 0.25
"""When an execution is read for the first time, after the wait began."""
AGE_SHARE: Final = 0.2
"""Pause between reads as a share of the time waited: an end is noticed at most a fifth late."""
LONGEST_S: Final = 15.0
MISSING_GRACE_S: Final = 10.0
"""How long a 404 is taken for a launch that the platform's readers do not show yet (guess: no figure is public)."""
LASTING_ERRORS: Final = (AuthenticationError, PermissionDeniedError)


@dataclass(slots=True)
class Watch:
    """One execution that somebody waits for."""

    execution_id: str
    began_s: float
    due_s: float
    waiters: int = 0
    is_being_read: bool = False
    latest: Execution | None = None
    error: FlowlaunchError | None = None
    readings: int = 0
    trouble: FlowlaunchError | None = field(default=None, repr=False)

    @property
    def is_settled(self) -> bool:
        """Whether waiting is over: the execution ended, or reading it cannot succeed."""
        return self.error is not None or (self.latest is not None and self.latest.is_final)


class Board:
    """All watches of one client. Times are monotonic seconds; the caller holds a lock."""

    def __init__(self, reads_per_minute: float | None) -> None:
        self._gap_s = 60.0 / reads_per_minute if reads_per_minute else 0.0
        self._next_free_s = float("-inf")
        self._watches: dict[str, Watch] = {}

    def join(self, execution_id: str, now_s: float) -> Watch:
        """Add one waiter for `execution_id`."""
        watch = self._watches.get(execution_id)
        if watch is None or watch.is_settled:
            watch = Watch(execution_id, now_s, now_s + FIRST_S)
            self._watches[execution_id] = watch
        watch.waiters += 1
        return watch

    def leave(self, watch: Watch) -> None:
        """Take one waiter away; the last one takes the watch along."""
        watch.waiters -= 1
        if not watch.waiters and self._watches.get(watch.execution_id) is watch:
            del self._watches[watch.execution_id]

    def clear(self) -> None:
        """Forget all watches."""
        self._watches = {}

    def next_due(self) -> Watch | None:
        """Return the watch to read next, or None when each is being read or settled."""
        idle = (watch for watch in self._watches.values() if not watch.is_being_read and not watch.is_settled)
        return min(idle, key=lambda watch: watch.due_s, default=None)

    def due_s(self, watch: Watch) -> float:
        """Return when `watch` may be read, the share of the pace included."""
        return max(watch.due_s, self._next_free_s)

    def begin(self, watch: Watch, now_s: float) -> None:
        """Note that `watch` is being read from now on."""
        watch.is_being_read = True
        self._next_free_s = max(self._next_free_s, now_s) + self._gap_s

    def record(self, watch: Watch, read: Execution | FlowlaunchError, now_s: float) -> None:
        """Note what a reading brought, and plan the next one."""
        watch.is_being_read = False
        watch.readings += 1
        age_s = now_s - watch.began_s
        watch.due_s = now_s + min(LONGEST_S, max(FIRST_S, age_s * AGE_SHARE))
        if not isinstance(read, FlowlaunchError):
            watch.latest, watch.trouble = read, None
        elif _is_lasting(read, age_s):
            watch.error = read
        else:
            watch.trouble = read
            retry_s = getattr(read, "retry_after_s", None) or 0.0
            watch.due_s = max(watch.due_s, now_s + min(retry_s, 60.0))


def _is_lasting(error: FlowlaunchError, age_s: float) -> bool:
    if isinstance(error, NotFoundError):
        return age_s >= MISSING_GRACE_S
    if isinstance(error, (TransportError, DeadlineError, RateLimitedError)):  # a throttled sign-in is a 400
        return False
    if isinstance(error, ApiError) and not isinstance(error, LASTING_ERRORS):
        return 400 <= error.status < 500
    return True


def wait_ended(watch: Watch, wait_s: float) -> DeadlineError:
    """Build the error of a wait whose time is spent; the execution goes on."""
    latest = watch.latest
    said = f"it is {latest.status}" if latest is not None else "it was not seen yet"
    trouble = f"; the last reading failed: {watch.trouble.message}" if watch.trouble else ""
    error = DeadlineError(
        f"execution {watch.execution_id} did not end within {wait_s:g} s: {said}{trouble}",
        timeout_s=wait_s,
        hint=f"It goes on by itself; wait again with its id: flowlaunch wait {watch.execution_id}",
    )
    error.details |= {"execution_id": watch.execution_id, "status": latest.status if latest else None}
    return error
